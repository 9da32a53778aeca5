//! What is written to an HTTP/2 client, put together.
//!
//! h2 writes a frame with a body at once, and flushes; a write to a socket is what costs most in a small answer. Here bytes
//! wait for the end of the connection's turn, so that all answers that are ready by then leave in one write, and over TLS in
//! one record. Large ones pass with what waits before them, uncopied, in full records.

use super::socket::{RECORD, Socket};
use super::stall::Stall;
use bytes::{Buf, BytesMut};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Room that is made at first: for a few small answers.
const ROOM: usize = 4 * 1024;
/// Most bytes that are in records and not written: four full ones, and what follows them.
const SEALED: usize = 5 * RECORD;
/// Most pieces that are looked at in one write; h2 gives two.
const PIECES: usize = 4;

/// A client's socket, and what is to be written to it.
#[derive(Debug)]
pub struct Batch<S> {
    outlet: Outlet<S>,
    /// Less than a record.
    waits: BytesMut,
}

/// A socket that must not be full for too long.
#[derive(Debug)]
struct Outlet<S> {
    socket: S,
    /// Bytes taken since the socket kept nothing.
    sealed: usize,
    stall: Stall,
}

// === impl Batch ===

impl<S: Socket> Batch<S> {
    /// For a socket, with the longest time between two writes.
    pub fn new(mut socket: S, stall: Duration) -> Self {
        socket.begin();
        Self { outlet: Outlet { socket, sealed: 0, stall: Stall::new(stall) }, waits: BytesMut::new() }
    }

    /// The socket itself.
    pub fn socket(&mut self) -> &mut S {
        &mut self.outlet.socket
    }

    /// Takes some of these bytes, and writes when there are too many.
    ///
    /// # Errors
    /// Those of the socket, and `TimedOut` when it has been full for too long.
    pub fn poll_put(&mut self, bufs: &[IoSlice<'_>], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let len = length(bufs);
        loop {
            let waited = self.waits.len();
            if waited + len < RECORD {
                self.keep(bufs, len);
                return Poll::Ready(Ok(len));
            }
            let whole = self.outlet.whole(waited + len);
            ready!(self.outlet.poll_room(whole, cx))?;
            let (pieces, count) = pieces(&self.waits, bufs, whole);
            let taken = ready!(self.outlet.poll_take(&pieces[..count], cx))?;
            self.waits.advance(taken.min(waited));
            if taken > waited {
                return Poll::Ready(Ok(taken - waited));
            }
        }
    }

    fn keep(&mut self, bufs: &[IoSlice<'_>], len: usize) {
        if self.waits.capacity() == 0 {
            self.waits.reserve(len.max(ROOM));
        }
        bufs.iter().for_each(|buf| self.waits.extend_from_slice(buf));
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// See [`poll_put`](Self::poll_put).
    pub fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waits.is_empty() {
            ready!(self.outlet.poll_room(self.waits.len(), cx))?;
            let taken = ready!(self.outlet.poll_take(&[IoSlice::new(&self.waits)], cx))?;
            self.waits.advance(taken);
        }
        self.outlet.poll_drain(cx)
    }

    /// Gives up room that an idle connection does not need.
    pub fn rest(&mut self) {
        if self.waits.is_empty() {
            self.waits = BytesMut::new();
        }
    }

    /// Says that nothing more comes, after all that waits.
    ///
    /// # Errors
    /// See [`poll_put`](Self::poll_put).
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sent(cx))?;
        let polled = Pin::new(&mut self.outlet.socket).poll_shutdown(cx);
        self.outlet.stall.limit(polled, cx)
    }
}

fn length(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().map(|buf| buf.len()).sum()
}

/// The first so many bytes of what waits and what comes, as far as there is room for pieces; and how many pieces those are.
fn pieces<'a>(waits: &'a [u8], bufs: &'a [IoSlice<'_>], mut most: usize) -> ([IoSlice<'a>; PIECES], usize) {
    let (mut pieces, mut count) = ([IoSlice::new(&[]); PIECES], 0);
    for buf in std::iter::once(waits).chain(bufs.iter().map(|buf| &**buf)) {
        let len = buf.len().min(most);
        if len > 0 && count < PIECES {
            pieces[count] = IoSlice::new(&buf[..len]);
            count += 1;
            most -= len;
        }
    }
    (pieces, count)
}

// === impl Outlet ===

impl<S: Socket> Outlet<S> {
    /// How many of so many bytes are best taken at once.
    fn whole(&self, most: usize) -> usize {
        if S::SEALS { (most - most % RECORD).min(SEALED) } else { most }
    }

    /// Ready when so many bytes may be taken. None are while the client does not read: what is sealed is kept.
    fn poll_room(&mut self, len: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let room = !self.stall.is_on() && self.sealed + len <= SEALED;
        if room || !S::SEALS { Poll::Ready(Ok(())) } else { self.poll_drain(cx) }
    }

    /// Makes the socket take some bytes.
    fn poll_take(&mut self, bufs: &[IoSlice<'_>], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut polled = self.socket.poll_take(bufs, cx);
        // What is only kept does not show that the client reads.
        if !S::SEALS {
            polled = self.stall.limit(polled, cx);
        }
        let taken = ready!(polled)?;
        if taken == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        if S::SEALS {
            self.sealed += taken;
        }
        Poll::Ready(Ok(taken))
    }

    /// Writes all that the socket keeps.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let polled = self.socket.poll_out(cx);
            if ready!(self.stall.limit(polled, cx))? == 0 {
                self.sealed = 0;
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
