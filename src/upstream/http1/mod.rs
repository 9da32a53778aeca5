//! HTTP/1.1 toward upstreams (RFC 9112), driven by the task whose request it is.
//!
//! A request is written from its header map into one buffer, and an answer is read into one that is lent to the connection.
//! What bytes mean is decided in `request.rs`, `response.rs`, `reading.rs` and `chunks.rs`, which are pure; `connection.rs`
//! and `writing.rs` move them. Not here: which connection, and what a failure means for the request (`proxy/forward.rs`).

pub mod connection;
pub mod early;
mod passing;
pub mod request;
pub mod response;
pub mod stream;
mod writing;

use std::fmt;

/// An upstream sent nothing for too long, in the middle of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Stalled;

// === impl Stalled ===

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream sent nothing for too long")
    }
}

impl std::error::Error for Stalled {}
