//! A request's head on its way to the upstream: hop-by-hop headers out, Kong's headers in (`kong/proxying.md` §1, §2).
//! Pure.

use super::client::{Connection, address_value};
use super::failure::Failure;
use super::response::{PRODUCT, REQUEST_ID};
use crate::entity::Compat;
use crate::plugin::Ctx;
use bytes::Bytes;
use http::header;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PATH: HeaderName = HeaderName::from_static("x-forwarded-path");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY: HeaderName = HeaderName::from_static("proxy");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What the upstream is told of the client. Made of the client's own head, before plugins and cleaning change it.
#[derive(Debug)]
pub struct Forwarded {
    chain: HeaderValue,
    proto: Option<HeaderValue>,
    host: HeaderValue,
    port: HeaderValue,
    path: HeaderValue,
    prefix: Option<HeaderValue>,
    client: HeaderValue,
}

/// What the gateway tells an upstream in lines of its own, in place of whatever the client says of it: where the request
/// comes from, and what becomes of the connection.
#[derive(Debug)]
pub struct Own {
    connection: &'static str,
    forwarded: Forwarded,
}

/// Whether the client wants to speak another protocol from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// It does not, or wants what is not passed on.
    None,
    /// It does: the value for the upstream.
    To(HeaderValue),
}

// === impl Forwarded ===

impl Forwarded {
    /// Looks at the client's head. A trusted peer's own words stand (the first line, if there are several).
    #[must_use]
    pub fn new(headers: &HeaderMap, raw_path: &[u8], prefix: Option<&[u8]>, client: IpAddr, on: &Connection) -> Self {
        let said = |name| if on.trusted { headers.get(name).cloned() } else { None };
        let client = client_value(on, client);
        let proto = said(FORWARDED_PROTO).unwrap_or(HeaderValue::from_static(on.scheme()));
        Self {
            chain: if headers.contains_key(FORWARDED_FOR) { joined_for(headers, on) } else { client.clone() },
            // Kong sends none where a trusted peer sent an empty one.
            proto: Some(proto).filter(|proto| !proto.is_empty()),
            host: said(FORWARDED_HOST).unwrap_or_else(|| forwarded_host(headers)),
            port: said(FORWARDED_PORT).unwrap_or_else(|| on.port_text.clone()),
            path: said(FORWARDED_PATH).unwrap_or_else(|| path_value(raw_path)),
            prefix: said(FORWARDED_PREFIX).or_else(|| prefix.and_then(prefix_value)),
            client,
        }
    }

    /// Puts it into a map, in place of whatever stands there.
    fn put(self, headers: &mut HeaderMap) {
        headers.insert(FORWARDED_FOR, self.chain);
        settle(headers, FORWARDED_PROTO, self.proto);
        headers.insert(FORWARDED_HOST, self.host);
        headers.insert(FORWARDED_PORT, self.port);
        headers.insert(FORWARDED_PATH, self.path);
        settle(headers, FORWARDED_PREFIX, self.prefix);
        headers.insert(REAL_IP, self.client);
    }

    /// Names as they stand in a line, and values.
    fn lines(&self) -> [(&'static str, Option<&HeaderValue>); 7] {
        [
            ("x-forwarded-for: ", Some(&self.chain)),
            ("x-forwarded-proto: ", self.proto.as_ref()),
            ("x-forwarded-host: ", Some(&self.host)),
            ("x-forwarded-port: ", Some(&self.port)),
            ("x-forwarded-path: ", Some(&self.path)),
            ("x-forwarded-prefix: ", self.prefix.as_ref()),
            ("x-real-ip: ", Some(&self.client)),
        ]
    }
}

// === impl Own ===

impl Own {
    /// What is told with a request.
    #[must_use]
    pub const fn new(forwarded: Forwarded, upgrade: &Upgrade) -> Self {
        let connection = match upgrade {
            Upgrade::None => "keep-alive",
            Upgrade::To(_) => "keep-alive, Upgrade",
        };
        Self { connection, forwarded }
    }

