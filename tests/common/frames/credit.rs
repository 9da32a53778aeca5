//! What a client of HTTP/2 may send (RFC 9113 §6.9).

use super::{Frame, SETTINGS, WINDOW_UPDATE};
use std::collections::HashMap;

/// The windows that the server gave: of the connection, and of its streams.
pub(super) struct Credit {
    connection: i64,
    /// What a stream has at first.
    initial: i64,
    /// What a stream has more than that, or less.
    streams: HashMap<u32, i64>,
}

// === impl Credit ===

impl Credit {
    pub(super) fn new() -> Self {
        Self { connection: 65_535, initial: 65_535, streams: HashMap::new() }
    }

    /// Takes note of a frame. No window may grow beyond the most.
    pub(super) fn note(&mut self, frame: &Frame) {
        match (frame.kind, frame.stream) {
            (WINDOW_UPDATE, 0) => self.connection += i64::from(frame.number(0)),
            (WINDOW_UPDATE, stream) => *self.streams.entry(stream).or_default() += i64::from(frame.number(0)),
            (SETTINGS, _) => self.settle(&frame.payload),
            _ => {}
        }
        let most = self.streams.values().map(|more| self.initial + more).max();
        assert!(self.connection.max(most.unwrap_or_default()) < 1 << 31, "a window is too large");
    }

    fn settle(&mut self, entries: &[u8]) {
        for entry in entries.chunks(6).filter(|entry| entry[..2] == [0, 4]) {
            self.initial = i64::from(u32::from_be_bytes(entry[2..].try_into().unwrap()));
        }
    }

    /// How many bytes may be sent.
    pub(super) fn left(&self, stream: u32) -> usize {
        let stream = self.initial + self.streams.get(&stream).unwrap_or(&0);
        usize::try_from(self.connection.min(stream)).unwrap_or_default()
    }

    /// Takes them.
    pub(super) fn spend(&mut self, stream: u32, len: usize) {
        let len = i64::try_from(len).unwrap();
        self.connection -= len;
        *self.streams.entry(stream).or_default() -= len;
    }
}
