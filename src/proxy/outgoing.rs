//! The answer's body on its way to the client, and what happens at its end: the log phase runs. Exactly once, whatever ended
//! it.

use super::activity::Busy;
use super::upgrade::Tunnel;
use crate::body::{Body, BodyError};
use crate::upstream::peers::Hold;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Who has something to do when the last byte is gone, or the client.
pub trait AtEnd {
    /// Does it.
    fn over(self: Box<Self>, end: End);
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Body bytes handed over.
    pub bytes: u64,
    /// Whether the body came to its own end.
    pub whole: bool,
}

/// An answer's body under way. An empty piece of it says only that it comes on, and is not sent.
pub struct Outgoing {
    body: Body,
    at_end: Option<Box<dyn AtEnd>>,
    bytes: u64,
    /// Why it broke, until what came before was written.
    broken: Option<BodyError>,
    /// The connection is busy as long as this is.
    busy: Option<Busy>,
    /// So is its target.
    hold: Option<Hold>,
    /// What follows an answer that is none but an agreement (101).
    tunnel: Option<Box<Tunnel>>,
}

/// What a body gives when it is asked.
type Polled = Option<Result<Frame<Bytes>, BodyError>>;

// === impl Outgoing ===

impl Outgoing {
    /// A body, over a connection that is busy with it.
    #[must_use]
    pub fn new(body: Body, busy: Option<Busy>) -> Self {
        Self { body, at_end: None, bytes: 0, broken: None, busy, hold: None, tunnel: None }
    }

    /// Holds the target that it comes from until the end.
    #[must_use]
    pub fn holding(mut self, hold: Option<Hold>) -> Self {
        self.hold = hold;
        self
    }

    /// The same, with a tunnel behind it.
    #[must_use]
    pub fn before(mut self, tunnel: Option<Box<Tunnel>>) -> Self {
        self.tunnel = tunnel;
        self
    }

    /// What follows, if that is something else than HTTP.
    pub fn take_tunnel(&mut self) -> Option<Box<Tunnel>> {
        self.tunnel.take()
    }

    /// Tells somebody of the end. A body that is empty already ends when it is dropped.
    #[must_use]
    pub fn at_end(mut self, who: Box<dyn AtEnd>) -> Self {
        self.at_end = Some(who);
        self
    }

    fn finish(&mut self, whole: bool) {
        if let Some(busy) = self.busy.take() {
            busy.done();
        }
        drop(self.hold.take());
        if let Some(who) = self.at_end.take() {
            who.over(End { bytes: self.bytes, whole });
        }
    }

    /// What comes of a look at the body: at its end, the answer is over.
    fn noticed(&mut self, polled: &Poll<Polled>) {
        match polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => self.passed(frame),
            Poll::Ready(None) => self.finish(true),
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "the upstream's answer ended early");
                self.finish(false);
            }
        }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.body.is_end_stream() {
            self.finish(true);
        }
    }
}

impl Outgoing {
    /// Who writes forgets what is not written yet when a body breaks, and writes when it has to wait. So it waits once: the
    /// client gets as much as the upstream sent.
    fn breaks(&mut self, error: BodyError, cx: &Context<'_>) -> Poll<Polled> {
        self.broken = Some(error);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn is_empty(frame: &Frame<Bytes>) -> bool {
    frame.data_ref().is_some_and(Bytes::is_empty)
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            self.noticed(&polled);
            match polled {
                Poll::Ready(Some(Ok(frame))) if is_empty(&frame) => {}
                Poll::Ready(Some(Err(error))) => return self.breaks(error, cx),
                told => return told,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let whole = self.body.is_end_stream();
        if !whole {
            // The client went, or took its request back.
            drop(self.busy.take());
        }
        self.finish(whole);
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("body", &self.body).finish_non_exhaustive()
    }
}
