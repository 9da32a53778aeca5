//! A client's socket as hyper sees it, with what hyper leaves out of HTTP/2: limits on how long a client may refuse to read,
//! or take to send a head, and on frames that ask for no work.

use super::frame_meter::{Farewell, Meter};
use super::leisure::Leisure;
use crate::proxy::activity::Activity;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A client's socket.
pub struct Downstream<S> {
    socket: S,
    leisure: Leisure,
    stall: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    activity: Activity,
    meter: Meter,
    /// `Some` once the client is not listened to any more.
    farewell: Option<Farewell>,
}

// === impl Downstream ===

impl<S> Downstream<S> {
    /// Wraps a socket over which there may be so many streams; `stall` is the longest time between two writes.
    pub fn new(socket: S, leisure: Leisure, stall: Duration, activity: Activity, streams: u32) -> Self {
        let meter = Meter::new(streams, Instant::now().into_std());
        Self { socket, leisure, stall, sleep: None, activity, meter, farewell: None }
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

/// Fills what is left of a buffer; an error when that has gone on for too long.
fn bid_farewell(farewell: &mut Farewell, buf: &mut ReadBuf<'_>) -> io::Result<()> {
    while buf.remaining() > 0 {
        let bytes = farewell.next(buf.remaining()).ok_or(io::ErrorKind::ConnectionAborted)?;
        buf.put_slice(bytes);
    }
    Ok(())
}

impl<S: AsyncRead + Unpin> AsyncRead for Downstream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(farewell) = &mut self.farewell {
            return Poll::Ready(bid_farewell(farewell, buf));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
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
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Downstream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = polled {
            self.meter.wrote(&buf[..written]);
        }
        self.limit(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(mut left)) = polled {
            for buf in bufs {
                let written = left.min(buf.len());
                self.meter.wrote(&buf[..written]);
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
        let polled = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.limit(polled, cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::server::leisure::Limits;
    use tokio::io::AsyncWriteExt;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(256);
        let (stall, activity) = (Duration::from_secs(5), Activity::default());
        let leisure = Leisure::new(Limits { head: stall, rest: stall }, activity.clone());
        let mut ours = Downstream::new(ours, leisure, stall, activity, 100);
        let error = ours.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
