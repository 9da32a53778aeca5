//! Where a body ends that is read (RFC 9112 §6.3). Pure.

use super::Malformed;
use super::chunks::{Chunks, Step};
use bytes::BytesMut;
use http_body::SizeHint;

/// What of a body is still to come.
#[derive(Debug, Default)]
pub enum Reading {
    /// Nothing.
    #[default]
    Over,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Box<Chunks>),
    /// All that comes until the connection is closed.
    UntilClose,
}

// === impl Reading ===

impl Reading {
    /// A body of this length.
    #[must_use]
    pub const fn length(size: u64) -> Self {
        if size == 0 { Self::Over } else { Self::Length(size) }
    }

    /// Takes the next piece off the front.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Step, Malformed> {
        match self {
            Self::Over => Ok(Step::End),
            Self::Chunked(chunks) => chunks.next(buf),
            _ if buf.is_empty() => Ok(Step::More),
            Self::UntilClose => Ok(Step::Data(buf.split().freeze())),
            Self::Length(left) => {
                let size = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len());
                *self = Self::length(*left - size as u64);
                Ok(Step::Data(buf.split_to(size).freeze()))
            }
        }
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Over => true,
            Self::Chunked(chunks) => chunks.is_over(),
            Self::Length(_) | Self::UntilClose => false,
        }
    }

    /// How much it is, as far as that is known.
    #[must_use]
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Length(left) => SizeHint::with_exact(*left),
            _ if self.is_over() => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
