//! A client's socket as hyper sees it, with what hyper leaves out: limits on how long a client may refuse to read, or
//! take to send a head, on HTTP/2 frames that ask for no work, and Kong's words in place of hyper's bodiless answer to a
//! request that cannot be parsed.

use super::frame_meter::{Farewell, Meter};
use super::leisure::Leisure;
use super::linger;
use crate::proxy::activity::Activity;
use crate::proxy::leftover::Patience;
use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Makes the answer to a request that hyper refused with this status.
pub type Refuse = Arc<dyn Fn(u16) -> Bytes + Send + Sync>;

/// A client's socket.
pub struct Downstream<S> {
    socket: S,
    refuse: Refuse,
    refusal: Option<Refusal>,
    leisure: Leisure,
    stall: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    activity: Activity,
    /// `Some` for HTTP/2.
    frames: Option<Box<Frames>>,
    /// `Some` once the last byte is written to a client that may still be sending.
    patience: Option<Box<Patience>>,
}

/// What is kept of an HTTP/2 connection.
struct Frames {
    meter: Meter,
    /// `Some` once the client is not listened to any more.
    farewell: Option<Farewell>,
}

/// Our words for a request that hyper refused, while they are written.
struct Refusal {
    text: Bytes,
}

// === impl Downstream ===

impl<S> Downstream<S> {
    /// Wraps a socket; `stall` is the longest time between two writes.
    pub fn new(socket: S, refuse: Refuse, leisure: Leisure, stall: Duration, activity: Activity) -> Self {
        Self { socket, refuse, refusal: None, leisure, stall, sleep: None, activity, frames: None, patience: None }
    }

    /// The same for HTTP/2 with so many streams: frames are counted.
    #[must_use]
    pub fn metered(mut self, streams: u32) -> Self {
        let meter = Meter::new(streams, Instant::now().into_std());
        self.frames = Some(Box::new(Frames { meter, farewell: None }));
        self
    }

    /// Looks at what was read. What a client sends after it went too far is cut off.
    fn heard(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(frames) = &mut self.frames else { return self.leisure.heard(true) };
        if let Some(kept) = frames.look(&buf.filled()[before..], self.activity.ended()) {
            buf.set_filled(before + kept);
        }
        self.leisure.heard(frames.meter.is_within());
    }

    fn wrote(&mut self, bytes: &[u8]) {
        if let Some(frames) = &mut self.frames {
            frames.meter.wrote(bytes);
        }
    }

    fn begin_refusal(&mut self, bytes: &[u8]) {
        let digits = bytes.get(9..12).and_then(|text| std::str::from_utf8(text).ok());
        let status = digits.and_then(|text| text.parse().ok()).unwrap_or(400);
        self.refusal = Some(Refusal { text: (self.refuse)(status) });
    }

    /// Turns a write that waits into an error when it has waited too long.
    fn limit<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.sleep = None;
            return polled;
        }
        let until = Instant::now() + self.stall;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

// === impl Frames ===

impl Frames {
    /// How many of these bytes may pass, when not all.
    fn look(&mut self, bytes: &[u8], (abandoned, served): (usize, usize)) -> Option<usize> {
        let now = Instant::now().into_std();
        self.meter.ended(abandoned, served, now);
        let kept = self.meter.read(bytes, now)?;
        tracing::debug!(why = self.meter.flood(), "an HTTP/2 connection is ended: it floods");
        self.farewell = Some(Farewell::default());
        Some(kept)
    }
}

/// Fills what is left of a buffer; an error when that has gone on for too long.
fn bid_farewell(farewell: &mut Farewell, buf: &mut ReadBuf<'_>) -> io::Result<()> {
    while buf.remaining() > 0 {
        let bytes = farewell.next(buf.remaining()).ok_or(io::ErrorKind::ConnectionAborted)?;
        buf.put_slice(bytes);
    }
    Ok(())
}

