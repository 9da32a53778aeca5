//! HTTP/1.1 toward upstreams (RFC 9112), driven by the task whose request it is.
//!
//! A request is written from its header map into one buffer, and an answer is read into one that the connection keeps. What
//! bytes mean is decided in `request.rs`, `response.rs`, `reading.rs` and `chunks.rs`, which are pure; `connection.rs` moves
//! them. Not here: which connection, and what a failure means for the request (`proxy/forward.rs`).

pub mod chunks;
pub mod connection;
pub mod early;
pub mod queue;
pub mod reading;
pub mod request;
pub mod response;
pub mod stream;

use std::fmt;

/// Most fields of a head, or of a trailer section.
pub const FIELDS: usize = 100;

/// What an upstream sent that is not HTTP/1.1 as this gateway understands it; the text is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// An upstream sent nothing for too long, in the middle of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Stalled;

// === impl Malformed ===

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for std::io::Error {
    fn from(why: Malformed) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, why)
    }
}

// === impl Stalled ===

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream sent nothing for too long")
    }
}

impl std::error::Error for Stalled {}
