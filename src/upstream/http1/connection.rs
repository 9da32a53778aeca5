//! One connection to an upstream: the request goes out, the answer's head comes in, and then its body, which is polled out of
//! the connection itself.

use super::Stalled;
use super::passing;
use super::request;
use super::response::{self, Head};
use super::stream::Stream;
use crate::body::{BodyError, Source};
use crate::http1::FIELDS;
use crate::http1::chunks::Step;
use crate::http1::inbox::{Inbox, Rooms};
use crate::http1::names::Shared;
use crate::http1::queue::Queue;
use crate::http1::reading::Reading;
use crate::http1::sending::Framing;
use crate::pipe::Pipe;
use crate::upstream::alarm::Alarm;
use crate::upstream::pool::{Idle, Key, Pool};
use bytes::{BufMut, Bytes};
use http::{HeaderMap, Method, Request};
use http_body::{Body, Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

/// Room to read into while it is not known how much comes.
const ROOM: usize = 16 * 1024;
/// The same for the head of an answer whose body may go through a pipe: what is read of that is copied.
const HEAD_ROOM: usize = 2 * 1024;
/// Most room for a body.
const MOST_ROOM: usize = 64 * 1024;

/// A worker's idle connections.
pub type Connections = Pool<Box<Connection>>;

/// A connection to an upstream, in the hands of one request or idle.
pub struct Connection {
    pub(super) stream: Stream,
    /// What was read and not understood yet.
    pub(super) buf: Inbox,
    /// Whether much comes of this body.
    much: bool,
    /// Whether the last body went through a pipe: the next one may as well.
    pub(super) passed: bool,
    /// What is to be written.
    pub(super) queue: Queue,
    /// What of the request's body is still to come.
    pub(super) sending: Framing,
    /// Bytes of this request that were written.
    pub(super) written: u64,
    /// Whether a piece of the body was taken, which can't be given back.
    pub(super) loaded: bool,
    /// Whether the upstream has to take what it got before it can get more.
    pub(super) stuck: bool,
    /// Whether HEAD was asked.
    to_head: bool,
    pub(super) reading: Reading,
    /// Whether another request may follow.
    pub(super) keeps: bool,
    /// Longest time between two reads.
    patience: Duration,
    /// When the wait for the next piece began. A client that is slow to take one does not make the upstream late.
    pub(super) waiting: Option<Instant>,
    alarm: Alarm,
    /// Longest head.
    limit: usize,
    names: Shared,
    /// An empty map with room, for the next answer.
    spare: HeaderMap,
    key: Key,
    uses: usize,
    /// Where it goes when the answer has ended; `None` while it is there.
    home: Option<Rc<Connections>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Fault {
    /// The connection was dead: no byte of the request was written, and none of its body taken.
    Unsent(io::Error),
    /// It ended, or the answer is malformed.
    Sent(io::Error),
    /// The request's body ended early.
    Body,
}

// === impl Connection ===

impl Connection {
    /// A new connection, with the longest head that is taken from it, and what it shares with others: names that were read,
    /// room to read into, and where it goes.
    #[must_use]
    pub fn fresh(
        stream: Stream,
        key: Key,
        limit: usize,
        names: Shared,
        rooms: Rc<Rooms>,
        home: Rc<Connections>,
    ) -> Box<Self> {
        Box::new(Self {
            stream,
            buf: Inbox::new(rooms),
            much: false,
            passed: false,
            queue: Queue::default(),
            sending: Framing::None,
            written: 0,
            loaded: false,
            stuck: false,
            to_head: false,
            reading: Reading::Over,
            keeps: true,
            patience: Duration::ZERO,
            waiting: None,
            alarm: Alarm::default(),
            limit,
            names,
            spare: HeaderMap::new(),
            key,
            uses: 0,
            home: Some(home),
        })
    }

    /// An idle connection that still lives, if there is one.
    #[must_use]
    pub fn reused(key: Key, home: &Rc<Connections>) -> Option<Box<Self>> {
        let (mut connection, uses) = home.take(key)?;
        connection.uses = uses;
        connection.home = Some(Rc::clone(home));
        Some(connection)
    }

    /// Begins a request; `more` writes lines of its head that are not in the map. `patience` is the longest time between two
    /// reads of its answer.
    pub fn begin<B>(
        &mut self,
        req: &Request<B>,
        more: impl FnOnce(&mut Vec<u8>),
        body: &impl Body,
        patience: Duration,
    ) {
        self.sending = Framing::of(req.headers(), body);
        request::write(self.queue.own(), req, more, self.sending);
        self.to_head = *req.method() == Method::HEAD;
        (self.written, self.loaded, self.stuck) = (0, false, false);
        (self.waiting, self.patience) = (None, patience);
        self.uses += 1;
    }

    /// Sends the request, and waits for the answer's head.
    ///
    /// # Errors
    /// Why there is none.
    pub fn poll_answer<B>(&mut self, cx: &mut Context<'_>, body: &mut B) -> Poll<Result<(Head, HeaderMap), Fault>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let sent = self.poll_send(cx, body);
        if let Poll::Ready(Err(Fault::Body)) = sent {
            return Poll::Ready(Err(Fault::Body));
        }
        // An upstream may answer, and hang up, before it has taken all.
        let head = self.poll_head(cx).map_err(|error| self.fault(error));
        match sent {
            Poll::Ready(Err(fault)) if !matches!(head, Poll::Ready(Ok(_))) => Poll::Ready(Err(fault)),
            Poll::Ready(Err(_)) => {
                self.abandon();
                head
            }
            _ => head,
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Head, HeaderMap)>> {
        let mut most = if self.passed { HEAD_ROOM } else { ROOM };
        loop {
            let mut names = self.names.borrow_mut();
            let head = response::take(&mut self.buf, self.limit, self.to_head, &mut self.spare, &mut names)?;
            drop(names);
            if let Some(head) = head {
                (self.keeps, self.passed) = (head.keeps, false);
                return Poll::Ready(Ok((head, std::mem::take(&mut self.spare))));
            }
            let Poll::Ready(read) = self.poll_read(cx, ROOM, most) else {
                self.buf.rest();
                return Poll::Pending;
            };
            if read? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            most = ROOM;
        }
    }

    /// Reads what is there into so much room, so many bytes at most; nothing is the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: usize, most: usize) -> Poll<io::Result<usize>> {
        self.buf.make_room(room, room);
        pin!(self.stream.read_buf(&mut (&mut *self.buf).limit(most))).poll(cx)
    }

    /// The body of the answer whose head was read.
    #[must_use]
    pub fn answering(mut self: Box<Self>, reading: Reading) -> Box<Self> {
        self.reading = reading;
        self
    }

    /// A map that is of no further use, for the next answer. A large one is not kept by an idle connection.
    pub fn recycle(&mut self, mut headers: HeaderMap) {
        if headers.capacity() <= FIELDS {
            headers.clear();
            self.spare = headers;
        }
    }

    /// For those who wait for the head.
    pub fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    /// What both sides agreed to speak something else over, and what of that was read already.
    #[must_use]
    pub fn into_parts(self: Box<Self>) -> (Stream, Bytes) {
        let Self { stream, mut buf, .. } = *self;
        (stream, buf.split().freeze())
    }

    /// How much room the rest of a body wants. A little more than comes: a socket that fills its buffer has to be asked once
    /// more whether there is something left.
    fn room(&self) -> usize {
        match self.reading {
            Reading::Length(left) => usize::try_from(left).unwrap_or(MOST_ROOM).min(MOST_ROOM) + 64,
            _ if self.much => MOST_ROOM,
            _ => ROOM,
        }
    }

    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        self.alarm.poll_at(since + self.patience, cx)
    }

    /// Reads more of a body; false at its end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyError>> {
        let Poll::Ready(read) = self.poll_read(cx, self.room(), usize::MAX) else {
            ready!(self.poll_stalled(cx));
            return Poll::Ready(Err(Stalled.into()));
        };
        self.waiting = None;
        let read = read?;
        self.much |= read >= ROOM;
        match (read, &self.reading) {
            (0, Reading::UntilClose) => {
                (self.reading, self.keeps) = (Reading::Over, false);
                Poll::Ready(Ok(false))
            }
            (0, _) => Poll::Ready(Err(Box::new(io::Error::from(io::ErrorKind::UnexpectedEof)))),
            _ => Poll::Ready(Ok(true)),
        }
    }
}

