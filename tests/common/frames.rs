//! An HTTP/2 client that sends whatever frames it is told to, right or wrong. Header blocks are HPACK literals without
//! indexing (RFC 7541 §6.2.2), so that a test sees its bytes as they go over the wire.

use super::{Gateway, Peer};
use std::io;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// Error code ENHANCE_YOUR_CALM (RFC 9113 §7).
pub(crate) const CALM: u32 = 11;

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a stream, or all of the connection, was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Status(u16),
    /// RST_STREAM with this error.
    Reset(u32),
    /// GOAWAY with this error.
    GoAway(u32),
    /// The connection ended without a word.
    Closed,
}

/// A connection whose preface is sent.
pub(crate) struct Frames {
    peer: Peer,
}

/// The bytes of one frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header block.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        text(&mut bytes, name.as_bytes());
        text(&mut bytes, value.as_bytes());
    }
    bytes
}

/// A field that the other side keeps in its table, as entry 62 if it is the last (RFC 7541 §6.2.1).
pub(crate) fn kept(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0x40];
    text(&mut bytes, name.as_bytes());
    text(&mut bytes, value.as_bytes());
    bytes
}

/// A string as it is, with its length before it (RFC 7541 §5.1, §5.2).
fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    if text.len() < 127 {
        bytes.push(u8::try_from(text.len()).unwrap());
    } else {
        bytes.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }
    bytes.extend_from_slice(text);
}

/// HEADERS that are whole.
pub(crate) fn head(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, flags | END_HEADERS, stream, &block(fields))
}

// === impl Frames ===

impl Frames {
    /// Connects in cleartext and says the preface, with empty SETTINGS.
    pub(crate) fn open(gateway: &Gateway) -> Self {
        let mut peer = gateway.connect();
        peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut frames = Self { peer };
        frames.send(frame(SETTINGS, 0, 0, &[])).unwrap();
        frames
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.peer.send(bytes)
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> io::Result<Frame> {
        let head = self.peer.exact(9)?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        let payload = self.peer.exact(len as usize)?;
        Ok(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// What becomes of a stream. Waits as long as a read may take.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        loop {
            let Ok(frame) = self.next() else { return Outcome::Closed };
            match frame.kind {
                HEADERS if frame.stream == stream => return Outcome::Status(status(&frame.payload)),
                RST_STREAM if frame.stream == stream => return Outcome::Reset(number(&frame.payload, 0)),
                GOAWAY if number(&frame.payload, 4) != 0 => return Outcome::GoAway(number(&frame.payload, 4)),
                _ => {}
            }
        }
    }

    /// The end of the connection, whatever comes before.
    pub(crate) fn end(&mut self) -> Outcome {
        self.outcome(u32::MAX)
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(u32::MAX, |four| u32::from_be_bytes(four.try_into().unwrap()))
}

/// The status of a connection's first answer: an entry of the static table, or its name and three digits (RFC 7541 §6.1,
/// §6.2, appendix A).
fn status(block: &[u8]) -> u16 {
    let block = if block[0] & 0xe0 == 0x20 { &block[1..] } else { block };
    match block[0] {
        at @ 0x88..=0x8e => [200, 204, 206, 304, 400, 404, 500][usize::from(at - 0x88)],
        _ if block[1] == 3 => std::str::from_utf8(&block[2..5]).unwrap().parse().unwrap(),
        _ => digits(&block[2..]),
    }
}

/// Three digits in Huffman's code (RFC 7541 appendix B): 5 bits each up to 2, 6 bits from 3.
fn digits(bytes: &[u8]) -> u16 {
    let bits = bytes.iter().take(3).fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << 8;
    let (mut value, mut at) = (0, 0);
    for _ in 0..3 {
        let five = (bits << at) >> 27;
        let (digit, width) = if five < 3 { (five, 5) } else { (((bits << at) >> 26) - 0x19 + 3, 6) };
        value = value * 10 + digit;
        at += width;
    }
    u16::try_from(value).unwrap()
}

#[test]
fn statuses_are_read() {
    assert_eq!(status(&[0x8d]), 404);
    assert_eq!(status(&[0x48, 3, b'4', b'0', b'5']), 405);
    // 011010 00000 011011, then ones.
    assert_eq!(status(&[0x48, 0x83, 0b0110_1000, 0b0000_1101, 0b1111_1111]), 405);
}
