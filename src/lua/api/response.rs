//! The answer's head, as far as there is one: before that, what it is going to have.

use super::call::Stop;
use super::headers;
use crate::lua::current::Current;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// Its status, or what that is going to be.
pub(super) fn status(cx: &Current) -> StatusCode {
    cx.res.as_ref().map_or_else(|| cx.status.unwrap_or_default(), Response::status)
}

/// Sets it.
pub(super) fn set_status(cx: &mut Current, status: StatusCode) {
    match &mut cx.res {
        Some(res) => *res.status_mut() = status,
        None => cx.status = Some(status),
    }
}

/// Its headers, or those that whatever answer there will be gets besides.
pub(super) fn headers(cx: &Current) -> &HeaderMap {
    cx.res.as_ref().map_or(&cx.cx.answer_headers, Response::headers)
}

fn headers_mut(cx: &mut Current) -> &mut HeaderMap {
    cx.res.as_mut().map_or(&mut cx.cx.answer_headers, Response::headers_mut)
}

/// A name that may be set. How a body is framed is not a chunk's to say: its length is what it has.
fn settable(name: &[u8]) -> Option<HeaderName> {
    headers::dashed(name).filter(|name| *name != TRANSFER_ENCODING)
}

/// Puts values in the place of those that are there; none at all removes them.
pub(super) fn put(cx: &mut Current, name: &[u8], values: Vec<HeaderValue>) -> Result<(), Stop> {
    match settable(name) {
        Some(CONTENT_LENGTH) if !values.is_empty() => Ok(()),
        Some(name) => headers::put(headers_mut(cx), &name, values),
        None => Ok(()),
    }
}

/// Adds values to those that are there.
pub(super) fn add(cx: &mut Current, name: &[u8], values: Vec<HeaderValue>) -> Result<(), Stop> {
    match settable(name).filter(|name| *name != CONTENT_LENGTH) {
        Some(name) => headers::add(headers_mut(cx), &name, values),
        None => Ok(()),
    }
}
