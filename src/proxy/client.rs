//! Who the client is: its connection, the trust it enjoys, and its address after real-ip processing
//! (`kong/proxying.md` §1). Pure.

use super::activity::Activity;
use crate::observe::traffic::Traffic;
use crate::plugin::record::Handshake;
use crate::settings::Settings;
use crate::snapshot::ClientAuth;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What all requests of one client connection share. Header values are made once here, not per request.
#[derive(Debug)]
pub struct Connection {
    /// The socket's other end.
    pub peer: SocketAddr,
    /// What its handshake said; `None` without TLS.
    pub tls: Option<Tls>,
    /// Whether its forwarded headers are believed.
    pub trusted: bool,
    /// The client that a trusted balancer named in its PROXY header, where that is what counts.
    named: Option<IpAddr>,
    /// Its requests under way.
    pub activity: Activity,
    /// The address and port that the client connected to.
    pub server: SocketAddr,
    /// Its number; 0 where nobody counts.
    pub serial: u64,
    /// The peer's address as a header value.
    pub peer_text: HeaderValue,
    /// The port that the client sees (`port_maps` applied).
    pub port: u16,
    /// The same as a header value.
    pub port_text: HeaderValue,
}

/// What a TLS handshake said.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The server name that was asked for.
    pub sni: Option<Box<str>>,
    /// Whom the listener, or the name, lets in.
    pub auth: Option<Arc<ClientAuth>>,
    /// Version and cipher; `None` where nobody looked.
    pub handshake: Option<Handshake>,
    /// The client's certificate as `Client-Cert` carries it (RFC 9440).
    pub client_cert: Option<HeaderValue>,
}

// === impl Connection ===

impl Connection {
    /// Looks at a new connection once.
    #[must_use]
    pub fn new(peer: SocketAddr, local: SocketAddr, tls: Option<Tls>, settings: &Settings) -> Self {
        let ip = unmapped(peer.ip());
        let port = settings.port_maps.get(&local.port()).copied().unwrap_or(local.port());
        Self {
            peer: SocketAddr::new(ip, peer.port()),
            tls,
            trusted: is_trusted(ip, &settings.trusted_ips),
            named: None,
            activity: Activity::default(),
            server: SocketAddr::new(unmapped(local.ip()), local.port()),
            serial: 0,
            peer_text: address_value(ip),
            port,
            port_text: HeaderValue::from(port),
        }
    }

    /// The same, behind a balancer whose PROXY header named this client. As in nginx: the balancer must be trusted, it
    /// stays the peer, and only `real_ip_header = proxy_protocol` believes it.
    #[must_use]
    pub fn named(self, client: Option<SocketAddr>, settings: &Settings) -> Self {
        let believed = self.trusted && settings.real_ip_header.is_none();
        Self { named: client.filter(|_| believed).map(|client| unmapped(client.ip())), ..self }
    }

    /// The same, counted by the worker that it came to.
    #[must_use]
    pub fn counted(self, worker: &Arc<Traffic>) -> Self {
        Self { activity: Activity::at(worker), ..self }
    }

    /// The same, with a number.
    #[must_use]
    pub fn numbered(self, serial: u64) -> Self {
        Self { serial, ..self }
    }

    /// `http` or `https`, by the listener.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The server name that it asked for.
    #[must_use]
    pub fn sni(&self) -> Option<&str> {
        self.tls.as_ref()?.sni.as_deref()
    }

    /// Whether the client speaks https: a trusted peer's first `X-Forwarded-Proto` says so, or else the listener.
    #[must_use]
    pub fn https(&self, headers: &HeaderMap) -> bool {
        let said = if self.trusted { headers.get("x-forwarded-proto") } else { None };
        said.map_or(self.tls.is_some(), |proto| proto == "https")
    }

    /// The client's address: the peer's, or what a trusted peer says in the PROXY or the real-ip header.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap, settings: &Settings) -> IpAddr {
        let peer = self.named.unwrap_or(self.peer.ip());
        match settings.real_ip_header.as_ref().filter(|_| self.trusted) {
            Some(name) => real_ip(headers.get_all(name).iter(), peer, settings),
            None => peer,
        }
    }
}

/// An IPv4 address that arrived on a dual-stack socket is an IPv4 address.
fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// An address as a header value.
#[must_use]
pub fn address_value(ip: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&ip.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn is_trusted(ip: IpAddr, nets: &[IpNet]) -> bool {
    nets.iter().any(|net| net.contains(&ip))
}

/// nginx's real-ip module: the last address of the list, or (recursive) the last one that is not trusted. An entry
/// that is no address ends the search, and what was found before it counts. Several lines are one list: a proxy may
/// add what it knows as a line of its own, below a forged one.
fn real_ip<'a>(lines: impl DoubleEndedIterator<Item = &'a HeaderValue>, peer: IpAddr, settings: &Settings) -> IpAddr {
    let mut found = peer;
    for entry in lines.rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        let Some(ip) = parse_entry(entry.trim()) else { break };
        found = ip;
        if !settings.real_ip_recursive || !is_trusted(ip, &settings.trusted_ips) {
            break;
        }
    }
    found
}