/// Whether these bytes are hyper's own answer to a request it could not parse: a 4xx and nothing else. No answer of
/// ours is that bare: it names its maker, its age or its content.
fn is_refusal(bytes: &[u8]) -> bool {
    let Some(head) = bytes.strip_prefix(b"HTTP/1.1 4").filter(|head| head.len() < 90) else { return false };
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).skip(1).filter(|line| !line.is_empty());
    lines.all(|line| line.eq_ignore_ascii_case(b"content-length: 0") || line.eq_ignore_ascii_case(b"connection: close"))
}

impl<S: AsyncWrite + Unpin> Downstream<S> {
    /// Writes our words; done when all are written.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(refusal) = self.refusal.as_mut().filter(|r| r.text.has_remaining()) {
            let polled = Pin::new(&mut self.socket).poll_write(cx, &refusal.text);
            let written = ready!(polled)?;
            refusal.text.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Swallows hyper's words and writes ours.
    fn poll_refuse(&mut self, cx: &mut Context<'_>, first: &[u8], len: usize) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() {
            self.begin_refusal(first);
        }
        let polled = self.poll_refusal(cx);
        self.limit(polled, cx).map_ok(|()| len)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Downstream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(farewell) = self.frames.as_mut().and_then(|frames| frames.farewell.as_mut()) {
            return Poll::Ready(bid_farewell(farewell, buf));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        if polled.is_ready() {
            self.heard(buf, before);
            if let Some(farewell) = self.frames.as_mut().and_then(|frames| frames.farewell.as_mut()) {
                return Poll::Ready(bid_farewell(farewell, buf));
            }
            return polled;
        }
        ready!(self.leisure.poll_over(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client is too slow, or idle")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Downstream<S> {
    /// A client that was answered before it had sent everything, or was refused in the middle of it.
    fn may_be_sending(&self) -> bool {
        self.frames.is_none() && (self.refusal.is_some() || self.activity.is_unread())
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.limit(polled, cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Downstream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.refusal.is_some() || is_refusal(buf) {
            return self.poll_refuse(cx, buf, buf.len());
        }
        let polled = Pin::new(&mut self.socket).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = polled {
            self.wrote(&buf[..written]);
        }
        self.limit(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.iter().find(|b| !b.is_empty()).map_or(&[][..], |b| b);
        if self.refusal.is_some() || is_refusal(first) {
            return self.poll_refuse(cx, first, bufs.iter().map(|b| b.len()).sum());
        }
        let polled = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(mut left)) = polled {
            for buf in bufs {
                let written = left.min(buf.len());
                self.wrote(&buf[..written]);
                left -= written;
            }
        }
        self.limit(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(cx);
        self.limit(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        if me.patience.is_none() {
            ready!(me.poll_close(cx))?;
        }
        if !me.may_be_sending() {
            return Poll::Ready(Ok(()));
        }
        let patience = me.patience.get_or_insert_with(|| Box::new(Patience::begin()));
        linger::poll_end(patience, &mut me.socket, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::proxy::activity::Activity;
    use crate::server::leisure::Limits;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn wrapped(stall: Duration) -> (Downstream<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(256);
        let refuse: Refuse = Arc::new(|status| Bytes::from(format!("our words for {status}")));
        let limits = Limits { head: stall, rest: stall };
        let activity = Activity::default();
        (Downstream::new(ours, refuse, Leisure::new(limits, activity.clone()), stall, activity), theirs)
    }

    async fn written(text: &'static str) -> String {
        let (mut ours, mut theirs) = wrapped(Duration::from_secs(5));
        let write = async move {
            ours.write_all(text.as_bytes()).await.unwrap();
            ours.shutdown().await.unwrap();
        };
        let mut got = String::new();
        let (_, read) = tokio::join!(write, theirs.read_to_string(&mut got));
        read.unwrap();
        got
    }

    #[tokio::test]
    async fn hypers_words_are_replaced_and_ours_are_not() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(written(bare).await, "our words for 431");
        for text in ["HTTP/1.1 404 Not Found\r\nserver: x\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            assert_eq!(written(text).await, text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut ours, _theirs) = wrapped(Duration::from_secs(5));
        let error = ours.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
