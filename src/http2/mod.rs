//! What HTTP/2 says over the wire (RFC 9113): frames, windows, settings, and heads as header blocks. Pure.
//!
//! Clients are served by `server/http2/`.

pub mod answer;
pub mod frame;
pub mod hpack;
pub mod request;
pub mod settings;
pub mod window;
pub mod write;

/// Why a stream or a connection ends (RFC 9113 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub u32);

/// What a client did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends the connection; the text is for the log.
    Connection(Reason, &'static str),
    /// It ends this stream.
    Stream(u32, Reason),
}

/// What comes of a frame.
pub type Judged<T> = Result<T, Fault>;

// === impl Reason ===

impl Reason {
    /// Nothing is wrong.
    pub const NO_ERROR: Self = Self(0);
    /// Something that the protocol forbids.
    pub const PROTOCOL_ERROR: Self = Self(1);
    /// The fault is on this side, or behind it.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// More was sent than there was room for.
    pub const FLOW_CONTROL_ERROR: Self = Self(3);
    /// A frame for a stream that had ended.
    pub const STREAM_CLOSED: Self = Self(5);
    /// A frame of a wrong size.
    pub const FRAME_SIZE_ERROR: Self = Self(6);
    /// Nothing was done for it: it may be sent again.
    pub const REFUSED_STREAM: Self = Self(7);
    /// Nobody wants it any more.
    pub const CANCEL: Self = Self(8);
    /// A header block that cannot be understood.
    pub const COMPRESSION_ERROR: Self = Self(9);
    /// Too much of something.
    pub const ENHANCE_YOUR_CALM: Self = Self(11);
}

// === impl Fault ===

impl Fault {
    /// PROTOCOL_ERROR, of the connection.
    #[must_use]
    pub const fn protocol(why: &'static str) -> Self {
        Self::Connection(Reason::PROTOCOL_ERROR, why)
    }

    /// FRAME_SIZE_ERROR, of the connection.
    #[must_use]
    pub const fn size(why: &'static str) -> Self {
        Self::Connection(Reason::FRAME_SIZE_ERROR, why)
    }

    /// ENHANCE_YOUR_CALM, of the connection.
    #[must_use]
    pub const fn calm(why: &'static str) -> Self {
        Self::Connection(Reason::ENHANCE_YOUR_CALM, why)
    }
}
