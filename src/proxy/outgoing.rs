//! The answer's body on its way to the client, and what happens at its end: the upstream connection goes back to the
//! pool, the log phase runs. Exactly once, whatever ended it.

use super::activity::Busy;
use super::body::RequestBody;
use crate::body::{Body, BodyError};
use crate::upstream::lease::Lease;
use crate::upstream::peers::Hold;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// What runs when the last byte is gone, or the client.
pub type AtEnd = Box<dyn FnOnce(End)>;

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
    upstream: Option<Upstream>,
    at_end: Option<AtEnd>,
    bytes: u64,
    /// The connection is busy as long as this is.
    busy: Option<Busy>,
    /// So is its target.
    hold: Option<Hold>,
}

/// What an upstream's answer holds on to.
struct Upstream {
    lease: Lease<RequestBody>,
    /// Longest time between two pieces.
    read: Duration,
    /// When the wait for the next piece began. A client that is slow to take one does not make the upstream late.
    waiting: Option<Instant>,
}

/// What a body gives when it is asked.
type Polled = Option<Result<Frame<Bytes>, BodyError>>;

/// The upstream sent nothing for too long, in the middle of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Stalled;

// === impl Outgoing ===

impl Outgoing {
    /// A body that the gateway made.
    #[must_use]
    pub fn own(body: Body, busy: Busy) -> Self {
        Self { body, upstream: None, at_end: None, bytes: 0, busy: Some(busy), hold: None }
    }

    /// A body that comes from an upstream, with the limit between two reads.
    #[must_use]
    pub fn proxied(body: Body, lease: Lease<RequestBody>, read: Duration, busy: Busy) -> Self {
        let upstream = Some(Upstream { lease, read, waiting: None });
        Self { body, upstream, at_end: None, bytes: 0, busy: Some(busy), hold: None }
    }

    /// Holds the target that it comes from until the end.
    #[must_use]
    pub fn holding(mut self, hold: Option<Hold>) -> Self {
        self.hold = hold;
        self
    }

    /// Runs something at the end. A body that is empty already ends when hyper drops it.
    #[must_use]
    pub fn at_end(mut self, run: AtEnd) -> Self {
        self.at_end = Some(run);
        self
    }

    fn finish(&mut self, whole: bool) {
        if let Some(busy) = self.busy.take() {
            busy.done();
        }
        drop(self.hold.take());
        if let (Some(upstream), true) = (self.upstream.take(), whole) {
            upstream.lease.give_back(Instant::now().into_std());
        }
        if let Some(run) = self.at_end.take() {
            run(End { bytes: self.bytes, whole });
        }
    }

    /// What comes of a look at the body: at its end, and at that of patience, the answer is over.
    fn noticed(&mut self, polled: Poll<Polled>, cx: &mut Context<'_>) -> Poll<Polled> {
        match &polled {
            Poll::Pending => {
                return self.poll_stalled(cx).map(|()| {
                    self.finish(false);
                    Some(Err(Stalled.into()))
                });
            }
            Poll::Ready(Some(Ok(frame))) => self.passed(frame),
            Poll::Ready(None) => self.finish(true),
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "the upstream's answer ended early");
                self.finish(false);
            }
        }
        polled
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.upstream {
            Some(Upstream { lease, read, waiting }) => {
                let since = *waiting.get_or_insert_with(Instant::now);
                lease.alarm().poll_at(since + *read, cx)
            }
            None => Poll::Pending,
        }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.body.is_end_stream() {
            self.finish(true);
        } else if let Some(upstream) = &mut self.upstream {
            upstream.waiting = None;
        }
    }
}

fn is_empty(frame: &Frame<Bytes>) -> bool {
    frame.data_ref().is_some_and(Bytes::is_empty)
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        loop {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            match self.noticed(polled, cx) {
                Poll::Ready(Some(Ok(frame))) if is_empty(&frame) => {}
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

impl std::fmt::Display for Stalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the upstream sent nothing for too long")
    }
}

impl std::error::Error for Stalled {}
