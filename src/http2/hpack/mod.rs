//! Fields of HTTP/2 on the wire: HPACK (RFC 7541). Pure.
//!
//! A client's fields are understood once: what its table holds are methods, paths and values that were checked, so that one
//! which comes from a table costs no more than a clone. What answers repeat is in a table of ours.

mod decoder;
mod encoder;
mod field;
mod huffman;
mod integer;
mod known;
mod recall;
mod statics;
mod string;
mod table;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use field::Field;

use std::fmt;

/// Bytes of the largest table, of either direction: what both sides have before they say otherwise (RFC 9113 §6.5.2).
pub const TABLE: usize = 4096;

/// A block that cannot be decoded, so that no later one can: COMPRESSION_ERROR, which ends a connection (RFC 9113 §4.3).
/// The text is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

const TRUNCATED: Broken = Broken("a header block is truncated");

// === impl Broken ===

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}