/// `1.2.3.4`, `1.2.3.4:5678`, `::1`, `[::1]`, `[::1]:80`.
fn parse_entry(text: &str) -> Option<IpAddr> {
    let ip = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    ip.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(unmapped)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(recursive: bool) -> Settings {
        Settings {
            trusted_ips: vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            real_ip_recursive: recursive,
            ..Settings::default()
        }
    }

    fn client(peer: &str, header: &str, recursive: bool) -> String {
        client_of(peer, &[header], recursive)
    }

    fn client_of(peer: &str, lines: &[&str], recursive: bool) -> String {
        let settings = settings(recursive);
        let local = "127.0.0.1:80".parse().unwrap();
        let connection = Connection::new(peer.parse().unwrap(), local, None, &settings);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-real-ip", HeaderValue::from_str(line).unwrap());
        }
        connection.client(&headers, &settings).to_string()
    }

    #[test]
    fn only_trusted_peers_are_believed() {
        assert_eq!(client("8.8.8.8:1", "1.2.3.4", false), "8.8.8.8");
        assert_eq!(client("127.0.0.1:1", "1.2.3.4", false), "1.2.3.4");
        assert_eq!(client("[::ffff:127.0.0.1]:1", "1.2.3.4", false), "1.2.3.4");
    }

    fn named(peer: &str, client: Option<&str>, header: Option<&'static str>) -> String {
        let real_ip_header = header.map(http::HeaderName::from_static);
        let settings = Settings { real_ip_header, ..settings(false) };
        let local = "127.0.0.1:80".parse().unwrap();
        let client = client.map(|address| address.parse().unwrap());
        let connection = Connection::new(peer.parse().unwrap(), local, None, &settings).named(client, &settings);
        assert_eq!(connection.peer.to_string(), peer, "the balancer stays the peer");
        connection.client(&HeaderMap::new(), &settings).to_string()
    }

    #[test]
    fn a_balancer_is_believed_if_trusted_and_if_its_word_is_what_counts() {
        assert_eq!(named("10.0.0.1:1", Some("192.0.2.7:9"), None), "192.0.2.7");
        assert_eq!(named("10.0.0.1:1", Some("[2001:db8::7]:9"), None), "2001:db8::7");
        assert_eq!(named("10.0.0.1:1", Some("[::ffff:192.0.2.7]:9"), None), "192.0.2.7");
        assert_eq!(named("10.0.0.1:1", None, None), "10.0.0.1");
        assert_eq!(named("8.8.8.8:1", Some("192.0.2.7:9"), None), "8.8.8.8");
        assert_eq!(named("10.0.0.1:1", Some("192.0.2.7:9"), Some("x-real-ip")), "10.0.0.1");
    }

    #[test]
    fn cloudflare_is_believed_and_nobody_else() {
        let settings = Settings {
            trusted_ips: crate::settings::cloudflare::networks().collect(),
            real_ip_header: Some(http::HeaderName::from_static("cf-connecting-ip")),
            ..Settings::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert("cf-connecting-ip", HeaderValue::from_static("192.0.2.7"));
        let client = |peer: &str| {
            let local = "127.0.0.1:443".parse().unwrap();
            let connection = Connection::new(peer.parse().unwrap(), local, Some(Tls::default()), &settings);
            connection.client(&headers, &settings).to_string()
        };
        assert_eq!(client("104.16.0.1:1"), "192.0.2.7");
        assert_eq!(client("[2606:4700::1]:1"), "192.0.2.7");
        assert_eq!(client("198.51.100.1:1"), "198.51.100.1");
    }

    #[test]
    fn a_trusted_peer_says_whether_it_was_https() {
        let local = "127.0.0.1:80".parse().unwrap();
        let https = |peer: &str, tls: bool, said: &'static str| {
            let connection = Connection::new(peer.parse().unwrap(), local, tls.then(Tls::default), &settings(false));
            let said =
                (!said.is_empty()).then(|| ("x-forwarded-proto".parse().unwrap(), HeaderValue::from_static(said)));
            connection.https(&said.into_iter().collect())
        };
        let (trusted, stranger) = ("127.0.0.1:1", "8.8.8.8:1");
        assert!(https(trusted, false, "https") && !https(stranger, false, "https"));
        assert!(!https(trusted, true, "http") && https(stranger, true, "http"));
        assert!(https(trusted, true, "") && !https(trusted, false, ""));
    }

    #[test]
    fn takes_the_last_address_or_the_last_untrusted_one() {
        assert_eq!(client("127.0.0.1:1", "1.2.3.4, 10.0.0.1", false), "10.0.0.1");
        assert_eq!(client("127.0.0.1:1", "1.2.3.4, 10.0.0.1", true), "1.2.3.4");
        assert_eq!(client("127.0.0.1:1", "10.0.0.1, 10.0.0.2", true), "10.0.0.1");
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(client_of("127.0.0.1:1", &["6.6.6.6", "1.2.3.4"], false), "1.2.3.4");
        assert_eq!(client_of("127.0.0.1:1", &["6.6.6.6", "1.2.3.4", "10.0.0.1"], true), "1.2.3.4");
        assert_eq!(client_of("127.0.0.1:1", &["1.2.3.4", "\u{e4}"], false), "127.0.0.1");
    }

    #[test]
    fn understands_ports_brackets_and_nonsense() {
        assert_eq!(client("127.0.0.1:1", "1.2.3.4:5678", false), "1.2.3.4");
        assert_eq!(client("127.0.0.1:1", "[::1]:80", false), "::1");
        assert_eq!(client("127.0.0.1:1", "bad", false), "127.0.0.1");
    }
}
