//! What a client still sends when it has its answer already: a refused upload, say.
//!
//! It is thrown away, within limits, rather than cut off. Over HTTP/1 a socket that is closed with bytes unread resets the
//! connection, and the reset may overtake the answer (RFC 9112 §9.6); over HTTP/2 a stream that is reset makes some clients
//! forget the answer, though they must not (RFC 9113 §8.1). nginx does the same (`lingering_close`).

use crate::body::{Body, BodyError};
use crate::upstream::alarm::Alarm;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::time::Instant;

/// Longest time in all.
const WHOLE: Duration = Duration::from_secs(10);
/// Longest time without a byte.
const QUIET: Duration = Duration::from_secs(2);
/// The same over HTTP/2, where only a stream waits: a client that has given up sending may wait for its end.
const QUIET_STREAM: Duration = Duration::from_millis(500);
/// How long an answer of the gateway's own waits for a body that nobody wants. It is mostly there at once, and some clients
/// (curl before 8) lose their place when the answer ends before they have sent it.
const GRACE: Duration = Duration::from_millis(100);
/// Most bytes.
const MOST: u64 = 256 << 20;

/// How much more of it is taken.
#[derive(Debug)]
pub struct Patience {
    until: Instant,
    heard: Instant,
    quiet: Duration,
    left: u64,
    alarm: Alarm,
}

/// A body over HTTP/2 whose rest is thrown away when nobody wants it any more.
struct Leftover {
    body: Option<Incoming>,
    /// Whether the end, or an error, was seen.
    over: bool,
    /// Dropped at the very end.
    gone: Option<Sender<()>>,
}

/// Where one learns that a client has sent all, or is not listened to any more.
#[derive(Debug)]
pub struct Sent(Receiver<()>);

/// The body of a request over HTTP/2, which does not cut its client off when it is dropped; `None` for no body.
#[must_use]
pub fn patient(body: Incoming) -> (Body, Option<Sent>) {
    if HttpBody::is_end_stream(&body) {
        return (Body::Incoming(body), None);
    }
    let (gone, sent) = channel();
    (Body::boxed(Leftover { body: Some(body), over: false, gone: Some(gone) }), Some(Sent(sent)))
}

// === impl Sent ===

impl Sent {
    /// Waits for that, a moment at most.
    pub async fn soon(self) {
        let _ = tokio::time::timeout(GRACE, self.0).await;
    }
}

// === impl Patience ===

impl Patience {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        let now = Instant::now();
        Self { until: now + WHOLE, heard: now, quiet: QUIET, left: MOST, alarm: Alarm::default() }
    }

    /// So many bytes came; whether more may.
    pub fn took(&mut self, count: usize) -> bool {
        self.heard = Instant::now();
        self.left = self.left.saturating_sub(count as u64);
        self.left > 0 && self.heard < self.until
    }

    /// Ready when the wait for the next has been too long.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll_at(self.until.min(self.heard + self.quiet), cx)
    }
}

// === impl Leftover ===

impl HttpBody for Leftover {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        self.over = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !self.over && !HttpBody::is_end_stream(body));
        // Outside of a runtime everything ends, and this with it.
        if let (Some(rest), Ok(_)) = (rest, tokio::runtime::Handle::try_current()) {
            tokio::task::spawn_local(discard(rest, self.gone.take()));
        }
    }
}

async fn discard(mut body: Incoming, gone: Option<Sender<()>>) {
    let mut patience = Patience { quiet: QUIET_STREAM, ..Patience::begin() };
    poll_fn(|cx| {
        while let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
            let Some(Ok(frame)) = frame else { return Poll::Ready(()) };
            if !patience.took(frame.data_ref().map_or(0, Bytes::len)) {
                return Poll::Ready(());
            }
        }
        patience.poll_over(cx)
    })
    .await;
    drop(gone);
}
