//! The body of one request, between the connection that it comes over and whoever reads it.

use crate::body::{BodyError, Source};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Pieces below this size are put together: one by one, each would hold on to the buffer that it was read into.
const SMALL: usize = 1024;
/// The same for pieces that wait for their reader behind others: what a client may make the gateway keep is measured by
/// what it sends, not by the buffers that these are small parts of.
const SMALL_BEHIND: usize = 8 * 1024;
/// Room that is made for small ones.
const ROOM: usize = 4 * 1024;

/// What came and was not read yet, in the hands of both sides.
pub type Shared = Rc<RefCell<Inbound>>;

/// A request's body.
pub struct Inbound {
    pieces: VecDeque<Bytes>,
    /// Small pieces that follow.
    small: BytesMut,
    trailers: Option<HeaderMap>,
    /// Bytes that are still to be read, where the head says how many there are.
    left: Option<u64>,
    end: End,
    /// Bytes that were read, and that the client was not told of.
    read: usize,
    /// Whether somebody may still want it.
    wanted: bool,
    reader: Option<Waker>,
    /// Tells the connection that something was read, or that nobody wants the rest.
    bell: Waker,
}

/// Whether more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// That was all.
    Whole,
    /// The client took it back, or broke the protocol, or is gone.
    Broken,
}

/// The body as it is read. When it is dropped, nobody wants the rest.
pub struct Upload(Shared);

/// A client that sent no more.
#[derive(Debug)]
struct Cut;

// === impl Inbound ===

impl Inbound {
    /// Of a request whose head says that so many bytes come, if it does; the bell is that of its stream.
    #[must_use]
    pub fn new(length: Option<u64>, bell: Waker) -> Shared {
        Rc::new(RefCell::new(Self {
            pieces: VecDeque::new(),
            small: BytesMut::new(),
            trailers: None,
            left: length,
            end: End::Open,
            read: 0,
            wanted: true,
            reader: None,
            bell,
        }))
    }

    /// A piece came.
    pub fn push(&mut self, piece: BytesMut) {
        let small = if self.pieces.is_empty() { SMALL } else { SMALL_BEHIND };
        if piece.len() >= small {
            self.settle();
            self.pieces.push_back(piece.freeze());
        } else {
            if self.small.capacity() - self.small.len() < piece.len() {
                self.settle();
                self.small.reserve(ROOM.max(piece.len()));
            }
            self.small.extend_from_slice(&piece);
        }
        self.tell();
    }

    /// What is small is a piece, too.
    fn settle(&mut self) {
        if !self.small.is_empty() {
            let piece = self.small.split().freeze();
            self.pieces.push_back(piece);
        }
    }

    /// That was all, but for these.
    pub fn finish(&mut self, trailers: Option<HeaderMap>) {
        (self.end, self.trailers) = (End::Whole, trailers);
        self.tell();
    }

    /// It ends here, and is whole only if all of it was read: whoever reads on may still be sending it to somebody. How many
    /// bytes came that nobody will read, or that the client was not told of.
    pub fn cut(&mut self) -> usize {
        if !self.is_over() {
            self.end = End::Broken;
            self.tell();
        }
        self.take_read() + self.forget()
    }

    fn tell(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Whether somebody may still want it.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// How many bytes were read since this was last asked.
    pub fn take_read(&mut self) -> usize {
        std::mem::take(&mut self.read)
    }

    /// Bytes that came and are not to be read by anybody any more.
    pub fn forget(&mut self) -> usize {
        let pieces = std::mem::take(&mut self.pieces);
        let small = std::mem::take(&mut self.small);
        pieces.iter().map(Bytes::len).sum::<usize>() + small.len()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.pieces.is_empty() {
            self.settle();
        }
        if let Some(piece) = self.pieces.pop_front() {
            self.took(piece.len(), cx);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.end {
            End::Open => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            End::Whole => Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
            End::Broken => Poll::Ready(Some(Err(Box::new(Cut)))),
        }
    }

    fn took(&mut self, count: usize, cx: &Context<'_>) {
        self.read += count;
        self.left = self.left.map(|left| left.saturating_sub(count as u64));
        // The stream itself looks when it has run.
        if !cx.waker().will_wake(&self.bell) {
            self.bell.wake_by_ref();
        }
    }

    fn is_over(&self) -> bool {
        self.end == End::Whole && self.pieces.is_empty() && self.small.is_empty() && self.trailers.is_none()
    }
}

// === impl Upload ===

impl Upload {
    /// What comes in there.
    #[must_use]
    pub fn new(inbound: &Shared) -> Self {
        Self(Rc::clone(inbound))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.borrow_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.borrow().is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.borrow().left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Source for Upload {
    fn ended(self: Box<Self>) {}
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut inbound = self.0.borrow_mut();
        inbound.wanted = false;
        inbound.bell.wake_by_ref();
    }
}

// === impl Cut ===

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client ended the stream before it had sent all of it")
    }
}

impl std::error::Error for Cut {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn next(inbound: &Shared) -> Option<Bytes> {
        let polled = inbound.borrow_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(frame) = polled else { return None };
        frame.unwrap().unwrap().into_data().ok()
    }

    #[test]
    fn pieces_come_in_order_whatever_their_size() {
        for sizes in [&[10, 1024, 10, 2000, 8192, 10, 8191][..], &[8192, 1, 8192, 1], &[1023, 1, 1024], &[0, 5000, 0]] {
            let inbound = Inbound::new(None, Waker::noop().clone());
            let whole: Vec<u8> = (0..sizes.iter().sum()).map(|at: usize| (at % 251) as u8).collect();
            let mut rest = BytesMut::from(&whole[..]);
            for size in sizes {
                inbound.borrow_mut().push(rest.split_to(*size));
            }
            let read: Vec<_> = std::iter::from_fn(|| next(&inbound)).collect();
            assert_eq!(read.concat(), whole, "{sizes:?}");
            assert_eq!(inbound.borrow_mut().cut(), whole.len(), "all were read, and nobody was told");
        }
    }

    #[test]
    fn what_waits_holds_on_to_few_buffers() {
        const BUFFER: usize = 64 * 1024;
        let inbound = Inbound::new(None, Waker::noop().clone());
        for _ in 0..100 {
            let mut buffer = BytesMut::zeroed(BUFFER);
            inbound.borrow_mut().push(buffer.split_to(SMALL));
        }
        // A piece that nobody else holds on to has all that follows it in its buffer.
        let pieces = std::iter::from_fn(|| next(&inbound));
        let held: usize = pieces.map(|piece| piece.try_into_mut().map_or(0, |piece| piece.capacity())).sum();
        assert!(held < 4 * BUFFER, "{held}");
    }
}
