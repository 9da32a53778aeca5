//! The words of errors, by status (`kong/proxying.md` §9a, §9b).

use crate::entity::Compat;
use http::StatusCode;
use std::borrow::Cow;

/// What a client reads when something broke inside.
pub const UNEXPECTED: &str = "An unexpected error occurred";
/// What a client reads whose body is larger than `request-size-limiting` allows.
pub const SIZE_LIMIT: &str = "Request size limit exceeded";

/// Whether Kong's error handler answers when nginx raises this status.
pub(super) fn is_handled(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404 | 405 | 408 | 411..=414 | 417 | 494 | 500 | 502..=504)
}

/// The error handler's words.
pub(super) fn proxy(status: StatusCode, compat: Compat) -> Cow<'static, str> {
    let known = match (status.as_u16(), compat) {
        (494, Compat::Kong2) => Some("Bad request"),
        (405, Compat::Kong2) => None,
        _ if is_handled(status) => standard_of(status.as_u16()),
        _ => None,
    };
    known.map_or_else(|| format!("The upstream server responded with {}", status.as_u16()).into(), Cow::Borrowed)
}

/// The words of `kong.response.error` when its caller gives none.
pub(super) fn standard(status: StatusCode) -> Cow<'static, str> {
    match standard_of(status.as_u16()) {
        Some(text) => text.into(),
        None => format!("The upstream server responded with {}", status.as_u16()).into(),
    }
}

fn standard_of(status: u16) -> Option<&'static str> {
    if status < 500 { client(status) } else { server(status) }
}

fn client(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad request",
        401 => "Unauthorized",
        402 => "Payment required",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        407 => "Proxy authentication required",
        408 => "Request timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length required",
        412 => "Precondition failed",
        413 => "Payload too large",
        414 => "URI too long",
        415 => "Unsupported media type",
        416 => "Range not satisfiable",
        417 => "Expectation failed",
        418 => "I'm a teapot",
        421 => "Misdirected request",
        422 => "Unprocessable entity",
        423 => "Locked",
        424 => "Failed dependency",
        425 => "Too early",
        426 => "Upgrade required",
        428 => "Precondition required",
        429 => "Too many requests",
        431 => "Request header fields too large",
        451 => "Unavailable for legal reasons",
        494 => "Request header or cookie too large",
        _ => return None,
    })
}

fn server(status: u16) -> Option<&'static str> {
    Some(match status {
        500 => UNEXPECTED,
        501 => "Not implemented",
        502 => "An invalid response was received from the upstream server",
        503 => "The upstream server is currently unavailable",
        504 => "The upstream server is timing out",
        505 => "HTTP version not supported",
        506 => "Variant also negotiates",
        507 => "Insufficient storage",
        508 => "Loop detected",
        510 => "Not extended",
        511 => "Network authentication required",
        _ => return None,
    })
}
