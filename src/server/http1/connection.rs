//! One client's connection, from its first request to its last.

use super::answer::Plan;
use super::request::{Asked, Head, Heads, Refused};
use super::upload::Upload;
use super::waiting::{Patience, Waiting};
use super::wire::Wire;
use crate::body::{Body, Lent};
use crate::http1::queue::Queue;
use crate::http1::sending::Framing;
use crate::http1::turn::turn;
use crate::proxy::leftover;
use crate::proxy::outgoing::Outgoing;
use crate::proxy::upgrade::Tunnel;
use crate::server::answer::{recycled, settled};
use crate::server::slot::Slot;
use crate::server::socket::Socket;
use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response, StatusCode};
use http_body::{Body as _, Frame};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Makes the answer to a head that cannot be understood.
pub type Refuse = Arc<dyn Fn(u16) -> Bytes + Send + Sync>;

/// A connection and who answers its requests.
pub struct Connection<S, H, F> {
    wire: Rc<RefCell<Wire<S>>>,
    waiting: Waiting,
    heads: Heads,
    refuse: Refuse,
    handler: H,
    slot: Slot<F>,
    /// The last head that was taken. Between requests, its map is empty and has room.
    head: Head,
}

/// What comes next over a connection.
enum Next {
    /// A request, whose head was taken.
    Request,
    Refused(Refused),
    Over,
}

/// What an answer leaves.
enum After {
    /// Another request may follow.
    Next,
    /// None may.
    Over,
    /// Something else is spoken from here on.
    Tunnel(Box<Tunnel>),
}

// === impl Connection ===

