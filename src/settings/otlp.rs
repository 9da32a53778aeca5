//! Where traces go: `otlp_endpoint` and what belongs to it, with OpenTelemetry's own variables as the weakest source.

use super::reading::Fault;
use super::units::list;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// A collector of OpenTelemetry's, spoken to over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// Whether over TLS.
    pub https: bool,
    /// A name or an address, without brackets.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// The `Host` header.
    pub authority: HeaderValue,
    /// The path of requests.
    pub path: Box<str>,
    /// Headers that it wants besides. They may hold keys, and are not shown.
    pub headers: HeaderMap,
    /// What this service is called.
    pub service: Box<str>,
}

/// The path that the specification gives (OTLP, "OTLP/HTTP Request").
const TRACES: &str = "/v1/traces";

/// `otlp_endpoint`: a whole URL; without a path it gets the usual one.
pub(super) fn endpoint(text: &str) -> Result<Otlp, Fault> {
    let wrong = || Fault::Type("http or https URL");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let https = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
    let path = if uri.path() == "/" { TRACES } else { uri.path() };
    Ok(Otlp {
        https,
        host: authority.host().trim_matches(['[', ']']).into(),
        port: uri.port_u16().unwrap_or(if https { 443 } else { 80 }),
        authority: HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?,
        path: path.into(),
        headers: HeaderMap::new(),
        service: "gateway".into(),
    })
}

/// `otlp_headers`: `NAME=VALUE, …`, values with percent escapes (W3C Baggage, as OpenTelemetry says).
pub(super) fn headers(text: &str) -> Result<HeaderMap, Fault> {
    let wrong = || Fault::Message("otlp_headers must be a list of NAME=VALUE".to_owned());
    let mut headers = HeaderMap::new();
    for pair in list(text) {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        let value: Vec<u8> = percent_decode_str(value.trim()).collect();
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// What OpenTelemetry's variables say, as settings.
pub(super) fn standard(env: &dyn Fn(&str) -> Option<String>) -> impl Iterator<Item = (String, String)> {
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let whole = |base: String| format!("{}{TRACES}", base.trim_end_matches('/'));
    let endpoint = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").map(whole));
    let headers = set("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| set("OTEL_EXPORTER_OTLP_HEADERS"));
    let all = [("otlp_endpoint", endpoint), ("otlp_headers", headers), ("otlp_service_name", set("OTEL_SERVICE_NAME"))];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_endpoint_is_a_url() {
        let read =
            |text: &str| endpoint(text).map(|it| (it.https, it.host.to_string(), it.port, it.path.to_string())).ok();
        let some = |https, host: &str, port, path: &str| Some((https, host.to_owned(), port, path.to_owned()));
        assert_eq!(read("http://c:4318"), some(false, "c", 4318, "/v1/traces"));
        assert_eq!(read("https://[::1]/in"), some(true, "::1", 443, "/in"));
        for wrong in ["c:4318", "grpc://c", "http://u:p@c", "http://", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn headers_are_secrets() {
        let read = headers("api-key=a%20b, x=y=z").unwrap();
        assert_eq!(
            (&read["api-key"], &read["x"]),
            (&HeaderValue::from_static("a b"), &HeaderValue::from_static("y=z"))
        );
        assert!(!format!("{read:?}").contains("a b"));
        assert!(headers("a").is_err() && headers("a b=c").is_err() && headers("a=%0a").is_err());
    }

    #[test]
    fn variables_of_the_standard() {
        let told = |set: &[(&str, &str)]| {
            let env = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            standard(&env).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(told(&[]), [""; 0]);
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/a/");
        assert_eq!(
            told(&[base, ("OTEL_SERVICE_NAME", "edge")]),
            ["otlp_endpoint=http://c:4318/a/v1/traces", "otlp_service_name=edge"]
        );
        assert_eq!(told(&[base, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://d/x")]), ["otlp_endpoint=http://d/x"]);
    }
}
