//! A request that nobody sent: what `gateway explain` is asked about, and how it would look to a worker. Pure.

use crate::body::Body;
use crate::proxy::client::{Connection, Tls};
use crate::settings::{Listen, Settings};
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use http_body::Frame;
use http_body_util::StreamBody;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// As given.
    pub method: String,
    /// Whether the client speaks TLS.
    pub tls: bool,
    /// The port that the URL names.
    pub port: Option<u16>,
    /// The server name that a TLS client asks for.
    pub sni: Option<String>,
    /// The request target, byte for byte.
    pub target: String,
    /// All headers, `Host` among them, as given.
    pub headers: Vec<(String, String)>,
    /// The other end of the connection.
    pub from: IpAddr,
    /// The body.
    pub body: Bytes,
    /// The version that the client speaks.
    pub version: Version,
}

// === impl Question ===

impl Question {
    /// A request as clients make it of a URL, over HTTP/1.1 and from this machine.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(method: &str, url: &str) -> Result<Self, String> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| format!("`{url}` is no URL: it begins with neither http:// nor https://"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            other => return Err(format!("`{url}` is no URL of HTTP: its scheme is `{other}`")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) =
            host_and_port(authority).ok_or_else(|| format!("`{authority}` in the URL is no HOST or HOST:PORT"))?;
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self {
            method: method.to_owned(),
            tls,
            port,
            // An address is no server name (RFC 6066 §3).
            sni: (tls && host.parse::<IpAddr>().is_err() && !host.starts_with('[')).then(|| host.to_ascii_lowercase()),
            target,
            headers: vec![("Host".to_owned(), authority.to_owned())],
            from: Ipv4Addr::LOCALHOST.into(),
            body: Bytes::new(),
            version: Version::HTTP_11,
        })
    }

    /// Adds a header line; the first `Host` takes the place of the URL's.
    #[must_use]
    pub fn with_headers(mut self, lines: Vec<(String, String)>) -> Self {
        if lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
        }
        self.headers.extend(lines);
        self
    }

    /// Adds a body. Its length is announced, unless the headers say that it is chunked.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        if !self.has("content-length") && !self.has("transfer-encoding") {
            self.headers.push(("Content-Length".to_owned(), body.len().to_string()));
        }
        self.body = body;
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// The connection that it would come over: at the port that the URL names, else at the first listener that speaks
    /// as the URL says. A server name that wants certificates finds that the client showed one.
    #[must_use]
    pub fn connection(&self, settings: &Settings, snapshot: &Snapshot) -> Connection {
        let listen = self.listen(settings);
        let usual = if self.tls { 443 } else { 80 };
        let port = self.port.or_else(|| Some(listen?.address.port())).unwrap_or(usual);
        let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let tls = self.tls.then(|| Tls {
            handshake: None,
            sni: self.sni.as_deref().map(Into::into),
            auth: self.sni.as_deref().and_then(|name| snapshot.certificates.clients.find(name)).cloned(),
            client_cert: None,
        });
        Connection::new(SocketAddr::new(self.from, 0), local, tls, settings)
    }

    fn listen<'a>(&self, settings: &'a Settings) -> Option<&'a Listen> {
        settings.proxy_listen.iter().find(|listen| listen.ssl == self.tls)
    }

    /// What is not so, but taken for granted.
    #[must_use]
    pub fn notes(&self, settings: &Settings) -> Vec<String> {
        let (scheme, kind) = if self.tls { ("https", "speaks TLS") } else { ("http", "is without TLS") };
        let missing = self.listen(settings).is_none();
        let none = missing.then(|| format!("no listener {kind} (proxy_listen): this {scheme} request cannot come in"));
        none.into_iter().collect()
    }

    /// The request itself.
    ///
    /// # Errors
    /// What of it no parser of HTTP takes.
    pub fn request(&self) -> Result<Request<Body>, String> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.version = self.version;
        let no_method = |_| format!("`{}` is no method", self.method);
        parts.method = Method::from_bytes(self.method.as_bytes()).map_err(no_method)?;
        for (name, value) in &self.headers {
            let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header name"))?;
            let value = HeaderValue::from_bytes(value.trim().as_bytes());
            parts.headers.append(field, value.map_err(|_| format!("the value of `{name}` holds what no header may"))?);
        }
        parts.uri = self.uri(&mut parts.headers)?;
        let chunked = parts.headers.contains_key(header::TRANSFER_ENCODING);
        let body = self.body.clone();
        let body = if chunked && !body.is_empty() { unmeasured(body) } else { Body::full(body) };
        Ok(Request::from_parts(parts, body))
    }

    /// Over HTTP/2 the host is the authority.
    fn uri(&self, headers: &mut http::HeaderMap) -> Result<Uri, String> {
        let wrong = || format!("`{}` is no request target: it holds what must be escaped", self.target);
        let uri = Uri::try_from(self.target.as_bytes()).map_err(|_| wrong())?;
        let host = if self.version == Version::HTTP_2 { headers.remove(header::HOST) } else { None };
        let Some(host) = host else { return Ok(uri) };
        let scheme = if self.tls { "https" } else { "http" };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let built = Uri::builder().scheme(scheme).authority(host.as_bytes()).path_and_query(target).build();
        built.map_err(|_| wrong())
    }

    /// The URL as people write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host().unwrap_or_default(), self.target)
    }

    fn host(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| &**value)
    }

    /// The TLS server name, if the request is for another host.
    #[must_use]
    pub fn other_server_name(&self) -> Option<&str> {
        let name = self.sni.as_deref().filter(|_| self.tls)?;
        let host = self.host().and_then(host_and_port).map(|(host, _)| host.to_ascii_lowercase());
        (host.as_deref() != Some(name)).then_some(name)
    }
}

