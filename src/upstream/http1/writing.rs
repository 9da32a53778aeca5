//! How a request goes out over its connection.

use super::connection::{Connection, Fault};
use crate::http1::queue::Queue;
use crate::http1::sending::Framing;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

// === impl Connection ===

impl Connection {
    /// Nothing more is sent, and no other request may follow.
    pub fn abandon(&mut self) {
        (self.sending, self.queue, self.stuck, self.keeps) = (Framing::None, Queue::default(), false, false);
    }

    /// How many bytes of the request were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether the upstream took all that there was to send so far.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.queue.is_empty() && !self.stuck
    }

    /// Whether all of the request was written.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.sending == Framing::None && self.is_drained()
    }

    /// Sends what there is of the request; ready when all is written.
    ///
    /// # Errors
    /// When the upstream does not take it, or the body ends early.
    pub fn poll_send<B>(&mut self, cx: &mut Context<'_>, body: &mut B) -> Poll<Result<(), Fault>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        // At first the head waits for what there is of the body, so that both go in one write.
        let mut waits = self.written > 0 || self.stuck;
        while self.sending != Framing::None {
            if std::mem::replace(&mut waits, true) {
                ready!(self.poll_write(cx)).map_err(|error| self.fault(error))?;
            }
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                ready!(self.poll_write(cx)).map_err(|error| self.fault(error))?;
                return Poll::Pending;
            };
            self.load(frame.transpose().map_err(|_| Fault::Body)?)?;
        }
        self.poll_write(cx).map_err(|error| self.fault(error))
    }

    pub(super) fn fault(&self, error: io::Error) -> Fault {
        if self.written > 0 || self.loaded { Fault::Sent(error) } else { Fault::Unsent(error) }
    }

    /// Puts the next piece of the body, or its end, into the queue.
    fn load(&mut self, frame: Option<Frame<Bytes>>) -> Result<(), Fault> {
        let piece = frame.map(|frame| frame.into_data().unwrap_or_default());
        self.loaded = true;
        self.sending.load(piece, &mut self.queue).map_err(|_| Fault::Body)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let polled = match self.queue.has_piece() {
                true => stream.poll_write_vectored(cx, &self.queue.slices()),
                false => stream.poll_write(cx, self.queue.left()),
            };
            self.stuck = polled.is_pending();
            let written = ready!(polled)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written as u64;
            self.queue.advance(written);
        }
        // TLS takes more than its socket does.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.stuck = flushed.is_pending();
        flushed
    }
}
