//! What cannot be done without a database, and questions that make no sense, in Kong's words (`kong/operations.md` §8).

use super::entities::Meant;
use super::reply::{document, not_allowed, not_found};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ALLOW};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;
use uuid::Uuid;

const LIST: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");
const ONE: HeaderValue = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, PUT");

fn error(status: StatusCode, code: u8, name: &str, message: &str) -> Response<Bytes> {
    document(status, &json!({ "code": code, "name": name, "message": message }))
}

/// A page of no size.
pub(super) fn size() -> Response<Bytes> {
    error(StatusCode::BAD_REQUEST, 9, "invalid size", "size must be an integer between 1 and 1000")
}

/// A page that nobody named.
pub(super) fn offset(text: &str) -> Response<Bytes> {
    let message = format!("'{text}' is not a valid offset: invalid offset");
    error(StatusCode::BAD_REQUEST, 7, "invalid offset", &message)
}

/// What may be asked of a path.
pub(super) fn options(list: bool) -> Response<Bytes> {
    let mut res = Response::new(Bytes::new());
    *res.status_mut() = StatusCode::NO_CONTENT;
    let allowed = if list { LIST } else { ONE };
    res.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, allowed.clone());
    res.headers_mut().insert(ALLOW, allowed);
    res.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
    res
}

/// A change.
pub(super) fn write(method: &Method, meant: &Meant<'_>) -> Response<Bytes> {
    let (kind, by) = match (meant, method) {
        (Meant::List(kind, _), &Method::POST) => return unsupported("create", kind, ""),
        (Meant::One(_, _, None), &Method::DELETE) => return nothing(),
        (Meant::One(_, _, None), &Method::PATCH) => return not_found(),
        (Meant::One(kind, text, _), _) => (kind, by(kind, text)),
        _ => return not_allowed(),
    };
    match *method {
        Method::PUT => unsupported("create or update", kind, by),
        Method::PATCH => unsupported("update", kind, by),
        Method::DELETE => unsupported("remove", kind, by),
        _ => not_allowed(),
    }
}

/// By which field an entity is named.
fn by(kind: &str, text: &str) -> &'static str {
    match kind {
        _ if Uuid::try_parse(text).is_ok() => "",
        "consumers" => " by 'username'",
        "targets" => " by 'target'",
        _ => " by 'name'",
    }
}

fn nothing() -> Response<Bytes> {
    let mut res = Response::new(Bytes::new());
    *res.status_mut() = StatusCode::NO_CONTENT;
    res
}

fn unsupported(verb: &str, kind: &str, by: &str) -> Response<Bytes> {
    let message = format!("cannot {verb} '{kind}' entities{by} when not using a database");
    error(StatusCode::METHOD_NOT_ALLOWED, 12, "operation unsupported", &message)
}