/// A body whose length is not known until its end.
fn unmeasured(body: Bytes) -> Body {
    let frames = futures_util::stream::iter([Ok::<_, Infallible>(Frame::data(body))]);
    Body::boxed(http_body_util::BodyExt::map_err(StreamBody::new(frames), |never| match never {}))
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end_of_name = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[end_of_name..].split_once(':') {
        Some((_, port)) => (&authority[..authority.len() - port.len() - 1], Some(port.parse().ok()?)),
        None => (authority, None),
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_makes_a_request() {
        let question = Question::new("GET", "https://A.test:8443/a?b=c#d").unwrap();
        assert_eq!((question.tls, question.port, question.sni.as_deref()), (true, Some(8443), Some("a.test")));
        assert_eq!((&*question.target, question.url()), ("/a?b=c", "https://A.test:8443/a?b=c".to_owned()));
        let question = Question::new("GET", "http://[::1]?x").unwrap();
        assert_eq!((question.port, question.sni, &*question.target), (None, None, "/?x"));
        let request = Question::new("GET", "http://u:p@a.test").unwrap().request().unwrap();
        assert_eq!((&request.headers()["host"], request.uri().path()), (&HeaderValue::from_static("a.test"), "/"));
    }

    #[test]
    fn what_is_no_url_is_told() {
        for (url, why) in [
            ("a.test/x", "is no URL:"),
            ("ftp://a/", "its scheme is `ftp`"),
            ("http://:80/", "is no HOST"),
            ("http://a:x/", "is no HOST"),
        ] {
            assert!(Question::new("GET", url).unwrap_err().contains(why), "{url}");
        }
    }

    #[test]
    fn a_host_header_takes_the_urls_place() {
        let lines = vec![("host".to_owned(), "b".to_owned()), ("X".to_owned(), "1".to_owned())];
        let question = Question::new("POST", "http://a/").unwrap().with_headers(lines).with_body("abc".into());
        let request = question.request().unwrap();
        let lines: Vec<_> = request.headers().iter().map(|(n, v)| format!("{n}:{}", v.to_str().unwrap())).collect();
        assert_eq!(lines, ["host:b", "x:1", "content-length:3"]);
        let question = Question { version: Version::HTTP_2, ..question };
        assert_eq!(question.request().unwrap().uri(), "http://b/");
    }

    #[test]
    fn what_no_parser_takes_is_told() {
        let question = Question::new("GET", "http://a/").unwrap();
        assert!(Question { target: "/a b".into(), ..question.clone() }.request().is_err());
        assert!(Question { method: "G T".into(), ..question.clone() }.request().is_err());
        assert!(question.with_headers(vec![("a b".into(), String::new())]).request().is_err());
    }
}