    /// Writes it as lines of a head whose map has nothing of it.
    pub fn write(&self, out: &mut Vec<u8>) {
        for part in ["connection: ", self.connection, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        for (name, value) in self.forwarded.lines() {
            let Some(value) = value else { continue };
            for part in [name.as_bytes(), value.as_bytes(), b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
    }

    /// Puts it into a map, for those who look at it there.
    pub fn put(self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static(self.connection));
        self.forwarded.put(headers);
    }
}

fn settle(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

/// The client's own list, and the peer behind it.
fn joined_for(headers: &HeaderMap, on: &Connection) -> HeaderValue {
    let mut list = Vec::with_capacity(64);
    for line in headers.get_all(FORWARDED_FOR) {
        list.extend_from_slice(line.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(on.peer_text.as_bytes());
    HeaderValue::from_bytes(&list).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn client_value(connection: &Connection, client: IpAddr) -> HeaderValue {
    if client == connection.peer.ip() { connection.peer_text.clone() } else { address_value(client) }
}

/// nginx's `$host`: lower case, without port; its server name when HTTP/1.0 sends none.
#[must_use]
pub fn forwarded_host(headers: &HeaderMap) -> HeaderValue {
    let Some(value) = headers.get(header::HOST) else { return HeaderValue::from_static("kong") };
    let host = without_port(value.as_bytes());
    let plain = host.len() == value.len() && !host.iter().any(u8::is_ascii_uppercase);
    if plain {
        return value.clone();
    }
    let host = Bytes::from(host.to_ascii_lowercase());
    HeaderValue::from_maybe_shared(host).unwrap_or_else(|_| value.clone())
}

/// Cuts `:port`; an IPv6 address keeps its brackets.
pub(super) fn without_port(host: &[u8]) -> &[u8] {
    let end_of_name = host.iter().rposition(|b| *b == b']').map_or(0, |at| at + 1);
    match host[end_of_name..].iter().position(|b| *b == b':') {
        Some(at) => &host[..end_of_name + at],
        None => host,
    }
}

fn path_value(raw: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(raw).unwrap_or(HeaderValue::from_static("/"))
}

/// A prefix with a control byte can't stand in a header; Kong would break its own request there.
fn prefix_value(prefix: &[u8]) -> Option<HeaderValue> {
    if prefix == b"/" || prefix.is_empty() { None } else { HeaderValue::from_bytes(prefix).ok() }
}

/// What the client's `Upgrade` means. `h2c` and `TLS` are between client and gateway and never passed on; a
/// WebSocket needs no `Connection: upgrade` (recorded), anything else does (RFC 9110 §7.8).
#[must_use]
pub fn wanted_upgrade(headers: &HeaderMap) -> Upgrade {
    let Some(value) = headers.get(header::UPGRADE) else { return Upgrade::None };
    if value.as_bytes().eq_ignore_ascii_case(b"websocket") {
        return Upgrade::To(HeaderValue::from_static("websocket"));
    }
    let ours = |b: &[u8]| [&b"h2c"[..], b"h2", b"tls"].iter().any(|own| starts_with_ignore_case(b, own));
    let single = !value.as_bytes().contains(&b',') && headers.get_all(header::UPGRADE).iter().count() == 1;
    if single && !ours(value.as_bytes()) && names(headers, b"upgrade") {
        return Upgrade::To(value.clone());
    }
    Upgrade::None
}

fn starts_with_ignore_case(text: &[u8], start: &[u8]) -> bool {
    text.len() >= start.len() && text[..start.len()].eq_ignore_ascii_case(start)
}

/// Whether `Connection` names a token.
fn names(headers: &HeaderMap, token: &[u8]) -> bool {
    connection_tokens(headers).any(|t| t.eq_ignore_ascii_case(token))
}

fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(header::CONNECTION).iter();
    lines.flat_map(|line| line.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii).filter(|t| !t.is_empty())
}

/// What HTTP/2 says otherwise than HTTP/1, said as HTTP/1 says it: the authority as Host, cookies in one line (RFC 9113
/// §8.2.3, §8.3.1).
///
/// # Errors
/// When the authority and a Host header name different hosts, so that two readers could take the request for two.
pub fn from_http2(headers: &mut HeaderMap, uri: &Uri) -> Result<(), Failure> {
    if let Some(authority) = uri.authority() {
        let host =
            HeaderValue::from_str(authority.as_str()).map_err(|_| Failure::BadRequest("the authority is no host"))?;
        let same = |other: &HeaderValue| other.as_bytes().eq_ignore_ascii_case(host.as_bytes());
        if !headers.get_all(header::HOST).iter().all(same) {
            return Err(Failure::BadRequest("the authority and the Host header differ"));
        }
        headers.insert(header::HOST, host);
    }
    join_cookies(headers);
    Ok(())
}

fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_some() {
        let crumbs: Vec<_> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
            headers.insert(header::COOKIE, whole);
        }
    }
}

/// What [`clean`] finds in one look at each name that is there, which costs less than one look-up for each that could be.
#[derive(Clone, Copy, Default)]
struct Seen {
    te: bool,
    /// What ends here, whatever it says.
    between: bool,
    /// What the gateway says itself.
    own: bool,
    upgrade: bool,
    /// A name that nginx drops: with anything but letters, digits, `-` and `_` (recorded).
    odd: bool,
}

// === impl Seen ===

impl Seen {
    fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "te" => seen.te = true,
                "upgrade" => seen.upgrade = true,
                "expect" | "http2-settings" | "keep-alive" | "proxy" | "proxy-connection" | "transfer-encoding" => {
                    seen.between = true;
                }
                "connection" | "x-real-ip" => seen.own = true,
                other => {
                    seen.own |= other.starts_with("x-forwarded-");
                    seen.odd |= is_odd(name);
                }
            }
        }
        seen
    }
}

/// Removes what is between the client and this gateway only, and what the gateway says itself ([`Own`]).
pub fn clean(headers: &mut HeaderMap, upgrade: &Upgrade) {
    let seen = Seen::of(headers);
    if seen.te {
        settle_te(headers);
    }
    if seen.between {
        for name in [KEEP_ALIVE, PROXY, PROXY_CONNECTION, HTTP2_SETTINGS, header::EXPECT, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
    }
    if seen.odd {
        remove_odd_names(headers);
    }
    if seen.own {
        OWN.iter().for_each(|name| drop(headers.remove(name)));
    }
    match upgrade {
        Upgrade::To(value) => drop(headers.insert(header::UPGRADE, value.clone())),
        Upgrade::None if seen.upgrade => drop(headers.remove(header::UPGRADE)),
        Upgrade::None => {}
    }
}

/// What Kong 3 adds: itself to `Via`, and the request's id. Kong 2 passes the client's `Via` as it is.
pub fn identify(headers: &mut HeaderMap, cx: &Ctx, version: Version) {
    if cx.compat == Compat::Kong2 {
        return;
    }
    let version = if version == Version::HTTP_2 { "2" } else { "1.1" };
    let own = format!("{version} {PRODUCT}");
    let theirs = headers.get(header::VIA).map(|via| [via.as_bytes(), b", "].concat()).unwrap_or_default();
    if let Ok(via) = HeaderValue::from_bytes(&[theirs, own.into_bytes()].concat()) {
        headers.insert(header::VIA, via);
    }
    if let Some(id) = cx.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// `TE: trailers` passes when it stands there bare; no other coding is spoken upstream.
fn settle_te(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::TE).iter();
    let bare = lines.flat_map(|l| l.as_bytes().split(|b| *b == b',')).any(|t| t.trim_ascii() == b"trailers");
    if bare && !names(headers, b"te") {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    } else {
        headers.remove(header::TE);
    }
}

/// What [`Own`] says.
const OWN: [HeaderName; 8] = [
    header::CONNECTION,
    FORWARDED_FOR,
    FORWARDED_PROTO,
    FORWARDED_HOST,
    FORWARDED_PORT,
    FORWARDED_PATH,
    FORWARDED_PREFIX,
    REAL_IP,
];

/// Headers that `Connection` may name and that are settled elsewhere, besides [`OWN`]: those of the message itself, and what
/// [`clean`] writes anew.
const NOT_NAMED: [HeaderName; 5] =
    [header::HOST, header::TE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE];

/// Removes what `Connection` names (RFC 9110 §7.6.1). To be done before plugins run: otherwise a client could name what
/// they set, such as `X-Anonymous-Consumer`.
pub fn remove_named_by_connection(headers: &mut HeaderMap) {
    let Some(only) = headers.get(header::CONNECTION) else { return };
    if matches!(only.as_bytes(), b"keep-alive" | b"close" | b"Upgrade" | b"upgrade") && !has_second(headers) {
        return;
    }
    let named: Vec<HeaderName> = connection_tokens(headers).filter_map(|t| HeaderName::from_bytes(t).ok()).collect();
    for name in named.into_iter().filter(|name| !NOT_NAMED.contains(name) && !OWN.contains(name)) {
        headers.remove(name);
    }
}

fn has_second(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().nth(1).is_some()
}

fn remove_odd_names(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| is_odd(name)).cloned() {
        headers.remove(name);
    }
}

fn is_odd(name: &HeaderName) -> bool {
    !name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::Settings;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    fn cleaned(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = headers(pairs);
        let upgrade = wanted_upgrade(&map);
        let connection = connection(false);
        let forwarded = Forwarded::new(&map, b"/", None, connection.peer.ip(), &connection);
        remove_named_by_connection(&mut map);
        clean(&mut map, &upgrade);
        Own::new(forwarded, &upgrade).put(&mut map);
        map
    }

    fn connection(trusted: bool) -> Connection {
        let settings = Settings {
            trusted_ips: if trusted { vec!["127.0.0.1/32".parse().unwrap()] } else { Vec::new() },
            ..Settings::default()
        };
        let [peer, local] = ["127.0.0.1:5", "127.0.0.1:8000"].map(|a| a.parse().unwrap());
        Connection::new(peer, local, None, &settings)
    }

    fn forwarded(pairs: &[(&'static str, &'static str)], trusted: bool) -> HeaderMap {
        let mut map = headers(pairs);
        let connection = connection(trusted);
        Forwarded::new(&map, b"/a%20b", Some(b"/a"), connection.peer.ip(), &connection).put(&mut map);
        map
    }

    #[test]
    fn lines_say_what_a_map_would() {
        for (pairs, trusted) in [
            (
                &[("host", "Gw.Test"), ("connection", "x"), ("x-forwarded-for", "1.1.1.1"), ("x-real-ip", "2")][..],
                false,
            ),
            (
                &[("x-forwarded-proto", ""), ("x-forwarded-prefix", "/evil"), ("upgrade", "websocket"), ("a", "b")][..],
                true,
            ),
        ] {
            let mut map = headers(pairs);
            let (connection, upgrade) = (connection(trusted), wanted_upgrade(&map));
            let forwarded = Forwarded::new(&map, b"/a", Some(b"/"), connection.peer.ip(), &connection);
            clean(&mut map, &upgrade);
            let (own, mut head) = (Own::new(forwarded, &upgrade), b"GET / HTTP/1.1\r\n".to_vec());
            map.iter().for_each(|(name, value)| crate::http1::fields::write(&mut head, name, value));
            own.write(&mut head);
            head.extend_from_slice(b"\r\n");
            own.put(&mut map);
            let mut fields = [httparse::EMPTY_HEADER; 16];
            let mut parsed = httparse::Request::new(&mut fields);
            assert!(parsed.parse(&head).unwrap().is_complete());
            let mut said: Vec<_> = parsed.headers.iter().map(|field| (field.name, field.value)).collect();
            let mut wanted: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            said.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(said, wanted);
        }
    }

    #[test]
    fn connection_named_headers_go_but_host_stays() {
        let map = cleaned(&[("connection", "X-Drop, host"), ("x-drop", "1"), ("host", "a"), ("x-keep", "2")]);
        assert!(map.get("x-drop").is_none() && map.get("host").is_some() && map.get("x-keep").is_some());
        assert_eq!(map["connection"], "keep-alive");
    }

    #[test]
    fn only_bare_trailers_survive_in_te() {
        assert_eq!(cleaned(&[("te", "gzip, trailers")])["te"], "trailers");
        assert!(cleaned(&[("te", "trailers;q=0.5")]).get("te").is_none());
        assert!(cleaned(&[("te", "trailers"), ("connection", "te")]).get("te").is_none());
    }

    #[test]
    fn websockets_pass_and_h2c_does_not() {
        assert_eq!(cleaned(&[("upgrade", "WebSocket")])["upgrade"], "websocket");
        assert_eq!(cleaned(&[("upgrade", "websocket")])["connection"], "keep-alive, Upgrade");
        assert!(cleaned(&[("upgrade", "h2c"), ("connection", "upgrade")]).get("upgrade").is_none());
        assert!(cleaned(&[("upgrade", "chat")]).get("upgrade").is_none());
        assert_eq!(cleaned(&[("upgrade", "chat"), ("connection", "Upgrade")])["upgrade"], "chat");
    }

    #[test]
    fn the_authority_and_a_host_header_must_agree() {
        let said = |host: &[(&'static str, &'static str)]| {
            let mut map = headers(host);
            from_http2(&mut map, &Uri::from_static("https://Gw.test:8/")).map(|()| map["host"].clone())
        };
        assert_eq!(said(&[]).unwrap(), "Gw.test:8");
        assert_eq!(said(&[("host", "gw.test:8")]).unwrap(), "Gw.test:8");
        assert!(said(&[("host", "gw.test")]).is_err() && said(&[("host", "gw.test:8"), ("host", "other")]).is_err());
        let mut map = headers(&[("host", "a")]);
        assert_eq!(from_http2(&mut map, &Uri::from_static("/")).map(|()| map["host"].clone()).unwrap(), "a");
    }

    #[test]
    fn dotted_names_are_dropped() {
        assert!(cleaned(&[("x.dot", "1")]).get("x.dot").is_none());
    }

    #[test]
    fn strangers_are_overruled_and_trusted_peers_are_not() {
        let own = [("host", "Gw.Test:80"), ("x-forwarded-host", "evil"), ("x-forwarded-for", "1.1.1.1")];
        let map = forwarded(&own, false);
        assert_eq!(map["x-forwarded-host"], "gw.test");
        assert_eq!(map["x-forwarded-for"], "1.1.1.1, 127.0.0.1");
        assert_eq!(map["x-forwarded-path"], "/a%20b");
        assert_eq!(map["x-forwarded-prefix"], "/a");
        assert_eq!(map["x-forwarded-port"], "8000");
        assert_eq!(forwarded(&own, true)["x-forwarded-host"], "evil");
        assert!(forwarded(&[("x-forwarded-proto", "")], true).get("x-forwarded-proto").is_none());
    }

    #[test]
    fn ports_are_cut_from_hosts() {
        for (host, want) in [("a:1", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("A", "a")] {
            assert_eq!(forwarded_host(&headers(&[("host", host)])), want);
        }
    }
}