impl<S, H, F> Connection<S, H, F>
where
    S: Socket + 'static,
    H: Fn(Request<Body>) -> F,
    F: Future<Output = Response<Outgoing>>,
{
    /// A connection that has not said anything yet.
    pub fn new(wire: Wire<S>, waiting: Waiting, heads: Heads, refuse: Refuse, handler: H) -> Self {
        Self {
            wire: Rc::new(RefCell::new(wire)),
            waiting,
            heads,
            refuse,
            handler,
            slot: Slot::default(),
            head: Head::default(),
        }
    }

    /// Serves it to its end.
    ///
    /// # Errors
    /// When the client hangs up, is too slow, or an answer breaks.
    pub async fn serve(mut self) -> io::Result<()> {
        loop {
            match poll_fn(|cx| self.poll_next(cx)).await? {
                Next::Request => {}
                Next::Refused(refused) => return self.refuse(refused).await,
                Next::Over => return self.end(false).await,
            }
            self.waiting.turn();
            let response = self.handle().await?;
            match self.answer(response).await? {
                After::Next => {}
                After::Over => {
                    let left_over = self.wire.borrow().is_left_over();
                    return self.end(left_over).await;
                }
                After::Tunnel(tunnel) => return self.lead(tunnel).await,
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
        let wire = &mut *self.wire.borrow_mut();
        loop {
            match self.heads.take(&mut wire.buf, &mut self.head) {
                Ok(true) => return Poll::Ready(Ok(Next::Request)),
                Err(refused) => return Poll::Ready(Ok(Next::Refused(refused))),
                Ok(false) => {}
            }
            match wire.poll_fill(cx)? {
                Poll::Ready(0) if wire.buf.is_empty() => return Poll::Ready(Ok(Next::Over)),
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Poll::Ready(_) => {}
                Poll::Pending => match ready!(self.waiting.poll(!wire.buf.is_empty(), cx)) {
                    Patience::Over => return Poll::Ready(Ok(Next::Over)),
                    Patience::Slow => return Poll::Ready(Err(slow())),
                    Patience::Lean => {
                        wire.rest();
                        self.slot.free();
                        (self.head, self.waiting.lean) = (Head::default(), true);
                    }
                },
            }
        }
    }

    /// Has a request answered, unless its client goes away.
    async fn handle(&mut self) -> io::Result<Response<Outgoing>> {
        let comes = self.wire.borrow_mut().begin(&mut self.head);
        let body = if comes { Lent::new(Box::new(Upload::new(&self.wire))) } else { Lent::Over };
        let request = std::mem::take(&mut self.head.request);
        self.slot.put(|| (self.handler)(request.map(|()| Body::Lent(body))));
        poll_fn(|cx| match self.slot.poll(cx) {
            Poll::Ready(response) => Poll::Ready(Ok(response)),
            Poll::Pending => self.wire.borrow_mut().poll_gone(cx).map(Err),
        })
        .await
    }

    /// Writes an answer.
    async fn answer(&mut self, response: Response<Outgoing>) -> io::Result<After> {
        let asked = self.head.asked;
        let (mut head, mut body) = response.into_parts();
        let tunnel = body.take_tunnel();
        let mut plan = poll_fn(|cx| Poll::Ready(self.begin(asked, &mut head, &body, cx))).await;
        plan.keeps &= head.status != StatusCode::SWITCHING_PROTOCOLS;
        *self.head.request.headers_mut() = recycled(head.headers);
        turn().await;
        poll_fn(|cx| self.poll_answer(&mut plan, &mut body, cx)).await?;
        drop(body);
        if let Some(tunnel) = tunnel {
            return Ok(After::Tunnel(tunnel));
        }
        if !plan.keeps {
            return Ok(After::Over);
        }
        // The rest of a body may still be on its way to the upstream.
        let whole = poll_fn(|cx| self.wire.borrow_mut().poll_settled(cx)).await;
        Ok(if whole { After::Next } else { After::Over })
    }

    /// Puts the head into the queue.
    fn begin(&mut self, asked: Asked, head: &mut Parts, body: &Outgoing, cx: &mut Context<'_>) -> Plan {
        settled(head);
        let mut plan = Plan::of(asked, head, body);
        let wire = &mut *self.wire.borrow_mut();
        wire.drain(cx);
        plan.keeps &= !wire.is_left_over();
        wire.answer();
        plan.write(wire.queue.own(), asked, head);
        plan
    }

    /// Writes a body as it comes, what there is of it together with what came before. It is asked for more when all was
    /// taken.
    fn poll_answer(&mut self, plan: &mut Plan, body: &mut Outgoing, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let dry = self.load(plan, body, cx)?;
            let wire = &mut *self.wire.borrow_mut();
            // What the kernel moves comes behind all that was written.
            let written = match wire.queue.is_empty() && wire.passes(plan.framing, body) {
                true => wire.poll_pass(&mut plan.framing, body, cx),
                false => wire.poll_write(cx),
            };
            let written = written?.is_ready();
            if written && plan.framing == Framing::None {
                return Poll::Ready(Ok(()));
            }
            if dry || !written {
                // When the body has been read by then, the client can be watched again.
                let _ = wire.poll_unwanted(cx);
                return wire.poll_gone(cx).map(Err);
            }
        }
    }

    /// Puts what there is of a body into the queue; whether the rest has not come yet.
    fn load(&mut self, plan: &mut Plan, body: &mut Outgoing, cx: &mut Context<'_>) -> io::Result<bool> {
        while plan.framing != Framing::None {
            let wire = self.wire.borrow();
            if wire.queue.is_full() || wire.passes(plan.framing, body) {
                return Ok(false);
            }
            drop(wire);
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else { return Ok(true) };
            let frame = frame.transpose().map_err(io::Error::other)?;
            put(plan, frame, &mut self.wire.borrow_mut().queue)?;
        }
        Ok(false)
    }

    /// Answers a head that is none.
    async fn refuse(self, refused: Refused) -> io::Result<()> {
        tracing::debug!(why = refused.why, "a request is refused: it cannot be understood");
        let Some(status) = refused.status else { return Ok(()) };
        let text = (self.refuse)(status);
        self.wire.borrow_mut().queue.own().extend_from_slice(&text);
        poll_fn(|cx| self.wire.borrow_mut().poll_write(cx)).await?;
        self.end(true).await
    }

    /// Ends the connection; one over which the client may be `sending` still, not before it has ended that.
    async fn end(self, sending: bool) -> io::Result<()> {
        poll_fn(|cx| self.wire.borrow_mut().poll_shutdown(cx)).await?;
        if sending {
            let mut patience = leftover::Patience::begin();
            poll_fn(|cx| self.wire.borrow_mut().poll_linger(&mut patience, cx)).await;
        }
        Ok(())
    }

    /// Leaves the connection to what was agreed on.
    async fn lead(self, tunnel: Box<Tunnel>) -> io::Result<()> {
        let wire = Rc::into_inner(self.wire).ok_or(io::ErrorKind::ResourceBusy)?;
        let (stream, ahead) = wire.into_inner().into_parts();
        tunnel.run(stream, ahead, self.waiting.into_seat()).await
    }
}

fn put(plan: &mut Plan, frame: Option<Frame<Bytes>>, queue: &mut Queue) -> io::Result<()> {
    match frame.map(Frame::into_data) {
        None => plan.framing.load(None, queue)?,
        Some(Ok(piece)) => plan.framing.load(Some(piece), queue)?,
        Some(Err(frame)) => plan.end(queue.own(), &frame.into_trailers().unwrap_or_default()),
    }
    Ok(())
}

fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
