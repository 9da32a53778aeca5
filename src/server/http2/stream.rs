//! One request over HTTP/2 and its answer, from the first frame to the last (RFC 9113 §5.1).

use super::inbound::{self, Inbound, Upload};
use super::line::Line;
use crate::body::{Body, Lent};
use crate::http1::sending::Framing;
use crate::http2::frame::MOST;
use crate::http2::window::{Intake, Window};
use crate::http2::{Fault, Judged, Reason, answer, write};
use crate::proxy::leftover::{self, Sent};
use crate::proxy::outgoing::Outgoing;
use crate::server::answer::{has_body, recycled, settled};
use crate::server::slot::Slot;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body as _, Frame};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot::Sender;
use tokio::time::Instant;

/// A place for one stream after the other. What is large in it is used again.
pub struct Stream<F> {
    /// 0 is none.
    pub id: u32,
    slot: Slot<F>,
    bell: Waker,
    state: State,
    /// Whether HEAD was asked.
    head: bool,
    /// What the client may still send.
    coming: Option<Coming>,
    inbound: Option<inbound::Shared>,
    window: Window,
    /// Since when the client takes nothing of this answer.
    blocked: Option<Instant>,
    /// Empty, and may have room.
    map: HeaderMap,
}

/// How far an answer is.
#[derive(Default)]
enum State {
    /// Not begun; somebody works at it, once they have looked at the request.
    #[default]
    Unseen,
    Asked,
    /// It is made, and waits for room where there is none to write it.
    Made(Response<Outgoing>),
    Answering(Answer),
    /// It is sent. Some clients forget an answer when they are cut off in the middle of their request, though they must not
    /// (§8.1), so that is waited for.
    Answered(Option<leftover::Patience>),
}

/// An answer under way.
struct Answer {
    body: Outgoing,
    framing: Framing,
    /// What was read of the body and not sent.
    piece: Bytes,
}

/// What a client may send over a stream.
struct Coming {
    intake: Intake,
    /// Bytes that are missing, where the head says how many come.
    left: Option<u64>,
    /// Somebody waits for the end.
    _sent: Sender<()>,
}

/// What is to become of a stream that had its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits for something.
    Rests,
    /// It waits for room to write.
    Waits,
    /// It could go on.
    GoesOn,
    /// All is said.
    Over,
    /// It ends with this.
    Reset(Reason),
}

// === impl Stream ===

impl<F> Stream<F> {
    /// A place for streams whose bell this is.
    #[must_use]
    pub fn new(bell: Waker) -> Self {
        Self {
            id: 0,
            slot: Slot::default(),
            bell,
            state: State::Unseen,
            head: false,
            coming: None,
            inbound: None,
            window: Window::new(0),
            blocked: None,
            map: HeaderMap::new(),
        }
    }

    /// An empty map for the next head.
    pub fn map(&mut self) -> HeaderMap {
        std::mem::take(&mut self.map)
    }

    /// Whether the client may send more.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.coming.is_some()
    }

    /// Since when the client takes nothing of the answer, though there is some.
    #[must_use]
    pub const fn blocked(&self) -> Option<Instant> {
        self.blocked
    }

    /// Whether nobody has looked at the request yet.
    #[must_use]
    pub const fn is_unseen(&self) -> bool {
        matches!(self.state, State::Unseen)
    }

    /// The client takes so many more bytes of the answer, or fewer.
    ///
    /// # Errors
    /// When they are more than any window can be.
    pub fn shift(&mut self, by: i64) -> Judged<()> {
        self.window.shift(by).map_err(|_| Fault::Stream(self.id, Reason::FLOW_CONTROL_ERROR))
    }

    fn is_wanted(&self) -> bool {
        self.inbound.as_ref().is_some_and(|inbound| inbound.borrow().is_wanted())
    }

    /// It is over, however that came. How many bytes of its request nobody will read.
    pub fn clear(&mut self) -> usize {
        let unread = self.cut();
        self.slot.clear();
        (self.id, self.state, self.coming, self.blocked) = (0, State::Unseen, None, None);
        unread
    }

    fn cut(&mut self) -> usize {
        self.inbound.take().map_or(0, |inbound| inbound.borrow_mut().cut())
    }
}

/// A connection that ends takes its requests along, also those that others read.
impl<F> Drop for Stream<F> {
    fn drop(&mut self) {
        self.cut();
    }
}

