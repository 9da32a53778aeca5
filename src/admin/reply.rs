//! Answers in JSON, as Kong's Admin API gives them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What was wanted, or the answer that there is in its place.
pub(super) type Or<T> = Result<T, Box<Response<Bytes>>>;

/// An answer with a document.
pub(super) fn document(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut res = Response::new(Bytes::from(body.to_string()));
    *res.status_mut() = status;
    res.headers_mut().insert(CONTENT_TYPE, JSON);
    res
}

/// A good answer.
pub(super) fn ok(body: &Value) -> Response<Bytes> {
    document(StatusCode::OK, body)
}

/// An answer in words.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    document(status, &json!({ "message": text }))
}

/// There is no such thing.
pub(super) fn not_found() -> Response<Bytes> {
    message(StatusCode::NOT_FOUND, "Not found")
}

/// There is, and that cannot be done with it.
pub(super) fn not_allowed() -> Response<Bytes> {
    message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}
