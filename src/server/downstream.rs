//! A client's socket as hyper sees it, with what hyper leaves out of HTTP/2: limits on how long a client may refuse to read,
//! or take to send a head, and on frames that ask for no work; and writes that are put together.

use super::batch::Batch;
use super::frame_meter::{Farewell, Meter};
use super::leisure::Leisure;
use super::socket::Socket;
use crate::proxy::activity::Activity;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A client's socket, for two: hyper reads and writes, and whoever has given it to hyper sends what was written at the end
/// of each turn ([`poll_sent`](Self::poll_sent)). A flush of hyper's does nothing.
#[derive(Debug)]
pub struct Downstream<S>(Rc<RefCell<Ends<S>>>);

/// Both directions.
#[derive(Debug)]
struct Ends<S> {
    out: Batch<S>,
    leisure: Leisure,
    activity: Activity,
    meter: Meter,
    /// `Some` once the client is not listened to any more.
    farewell: Option<Farewell>,
}

// === impl Downstream ===

impl<S> Clone for Downstream<S> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: Socket> Downstream<S> {
    /// Wraps a socket over which there may be so many streams; `stall` is the longest time between two writes.
    pub fn new(socket: S, leisure: Leisure, stall: Duration, activity: Activity, streams: u32) -> Self {
        let (out, meter) = (Batch::new(socket, stall), Meter::new(streams, Instant::now().into_std()));
        Self(Rc::new(RefCell::new(Ends { out, leisure, activity, meter, farewell: None })))
    }

    /// Sends what was written. When that must wait, the task is woken as it is for a write of its own.
    ///
    /// # Errors
    /// Those of the socket, and `TimedOut` when the client does not read.
    pub fn poll_sent(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ends = &mut *self.0.borrow_mut();
        ready!(ends.out.poll_sent(cx))?;
        if !ends.activity.is_busy() {
            ends.out.rest();
        }
        Poll::Ready(Ok(()))
    }
}

// === impl Ends ===

impl<S: Socket> Ends<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(farewell) = &mut self.farewell {
            return Poll::Ready(bid_farewell(farewell, buf));
        }
        let before = buf.filled().len();
        let polled = Pin::new(self.out.socket()).poll_read(cx, buf);
        if polled.is_ready() {
            self.heard(buf, before);
            if let Some(farewell) = &mut self.farewell {
                return Poll::Ready(bid_farewell(farewell, buf));
            }
            return polled;
        }
        ready!(self.leisure.poll_over(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client is too slow, or idle")))
    }

    /// Looks at what was read. What a client sends after it went too far is cut off.
    fn heard(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if let Some(kept) = self.look(&buf.filled()[before..]) {
            buf.set_filled(before + kept);
        }
        self.leisure.heard(self.meter.is_within());
    }

    /// How many of these bytes may pass, when not all.
    fn look(&mut self, bytes: &[u8]) -> Option<usize> {
        let (now, (abandoned, served)) = (Instant::now().into_std(), self.activity.ended());
        self.meter.ended(abandoned, served, now);
        let kept = self.meter.read(bytes, now)?;
        tracing::debug!(why = self.meter.flood(), "an HTTP/2 connection is ended: it floods");
        self.farewell = Some(Farewell::default());
        Some(kept)
    }

    fn poll_write(&mut self, bufs: &[IoSlice<'_>], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let written = ready!(self.out.poll_put(bufs, cx))?;
        let mut left = written;
        for buf in bufs {
            let part = left.min(buf.len());
            self.meter.wrote(&buf[..part]);
            left -= part;
        }
        Poll::Ready(Ok(written))
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

impl<S: Socket> AsyncRead for Downstream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(cx, buf)
    }
}

impl<S: Socket> AsyncWrite for Downstream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(&[IoSlice::new(buf)], cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(bufs, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().out.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::server::leisure::Limits;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn downstream(room: usize) -> (Downstream<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(room);
        let (stall, activity) = (Duration::from_secs(5), Activity::default());
        let leisure = Leisure::new(Limits { head: stall, rest: stall }, activity.clone());
        (Downstream::new(ours, leisure, stall, activity, 100), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut ours, _theirs) = downstream(256);
        let error = ours.write_all(&[0; 20_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_was_flushed_waits_for_the_end_of_the_turn() {
        let (ours, mut theirs) = downstream(256);
        let mut hyper = ours.clone();
        for word in ["one ", "two ", "three"] {
            hyper.write_all(word.as_bytes()).await.unwrap();
            hyper.flush().await.unwrap();
        }
        let mut got = [0; 20];
        let early = poll_fn(|cx| Poll::Ready(Pin::new(&mut theirs).poll_read(cx, &mut ReadBuf::new(&mut got)))).await;
        assert!(early.is_pending());
        poll_fn(|cx| ours.poll_sent(cx)).await.unwrap();
        let len = theirs.read(&mut got).await.unwrap();
        assert_eq!(&got[..len], b"one two three");
    }
}
