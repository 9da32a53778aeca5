//! After a 101: bytes both ways, whatever they are, until one side ends or both are silent for too long.

use crate::proxy::activity::Busy;
use crate::proxy::closing::Seat;
use crate::proxy::worker::Worker;
use crate::upstream::http1::stream::Stream;
use crate::upstream::peers::Hold;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
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

/// Joins the client's and the upstream's connection, of which something was read already, in a task of its own. `held` goes
/// when it ends.
pub fn tunnel(client: OnUpgrade, (upstream, ahead): (Stream, Bytes), worker: &Rc<Worker>, held: (Busy, Option<Hold>)) {
    let (silence, begin) = (worker.settings.tunnel_timeout, worker.settings.send_timeout);
    let (seat, traffic) = (Seat::new(&worker.closing), worker.traffic.clone());
    tokio::task::spawn_local(async move {
        let Ok(Ok(client)) = timeout(begin, client).await else {
            tracing::debug!("an upgrade was agreed but the client did not follow");
            return;
        };
        let (_held, _open) = (held, traffic.tunnel());
        until_closing(seat, join(TokioIo::new(client), upstream, &ahead, silence)).await;
    });
}

/// Runs a tunnel until it ends, or the worker stops: a tunnel has no end of its own to wait for. One whose process has
/// handed over holds nobody up, and goes on until that process ends.
async fn until_closing(mut seat: Seat, work: impl Future<Output = io::Result<()>>) {
    let mut work = pin!(work);
    let ended =
        poll_fn(|cx| if seat.poll_stop(cx) { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }).await;
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "a tunnel ended with an error");
    }
}

async fn join(
    client: impl AsyncRead + AsyncWrite + Unpin,
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    ahead: &[u8],
    silence: Duration,
) -> io::Result<()> {
    let (client_in, client_out) = tokio::io::split(client);
    let (upstream_in, upstream_out) = tokio::io::split(upstream);
    let heard = std::cell::Cell::new(tokio::time::Instant::now());
    let there = pour(client_in, upstream_out, silence, &heard);
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
        timeout(silence, to.write_all(&chunk[..read])).await.map_err(|_| io::ErrorKind::TimedOut)??;
        to.flush().await?;
    }
}
