//! What is written to an HTTP/2 client, put together.
//!
//! A write to a socket is what costs most in a small answer. Here bytes wait for the end of the connection's turn, so that all
//! answers that are ready by then leave in one write, and over TLS in one record. Large pieces of bodies pass with what waits
//! before them, uncopied, in full records.

use crate::server::socket::{RECORD, Socket};
use crate::server::stall::Stall;
use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// So many bytes of the gateway's own that the client does not read are enough.
const STUCK: usize = 64 * 1024;
/// Most bytes that are in records and not written: four full ones, and what follows them.
const SEALED: usize = 5 * RECORD;

/// A client's socket, and what is to be written to it. Without `Debug`: secrets are among it.
pub struct Outbox<S> {
    outlet: Outlet<S>,
    own: Vec<u8>,
    /// How much of `own` was written.
    at: usize,
    /// What follows it.
    piece: Bytes,
    /// The gateway's own bytes behind that.
    later: Vec<u8>,
}

/// A socket that must not be full for too long.
#[derive(Debug)]
struct Outlet<S> {
    socket: S,
    /// Bytes taken since the socket kept nothing.
    sealed: usize,
    stall: Stall,
}

// === impl Outbox ===

impl<S> Outbox<S> {
    /// Where the gateway's own bytes go.
    pub fn own(&mut self) -> &mut Vec<u8> {
        if self.piece.is_empty() { &mut self.own } else { &mut self.later }
    }

    /// A piece of a body, up to a frame. To be called only while it is not full.
    pub fn push(&mut self, piece: Bytes) {
        if self.len() + piece.len() < RECORD { self.own.extend_from_slice(&piece) } else { self.piece = piece }
    }

    /// Whether what waits is to be written before more is put behind it.
    pub fn is_full(&self) -> bool {
        self.len() >= RECORD || !self.piece.is_empty()
    }

    /// Whether so much waits that nothing more should be asked of us.
    pub fn is_stuck(&self) -> bool {
        self.own.len() + self.later.len() >= STUCK
    }

    /// How much of it comes before what is `later`.
    fn len(&self) -> usize {
        self.own.len() - self.at + self.piece.len()
    }

    fn advance(&mut self, written: usize) {
        let own = written.min(self.own.len() - self.at);
        self.at += own;
        self.piece.advance(written - own);
        if self.at == self.own.len() {
            self.own.clear();
            self.at = 0;
            self.go_on();
        }
    }

    /// What was to come later is next when the piece is gone.
    fn go_on(&mut self) {
        if self.piece.is_empty() {
            self.own.append(&mut self.later);
        }
    }

    /// Gives up room that an idle connection does not need.
    pub fn rest(&mut self) {
        if self.len() == 0 {
            (self.own, self.later) = (Vec::new(), Vec::new());
        }
    }
}

impl<S: Socket> Outbox<S> {
    /// For a socket, with the longest time between two writes.
    pub fn new(mut socket: S, stall: Duration) -> Self {
        socket.begin();
        let outlet = Outlet { socket, sealed: 0, stall: Stall::new(stall) };
        Self { outlet, own: Vec::new(), at: 0, piece: Bytes::new(), later: Vec::new() }
    }

    /// The socket itself.
    pub fn socket(&mut self) -> &mut S {
        &mut self.outlet.socket
    }

    /// Ready when it is not full: as far as that needs, what waits is written, in full records.
    ///
    /// # Errors
    /// Those of the socket, and `TimedOut` when it has been full for too long.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_full() {
            let whole = self.outlet.whole(self.len());
            if whole == 0 {
                // What is left of a piece waits for what follows.
                let rest = std::mem::take(&mut self.piece);
                self.own.extend_from_slice(&rest);
                self.go_on();
                continue;
            }
            ready!(self.poll_take(whole, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// See [`poll_room`](Self::poll_room).
    pub fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_room(cx))?;
        while self.len() > 0 {
            ready!(self.poll_take(self.len(), cx))?;
        }
        self.outlet.poll_drain(cx)
    }

    fn poll_take(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.outlet.poll_room(most, cx))?;
        let own = self.own.get(self.at..).unwrap_or_default();
        let taken = ready!(match own.len() < most {
            true => self.outlet.poll_take(&[IoSlice::new(own), IoSlice::new(front(&self.piece, most - own.len()))], cx),
            false => self.outlet.poll_take(&[IoSlice::new(front(own, most))], cx),
        })?;
        self.advance(taken);
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more comes, after all that waits.
    ///
    /// # Errors
    /// See [`poll_room`](Self::poll_room).
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sent(cx))?;
        let polled = Pin::new(&mut self.outlet.socket).poll_shutdown(cx);
        self.outlet.stall.limit(polled, cx)
    }
}

fn front(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

// === impl Outlet ===

impl<S: Socket> Outlet<S> {
    /// How many of so many bytes are best taken at once; none where they are too few for a record.
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
#[path = "outbox_tests.rs"]
mod tests;
