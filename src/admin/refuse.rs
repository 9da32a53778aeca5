//! What cannot be done without a database, and questions that make no sense, in Kong's words (`kong/operations.md` §8).

use super::entities::Meant;
use super::reply::{document, message, not_allowed, not_found};
use crate::config::kong_table::ENTITY;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ALLOW};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What may be asked of a list, of what may be replaced, of one entity, of what is only there to be read, and of a check.
pub(super) const LIST: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");
pub(super) const ONE: HeaderValue = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
pub(super) const READ: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
pub(super) const POST: HeaderValue = HeaderValue::from_static("OPTIONS, POST");
pub(super) const PUT: HeaderValue = HeaderValue::from_static("OPTIONS, PUT");

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

/// A body that is no JSON and says so.
pub(super) fn json() -> Response<Bytes> {
    message(StatusCode::BAD_REQUEST, "Cannot parse JSON body")
}

/// A status says it all.
pub(super) fn bodiless(status: StatusCode) -> Response<Bytes> {
    let mut res = Response::new(Bytes::new());
    *res.status_mut() = status;
    res
}

/// An entity that is not as it should be (`kong/db/errors.lua`).
pub(super) fn violation(fields: Map<String, Value>) -> Response<Bytes> {
    let mut told = Vec::new();
    fields.iter().for_each(|(name, value)| tell(name, value, &mut told));
    let count =
        if told.len() == 1 { "schema violation".to_owned() } else { format!("{} schema violations", told.len()) };
    let message = format!("{count} ({})", told.join("; "));
    let body = json!({ "code": 2, "name": "schema violation", "message": message, "fields": fields });
    document(StatusCode::BAD_REQUEST, &body)
}

/// Every fault with the way to it. One of a whole entity has none.
fn tell(way: &str, value: &Value, told: &mut Vec<String>) {
    let below = |name: &str| if way == ENTITY { ENTITY.to_owned() } else { format!("{way}.{name}") };
    match value {
        Value::String(text) if way == ENTITY => told.push(text.clone()),
        Value::String(text) => told.push(format!("{way}: {text}")),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| tell(&below(name), value, told)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| tell(&below(&(at + 1).to_string()), value, told));
        }
        _ => {}
    }
}

/// What may be asked of a path.
pub(super) fn options(allowed: HeaderValue) -> Response<Bytes> {
    let mut res = bodiless(StatusCode::NO_CONTENT);
    res.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, allowed.clone());
    res.headers_mut().insert(ALLOW, allowed);
    res.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
    res
}

/// A change.
pub(super) fn write(method: &Method, meant: &Meant<'_>) -> Response<Bytes> {
    let (kind, field) = match (meant, method) {
        (Meant::List(kind, _), &Method::POST) => return unsupported("create", kind, ""),
        (Meant::One(_, _, None), &Method::DELETE) => return bodiless(StatusCode::NO_CONTENT),
        (Meant::One(_, _, None), &Method::PATCH) => return not_found(),
        (Meant::One(kind, text, _), _) => (kind, key(kind, text)),
        _ => return not_allowed(),
    };
    match *method {
        Method::PUT => unsupported("create or update", kind, field),
        Method::PATCH => unsupported("update", kind, field),
        Method::DELETE => unsupported("remove", kind, field),
        _ => not_allowed(),
    }
}

/// By which field an entity is named.
pub(super) fn key(kind: &str, text: &str) -> &'static str {
    match kind {
        _ if Uuid::try_parse(text).is_ok() => "id",
        "consumers" => "username",
        "targets" => "target",
        _ => "name",
    }
}

fn unsupported(verb: &str, kind: &str, key: &str) -> Response<Bytes> {
    let by = if matches!(key, "" | "id") { String::new() } else { format!(" by '{key}'") };
    let message = format!("cannot {verb} '{kind}' entities{by} when not using a database");
    error(StatusCode::METHOD_NOT_ALLOWED, 12, "operation unsupported", &message)
}
