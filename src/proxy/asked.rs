//! What of the client's head is needed after the head itself went upstream.

use super::seen::Seen;
use crate::proxy::request::forwarded_host;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The client's head, in excerpts.
#[derive(Debug)]
pub(super) struct Asked {
    /// Which fields there were.
    pub(super) seen: Seen,
    /// The version it speaks.
    pub(super) version: Version,
    /// Whether it wants no body.
    pub(super) head: bool,
    /// Whether it takes trailers.
    pub(super) trailers: bool,
    /// Whether it wants to know its route, and may.
    pub(super) debug: bool,
    /// Whether it wants the connection to stay open.
    pub(super) stays: bool,
    accept: Option<HeaderValue>,
    content_type: Option<HeaderValue>,
}

// === impl Asked ===

impl Asked {
    /// `debug` is whether a client may ask for its route.
    pub(super) fn of<B>(req: &Request<B>, debug: bool) -> Self {
        let (version, headers) = (req.version(), req.headers());
        let seen = Seen::of(headers);
        let value = |name, is_there: bool| is_there.then(|| headers.get(name).cloned()).flatten();
        Self {
            version,
            head: req.method() == Method::HEAD,
            trailers: version == Version::HTTP_2 || seen.te && takes_trailers(headers),
            debug: debug && seen.debug,
            stays: if seen.connection { stays(version, headers) } else { version >= Version::HTTP_11 },
            accept: value(header::ACCEPT, seen.accept),
            content_type: value(header::CONTENT_TYPE, seen.content_type),
            seen,
        }
    }

    /// The headers that shape an error.
    pub(super) fn error_headers(&self) -> HeaderMap {
        let known = [(header::ACCEPT, &self.accept), (header::CONTENT_TYPE, &self.content_type)];
        known.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get(header::TE).is_some_and(|te| te.as_bytes().split(|b| *b == b',').any(|t| t.trim_ascii() == b"trailers"))
}

/// RFC 9112 §9.3.
fn stays(version: Version, headers: &HeaderMap) -> bool {
    let says = |token: &[u8]| {
        let lines = headers.get_all(header::CONNECTION).iter();
        lines.flat_map(|l| l.as_bytes().split(|b| *b == b',')).any(|t| t.trim_ascii().eq_ignore_ascii_case(token))
    };
    match version {
        Version::HTTP_10 => says(b"keep-alive") && !says(b"close"),
        Version::HTTP_11 => !says(b"close"),
        _ => true,
    }
}

/// Where a redirect to https leads: the same target on the host that was asked, or that a trusted peer names
/// (`kong/routing.md` §7).
pub(super) fn https_location(headers: &HeaderMap, uri: &Uri, trusted: bool) -> Option<HeaderValue> {
    let named = headers.get(FORWARDED_HOST).filter(|_| trusted).cloned();
    let host = named.unwrap_or_else(|| forwarded_host(headers));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    HeaderValue::from_bytes(&[b"https://", host.as_bytes(), target.as_bytes()].concat()).ok()
}
