//! What the upstream is asked for: path, query and Host, as a chunk writes them.

use super::call::{Stop, raise};
use crate::body::Body;
use crate::lua::current::{Current, Payload};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Version};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// What Kong escapes in a path: all but RFC 3986's characters and `%`. `#` is escaped as well, for a target has none.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What no request target may hold.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// A path that the upstream is asked for. A `?` stays, so that it may hold a query.
pub(super) fn path(text: &[u8]) -> String {
    percent_encode(text, IN_PATH).to_string()
}

/// A query as it is given.
pub(super) fn query(text: &[u8]) -> String {
    percent_encode(text, IN_QUERY).to_string()
}

/// The methods that nginx knows, with their numbers (`ngx.HTTP_GET` and so on).
pub(super) const METHODS: &[(&str, i64)] = &[
    ("GET", 2),
    ("HEAD", 4),
    ("POST", 8),
    ("PUT", 16),
    ("DELETE", 32),
    ("MKCOL", 64),
    ("COPY", 128),
    ("MOVE", 256),
    ("OPTIONS", 512),
    ("PROPFIND", 1024),
    ("PROPPATCH", 2048),
    ("LOCK", 4096),
    ("UNLOCK", 8192),
    ("PATCH", 16384),
    ("TRACE", 32768),
];

/// Asks by another method: one of nginx's.
pub(super) fn set_method(
    cx: &mut Current,
    known: impl Fn(&(&str, i64)) -> bool,
    otherwise: String,
) -> Result<(), Stop> {
    let found = METHODS.iter().find(|method| known(method));
    let Some(method) = found.and_then(|(name, _)| Method::from_bytes(name.as_bytes()).ok()) else {
        return raise(otherwise);
    };
    *cx.req.method_mut() = method;
    Ok(())
}

/// Sends another body.
pub(super) fn set_body(cx: &mut Current, text: &[u8]) {
    let bytes = Bytes::copy_from_slice(text);
    cx.req.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    *cx.req.body_mut() = Body::full(bytes.clone());
    cx.payload = Payload::Whole(bytes);
}

/// nginx's `$host`: the Host that the client sent, in lower case, without port.
pub(super) fn host(headers: &HeaderMap) -> Vec<u8> {
    let sent = headers.get(HOST).map_or(&b"kong"[..], HeaderValue::as_bytes);
    without_port(sent).to_ascii_lowercase()
}

/// Cuts `:port`; an IPv6 address keeps its brackets.
pub(super) fn without_port(host: &[u8]) -> &[u8] {
    let end = host.iter().rposition(|byte| *byte == b']').map_or(0, |at| at + 1);
    let colon = host.iter().skip(end).position(|byte| *byte == b':');
    colon.map_or(host, |at| host.get(..end + at).unwrap_or(host))
}

/// The request's target as it came: path and query.
pub(super) fn raw(cx: &Current) -> &str {
    cx.req.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// The request line: nginx's `$request`.
pub(super) fn line(cx: &Current) -> String {
    format!("{} {} {}", cx.req.method(), raw(cx), protocol(cx))
}

/// nginx's `$server_protocol`.
pub(super) fn protocol(cx: &Current) -> &'static str {
    match cx.req.version() {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
