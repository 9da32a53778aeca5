//! A request's body, read over its connection by whoever wants it: it is not read before, and no faster.

use super::wire::Wire;
use crate::body::{BodyError, Source};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// The body of the request that a connection is busy with. When it is dropped, nobody wants the rest.
pub struct Upload<S>(Rc<RefCell<Wire<S>>>);

// === impl Upload ===

impl<S> Upload<S> {
    /// What comes over this wire.
    pub fn new(wire: &Rc<RefCell<Wire<S>>>) -> Self {
        Self(Rc::clone(wire))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Body for Upload<S> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.borrow_mut().poll_body(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.borrow().is_read()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.borrow().size_hint()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Source for Upload<S> {
    fn ended(self: Box<Self>) {}
}

impl<S> Drop for Upload<S> {
    fn drop(&mut self) {
        self.0.borrow_mut().forget();
    }
}
