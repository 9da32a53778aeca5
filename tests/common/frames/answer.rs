//! What comes of a request over HTTP/2.

use super::hpack::Field;
use super::{DATA, END_HEADERS, Frame, RST_STREAM, value};

/// How a stream, or all of the connection, was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Status(u16),
    /// RST_STREAM with this error.
    Reset(u32),
    /// GOAWAY with this error.
    GoAway(u32),
    /// The connection ended without a word.
    Closed,
    /// Nothing came, and the connection stayed open.
    Silence,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With END_STREAM.
    Whole,
    /// RST_STREAM with this error.
    Reset(u32),
    /// With the connection.
    Closed,
}

/// What came of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head: Vec<Field>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Field>,
    pub(crate) end: Option<End>,
    /// Whether END_STREAM came, and the block that it ends may not have.
    last: bool,
}

// === impl Answer ===

impl Answer {
    /// The status; 0 before there is one.
    pub(crate) fn status(&self) -> u16 {
        value(&self.head, ":status").and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        value(&self.head, name)
    }

    /// Whether it has come to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.end == Some(End::Whole)
    }

    /// Adds what a frame of the stream says.
    pub(super) fn take(&mut self, frame: &Frame) {
        match frame.kind {
            DATA => self.body.extend_from_slice(frame.data()),
            RST_STREAM => self.end = Some(End::Reset(frame.number(0))),
            _ if frame.fields.is_empty() => {}
            _ if self.status() < 200 => self.head.clone_from(&frame.fields),
            _ => self.trailers.clone_from(&frame.fields),
        }
        self.last |= frame.ends();
        // A head that ends its stream may go on in CONTINUATION.
        if self.last && (frame.kind == DATA || frame.flags & END_HEADERS != 0) {
            self.end = self.end.or(Some(End::Whole));
        }
    }
}
