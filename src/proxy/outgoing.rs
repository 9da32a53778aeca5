//! The answer's body on its way to the client, and what happens at its end: the log phase runs. Exactly once, whatever ended
//! it.

use super::activity::Busy;
use super::upgrade::Tunnel;
use crate::body::{Body, BodyError};
use crate::pipe::Pipe;
use crate::upstream::peers::Hold;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;

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
    way: Way,
    /// The connection is busy as long as this is.
    busy: Option<Busy>,
    /// So is its target.
    hold: Option<Hold>,
    /// What follows an answer that is none but an agreement (101).
    tunnel: Option<Box<Tunnel>>,
}

/// How a body gets to a client whose connection is in the clear.
enum Way {
    /// In pieces; nobody asked for a pipe yet.
    Open,
    /// The kernel moves it. What is in the pipe comes before what is still to come.
    Pipe(Pipe),
    /// In pieces to its end.
    Pieces,
}

/// What a body gives when it is asked.
type Polled = Option<Result<Frame<Bytes>, BodyError>>;

// === impl Outgoing ===

impl Outgoing {
    /// A body, over a connection that is busy with it.
    #[must_use]
    pub fn new(body: Body, busy: Option<Busy>) -> Self {
        Self { body, at_end: None, bytes: 0, broken: None, way: Way::Open, busy, hold: None, tunnel: None }
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
            Poll::Ready(Some(Err(error))) => self.failed(error),
        }
    }

    fn failed(&mut self, error: &BodyError) {
        tracing::warn!(%error, "the upstream's answer ended early");
        self.finish(false);
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.body.is_end_stream() {
            self.finish(true);
        }
    }
}

/// What the kernel moves.
impl Outgoing {
    /// Whether what comes next is to be had by [`Outgoing::poll_filled`] and [`Outgoing::poll_drained`], and only so.
    pub fn passes(&mut self) -> bool {
        if matches!((&self.way, &self.body), (Way::Open, Body::Lent(lent)) if lent.passes()) {
            self.way = Pipe::take().map_or(Way::Pieces, Way::Pipe);
        }
        matches!(self.way, Way::Pipe(_))
    }

    /// Ready when something is in the pipe, or it turns out that nothing can be.
    ///
    /// # Errors
    /// When the body breaks.
    pub fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let (Way::Pipe(pipe), Body::Lent(lent)) = (&mut self.way, &mut self.body) else { return Poll::Ready(Ok(())) };
        if pipe.is_empty() {
            let filled = ready!(lent.poll_pass(pipe, cx));
            if pipe.is_empty() {
                self.way = Way::Pieces;
            }
            filled.inspect_err(|error| self.failed(error))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Moves what is in the pipe to the client; how much that was.
    ///
    /// # Errors
    /// The socket's.
    pub fn poll_drained(&mut self, to: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Way::Pipe(pipe) = &mut self.way else { return Poll::Ready(Ok(0)) };
        let drained = ready!(pipe.poll_drain(to, cx))?;
        self.bytes += drained as u64;
        if pipe.is_empty() && self.body.is_end_stream() {
            self.way = Way::Pieces;
            self.finish(true);
        }
        Poll::Ready(Ok(drained))
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
        self.body.is_end_stream() && !matches!(self.way, Way::Pipe(_))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let whole = self.is_end_stream();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::body::{Lent, Source};
    use http_body_util::BodyExt;
    use std::future::poll_fn;

    /// Says that it passes, and moves nothing.
    struct Unwilling(Option<Bytes>);

    impl HttpBody for Unwilling {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Polled> {
            Poll::Ready(self.0.take().map(|piece| Ok(Frame::data(piece))))
        }
    }

    impl Source for Unwilling {
        fn ended(self: Box<Self>) {}

        fn passes(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn what_the_kernel_refuses_to_move_comes_in_pieces() {
        let source = Unwilling(Some(Bytes::from("all of it")));
        let mut body = Outgoing::new(Body::Lent(Lent::new(Box::new(source))), None);
        assert!(body.passes());
        poll_fn(|cx| body.poll_filled(cx)).await.unwrap();
        assert!(!body.passes());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "all of it");
    }
}