/// What the client sends.
impl<F> Stream<F> {
    /// A piece of the request's body came, in a frame with so much payload; whether it is one too many that nobody wants.
    ///
    /// # Errors
    /// When it may not come.
    pub fn data<S>(&mut self, piece: BytesMut, payload: usize, line: &mut Line<S>) -> Judged<bool> {
        let Some(coming) = &mut self.coming else {
            line.took(payload);
            return Err(Fault::Stream(self.id, Reason::STREAM_CLOSED));
        };
        let size = piece.len();
        coming.take(self.id, size, payload).inspect_err(|_| line.took(payload))?;
        let wanted = self.inbound.as_ref().filter(|inbound| inbound.borrow().is_wanted());
        let given_back = match wanted {
            Some(inbound) => {
                inbound.borrow_mut().push(piece);
                payload - size
            }
            None => payload,
        };
        coming.give_back(self.id, given_back, line);
        line.took(given_back);
        match &mut self.state {
            State::Answered(Some(patience)) => Ok(!patience.took(size)),
            _ => Ok(false),
        }
    }

    /// The client has sent all, but for these.
    ///
    /// # Errors
    /// When that is less than it said.
    pub fn ended(&mut self, trailers: Option<HeaderMap>) -> Judged<()> {
        let coming = self.coming.take();
        if coming.is_some_and(|coming| coming.left.is_some_and(|left| left > 0)) {
            return Err(Fault::Stream(self.id, Reason::PROTOCOL_ERROR));
        }
        if let Some(inbound) = &self.inbound {
            inbound.borrow_mut().finish(trailers);
        }
        Ok(())
    }
}

impl Coming {
    fn take(&mut self, id: u32, size: usize, payload: usize) -> Judged<()> {
        self.intake.came(payload).map_err(|_| Fault::Stream(id, Reason::FLOW_CONTROL_ERROR))?;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(size as u64).ok_or(Fault::Stream(id, Reason::PROTOCOL_ERROR))?;
        }
        Ok(())
    }

    fn give_back<S>(&mut self, id: u32, bytes: usize, line: &mut Line<S>) {
        if let Some(more) = self.intake.taken(bytes) {
            write::window(line.out.own(), id, more);
        }
    }
}

impl<F: Future<Output = Response<Outgoing>>> Stream<F> {
    /// A request begins, whose answer is made by `handler`; `open` says how long its body may be, if one comes.
    pub fn begin(
        &mut self,
        id: u32,
        request: Request<()>,
        open: Option<Option<u64>>,
        windows: (Window, Intake),
        handler: impl Fn(Request<Body>, Option<Sent>) -> F,
    ) {
        let (window, intake) = windows;
        (self.id, self.window, self.state, self.blocked) = (id, window, State::Unseen, None);
        self.head = request.method() == Method::HEAD;
        let (body, sent) = match open {
            None => (Lent::Over, None),
            Some(left) => {
                let (gone, sent) = leftover::sent();
                self.coming = Some(Coming { intake, left, _sent: gone });
                let inbound = Inbound::new(left, self.bell.clone());
                let body = Lent::new(Box::new(Upload::new(&inbound)));
                self.inbound = Some(inbound);
                (body, Some(sent))
            }
        };
        self.slot.put(|| handler(request.map(|()| Body::Lent(body)), sent));
    }

    /// Goes on with it as far as that is possible now; `room` says whether an answer can be written.
    pub fn step<S>(&mut self, line: &mut Line<S>, room: bool) -> Next {
        let bell = self.bell.clone();
        let mut cx = Context::from_waker(&bell);
        if let State::Unseen | State::Asked = self.state {
            self.state = match self.slot.poll(&mut cx) {
                Poll::Ready(response) => State::Made(response),
                Poll::Pending => State::Asked,
            };
        }
        let next = match self.state {
            State::Unseen | State::Asked => Next::Rests,
            State::Answered(_) => self.wait_for_the_rest(&mut cx),
            State::Made(_) | State::Answering(_) if !room => Next::Waits,
            State::Made(_) => self.begin_answer(line, &mut cx),
            State::Answering(_) => self.answer(line, &mut cx),
        };
        // Last, as whoever ran until now may have read, and rings no bell for it.
        self.tell_what_was_read(line);
        next
    }

    /// The client may send as much again.
    fn tell_what_was_read<S>(&mut self, line: &mut Line<S>) {
        let Some(inbound) = &self.inbound else { return };
        let mut inbound = inbound.borrow_mut();
        let wanted = inbound.is_wanted();
        let forgotten = if wanted { 0 } else { inbound.forget() };
        let read = inbound.take_read() + forgotten;
        drop(inbound);
        if !wanted {
            self.inbound = None;
        }
        if let Some(coming) = &mut self.coming {
            coming.give_back(self.id, read, line);
        }
        line.took(read);
    }

