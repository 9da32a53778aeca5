//! What answers have in common over HTTP/1.1 and HTTP/2. Pure.

use http::response::Parts;
use http::{HeaderMap, StatusCode};

/// Whether an answer may have a body (RFC 9110 §6.4.1); `head` says that HEAD was asked.
#[must_use]
pub fn has_body(head: bool, status: StatusCode) -> bool {
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    !head && !bodiless && !status.is_informational()
}

/// A plugin may be told to answer with what is no answer, and nothing would follow.
pub fn settled(head: &mut Parts) {
    if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        (head.status, head.headers) = (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new());
    }
}

/// The map of an answer that was written, for the next head.
#[must_use]
pub fn recycled(mut headers: HeaderMap) -> HeaderMap {
    headers.clear();
    headers
}
