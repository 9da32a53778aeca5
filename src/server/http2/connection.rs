//! One client's connection, from its preface to its last frame (RFC 9113 §3.4, §5, §6).

use super::blocks::Block;
use super::leaving::Leaving;
use super::leisure::{Leisure, Patience};
use super::line::Line;
use super::meter::Meter;
use super::outbox::Outbox;
use super::reading::Heads;
use super::stream::Next;
use super::streams::Streams;
use crate::body::Body;
use crate::http1::inbox::{Inbox, Rooms};
use crate::http1::names::Shared;
use crate::http2::frame::{HEAD, Head, Kind};
use crate::http2::hpack::Encoder;
use crate::http2::settings::{self, Theirs};
use crate::http2::window::{Intake, Window};
use crate::http2::{Fault, Judged, Reason, write};
use crate::proxy::activity::Activity;
use crate::proxy::closing::Seat;
use crate::proxy::leftover::{self, Sent};
use crate::proxy::outgoing::Outgoing;
use crate::server::linger;
use crate::server::socket::Socket;
use crate::upstream::alarm::Alarm;
use http::{Request, Response};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

// What one connection may make the gateway keep (`docs/operations.md`, "Limits").

/// Bytes of one request's body that the gateway takes before its upstream does.
const STREAM_WINDOW: u32 = 512 * 1024;
/// The same for all requests of a connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Room to read into.
const ROOM: usize = 8 * 1024;
/// The same while a body comes.
const BODY_ROOM: usize = 64 * 1024;
/// So many bytes later, it is the turn of the worker's other connections.
const TURN: usize = 256 * 1024;

/// What a connection is limited by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Streams at a time.
    pub streams: u32,
    /// What the fields of a head may count (§6.5.2).
    pub head: usize,
    /// Longest time in which a client takes nothing that it is sent.
    pub stall: Duration,
}

/// What a connection is made of, besides its socket.
pub struct Setup {
    /// Its limits.
    pub limits: Limits,
    /// Names that were read over other connections.
    pub names: Shared,
    /// Room to read into, which others lend.
    pub rooms: Rc<Rooms>,
    /// Its clock.
    pub leisure: Leisure,
    /// Its requests under way.
    pub activity: Activity,
    /// Its place among those that hear when the worker stops.
    pub seat: Seat,
}

/// A connection and who answers its requests.
pub struct Connection<S, H, F> {
    pub(super) line: Line<S>,
    pub(super) streams: Streams<F>,
    pub(super) heads: Heads,
    pub(super) inbox: Inbox,
    pub(super) theirs: Theirs,
    pub(super) block: Option<Block>,
    pub(super) handler: H,
    pub(super) leaving: Leaving,
    pub(super) limits: Limits,
    /// How far its beginning is.
    pub(super) stage: Stage,
    activity: Activity,
    leisure: Leisure,
    /// For answers that their clients do not take.
    stall: Alarm,
    /// Whose turn it is first.
    turn: usize,
    /// Those that wait for room to write, while the others have their turn.
    waiting: Vec<usize>,
    /// Whether nothing is read until what waits is written.
    deaf: bool,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its preface has not come yet.
    Preface,
    /// Its SETTINGS have not.
    Settings,
    /// All may come.
    Open,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All is said.
    Quiet,
    /// The client went too far, or took too long, and may be sending still.
    Fault,
    /// The client is gone.
    Gone,
}

// === impl Connection ===