    fn begin_answer<S>(&mut self, line: &mut Line<S>, cx: &mut Context<'_>) -> Next {
        let State::Made(response) = std::mem::take(&mut self.state) else { return Next::Rests };
        let (mut head, mut body) = response.into_parts();
        settled(&mut head);
        // There is nothing but HTTP over a stream.
        drop(body.take_tunnel());
        let framing = if has_body(self.head, head.status) { Framing::of(&head.headers, &body) } else { Framing::None };
        let (end, length) = (framing == Framing::None, body.size_hint().exact());
        let length = length.filter(|_| !end);
        answer::head(line.out.own(), &mut line.encoder, self.id, &head, length, end);
        line.meter.answered(0);
        self.map = recycled(head.headers);
        if end {
            drop(body);
            return self.answered(cx);
        }
        self.state = State::Answering(Answer { body, framing, piece: Bytes::new() });
        self.answer(line, cx)
    }

    /// Sends at most one frame of the body.
    fn answer<S>(&mut self, line: &mut Line<S>, cx: &mut Context<'_>) -> Next {
        let State::Answering(answer) = &mut self.state else { return Next::Rests };
        if answer.piece.is_empty() {
            match answer.poll_next(self.id, line, cx) {
                Poll::Pending => return Next::Rests,
                Poll::Ready(Err(())) => return Next::Reset(Reason::INTERNAL_ERROR),
                Poll::Ready(Ok(true)) => return self.answered(cx),
                Poll::Ready(Ok(false)) if answer.piece.is_empty() => return Next::GoesOn,
                Poll::Ready(Ok(false)) => {}
            }
        }
        let most = answer.piece.len().min(MOST).min(self.window.room()).min(line.window.room());
        if most == 0 {
            self.blocked.get_or_insert_with(Instant::now);
            line.blocked = true;
            return Next::Rests;
        }
        self.blocked = None;
        self.window.sent(most);
        let Ok(last) = answer.send(self.id, most, line) else { return Next::Reset(Reason::INTERNAL_ERROR) };
        if last { self.answered(cx) } else { Next::GoesOn }
    }

    fn answered(&mut self, cx: &mut Context<'_>) -> Next {
        self.state = State::Answered(None);
        self.wait_for_the_rest(cx)
    }

    /// Whoever still reads the request's body is not hurried; what nobody reads is waited for, for a while.
    fn wait_for_the_rest(&mut self, cx: &mut Context<'_>) -> Next {
        let wanted = self.is_wanted();
        let State::Answered(patience) = &mut self.state else { return Next::Rests };
        if self.coming.is_none() {
            return if wanted { Next::Rests } else { Next::Over };
        }
        if wanted {
            return Next::Rests;
        }
        match patience.get_or_insert_with(leftover::Patience::of_stream).poll_over(cx) {
            Poll::Ready(()) => Next::Reset(Reason::NO_ERROR),
            Poll::Pending => Next::Rests,
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The next piece of the body; whether there was none, and that is told.
    fn poll_next<S>(&mut self, id: u32, line: &mut Line<S>, cx: &mut Context<'_>) -> Poll<Result<bool, ()>> {
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame.transpose().map_err(drop)?.map(Frame::into_data),
        };
        Poll::Ready(match frame {
            // It is longer than was said, or shorter.
            Some(Ok(piece)) if self.framing == Framing::None && !piece.is_empty() => Err(()),
            None | Some(Err(_)) if matches!(self.framing, Framing::Length(1..)) => Err(()),
            Some(Ok(piece)) => {
                self.piece = piece;
                Ok(false)
            }
            None => {
                line.data(id, Bytes::new(), true);
                Ok(true)
            }
            Some(Err(frame)) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                answer::trailers(line.out.own(), &mut line.encoder, id, &trailers);
                Ok(true)
            }
        })
    }

    /// Sends so many bytes of the piece; whether they are the last.
    fn send<S>(&mut self, id: u32, most: usize, line: &mut Line<S>) -> Result<bool, ()> {
        self.framing.passed(most).map_err(drop)?;
        let part = self.piece.split_to(most);
        let last = self.piece.is_empty() && self.body.is_end_stream();
        if last && matches!(self.framing, Framing::Length(_)) {
            return Err(());
        }
        line.data(id, part, last);
        Ok(last)
    }
}
