//! Errors for gRPC clients over HTTP/2: no body, the status in headers (`kong/proxying.md` §9).

use super::reply;
use crate::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The error handler's answer: its message in `grpc-message`.
pub(super) fn proxy_error(status: StatusCode, message: &str) -> Response<Body> {
    let message = HeaderValue::from_str(message).unwrap_or(HeaderValue::from_static(""));
    answer(status, code(status.as_u16()), message)
}

/// `kong.response.error`: gRPC's name of the code in `grpc-message`.
pub(super) fn error(status: StatusCode) -> Response<Body> {
    let code = code(status.as_u16());
    answer(status, code, HeaderValue::from_static(name(code)))
}

fn answer(status: StatusCode, code: u16, message: HeaderValue) -> Response<Body> {
    let mut res = reply(status, None, "");
    res.headers_mut().insert(STATUS, code.into());
    res.headers_mut().insert(MESSAGE, message);
    res
}

fn code(status: u16) -> u16 {
    match status {
        200 => 0,
        499 => 1,
        504 => 4,
        404 => 5,
        409 => 6,
        403 => 7,
        429 => 8,
        501 => 12,
        503 => 14,
        401 => 16,
        400..=498 => 3,
        _ => 13,
    }
}

fn name(code: u16) -> &'static str {
    match code {
        0 => "OK",
        1 => "Canceled",
        3 => "InvalidArgument",
        4 => "DeadlineExceeded",
        5 => "NotFound",
        6 => "AlreadyExists",
        7 => "PermissionDenied",
        8 => "ResourceExhausted",
        12 => "Unimplemented",
        14 => "Unavailable",
        16 => "Unauthenticated",
        _ => "Internal",
    }
}
