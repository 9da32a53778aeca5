//! Frames as clients send them (RFC 9113 §4, §6). Pure.
//!
//! What a frame may be by itself is decided here; whether it may come now, by whoever knows the streams.

use super::{Fault, Judged, Reason};
use std::ops::Range;

/// Every frame begins with a head of this size (§4.1).
pub const HEAD: usize = 9;
/// Largest payload, either way: what everybody takes (§4.2).
pub const MOST: usize = 16 * 1024;

/// A flag: no more comes over this stream.
pub const END_STREAM: u8 = 1;
/// A flag of SETTINGS and PING: it is an answer.
pub const ACK: u8 = 1;
/// A flag: the header block is whole.
pub const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A piece of a body.
    Data = 0,
    /// A head, or trailers; at least their beginning.
    Headers = 1,
    /// Advice that nobody follows any more.
    Priority = 2,
    /// A stream ends at once.
    Reset = 3,
    /// What the sender can do.
    Settings = 4,
    /// Only servers send it.
    Push = 5,
    /// Asks whether somebody is there.
    Ping = 6,
    /// No new streams.
    GoAway = 7,
    /// More may be sent.
    Window = 8,
    /// More of a header block.
    Continuation = 9,
    /// To be ignored (§5.5).
    Unknown = 10,
}

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes that follow.
    pub len: usize,
    /// What it is for.
    pub kind: Kind,
    /// Some mean something, depending on the kind.
    pub flags: u8,
    /// The stream; none is the connection itself.
    pub stream: u32,
}

/// A frame that is right by itself. Parts of its payload are told by where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A piece of a body.
    Data {
        /// Where it is.
        data: Range<usize>,
        /// Whether it is the last.
        end: bool,
    },
    /// A header block, or its beginning.
    Headers {
        /// Where it is.
        block: Range<usize>,
        /// Whether no body follows.
        end: bool,
        /// Whether that is all of the block.
        whole: bool,
    },
    /// More of a header block.
    Continuation {
        /// Whether that is the last of it.
        whole: bool,
    },
    /// The stream ends.
    Reset,
    /// What the client can do.
    Settings,
    /// It has taken in what was told about this side.
    SettingsTaken,
    /// To be sent back.
    Ping([u8; 8]),
    /// One of ours came back.
    Pong([u8; 8]),
    /// The client opens no more streams.
    GoAway,
    /// So much more may be sent.
    Window(u32),
    /// Nothing to do.
    Ignored,
}

// === impl Kind ===

impl From<u8> for Kind {
    fn from(kind: u8) -> Self {
        match kind {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::Reset,
            4 => Self::Settings,
            5 => Self::Push,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::Window,
            9 => Self::Continuation,
            _ => Self::Unknown,
        }
    }
}

// === impl Head ===

impl Head {
    /// The head of the frame that these bytes begin with; `None` as long as there are too few.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = *bytes.first_chunk::<HEAD>()?;
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes(stream) & i32::MAX as u32;
        Some(Self { len, kind: kind.into(), flags, stream })
    }

    /// What the frame with this head and this payload says.
    ///
    /// # Errors
    /// When it is none that a client may send.
    pub fn understand(self, payload: &[u8]) -> Judged<Frame> {
        match self.kind {
            Kind::Data => self.data(payload),
            Kind::Headers => self.headers(payload),
            Kind::Priority => self.priority(payload),
            Kind::Reset => self.of_stream()?.sized(payload).map(|_: [u8; 4]| Frame::Reset),
            Kind::Settings => self.settings(payload),
            Kind::Push => Err(Fault::protocol("a client cannot push")),
            Kind::Ping => {
                let word = self.of_connection()?.sized(payload)?;
                Ok(if self.has(ACK) { Frame::Pong(word) } else { Frame::Ping(word) })
            }
            Kind::GoAway if payload.len() < 8 => Err(Fault::size("GOAWAY is too short")),
            Kind::GoAway => self.of_connection().map(|_| Frame::GoAway),
            Kind::Window => self.window(payload),
            Kind::Continuation => self.of_stream().map(|_| Frame::Continuation { whole: self.has(END_HEADERS) }),
            Kind::Unknown => Ok(Frame::Ignored),
        }
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn of_stream(self) -> Judged<Self> {
        if self.stream == 0 { Err(Fault::protocol("a frame of a stream has none")) } else { Ok(self) }
    }

    fn of_connection(self) -> Judged<Self> {
        if self.stream == 0 { Ok(self) } else { Err(Fault::protocol("a frame of the connection has a stream")) }
    }

    fn sized<const SIZE: usize>(self, payload: &[u8]) -> Judged<[u8; SIZE]> {
        payload.try_into().map_err(|_| Fault::size("a frame has a wrong size"))
    }

    /// Where the payload is without its padding (§6.1).
    fn unpadded(self, payload: &[u8]) -> Judged<Range<usize>> {
        if !self.has(PADDED) {
            return Ok(0..payload.len());
        }
        let padding = payload.first().ok_or(Fault::size("there is no room for padding"))?;
        let end = payload.len().checked_sub(usize::from(*padding)).filter(|end| *end > 0);
        Ok(1..end.ok_or(Fault::protocol("there is more padding than frame"))?)
    }

    fn data(self, payload: &[u8]) -> Judged<Frame> {
        Ok(Frame::Data { data: self.of_stream()?.unpadded(payload)?, end: self.has(END_STREAM) })
    }

    fn headers(self, payload: &[u8]) -> Judged<Frame> {
        let mut block = self.of_stream()?.unpadded(payload)?;
        if self.has(PRIORITY) {
            let advice = payload.get(block.clone()).and_then(<[u8]>::first_chunk::<5>);
            self.advice(*advice.ok_or(Fault::size("there is no room for a priority"))?)?;
            block.start += 5;
        }
        Ok(Frame::Headers { block, end: self.has(END_STREAM), whole: self.has(END_HEADERS) })
    }

    /// A stream must not depend on itself (RFC 7540 §5.3.1); there is nothing else to say about priorities (§5.3.2).
    fn advice(self, [a, b, c, d, _weight]: [u8; 5]) -> Judged<()> {
        let parent = u32::from_be_bytes([a, b, c, d]) & i32::MAX as u32;
        if parent == self.stream { Err(Fault::protocol("a stream depends on itself")) } else { Ok(()) }
    }

    fn priority(self, payload: &[u8]) -> Judged<Frame> {
        let wrong = Fault::Stream(self.of_stream()?.stream, Reason::FRAME_SIZE_ERROR);
        self.advice(payload.try_into().map_err(|_| wrong)?)?;
        Ok(Frame::Ignored)
    }

    fn settings(self, payload: &[u8]) -> Judged<Frame> {
        self.of_connection()?;
        match (self.has(ACK), payload.len()) {
            (true, 0) => Ok(Frame::SettingsTaken),
            (false, len) if len % 6 == 0 => Ok(Frame::Settings),
            _ => Err(Fault::size("SETTINGS have a wrong size")),
        }
    }

    fn window(self, payload: &[u8]) -> Judged<Frame> {
        match (u32::from_be_bytes(self.sized(payload)?) & i32::MAX as u32, self.stream) {
            (0, 0) => Err(Fault::protocol("a window grows by nothing")),
            (0, stream) => Err(Fault::Stream(stream, Reason::PROTOCOL_ERROR)),
            (more, _) => Ok(Frame::Window(more)),
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