impl Body for Connection {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let me = &mut *self;
            match me.reading.next(&mut me.buf)? {
                Step::Data(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Step::Trailers(fields) => return Poll::Ready(Some(Ok(Frame::trailers(fields)))),
                Step::End => return Poll::Ready(None),
                Step::More => {
                    if !ready!(me.poll_more(cx))? {
                        return Poll::Ready(None);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.reading.size_hint()
    }
}

impl Source for Connection {
    /// Goes back to the others. One that has something left to say is not understood, and closed.
    fn ended(mut self: Box<Self>) {
        let Some(home) = self.home.take() else { return };
        if !self.keeps || !self.is_sent() || !self.buf.is_empty() {
            return;
        }
        self.much = false;
        let (key, uses) = (self.key, self.uses);
        home.put(key, self, uses);
    }

    fn passes(&self) -> bool {
        passing::is_worth_it(self)
    }

    fn poll_pass(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        passing::poll_pass(self, pipe, cx)
    }
}

impl Idle for Box<Connection> {
    /// Whatever comes over an idle connection ends it. A look at it costs a system call only if something came, and leaves it
    /// without room.
    fn is_closed(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let closed = !self.stream.is_quiet(&mut cx) && self.poll_read(&mut cx, 1, usize::MAX).is_ready();
        self.buf.rest();
        closed
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("key", &self.key).field("uses", &self.uses).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
