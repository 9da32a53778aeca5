//! A message body on its way through: usually as it is read from a socket, passed on frame by frame, unboxed.

use crate::pipe::Pipe;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// What ended a body early. The text goes to the log, never to a client.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request's or a response's body.
#[derive(Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// All bytes at hand. `None` once they were taken.
    Full(Option<Bytes>),
    /// As it comes over a connection.
    Lent(Lent),
    /// Anything else, such as a body that a plugin wrapped.
    Boxed(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError>>>),
}

/// Something that a body comes over, and that is of use again when the body has ended.
pub trait Source: HttpBody<Data = Bytes, Error = BodyError> + Unpin {
    /// The body came to its end. One that is dropped instead is of no further use.
    fn ended(self: Box<Self>);

    /// Whether what comes next is worth a pipe, and can go through one as it is.
    fn passes(&self) -> bool {
        false
    }

    /// Moves what is there of it into an empty pipe; nothing, where that cannot be done after all.
    fn poll_pass(&mut self, _pipe: &mut Pipe, _cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        Poll::Ready(Ok(()))
    }
}

/// A body that comes over a [`Source`], and gives it back.
pub enum Lent {
    /// More may come.
    Open(Box<dyn Source>),
    /// It came to its end.
    Over,
    /// It broke; the source is gone.
    Broken,
}

// === impl Lent ===

impl Lent {
    /// What comes over it; at its end already, if that is known now.
    #[must_use]
    pub fn new(source: Box<dyn Source>) -> Self {
        let mut lent = Self::Open(source);
        lent.settle();
        lent
    }

    /// Gives the source back if no more comes over it.
    fn settle(&mut self) {
        if matches!(self, Self::Open(source) if source.is_end_stream())
            && let Self::Open(source) = std::mem::replace(self, Self::Over)
        {
            source.ended();
        }
    }

    /// As [`Source::passes`].
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Open(source) if source.passes())
    }

    /// As [`Source::poll_pass`].
    ///
    /// # Errors
    /// When the body breaks.
    pub fn poll_pass(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Self::Open(source) = self else { return Poll::Ready(Ok(())) };
        let polled = source.poll_pass(pipe, cx);
        match polled {
            Poll::Pending => {}
            Poll::Ready(Err(_)) => *self = Self::Broken,
            Poll::Ready(Ok(())) => self.settle(),
        }
        polled
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self::Open(source) = &mut *self else { return Poll::Ready(None) };
        let polled = Pin::new(&mut **source).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) => *self = Self::Broken,
            Poll::Ready(Some(Ok(_)) | None) => self.settle(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Open(source) => source.size_hint(),
            Self::Over => SizeHint::with_exact(0),
            Self::Broken => SizeHint::default(),
        }
    }
}

// === impl Body ===

impl Body {
    /// A body of these bytes.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::Empty } else { Self::Full(Some(bytes)) }
    }

    /// Any other body, boxed.
    #[must_use]
    pub fn boxed<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes, Error = BodyError> + 'static,
    {
        Self::Boxed(Box::pin(body))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Full(_) => "Full",
            Self::Lent(_) => "Lent",
            Self::Boxed(_) => "Boxed",
        })
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Lent(body) => Pin::new(body).poll_frame(cx),
            Self::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Full(None) => true,
            Self::Full(Some(_)) => false,
            Self::Lent(body) => body.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Full(None) => SizeHint::with_exact(0),
            Self::Full(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Self::Lent(body) => body.size_hint(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}
