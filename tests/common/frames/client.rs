//! A client that sends whatever bytes it is told to, and takes only frames that a server may send. What every client does
//! it does by itself: it acknowledges SETTINGS, answers PING, and counts what it may send.

use super::credit::Credit;
use super::hpack::{Field, Hpack};
use super::{
    ACK, Answer, CONTINUATION, DATA, END_HEADERS, End, Frame, GOAWAY, HEADERS, Outcome, PING, PREFACE, PRIORITIZED,
    RST_STREAM, SETTINGS, frame, padded, settings, window,
};
use crate::common::tls::{self, Certificate};
use crate::common::{Gateway, LIMIT};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Bytes both ways.
trait Link: Read + Write {}

impl<T: Read + Write> Link for T {}

/// A connection.
pub(crate) struct Frames {
    link: Box<dyn Link>,
    buffer: Vec<u8>,
    hpack: Hpack,
    /// The stream and the bytes of a header block that has begun.
    block: Option<(u32, Vec<u8>)>,
    credit: Credit,
}

// === impl Frames ===

impl Frames {
    /// Connects in cleartext and says the preface, with empty SETTINGS.
    pub(crate) fn open(gateway: &Gateway) -> Self {
        Self::greeting(gateway, &settings(&[]))
    }

    /// The same with other words after the preface.
    pub(crate) fn greeting(gateway: &Gateway, first: &[u8]) -> Self {
        let mut frames = Self::silent(gateway);
        frames.send([PREFACE, first].concat()).unwrap();
        frames
    }

