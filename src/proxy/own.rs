//! Small things about an answer's head that concern this connection rather than the message.

use crate::body::Body;
use crate::entity::Identity;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Version, header};
use http_body::Body as HttpBody;

/// Lets the body's size decide the framing, and leaves the body of an answer to HEAD unsent.
pub(super) fn frame(response: &mut Response<Body>, head: bool) {
    if matches!(response.body(), Body::Lent(_)) {
        return;
    }
    if !matches!(response.body(), Body::Empty) || !head {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if head {
        if let Some(size) = response.body().size_hint().exact().filter(|size| *size > 0) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        }
        *response.body_mut() = Body::Empty;
    }
}

/// HTTP/1.0 has no chunks: a body of unknown length ends with the connection (RFC 9112 §6.3).
pub(super) fn ends_with_connection(response: &Response<Body>, version: Version) -> bool {
    version < Version::HTTP_11 && response.body().size_hint().exact().is_none()
}

/// HTTP/1 clients are told whether the connection stays, as nginx tells them.
pub(super) fn say_connection(response: &mut Response<Body>, version: Version, stays: bool) {
    if version >= Version::HTTP_2 {
        response.headers_mut().remove(header::CONNECTION);
        return;
    }
    if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    if !stays && version < Version::HTTP_11 {
        // hyper would promise otherwise to whoever asked for it.
        *response.version_mut() = version;
    }
    let word = HeaderValue::from_static(if stays { "keep-alive" } else { "close" });
    let other = response.headers_mut().insert(header::CONNECTION, word);
    if let Some(other) = other {
        response.headers_mut().append(header::CONNECTION, other);
    }
}

/// Which route and service it was (`kong/routing.md` §8).
pub(super) fn name(headers: &mut HeaderMap, route: &Identity, service: Option<&Identity>) {
    let names = [("kong-route-id", "kong-route-name"), ("kong-service-id", "kong-service-name")];
    for ((id, name), identity) in names.into_iter().zip([Some(route), service]) {
        let Some(identity) = identity else { continue };
        put(headers, id, &identity.id.to_string());
        if let Some(text) = &identity.name {
            put(headers, name, text);
        }
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
