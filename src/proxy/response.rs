//! An answer's head on its way to the client (`kong/proxying.md` §3). Pure.

use super::request::Upgrade;
use crate::entity::Compat;
use crate::plugin::Origin;
use crate::reply::add_charset;
use crate::settings::Tokens;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::time::Duration;

/// What this gateway calls itself in `Server` and `Via`.
pub const PRODUCT: &str = concat!("gateway/", env!("CARGO_PKG_VERSION"));

const SERVER: HeaderValue = HeaderValue::from_static(PRODUCT);
const VIA: HeaderValue = HeaderValue::from_static(PRODUCT);
const VIA_3: &str = concat!("1.1 gateway/", env!("CARGO_PKG_VERSION"));
const UPSTREAM_LATENCY: HeaderName = HeaderName::from_static("x-kong-upstream-latency");
const PROXY_LATENCY: HeaderName = HeaderName::from_static("x-kong-proxy-latency");
const RESPONSE_LATENCY: HeaderName = HeaderName::from_static("x-kong-response-latency");
const UPSTREAM_STATUS: HeaderName = HeaderName::from_static("x-kong-upstream-status");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// nginx's own controls, which it keeps to itself.
const ACCEL: [HeaderName; 5] = [
    HeaderName::from_static("x-accel-buffering"),
    HeaderName::from_static("x-accel-charset"),
    HeaderName::from_static("x-accel-expires"),
    HeaderName::from_static("x-accel-limit-rate"),
    HeaderName::from_static("x-accel-redirect"),
];

/// How long things took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latencies {
    /// From the request's head to the choice of the last peer, or to the answer when none was asked.
    pub gateway: Duration,
    /// From there to the upstream's head.
    pub upstream: Duration,
}

/// What the last word on an answer's head depends on.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// Which of Kong's headers are wanted.
    pub tokens: Tokens,
    /// Whose behaviour.
    pub compat: Compat,
    /// Who made the answer.
    pub origin: Origin,
    /// How long it took.
    pub latencies: Latencies,
    /// The request's id (Kong 3).
    pub request_id: Option<&'a str>,
}

/// Which of the fields that matter here an answer has. Most have none of them: one look at each name that is there costs less
/// than one look-up for each that could be.
#[derive(Clone, Copy, Default)]
struct Seen {
    connection: bool,
    /// `Keep-Alive`, `Transfer-Encoding`, or one of nginx's controls.
    between: bool,
    trailer: bool,
    upgrade: bool,
}

// === impl Seen ===

impl Seen {
    fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "connection" => seen.connection = true,
                "keep-alive" | "transfer-encoding" => seen.between = true,
                "trailer" => seen.trailer = true,
                "upgrade" => seen.upgrade = true,
                other => seen.between |= other.starts_with("x-accel-"),
            }
        }
        seen
    }
}

