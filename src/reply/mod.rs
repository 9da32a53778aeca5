//! Answers that the gateway makes itself, in Kong's words (`kong/proxying.md` §9).
//!
//! Pure: what an answer depends on comes in as [`Asker`]. Nothing here strips the body of an answer to HEAD, sets
//! `Server` or counts; the server does.

mod charset;
mod format;
mod grpc;
mod message;
mod page;
#[cfg(test)]
mod tests;

pub use charset::add_charset;
pub use message::{SIZE_LIMIT, UNEXPECTED};

use crate::body::Body;
use crate::entity::Compat;
use crate::settings::ErrorType;
use format::Format;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;

/// Who asks: all that the shape of an error depends on besides its status.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The request's headers; `None` when it could not be read.
    pub headers: Option<&'a HeaderMap>,
    /// Whether it came by HTTP/2.
    pub http2: bool,
    /// The `error_default_type` setting.
    pub default_type: ErrorType,
    /// Whose behaviour.
    pub compat: Compat,
    /// The request's id, shown by Kong 3.
    pub request_id: Option<&'a str>,
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");

/// An error that nginx would raise, or a failed upstream: Kong's error handler (§9a).
///
/// 494 reaches the client as 400.
#[must_use]
pub fn proxy_error(status: StatusCode, asker: &Asker<'_>) -> Response<Body> {
    let message = message::proxy(status, asker.compat);
    let status = if status.as_u16() == 494 { StatusCode::BAD_REQUEST } else { status };
    if format::names_grpc(asker) {
        return if asker.http2 { grpc::proxy_error(status, &message) } else { exit(status, &message) };
    }
    written(status, format::for_proxy_error(asker), &message, asker)
}

/// Kong's `kong.response.error(status, message)`: what most plugins refuse with, shaped by `Accept` (§9b).
#[must_use]
pub fn error(status: StatusCode, message: Option<&str>, asker: &Asker<'_>) -> Response<Body> {
    if asker.speaks_grpc() {
        return grpc::error(status);
    }
    let standard = || message::standard(status);
    let message = message.map_or_else(standard, Into::into);
    written(status, format::for_error(asker), &message, asker)
}

/// Kong's `kong.response.exit(status, {message = …})`: compact JSON, whatever `Accept` says (§9c).
#[must_use]
pub fn exit(status: StatusCode, message: &str) -> Response<Body> {
    reply(status, Some(JSON), message_json(message))
}

/// Kong's `kong.response.exit(status)` without a body: the error handler's answer or nginx's page where there is one,
/// else nothing (§9c).
#[must_use]
pub fn exit_bare(status: StatusCode, asker: &Asker<'_>) -> Response<Body> {
    if message::is_handled(status) { proxy_error(status, asker) } else { nginx_page(status) }
}

/// nginx's own page for a status. No body, and no `Content-Type`, where it has none.
#[must_use]
pub fn nginx_page(status: StatusCode) -> Response<Body> {
    match page::html(status) {
        Some(html) => reply(status, Some(HTML), html),
        None => reply(status, None, ""),
    }
}

/// The reason phrase that nginx writes, where it is another than RFC 9110's.
#[must_use]
pub fn reason(status: StatusCode) -> Option<ReasonPhrase> {
    page::phrase(status).map(|text| ReasonPhrase::from_static(text.as_bytes()))
}

// === impl Asker ===

impl Asker<'_> {
    /// Whether it speaks gRPC, which knows errors by headers alone.
    #[must_use]
    pub fn speaks_grpc(&self) -> bool {
        self.http2 && format::sends_grpc(self)
    }
}

/// `kong.response.exit` with a text, for a gRPC client: the text is its `grpc-message`.
#[must_use]
pub fn exit_grpc(status: StatusCode, message: &str) -> Response<Body> {
    grpc::proxy_error(status, message)
}

fn written(status: StatusCode, format: Format, message: &str, asker: &Asker<'_>) -> Response<Body> {
    let text = match (asker.compat, asker.request_id) {
        (Compat::Kong3, Some(id)) => format.write_with_id(message, id),
        _ => format.write(message),
    };
    reply(status, Some(format.content_type()), text)
}

/// `{"message":…}`, compact.
pub(crate) fn message_json(message: &str) -> String {
    format!("{{\"message\":{}}}", serde_json::Value::from(message))
}

/// An answer of these parts, with nginx's reason phrase.
pub(crate) fn reply(
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut res = Response::new(Body::full(body));
    *res.status_mut() = status;
    if let Some(value) = content_type {
        res.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if let Some(phrase) = reason(status) {
        res.extensions_mut().insert(phrase);
    }
    res
}
