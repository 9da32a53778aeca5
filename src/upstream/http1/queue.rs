//! Bytes that wait to be written: the gateway's own, then a piece of a body that is not copied, then what ends the piece.

use bytes::{Buf, Bytes};
use std::io::IoSlice;

/// Pieces up to this size are copied behind the gateway's own bytes: one buffer is written faster than several.
const COPIED: usize = 4 * 1024;

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Queue {
    own: Vec<u8>,
    /// How much of `own` was written.
    at: usize,
    piece: Bytes,
    end: &'static [u8],
}

// === impl Queue ===

impl Queue {
    /// Where the gateway's own bytes go. To be asked only while no piece waits.
    pub fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// A piece, and what ends it. To be called only while no piece waits.
    pub fn push(&mut self, piece: Bytes, end: &'static [u8]) {
        if piece.len() <= COPIED {
            self.own.extend_from_slice(&piece);
            self.own.extend_from_slice(end);
        } else {
            (self.piece, self.end) = (piece, end);
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at == self.own.len() && !self.has_piece()
    }

    /// Whether a piece, or what ends it, waits.
    #[must_use]
    pub fn has_piece(&self) -> bool {
        !self.piece.is_empty() || !self.end.is_empty()
    }

    /// All that waits.
    #[must_use]
    pub fn slices(&self) -> [IoSlice<'_>; 3] {
        [IoSlice::new(self.left()), IoSlice::new(&self.piece), IoSlice::new(self.end)]
    }

    /// The gateway's own bytes that wait.
    #[must_use]
    pub fn left(&self) -> &[u8] {
        self.own.get(self.at..).unwrap_or_default()
    }

    /// So many bytes were written.
    pub fn advance(&mut self, written: usize) {
        let own = written.min(self.own.len() - self.at);
        self.at += own;
        let piece = (written - own).min(self.piece.len());
        self.piece.advance(piece);
        self.end = self.end.get(written - own - piece..).unwrap_or_default();
        if self.at == self.own.len() {
            self.own.clear();
            self.at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(mut queue: Queue, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !queue.is_empty() {
            let waiting: Vec<u8> = queue.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            let written = step.min(waiting.len());
            all.extend_from_slice(&waiting[..written]);
            queue.advance(written);
        }
        all
    }

    #[test]
    fn all_of_it_is_written_in_order_however_little_at_a_time() {
        for (size, step) in [(3, 1), (3, 100), (COPIED + 1, 7), (COPIED + 1, 5000), (0, 2)] {
            let mut queue = Queue::default();
            queue.own().extend_from_slice(b"head:");
            queue.push(Bytes::from(vec![b'x'; size]), b"\r\n");
            let wanted = [b"head:", &vec![b'x'; size][..], b"\r\n"].concat();
            assert_eq!(drained(queue, step), wanted, "{size} {step}");
        }
    }
}
