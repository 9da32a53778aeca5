//! An answer that begins before its request was sent to the end.
//!
//! A client that sends all before it reads anything would wait for ever if the rest of its body went on only as fast as it
//! takes the answer. So a task of its own goes on with both.

use super::connection::Connection;
use crate::body::{Body, BodyError, Source};
use crate::upstream::alarm::Alarm;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Where the task puts the next piece of the answer.
#[derive(Default)]
struct Desk {
    piece: Option<Result<Frame<Bytes>, BodyError>>,
    /// Whether that is the last one.
    over: bool,
    /// Who waits for a piece, and who waits for it to be taken.
    wanting: Option<Waker>,
    giving: Option<Waker>,
}

/// The answer as the request gets it.
struct Relayed {
    desk: Rc<RefCell<Desk>>,
    size: SizeHint,
}

/// The task's work.
struct Relay<B> {
    connection: Box<Connection>,
    body: B,
    desk: Weak<RefCell<Desk>>,
    over: bool,
    sending: Sending,
}

/// The rest of the request.
struct Sending {
    /// Longest time that the upstream may take nothing of it.
    patience: Duration,
    alarm: Alarm,
    /// How much was written at the last look, and when that changed.
    written: u64,
    since: Instant,
    over: bool,
}

/// The answer's body, while the rest of the request's is sent. `patience` is the longest time between two writes.
#[must_use]
pub fn relayed<B>(connection: Box<Connection>, body: B, patience: Duration) -> Body
where
    B: HttpBody<Data = Bytes> + Unpin + 'static,
{
    let (desk, size) = (Rc::new(RefCell::new(Desk::default())), connection.size_hint());
    let over = connection.is_end_stream();
    desk.borrow_mut().over = over;
    let since = Instant::now();
    let sending = Sending { patience, alarm: Alarm::default(), written: connection.written(), since, over: false };
    let mut relay = Relay { connection, body, desk: Rc::downgrade(&desk), over, sending };
    tokio::task::spawn_local(async move {
        poll_fn(|cx| relay.poll(cx)).await;
        relay.end();
    });
    Body::boxed(Relayed { desk, size })
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

// === impl Desk ===

impl Desk {
    fn put(&mut self, piece: Option<Result<Frame<Bytes>, BodyError>>, over: bool) {
        (self.piece, self.over) = (piece, over);
        wake(&mut self.wanting);
    }
}

// === impl Sending ===

impl Sending {
    /// Goes on sending. What breaks here need not concern the answer.
    fn poll<B>(&mut self, connection: &mut Connection, body: &mut B, cx: &mut Context<'_>)
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        if self.over {
            return;
        }
        let sent = connection.poll_send(cx, body);
        let written = connection.written();
        if written != self.written || connection.is_drained() {
            (self.written, self.since) = (written, Instant::now());
        }
        self.over = match sent {
            Poll::Ready(Ok(())) => true,
            Poll::Pending if self.alarm.poll_at(self.since + self.patience, cx).is_pending() => false,
            Poll::Ready(Err(_)) | Poll::Pending => {
                connection.abandon();
                true
            }
        };
    }
}

// === impl Relay ===

impl<B: HttpBody<Data = Bytes> + Unpin> Relay<B> {
    /// Ready when both are over, or nobody wants the answer any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sending.poll(&mut self.connection, &mut self.body, cx);
        while !self.over {
            let Some(desk) = self.desk.upgrade() else { return Poll::Ready(()) };
            let mut desk = desk.borrow_mut();
            desk.giving = Some(cx.waker().clone());
            if desk.piece.is_some() {
                break;
            }
            let Poll::Ready(piece) = Pin::new(&mut *self.connection).poll_frame(cx) else { break };
            self.over = !matches!(piece, Some(Ok(_))) || self.connection.is_end_stream();
            desk.put(piece, self.over);
        }
        if self.over && self.sending.over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn end(self) {
        if self.connection.is_end_stream() {
            self.connection.ended();
        }
    }
}

// === impl Relayed ===

impl HttpBody for Relayed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut desk = self.desk.borrow_mut();
        if let Some(piece) = desk.piece.take() {
            wake(&mut desk.giving);
            return Poll::Ready(Some(piece));
        }
        if desk.over {
            return Poll::Ready(None);
        }
        if Rc::weak_count(&self.desk) == 0 {
            return Poll::Ready(Some(Err(Box::new(io::Error::from(io::ErrorKind::BrokenPipe)))));
        }
        desk.wanting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let desk = self.desk.borrow();
        desk.over && desk.piece.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() { SizeHint::with_exact(0) } else { self.size }
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        wake(&mut self.desk.borrow_mut().giving);
    }
}
