//! A header block that comes in several frames (RFC 9113 §4.3).

use crate::http2::frame::MOST;
use crate::http2::{Fault, Judged};

/// A block of this stream, of which more is to come. Nothing else may come before that. Without `Debug`: secrets are among it.
pub struct Block {
    /// The stream.
    pub stream: u32,
    /// Whether no body follows.
    pub end: bool,
    /// What came of it.
    pub bytes: Vec<u8>,
    pieces: usize,
}

// === impl Block ===

impl Block {
    /// Its beginning.
    #[must_use]
    pub fn begin(stream: u32, end: bool, bytes: &[u8]) -> Self {
        Self { stream, end, bytes: bytes.to_vec(), pieces: 0 }
    }

    /// More of it, up to `most` bytes in as many frames as these need, and some.
    ///
    /// # Errors
    /// When that is too much.
    pub fn push(&mut self, piece: &[u8], most: usize) -> Judged<()> {
        self.pieces += 1;
        self.bytes.extend_from_slice(piece);
        let pieces = 5 + most / MOST;
        if self.pieces > pieces || self.bytes.len() > most {
            return Err(Fault::calm("a header block without end"));
        }
        Ok(())
    }
}