impl<S, H, F> Connection<S, H, F>
where
    S: Socket + 'static,
    H: Fn(Request<Body>, Option<Sent>) -> F,
    F: Future<Output = Response<Outgoing>>,
{
    /// A connection that has not said anything yet; what this side can do is told first.
    pub fn new(socket: S, setup: Setup, handler: H) -> Self {
        let Setup { limits, names, rooms, leisure, activity, seat } = setup;
        let mut line = Line {
            out: Outbox::new(socket, limits.stall),
            encoder: Encoder::new(),
            window: Window::new(settings::WINDOW),
            intake: Intake::new(CONNECTION_WINDOW),
            meter: Meter::new(limits.streams, Instant::now().into_std()),
            blocked: false,
        };
        greet(line.out.own(), limits);
        Self {
            line,
            streams: Streams::new(limits.streams),
            heads: Heads::new(names, limits.head),
            inbox: Inbox::new(rooms),
            theirs: Theirs::default(),
            block: None,
            handler,
            leaving: Leaving::new(seat),
            limits,
            stage: Stage::Preface,
            activity,
            leisure,
            stall: Alarm::default(),
            turn: 0,
            waiting: Vec::new(),
            deaf: false,
        }
    }

    /// Serves it to its end.
    ///
    /// # Errors
    /// When the client hangs up amid an answer, or does not read.
    pub async fn serve(mut self) -> io::Result<()> {
        let end = poll_fn(|cx| self.poll(cx)).await?;
        let under_way = self.streams.open() > 0;
        self.streams = Streams::new(0);
        if end == End::Gone {
            return if under_way { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
        }
        poll_fn(|cx| self.line.out.poll_shutdown(cx)).await?;
        // What comes over a closed socket makes the kernel throw away what it has not sent, and every client that reads an
        // answer sends WINDOW_UPDATEs.
        let fault = end == End::Fault;
        let mut patience = if fault { leftover::Patience::with_offender() } else { leftover::Patience::begin() };
        poll_fn(|cx| linger::poll_end(&mut patience, self.line.out.socket(), cx)).await;
        Ok(())
    }

    /// One turn: what came is understood, streams that have something to do go on, and all that is to be said leaves at once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<End>> {
        self.streams.bells.hush();
        match self.poll_heard(cx)? {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(End::Gone)),
            Poll::Ready(Err(fault)) => return Poll::Ready(Ok(self.say(fault))),
        }
        self.leaving.poll(self.streams.last(), self.line.out.own(), cx);
        self.line.meter.looked();
        self.streams.bells.begin(self.streams.places(), cx);
        self.poll_streams(cx)?;
        // Not before: an answer that has just ended is owed no more, and nothing else may wake this task.
        if let Poll::Ready(fault) = self.poll_patience(cx) {
            return Poll::Ready(Ok(self.say(fault)));
        }
        ready!(self.line.out.poll_sent(cx))?;
        if self.deaf {
            cx.waker().wake_by_ref();
        }
        if self.leaving.is_over() && self.streams.open() == 0 {
            return Poll::Ready(Ok(End::Quiet));
        }
        Poll::Pending
    }

    /// Says why it ends.
    fn say(&mut self, fault: Fault) -> End {
        let Fault::Connection(reason, why) = fault else { return End::Fault };
        tracing::debug!(why, code = reason.0, "an HTTP/2 connection is ended");
        let last = self.leaving.last(self.streams.last());
        write::goaway(self.line.out.own(), last, reason);
        End::Fault
    }

    /// Takes in what comes. Ready when the client has hung up, or gone too far.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Judged<()>>> {
        let mut read = 0;
        loop {
            // Whoever does not read is not listened to.
            self.deaf = self.line.out.is_stuck();
            if self.deaf {
                return Poll::Pending;
            }
            match self.poll_read(cx)? {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(0) => return Poll::Ready(Ok(Ok(()))),
                Poll::Ready(some) => read += some,
            }
            let mut buf = std::mem::take(&mut *self.inbox);
            let digested = self.digest(&mut buf);
            *self.inbox = buf;
            if let Err(fault) = digested.and_then(|()| self.weigh()) {
                return Poll::Ready(Ok(Err(fault)));
            }
            self.leisure.heard(self.is_within_head());
            if read >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let under_way = Head::read(&self.inbox).map_or(0, |head| HEAD + head.len);
        let missing = under_way.saturating_sub(self.inbox.len());
        let room = if missing > ROOM / 2 { BODY_ROOM } else { ROOM };
        self.inbox.make_room(missing.max(ROOM / 2), room);
        let polled = pin!(self.line.out.socket().read_buf(&mut *self.inbox)).poll(cx);
        if polled.is_pending() {
            self.inbox.rest();
        }
        polled
    }

    /// Whether the client owes the rest of a block, or of a frame. A body may take its time.
    fn is_within_head(&self) -> bool {
        let frame = Head::read(&self.inbox).map_or(!self.inbox.is_empty(), |head| head.kind != Kind::Data);
        frame || self.block.is_some()
    }

    /// Whether what the client takes back is in proportion.
    fn weigh(&mut self) -> Judged<()> {
        self.line.meter.ended(self.activity.ended(), || Instant::now().into_std())
    }

    /// Nothing more came; ready when that has lasted too long. Whoever is not listened to is given up for not reading.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        while !self.deaf {
            match ready!(self.leisure.poll(cx)) {
                Patience::Lean => {
                    self.streams.rest();
                    self.heads.rest();
                    self.line.out.rest();
                }
                Patience::Ask => write::ping(self.line.out.own(), [0; 8]),
                Patience::Over => {
                    return Poll::Ready(Fault::Connection(Reason::NO_ERROR, "the client is too slow, or idle"));
                }
            }
        }
        Poll::Pending
    }

    /// Streams that have something to do go on, one frame of an answer at a time. Where there is no room for it, requests go
    /// on all the same.
    fn poll_streams(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut room = true;
        while let Some(at) = self.streams.bells.next(self.turn) {
            room = room && self.line.out.poll_room(cx)?.is_ready();
            self.turn = at + 1;
            self.step(at, room);
        }
        for at in self.waiting.drain(..) {
            self.streams.bells.mark(at);
        }
        if self.line.blocked {
            self.give_up_stalled(cx);
        }
        Ok(())
    }

    fn step(&mut self, at: usize, room: bool) {
        let Some(stream) = self.streams.at(at).filter(|stream| stream.id != 0) else { return };
        match stream.step(&mut self.line, room) {
            Next::Rests => {}
            Next::Waits => self.waiting.push(at),
            Next::GoesOn => self.streams.bells.mark(at),
            Next::Over => self.close(at),
            Next::Reset(reason) => self.reset(at, reason),
        }
    }

    /// Ends answers that their clients have not taken anything of for too long.
    fn give_up_stalled(&mut self, cx: &mut Context<'_>) {
        let stall = self.limits.stall;
        loop {
            let blocked = self.streams.all().filter_map(|(at, stream)| Some((stream.blocked()?, at)));
            let Some((since, at)) = blocked.min() else { break };
            if self.stall.poll_at(since + stall, cx).is_pending() {
                return;
            }
            self.reset(at, Reason::CANCEL);
        }
        self.line.blocked = false;
    }
}

