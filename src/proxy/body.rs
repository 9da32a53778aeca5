//! Bodies under way: the client's toward the upstream, and the answer toward the client, each with its limits.

use crate::body::{Body, BodyError};
use crate::upstream::alarm::Alarm;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// How far a request's body has come; shared with the task that waits for the answer.
#[derive(Debug)]
pub struct Progress {
    /// What it waits for.
    pub state: Cell<Upload>,
    /// When that changed last.
    pub since: Cell<Instant>,
    /// Bytes that were handed over.
    pub bytes: Cell<u64>,
}

/// What a request's body waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    /// Nobody has asked for a byte yet.
    Untouched,
    /// The upstream must take what it got.
    Upstream,
    /// The client must send more.
    Client,
    /// Nothing: all is handed over.
    Done,
    /// It ended before its end, for this reason.
    Broken(Break),
}

/// Why a request's body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It is larger than allowed.
    TooLarge,
    /// The client sent nothing for too long.
    Slow,
    /// The client hung up, or its framing is broken.
    Client,
}

/// The client's body on its way to the upstream. Trailers end here, as in nginx: there are servers that take them for
/// headers, which plugins have no look at.
#[derive(Debug)]
pub struct RequestBody {
    body: Body,
    /// Bytes still allowed; `u64::MAX` is unlimited.
    allowed: u64,
    /// Longest time between two pieces.
    read: Duration,
    alarm: Alarm,
    /// When the wait for the next piece began.
    waiting: Option<Instant>,
    /// `None` for a body that is empty from the start.
    progress: Option<Rc<Progress>>,
}

// === impl Progress ===

impl Progress {
    fn new() -> Rc<Self> {
        Rc::new(Self { state: Cell::new(Upload::Untouched), since: Cell::new(Instant::now()), bytes: Cell::new(0) })
    }

    fn now(&self, state: Upload) {
        self.state.set(state);
        self.since.set(Instant::now());
    }
}

// === impl RequestBody ===

impl RequestBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Body::Empty, 0, Duration::ZERO)
    }

    /// A body with a size limit (`u64::MAX` is none) and a limit between two reads.
    #[must_use]
    pub fn new(body: Body, allowed: u64, read: Duration) -> Self {
        let progress = (!body.is_end_stream()).then(Progress::new);
        Self { body, allowed, read, alarm: Alarm::default(), waiting: None, progress }
    }

    /// How far it has come; `None` when there is nothing to send.
    #[must_use]
    pub fn progress(&self) -> Option<Rc<Progress>> {
        self.progress.clone()
    }

    fn note(&self, state: Upload) {
        if let Some(progress) = &self.progress {
            progress.now(state);
        }
    }

    /// Ready when the client has been silent for too long.
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() {
            self.note(Upload::Client);
        }
        let since = *self.waiting.get_or_insert_with(Instant::now);
        self.alarm.poll_at(since + self.read, cx)
    }

    fn broken(&self, why: Break) -> Option<Result<Frame<Bytes>, BodyError>> {
        self.note(Upload::Broken(why));
        Some(Err(Box::new(why)))
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Option<Result<Frame<Bytes>, BodyError>> {
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.allowed.checked_sub(size) {
            None => return self.broken(Break::TooLarge),
            Some(left) => self.allowed = if self.allowed == u64::MAX { u64::MAX } else { left },
        }
        if let Some(progress) = &self.progress {
            progress.bytes.set(progress.bytes.get() + size);
        }
        // Over HTTP/2 the end may come after the last byte, when nobody asks any more.
        let whole = self.body.is_end_stream() || self.body.size_hint().exact() == Some(0);
        self.note(if whole { Upload::Done } else { Upload::Upstream });
        Some(Ok(frame))
    }
}

impl Default for RequestBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() {
            if self.progress.as_ref().is_some_and(|progress| progress.state.get() == Upload::Done) {
                return Poll::Pending;
            }
            ready!(self.poll_slow(cx));
            return Poll::Ready(self.broken(Break::Slow));
        }
        self.waiting = None;
        Poll::Ready(match ready!(polled) {
            Some(Ok(frame)) if !frame.is_trailers() => self.count(frame),
            Some(Err(error)) => {
                tracing::debug!(%error, "the client's body ended early");
                self.broken(break_of(&error))
            }
            Some(Ok(_)) | None => {
                self.note(Upload::Done);
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn break_of(error: &BodyError) -> Break {
    error.downcast_ref().copied().unwrap_or(Break::Client)
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is larger than allowed",
            Self::Slow => "the client sent nothing for too long",
            Self::Client => "the client's body ended early",
        })
    }
}

impl std::error::Error for Break {}
