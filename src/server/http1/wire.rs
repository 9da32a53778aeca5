//! A client's socket, with what was read and not understood yet, and what waits to be written.

use super::request::Head;
use crate::body::BodyError;
use crate::http1::chunks::Step;
use crate::http1::queue::Queue;
use crate::http1::reading::Reading;
use crate::proxy::leftover::Patience;
use crate::server::linger;
use crate::upstream::alarm::Alarm;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

/// Room to read into.
const ROOM: usize = 8 * 1024;
/// The same while a body comes.
const BODY_ROOM: usize = 64 * 1024;
/// Most bytes of a body that nobody wants, and that is thrown away before the answer rather than after it.
const DRAINED: usize = 64 * 1024;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// One connection's bytes.
pub struct Wire<S> {
    pub(super) stream: S,
    /// What was read and not understood yet.
    pub buf: BytesMut,
    /// What is to be written.
    pub queue: Queue,
    /// What of the request's body is still to come.
    reading: Reading,
    /// Whether somebody may still want it.
    wanted: bool,
    /// Who is told when nobody does any more.
    listener: Option<Waker>,
    /// Whether the client waits to be asked for it.
    expects: bool,
    /// Whether it was asked, and that was not written yet.
    asking: bool,
    /// Longest time between two writes, and when the wait for the next began.
    stall: Duration,
    stalled: Option<Instant>,
    alarm: Alarm,
}

// === impl Wire ===

impl<S> Wire<S> {
    /// A new connection; `stall` is the longest time between two writes.
    pub fn new(stream: S, stall: Duration) -> Self {
        Self {
            stream,
            buf: BytesMut::new(),
            queue: Queue::default(),
            reading: Reading::Over,
            wanted: false,
            listener: None,
            expects: false,
            asking: false,
            stall,
            stalled: None,
            alarm: Alarm::default(),
        }
    }

    /// Gives up what a connection that waits does not need.
    pub fn rest(&mut self) {
        if self.buf.is_empty() {
            self.buf = BytesMut::new();
        }
        if self.queue.is_empty() {
            self.queue = Queue::default();
        }
    }

    /// A request begins. Whether a body comes with it, which is wanted until [`Wire::forget`].
    pub fn begin(&mut self, head: &mut Head) -> bool {
        self.reading = std::mem::replace(&mut head.reading, Reading::Over);
        (self.expects, self.asking) = (head.expects, false);
        self.wanted = !self.reading.is_over();
        self.wanted
    }

    /// Its answer begins: nothing can be asked for any more.
    pub fn answer(&mut self) {
        (self.expects, self.asking) = (false, false);
    }

    /// Nobody wants the body any more.
    pub fn forget(&mut self) {
        self.wanted = false;
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    /// Whether all of the body was read.
    pub fn is_read(&self) -> bool {
        self.reading.is_over()
    }

    /// How much of it is to come, as far as that is known.
    pub fn size_hint(&self) -> SizeHint {
        self.reading.size_hint()
    }

    /// Whether the client may have more to send of a body that nobody wants.
    pub fn is_left_over(&self) -> bool {
        !self.wanted && !self.is_read()
    }

    /// Ready when nobody wants the body any more.
    pub fn poll_unwanted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.wanted {
            return Poll::Ready(());
        }
        self.listener = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The socket itself, and what was read ahead.
    pub fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.buf.freeze())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads what is there; nothing is the end.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_heard(ROOM, cx)
    }

    /// For the connection's own task: TLS may have something to say by itself, now or when there is room.
    fn poll_heard(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let polled = self.poll_read(room, cx);
        if polled.is_pending() {
            let _ = Pin::new(&mut self.stream).poll_flush(cx)?;
        }
        polled
    }

    fn poll_read(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buf.capacity() - self.buf.len() < room / 2 {
            self.buf.reserve(room);
        }
        pin!(self.stream.read_buf(&mut self.buf)).poll(cx)
    }

    /// Ready when the client has hung up. What it sends ahead is read once, and then it must wait.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_read() || !self.buf.is_empty() {
            return Poll::Pending;
        }
        // No room is made for it: that costs nothing once the request under way has let go of its head.
        match ready!(self.poll_heard(0, cx)) {
            Ok(0) => Poll::Ready(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    /// The next piece of the request's body. Who asks first makes the client send it. The connection's own task need not be
    /// the one that asks, so once the answer has begun, nothing is written here.
    pub fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if std::mem::take(&mut self.expects) {
            self.queue.own().extend_from_slice(CONTINUE);
            self.asking = true;
        }
        if self.asking && self.poll_write(cx)?.is_ready() {
            self.asking = false;
        }
        loop {
            match self.reading.next(&mut self.buf)? {
                Step::Data(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Step::Trailers(fields) => return Poll::Ready(Some(Ok(Frame::trailers(fields)))),
                Step::End => return Poll::Ready(None),
                Step::More => {}
            }
            if ready!(self.poll_read(self.room(), cx))? == 0 {
                return Poll::Ready(Some(Err(Box::new(io::Error::from(io::ErrorKind::UnexpectedEof)))));
            }
        }
    }

    /// How much room the rest of a body wants. A little more than comes: a socket that fills its buffer has to be asked once
    /// more whether there is something left.
    fn room(&self) -> usize {
        let left = self.reading.size_hint().exact().and_then(|left| usize::try_from(left).ok());
        left.map_or(2 * ROOM, |left| left.saturating_add(64).min(BODY_ROOM))
    }

    /// Throws away what is at hand of a body that nobody wants.
    pub fn drain(&mut self, cx: &mut Context<'_>) {
        let mut left = DRAINED;
        while self.is_left_over() && !self.expects {
            match self.reading.next(&mut self.buf) {
                Ok(Step::Data(piece)) if piece.len() <= left => left -= piece.len(),
                Ok(Step::Trailers(_) | Step::End) => {}
                Ok(Step::More) if matches!(self.poll_fill(cx), Poll::Ready(Ok(1..))) => {}
                _ => return,
            }
        }
    }

    /// Ready when nobody wants the body any more, and what is at hand of it is gone; whether that was all.
    pub fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        ready!(self.poll_unwanted(cx));
        self.drain(cx);
        Poll::Ready(self.is_read())
    }

    /// Writes what waits; an error when the client has taken nothing for too long.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.poll_out(cx);
        self.limit(polled, cx)
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let written = ready!(match self.queue.has_piece() {
                true => stream.poll_write_vectored(cx, &self.queue.slices()),
                false => stream.poll_write(cx, self.queue.left()),
            })?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.stalled = None;
            self.queue.advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    pub(super) fn limit<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let since = *self.stalled.get_or_insert_with(Instant::now);
        ready!(self.alarm.poll_at(since + self.stall, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }

    /// Says that nothing more comes.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.limit(polled, cx)
    }

    /// Reads on from a client that is still sending, and forgets it; ready when it has ended, or taken too long.
    pub fn poll_linger(&mut self, patience: &mut Patience, cx: &mut Context<'_>) -> Poll<()> {
        linger::poll_end(patience, &mut self.stream, cx)
    }
}