impl<S, H, F> Connection<S, H, F> {
    /// A stream is over on both sides.
    pub(super) fn close(&mut self, at: usize) {
        let Some(stream) = self.streams.at(at) else { return };
        let unread = stream.clear();
        self.streams.give_up(at);
        self.line.took(unread);
    }

    /// A stream ends here.
    pub(super) fn reset(&mut self, at: usize, reason: Reason) {
        let Some(stream) = self.streams.at(at) else { return };
        let (id, open) = (stream.id, stream.is_open());
        write::reset(self.line.out.own(), id, reason);
        if open {
            self.streams.let_go(id);
        }
        self.close(at);
    }
}

/// What this side can do, and how much it takes.
fn greet(out: &mut Vec<u8>, limits: Limits) {
    let list = u32::try_from(limits.head).unwrap_or(u32::MAX);
    let ours = [
        (settings::MAX_CONCURRENT_STREAMS, limits.streams),
        (settings::INITIAL_WINDOW_SIZE, STREAM_WINDOW),
        (settings::MAX_HEADER_LIST_SIZE, list),
    ];
    write::settings(out, &ours);
    write::window(out, 0, CONNECTION_WINDOW - settings::WINDOW);
}

/// What a client may send over a new stream.
pub(super) const fn intake() -> Intake {
    Intake::new(STREAM_WINDOW)
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
