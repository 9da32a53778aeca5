//! What both sides of HTTP/1.1 share (RFC 9112): fields in place and their names, bodies read and written, and what waits
//! to be written. Pure.
//!
//! Clients are served by `server/http1/`, upstreams are asked by `upstream/http1/`.

pub mod chunks;
pub mod fields;
pub mod inbox;
pub mod names;
pub mod queue;
pub mod reading;
pub mod sending;
pub mod turn;

use std::fmt;

/// Most fields of an upstream's head, or of a trailer section.
pub const FIELDS: usize = 100;

/// What a neighbour sent that is not HTTP/1.1 as this gateway understands it; the text is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

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