    /// Connects in cleartext and says nothing.
    pub(crate) fn silent(gateway: &Gateway) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Self::over(stream)
    }

    /// The same over TLS, where ALPN chose HTTP/2.
    pub(crate) fn over_tls(gateway: &Gateway, certificate: &Certificate) -> Self {
        let mut config = certificate.client(tls::algorithms(|_| ()));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = tls::connect(gateway, &Arc::new(config)).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(stream)
    }

    /// Speaks over a connection that is there.
    pub(crate) fn over(link: impl Read + Write + 'static) -> Self {
        Self { link: Box::new(link), buffer: Vec::new(), hpack: Hpack::new(4096), block: None, credit: Credit::new() }
    }

    /// Says the preface, with these SETTINGS.
    pub(crate) fn greet(&mut self, entries: &[(u16, u32)]) -> io::Result<()> {
        self.send([PREFACE, &settings(entries)].concat())
    }

    /// The reader of its header blocks.
    pub(crate) fn hpack(&mut self) -> &mut Hpack {
        &mut self.hpack
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.link.write_all(bytes.as_ref())
    }

    /// The next frame. No frame that a server may not send passes.
    pub(crate) fn next(&mut self) -> io::Result<Frame> {
        let head = self.exact(9)?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        let payload = self.exact(len as usize)?;
        let mut frame = Frame { kind: head[3], flags: head[4], stream, payload, fields: Vec::new() };
        assert!(frame.payload.len() <= 16_384, "a frame of {len} bytes");
        self.unfold(&mut frame);
        self.credit.note(&frame);
        // A server that has ended may be gone.
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => _ = self.send(super::frame(SETTINGS, ACK, 0, &[])),
            PING if frame.flags & ACK == 0 => _ = self.send(super::frame(PING, ACK, 0, &frame.payload)),
            _ => {}
        }
        Ok(frame)
    }

    /// Sends DATA as soon as the windows allow it.
    pub(crate) fn data(&mut self, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        while self.credit.left(stream) < payload.len() {
            self.next()?;
        }
        self.credit.spend(stream, payload.len());
        self.send(frame(DATA, flags, stream, payload))
    }

    /// Reads on in header blocks, which nothing may interrupt (RFC 9113 §4.3).
    fn unfold(&mut self, frame: &mut Frame) {
        let begins = (frame.kind == HEADERS).then(|| (frame.stream, Vec::new()));
        let block = match (self.block.take(), frame.kind) {
            (Some(block), CONTINUATION) if block.0 == frame.stream => Some(block),
            (None, CONTINUATION) | (Some(_), _) => panic!("a header block is interrupted: {frame:?}"),
            (None, _) => begins,
        };
        let Some((stream, mut block)) = block else { return };
        block.extend_from_slice(match frame.kind {
            HEADERS if frame.flags & PRIORITIZED != 0 => &padded(frame.flags, &frame.payload)[5..],
            HEADERS => padded(frame.flags, &frame.payload),
            _ => &frame.payload,
        });
        if frame.flags & END_HEADERS == 0 {
            self.block = Some((stream, block));
            return;
        }
        frame.fields = self.hpack.read(&block).unwrap_or_else(|| panic!("not HPACK: {block:x?}"));
        assert!(are_well_formed(&frame.fields), "{:?}", frame.fields);
    }

    fn exact(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut space = [0; 16 * 1024];
        while self.buffer.len() < count {
            match self.link.read(&mut space)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                len => self.buffer.extend_from_slice(&space[..len]),
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// The next frame that `wanted` chooses; those before it are dropped.
    pub(crate) fn next_of(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().expect("the connection ended");
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// What becomes of a stream. Waits as long as a read may take.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        loop {
            let frame = match self.next() {
                Ok(frame) => frame,
                Err(e) if is_late(&e) => return Outcome::Silence,
                Err(_) => return Outcome::Closed,
            };
            match frame.kind {
                RST_STREAM if frame.stream == stream => return Outcome::Reset(frame.number(0)),
                GOAWAY if frame.number(4) != 0 => return Outcome::GoAway(frame.number(4)),
                _ if frame.stream != stream => {}
                _ => {
                    if let Some(status) = frame.status() {
                        return Outcome::Status(status);
                    }
                }
            }
        }
    }

    /// The end of the connection, whatever comes before.
    pub(crate) fn end(&mut self) -> Outcome {
        self.outcome(u32::MAX)
    }

    /// A whole answer. The windows that it uses up are given back.
    pub(crate) fn answer(&mut self, stream: u32) -> Answer {
        self.answers([stream]).remove(0)
    }

    /// Whole answers that come side by side. What other streams say is dropped.
    pub(crate) fn answers(&mut self, streams: impl IntoIterator<Item = u32>) -> Vec<Answer> {
        let mut answers: Vec<_> = streams.into_iter().map(|stream| (stream, Answer::default())).collect();
        while answers.iter().any(|(_, answer)| answer.end.is_none()) {
            let frame = match self.next() {
                Err(e) if is_late(&e) => panic!("no more comes: {answers:?}"),
                other => other.ok(),
            };
            if let Some(frame) = frame.as_ref().filter(|frame| frame.kind == DATA) {
                self.give_back(frame);
            }
            for (stream, answer) in &mut answers {
                match &frame {
                    Some(frame) if frame.stream == *stream => answer.take(frame),
                    Some(_) => {}
                    None => answer.end = answer.end.or(Some(End::Closed)),
                }
            }
        }
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Opens the windows again by what a frame took of them.
    pub(crate) fn give_back(&mut self, frame: &Frame) {
        let len = u32::try_from(frame.payload.len()).unwrap();
        if len > 0 {
            let stream = if frame.ends() { Vec::new() } else { window(frame.stream, len) };
            // A server that has ended may be gone.
            let _ = self.send([window(0, len), stream].concat());
        }
    }

    /// Sends a PING, and gives every frame that came before its answer: all that the server had to say by then.
    pub(crate) fn pause(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        self.send(frame(PING, 0, 0, b"to pause")).unwrap();
        loop {
            let frame = self.next().expect("no answer to a PING");
            if frame.kind == PING && frame.flags & ACK != 0 && frame.payload == b"to pause" {
                return frames;
            }
            frames.push(frame);
        }
    }
}

/// Whether nothing came for as long as a read may take.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What every answer of HTTP/2 keeps to (RFC 9113 §8.2, §8.3.2).
fn are_well_formed(fields: &[Field]) -> bool {
    let rest = if fields.first().is_some_and(|field| field.0 == ":status") { &fields[1..] } else { fields };
    let hop = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
    let good = |name: &str| !name.is_empty() && !name.starts_with(':') && !hop.contains(&name);
    rest.iter().all(|(name, _)| good(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase()))
}
