//! What the streams of a connection share: its bytes, its windows, its table, and its account.

use super::meter::Meter;
use super::outbox::Outbox;
use crate::http2::frame::{END_STREAM, Kind};
use crate::http2::hpack::Encoder;
use crate::http2::window::{Intake, Window};
use crate::http2::write;
use bytes::Bytes;

/// One connection, as its streams see it.
pub struct Line<S> {
    /// What is to be written.
    pub out: Outbox<S>,
    /// The table that answers' heads refer to.
    pub encoder: Encoder,
    /// What may be sent over all streams.
    pub window: Window,
    /// What the client may send over all of them.
    pub intake: Intake,
    /// Whether it asks too much.
    pub meter: Meter,
    /// Whether an answer may be waiting for a window.
    pub blocked: bool,
}

// === impl Line ===

impl<S> Line<S> {
    /// So many bytes of bodies were read, or are not to be read by anybody.
    pub fn took(&mut self, bytes: usize) {
        if let Some(more) = self.intake.taken(bytes) {
            write::window(self.out.own(), 0, more);
        }
    }

    /// Sends a piece of a body, for which there is room in the windows.
    pub fn data(&mut self, stream: u32, piece: Bytes, last: bool) {
        let flags = if last { END_STREAM } else { 0 };
        self.window.sent(piece.len());
        self.meter.answered(piece.len());
        self.out.own().extend_from_slice(&write::head(piece.len(), Kind::Data, flags, stream));
        self.out.push(piece);
    }
}
