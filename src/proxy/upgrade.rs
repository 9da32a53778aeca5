//! After a 101: bytes both ways, whatever they are, until one side ends or both are silent for too long.

use crate::proxy::activity::Busy;
use crate::proxy::closing::Seat;
use crate::proxy::worker::Worker;
use crate::upstream::http1::stream::Stream;
use crate::upstream::peers::Hold;
use bytes::Bytes;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Bytes taken from one side at a time.
const CHUNK: usize = 16 * 1024;

/// The far end of a tunnel: an upstream that agreed to speak something else.
pub struct Tunnel {
    upstream: Stream,
    /// What it said already.
    ahead: Bytes,
    worker: Rc<Worker>,
    /// What goes when it ends.
    held: (Busy, Option<Hold>),
}

// === impl Tunnel ===

impl Tunnel {
    /// To this upstream, of which something was read `ahead`.
    #[must_use]
    pub fn new((upstream, ahead): (Stream, Bytes), worker: &Rc<Worker>, held: (Busy, Option<Hold>)) -> Box<Self> {
        Box::new(Self { upstream, ahead, worker: Rc::clone(worker), held })
    }

    /// Joins it with a client, of whose bytes some were read `ahead`, until it ends or the worker stops.
    ///
    /// # Errors
    /// When one side breaks off, or both are silent for too long.
    pub async fn run<S>(self: Box<Self>, client: S, ahead: Bytes, seat: Seat) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { upstream, ahead: answered, worker, held: _held } = *self;
        let (_open, silence) = (worker.traffic.tunnel(), worker.settings.tunnel_timeout);
        until_closing(seat, join(client, &ahead, upstream, &answered, silence)).await
    }
}

/// Runs a tunnel until it ends, or the worker stops: a tunnel has no end of its own to wait for. One whose process has
/// handed over holds nobody up, and goes on until that process ends.
async fn until_closing(mut seat: Seat, work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let mut work = pin!(work);
    poll_fn(|cx| if seat.poll_stop(cx) { Poll::Ready(Ok(())) } else { work.as_mut().poll(cx) }).await
}

async fn join(
    client: impl AsyncRead + AsyncWrite + Unpin,
    client_ahead: &[u8],
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    ahead: &[u8],
    silence: Duration,
) -> io::Result<()> {
    let (client_in, client_out) = tokio::io::split(client);
    let (upstream_in, upstream_out) = tokio::io::split(upstream);
    let heard = std::cell::Cell::new(tokio::time::Instant::now());
    let there = pour(client_ahead.chain(client_in), upstream_out, silence, &heard);
    let back = pour(ahead.chain(upstream_in), client_out, silence, &heard);
    tokio::try_join!(there, back).map(drop)
}

/// Copies one way. Silence counts only when neither way speaks.
async fn pour<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    mut from: R,
    mut to: W,
    silence: Duration,
    heard: &std::cell::Cell<tokio::time::Instant>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = loop {
            match tokio::time::timeout_at(heard.get() + silence, from.read(&mut chunk)).await {
                Ok(read) => break read?,
                Err(_) if heard.get().elapsed() < silence => {}
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        };
        heard.set(tokio::time::Instant::now());
        if read == 0 {
            return to.shutdown().await;
        }
        // TLS takes a piece, and waits with it.
        let sent = async {
            to.write_all(&chunk[..read]).await?;
            to.flush().await
        };
        timeout(silence, sent).await.map_err(|_| io::ErrorKind::TimedOut)??;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::Cell;
    use std::pin::Pin;
    use std::task::Context;
    use tokio::time::Instant;

    /// Takes everything and sends nothing.
    struct Hoard;

    impl AsyncWrite for Hoard {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_waited_for_no_longer_than_one_who_is_silent() {
        let (silence, heard) = (Duration::from_secs(5), Cell::new(Instant::now()));
        let poured = timeout(silence * 2, pour(&b"abc"[..], Hoard, silence, &heard)).await;
        assert_eq!(poured.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
