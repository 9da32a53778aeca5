//! What a client's frames do to a connection and its streams (RFC 9113 §5, §6).

use super::blocks::Block;
use super::connection::{Connection, Stage, intake};
use super::streams::Which;
use crate::body::Body;
use crate::http1::names::Shared;
use crate::http2::frame::{self, Frame, HEAD, Head, Kind};
use crate::http2::hpack::{Decoder, TABLE};
use crate::http2::request::Draft;
use crate::http2::window::Window;
use crate::http2::{Fault, Judged, Reason, answer, write};
use crate::proxy::leftover::Sent;
use crate::proxy::outgoing::Outgoing;
use bytes::{Buf, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use std::ops::Range;
use tokio::time::Instant;

/// Every client begins with this (§3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Understands header blocks.
pub struct Heads {
    decoder: Decoder,
    names: Shared,
    most: usize,
}

// === impl Heads ===

impl Heads {
    /// `names` are those that were read over other connections; `most` is what the fields of a head may count.
    #[must_use]
    pub fn new(names: Shared, most: usize) -> Self {
        Self { decoder: Decoder::new(TABLE), names, most }
    }

    /// Gives up room that a connection which waits does not need.
    pub fn rest(&mut self) {
        self.decoder.rest();
    }

    fn read(&mut self, block: &[u8], map: HeaderMap) -> Judged<Draft> {
        let mut draft = Draft::new(map, self.most);
        self.decoder.decode(block, &mut self.names.borrow_mut(), |field, size| draft.take(field, size))?;
        Ok(draft)
    }
}

// === impl Connection ===

impl<S, H, F> Connection<S, H, F>
where
    H: Fn(Request<Body>, Option<Sent>) -> F,
    F: Future<Output = Response<Outgoing>>,
{
    /// Understands all frames that are whole, and takes them off the buffer.
    pub(super) fn digest(&mut self, buf: &mut BytesMut) -> Judged<()> {
        if self.stage == Stage::Preface && !self.take_preface(buf)? {
            return Ok(());
        }
        while let Some(head) = Head::read(buf) {
            if head.len > frame::MOST {
                return Err(Fault::size("a frame is too large"));
            }
            if self.stage == Stage::Settings && (head.kind != Kind::Settings || head.flags & frame::ACK != 0) {
                return Err(Fault::protocol("the first frame is not SETTINGS"));
            }
            if buf.len() < HEAD + head.len {
                return Ok(());
            }
            self.stage = Stage::Open;
            buf.advance(HEAD);
            match self.take(head, buf) {
                Err(Fault::Stream(id, reason)) => self.break_off(id, reason)?,
                other => other?,
            }
        }
        Ok(())
    }

    /// Whether it came; all of it, or the beginning of something else.
    fn take_preface(&mut self, buf: &mut BytesMut) -> Judged<bool> {
        let come = buf.len().min(PREFACE.len());
        if buf.get(..come) != PREFACE.get(..come) {
            return Err(Fault::protocol("it is not HTTP/2"));
        }
        if come < PREFACE.len() {
            return Ok(false);
        }
        buf.advance(PREFACE.len());
        self.stage = Stage::Settings;
        Ok(true)
    }

    /// One frame, whose payload the buffer begins with.
    fn take(&mut self, head: Head, buf: &mut BytesMut) -> Judged<()> {
        if let Some(block) = &self.block
            && (head.kind != Kind::Continuation || head.stream != block.stream)
        {
            return Err(Fault::protocol("a header block is interrupted"));
        }
        let payload = buf.get(..head.len).unwrap_or_default();
        let taken = match head.understand(payload) {
            Ok(Frame::Data { data, end }) => return self.data(head, buf, data, end),
            Ok(Frame::Headers { block, end, whole }) => {
                self.headers(head.stream, payload.get(block).unwrap_or_default(), end, whole)
            }
            Ok(Frame::Continuation { whole }) => self.continuation(payload, whole),
            Ok(frame) => self.control(head, &frame, payload),
            Err(fault) => Err(fault),
        };
        buf.advance(head.len);
        taken
    }

    /// A frame that asks for no work.
    fn control(&mut self, head: Head, frame: &Frame, payload: &[u8]) -> Judged<()> {
        self.line.meter.control(head.len, || Instant::now().into_std())?;
        match *frame {
            Frame::Settings => return self.settings(payload),
            Frame::Window(more) => return self.window(head.stream, more),
            Frame::Reset => return self.taken_back(head.stream),
            Frame::Ping(word) => write::pong(self.line.out.own(), word),
            Frame::Pong(word) => self.leaving.ponged(word),
            Frame::GoAway => self.leaving.client_leaves(),
            _ => {}
        }
        Ok(())
    }

    /// Which stream a frame belongs to. Those that began too late are ignored to their end (§6.8).
    fn which(&self, id: u32) -> Which {
        match self.streams.which(id) {
            Which::Closed if self.leaving.refuses(id) => Which::LetGo,
            which => which,
        }
    }

    /// A stream ends because its client broke the protocol.
    fn break_off(&mut self, id: u32, reason: Reason) -> Judged<()> {
        self.line.meter.broke()?;
        match self.which(id) {
            Which::Open(at) => self.reset(at, reason),
            Which::LetGo => {}
            Which::Idle => {
                return Err(Fault::Connection(reason, "a frame that is wrong, of a stream that was not begun"));
            }
            Which::Closed => {
                write::reset(self.line.out.own(), id, reason);
                self.streams.let_go(id);
            }
        }
        Ok(())
    }

    fn data(&mut self, head: Head, buf: &mut BytesMut, data: Range<usize>, end: bool) -> Judged<()> {
        let mut piece = buf.split_to(head.len);
        piece.truncate(data.end);
        piece.advance(data.start);
        self.line.meter.data(piece.len(), end)?;
        let overflow = Fault::Connection(Reason::FLOW_CONTROL_ERROR, "more DATA than the window of the connection");
        self.line.intake.came(head.len).map_err(|_| overflow)?;
        let at = match self.which(head.stream) {
            Which::Open(at) => at,
            Which::Idle => return Err(Fault::protocol("DATA for a stream that was not begun")),
            which => {
                self.line.took(head.len);
                let closed = Fault::Stream(head.stream, Reason::STREAM_CLOSED);
                return if which == Which::LetGo { Ok(()) } else { Err(closed) };
            }
        };
        let Some(stream) = self.streams.at(at) else { return Ok(()) };
        if stream.data(piece, head.len, &mut self.line)? {
            self.reset(at, Reason::NO_ERROR);
            return Ok(());
        }
        if end { self.ended(at, None) } else { Ok(()) }
    }

    fn ended(&mut self, at: usize, trailers: Option<HeaderMap>) -> Judged<()> {
        if let Some(stream) = self.streams.at(at) {
            stream.ended(trailers)?;
        }
        self.streams.bells.mark(at);
        Ok(())
    }

    fn headers(&mut self, stream: u32, block: &[u8], end: bool, whole: bool) -> Judged<()> {
        if whole {
            return self.block(stream, block, end);
        }
        self.block = Some(Block::begin(stream, end, block));
        Ok(())
    }

    fn continuation(&mut self, piece: &[u8], whole: bool) -> Judged<()> {
        let Some(mut block) = self.block.take() else {
            return Err(Fault::protocol("CONTINUATION of nothing"));
        };
        block.push(piece, self.limits.head)?;
        if whole {
            return self.block(block.stream, &block.bytes, block.end);
        }
        self.block = Some(block);
        Ok(())
    }

    /// A header block that is whole. Whatever it is for, the table hears of it.
    fn block(&mut self, id: u32, block: &[u8], end: bool) -> Judged<()> {
        match self.which(id) {
            Which::Open(at) => self.trailers(at, id, block, end),
            Which::LetGo => self.heads.read(block, HeaderMap::new()).map(drop),
            Which::Closed => Err(Fault::Connection(Reason::STREAM_CLOSED, "HEADERS for a stream that has ended")),
            Which::Idle if id.is_multiple_of(2) => Err(Fault::protocol("HEADERS for a stream that is no client's")),
            Which::Idle => self.begin(id, block, end),
        }
    }

    fn trailers(&mut self, at: usize, id: u32, block: &[u8], end: bool) -> Judged<()> {
        let draft = self.heads.read(block, HeaderMap::new())?;
        let open = self.streams.at(at).is_some_and(|stream| stream.is_open());
        if !open {
            return Err(Fault::Stream(id, Reason::STREAM_CLOSED));
        }
        if !end {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
        }
        let trailers = draft.trailers(id)?;
        self.ended(at, Some(trailers).filter(|trailers| !trailers.is_empty()))
    }

    /// A request.
    fn begin(&mut self, id: u32, block: &[u8], end: bool) -> Judged<()> {
        self.streams.begun(id);
        let free = self.streams.free();
        let map = free.and_then(|at| self.streams.at(at)).map(|stream| stream.map());
        let draft = self.heads.read(block, map.unwrap_or_default())?;
        if self.leaving.refuses(id) {
            return Ok(());
        }
        let Some(at) = free else {
            // Whoever has read our SETTINGS begins no more than it may.
            self.line.meter.control(0, || Instant::now().into_std())?;
            write::reset(self.line.out.own(), id, Reason::REFUSED_STREAM);
            self.streams.let_go(id);
            return Ok(());
        };
        match draft.request(id, end)? {
            None => self.too_large(id, end),
            Some((request, length)) => {
                let Some(stream) = self.streams.at(at) else { return Ok(()) };
                let windows = (Window::new(self.theirs.window), intake());
                stream.begin(id, request, (!end).then_some(length), windows, &self.handler);
                self.streams.take(at);
            }
        }
        Ok(())
    }

    /// A head that is not far too large gets an answer.
    fn too_large(&mut self, id: u32, end: bool) {
        let (out, status) = (self.line.out.own(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        answer::status(out, &mut self.line.encoder, id, status);
        if !end {
            write::reset(out, id, Reason::NO_ERROR);
            self.streams.let_go(id);
        }
    }

    fn settings(&mut self, payload: &[u8]) -> Judged<()> {
        let before = self.theirs.window;
        self.theirs.take(payload, |table| self.line.encoder.resize(table))?;
        let by = i64::from(self.theirs.window) - i64::from(before);
        for (_, stream) in self.streams.all() {
            let overflow = Fault::Connection(Reason::FLOW_CONTROL_ERROR, "SETTINGS make a window too large");
            stream.shift(by).map_err(|_| overflow)?;
        }
        if by > 0 {
            self.streams.unblock();
        }
        write::settings_taken(self.line.out.own());
        Ok(())
    }

    fn window(&mut self, id: u32, more: u32) -> Judged<()> {
        if id == 0 {
            let overflow = Fault::Connection(Reason::FLOW_CONTROL_ERROR, "the window is too large");
            self.line.window.shift(more.into()).map_err(|_| overflow)?;
            self.streams.unblock();
            return Ok(());
        }
        match self.which(id) {
            Which::Idle => Err(Fault::protocol("WINDOW_UPDATE for a stream that was not begun")),
            Which::LetGo | Which::Closed => Ok(()),
            Which::Open(at) => {
                self.streams.bells.mark(at);
                self.streams.at(at).map_or(Ok(()), |stream| stream.shift(more.into()))
            }
        }
    }

    /// RST_STREAM.
    fn taken_back(&mut self, id: u32) -> Judged<()> {
        match self.which(id) {
            Which::Idle => Err(Fault::protocol("RST_STREAM for a stream that was not begun")),
            Which::LetGo | Which::Closed => Ok(()),
            Which::Open(at) => {
                let unseen = self.streams.at(at).is_some_and(|stream| stream.is_unseen());
                self.close(at);
                if unseen { self.line.meter.unseen() } else { Ok(()) }
            }
        }
    }
}