/// Removes what is between the upstream and this gateway only. Before plugins see the answer.
pub fn clean(status: StatusCode, headers: &mut HeaderMap, upgrade: &Upgrade, trailers: bool) {
    let seen = Seen::of(headers);
    if seen.connection {
        remove_named_by_connection(headers);
        headers.remove(header::CONNECTION);
    }
    if seen.between {
        headers.remove(KEEP_ALIVE);
        headers.remove(header::TRANSFER_ENCODING);
        for name in ACCEL {
            headers.remove(name);
        }
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(HeaderValue::is_empty) {
        headers.remove(header::CONTENT_TYPE);
    }
    if seen.trailer && !trailers {
        headers.remove(header::TRAILER);
    }
    if seen.upgrade {
        settle_upgrade(status, headers, upgrade);
    }
}

/// `Upgrade` stands only where it answers what was sent.
fn settle_upgrade(status: StatusCode, headers: &mut HeaderMap, upgrade: &Upgrade) {
    let Some(said) = headers.get(header::UPGRADE) else { return };
    let same = matches!(upgrade, Upgrade::To(sent) if said.as_bytes().eq_ignore_ascii_case(sent.as_bytes()));
    if !same {
        headers.remove(header::UPGRADE);
    } else if status == StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let Some(value) = headers.get(header::CONNECTION) else { return };
    if matches!(value.as_bytes(), b"keep-alive" | b"close") {
        return;
    }
    let lines = headers.get_all(header::CONNECTION).iter();
    let tokens = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
    let named: Vec<_> = tokens.filter_map(|t| HeaderName::from_bytes(t.trim_ascii()).ok()).collect();
    for name in named.into_iter().filter(|n| *n != header::UPGRADE && *n != header::CONTENT_LENGTH) {
        headers.remove(name);
    }
}

/// Adds Kong's own headers. After the plugins.
pub fn close<B>(res: &mut Response<B>, closing: &Closing<'_>) {
    let status = res.status();
    let headers = res.headers_mut();
    add_charset(status, headers);
    match closing.origin {
        Origin::Upstream | Origin::Failed => {
            proxied(headers, closing);
            if closing.tokens.upstream_status {
                headers.insert(UPSTREAM_STATUS, HeaderValue::from(status.as_u16()));
            }
        }
        Origin::Gateway => made_here(headers, closing),
    }
    let shown = closing.tokens.request_id && closing.compat == Compat::Kong3;
    if let (Some(id), true) = (closing.request_id, shown) {
        let _ = HeaderValue::from_str(id).map(|value| headers.insert(REQUEST_ID, value));
    }
}

fn proxied(headers: &mut HeaderMap, closing: &Closing<'_>) {
    let Closing { tokens, compat, origin, latencies, .. } = *closing;
    if tokens.upstream_latency {
        headers.insert(UPSTREAM_LATENCY, millis(latencies.upstream));
    }
    if tokens.proxy_latency {
        headers.insert(PROXY_LATENCY, millis(latencies.gateway));
    }
    if tokens.via {
        via(headers, compat);
    }
    if tokens.server && origin == Origin::Failed && compat == Compat::Kong3 {
        headers.insert(header::SERVER, SERVER);
    }
}

/// Kong 2.8 puts its own in place of the upstream's, 3.9 appends.
fn via(headers: &mut HeaderMap, compat: Compat) {
    match (compat, headers.get(header::VIA)) {
        (Compat::Kong2, _) => drop(headers.insert(header::VIA, VIA)),
        (Compat::Kong3, None) => drop(headers.insert(header::VIA, HeaderValue::from_static(VIA_3))),
        (Compat::Kong3, Some(theirs)) => {
            let joined = [theirs.as_bytes(), b", ", VIA_3.as_bytes()].concat();
            let _ = HeaderValue::from_bytes(&joined).map(|value| headers.insert(header::VIA, value));
        }
    }
}

fn made_here(headers: &mut HeaderMap, closing: &Closing<'_>) {
    if closing.tokens.response_latency {
        headers.insert(RESPONSE_LATENCY, millis(closing.latencies.gateway));
    }
    if closing.tokens.server {
        headers.insert(header::SERVER, SERVER);
    }
}

/// Whole milliseconds; small ones, nearly all there are, cost no allocation.
fn millis(duration: Duration) -> HeaderValue {
    const SMALL: [&str; 16] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let small = usize::try_from(ms).ok().and_then(|at| SMALL.get(at));
    small.map_or_else(|| HeaderValue::from(ms), |text| HeaderValue::from_static(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn closing(origin: Origin) -> Closing<'static> {
        let latencies = Latencies { gateway: Duration::from_millis(3), upstream: Duration::from_millis(20) };
        Closing { tokens: Tokens::default(), compat: Compat::Kong2, origin, latencies, request_id: None }
    }

    fn closed(origin: Origin, pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut res = Response::new(());
        res.headers_mut()
            .extend(pairs.iter().map(|(n, v)| (Some(HeaderName::from_static(n)), HeaderValue::from_static(v))));
        close(&mut res, &closing(origin));
        res.headers().clone()
    }

    #[test]
    fn proxied_answers_keep_their_server_and_get_our_via() {
        let map = closed(Origin::Upstream, &[("server", "demo"), ("via", "1.1 x")]);
        assert_eq!(map["server"], "demo");
        assert_eq!(map["via"], PRODUCT);
        assert_eq!(map["x-kong-upstream-latency"], "20");
        assert_eq!(map["x-kong-proxy-latency"], "3");
    }

    #[test]
    fn own_answers_are_signed() {
        let map = closed(Origin::Gateway, &[]);
        assert_eq!(map["server"], PRODUCT);
        assert_eq!(map["x-kong-response-latency"], "3");
        assert!(map.get("via").is_none());
        let failed = closed(Origin::Failed, &[]);
        assert!(failed.get("server").is_none() && failed.get("via").is_some());
    }

    #[test]
    fn hop_by_hop_headers_of_the_upstream_stay_here() {
        let mut map: HeaderMap = [("connection", "X-A, close"), ("x-a", "1"), ("keep-alive", "5"), ("upgrade", "h2c")]
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .into_iter()
            .collect();
        clean(StatusCode::OK, &mut map, &Upgrade::None, false);
        assert!(map.is_empty(), "{map:?}");
    }
}
