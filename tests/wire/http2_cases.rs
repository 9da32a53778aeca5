//! What a server of HTTP/2 may do about a sequence of frames, and a look at what it does.

use crate::common::frames::{Frame, Frames, GOAWAY, PING, PROTOCOL_ERROR, RST_STREAM, frame, get, is_late, settings};
use crate::common::{Gateway, Upstream};
use std::io;

/// One of the things that may be done. Every error of a stream may be one of the connection (RFC 9113 §5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Stream 1 is answered with 200.
    Answer,
    /// Nothing.
    Nothing,
    /// A stream is reset with this error, and nothing else.
    Stream(u32),
    /// The connection ends with this error.
    Connection(u32),
    /// The request was malformed: it is reset, or refused with an answer (RFC 9113 §8.1.1).
    Malformed,
    /// The connection ends without a word, as it may where there was no preface (RFC 9113 §3.4).
    End,
}

/// Bytes, and what may follow.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) want: &'static [Want],
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    /// Streams that were reset, and why.
    resets: Vec<(u32, u32)>,
    /// The first status on stream 1.
    status: Option<u16>,
    /// Streams that have come to their end.
    ended: Vec<u32>,
    /// Whether the PING is answered.
    pong: bool,
    /// The last GOAWAY's error.
    farewell: Option<u32>,
    /// How the connection ended, if it did.
    end: Option<io::Error>,
}

/// A stream beyond those of all cases.
const AFTER: u32 = 0x7fff_fff1;

macro_rules! cases {
    ($($name:expr, $bytes:expr => $($want:expr),+;)*) => {
        vec![$($crate::http2_cases::Case { name: $name, bytes: $bytes, want: &[$($want),+] }),*]
    };
}
pub(crate) use cases;

/// An upstream that answers what it gets with it. Under `/hang`, it reads and never answers; under `/size/N`, it answers
/// with so many bytes; under `/count`, with how many came.
pub(crate) fn upstream() -> Upstream {
    Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            let path = head.line.split(' ').nth(1).unwrap_or_default();
            if path == "/hang" {
                return peer.rest().map(|_| ());
            }
            let body = peer.body(&head)?;
            let answer = match path.strip_prefix("/size/") {
                Some(size) => content(size.parse().unwrap()),
                None if path == "/count" => body.len().to_string().into_bytes(),
                None => body,
            };
            peer.send(
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len()).as_bytes(), &answer].concat(),
            )?;
        }
    })
}

/// So many bytes of which no piece looks like the next.
pub(crate) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|n| u8::try_from((n / 7 + n / 1009) % 251).unwrap()).collect()
}

/// A gateway in front of it, with one worker, so that its state is seen whole.
pub(crate) fn start(upstream: &Upstream) -> Gateway {
    Gateway::to(upstream).set("KONG_NGINX_WORKER_PROCESSES", "1").start()
}

/// Tries each case on a connection of its own, after these bytes and the answer to stream 1, if they ask for it.
pub(crate) fn judge(before: &[u8], answered: bool, cases: &[Case]) {
    let upstream = upstream();
    let gateway = start(&upstream);
    let open = || {
        let mut client = Frames::greeting(&gateway, &[&settings(&[]), before].concat());
        assert!(!answered || client.answer(1).is_whole());
        client
    };
    let wrong: Vec<_> = cases.iter().filter_map(|case| case.judge(open())).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert_eq!(gateway.get("/after").0, 200);
}

// === impl Case ===

impl Case {
    /// What is wrong about what happens.
    pub(crate) fn judge(&self, mut client: Frames) -> Option<String> {
        // A server that ends the connection may do so before all has been written.
        let _ = client.send(&self.bytes);
        let done = Done::of(&mut client, self.want.contains(&Want::Answer));
        let right = self.want.iter().any(|want| done.fits(*want));
        (!right).then(|| format!("{}: wanted {:?}, {done:?}", self.name, self.want))
    }
}

// === impl Done ===

impl Done {
    /// What comes until another request is answered, and, where it should be, stream 1; and a PING after that: a reset, for
    /// instance, has come by then.
    fn of(client: &mut Frames, answer: bool) -> Self {
        let mut done = Self::default();
        let _ = client.send(get(AFTER, "/after"));
        done.until(client, |done| done.ended.contains(&AFTER) && (!answer || done.ended.contains(&1)));
        let _ = client.send(frame(PING, 0, 0, b"the end?"));
        done.until(client, |done| done.pong);
        done
    }

    fn until(&mut self, client: &mut Frames, enough: impl Fn(&Self) -> bool) {
        while self.end.is_none() && !enough(self) {
            match client.next() {
                Ok(frame) => self.note(&frame),
                Err(error) => self.end = Some(error),
            }
        }
    }

    fn note(&mut self, frame: &Frame) {
        match frame.kind {
            RST_STREAM => self.resets.push((frame.stream, frame.number(0))),
            GOAWAY => self.farewell = Some(frame.number(4)),
            PING => self.pong |= frame.payload == b"the end?",
            _ if frame.stream == 1 => self.status = self.status.or(frame.status()),
            _ => {}
        }
        if frame.ends() || frame.kind == RST_STREAM {
            self.ended.push(frame.stream);
        }
    }

    fn fits(&self, want: Want) -> bool {
        let stays = self.end.is_none() && self.farewell.is_none() && self.ended.contains(&AFTER);
        let peaceful = stays && self.resets.is_empty();
        let only = |code| !self.resets.is_empty() && self.resets.iter().all(|&(id, why)| id != AFTER && why == code);
        let ended = self.end.as_ref().is_some_and(|error| !is_late(error));
        match want {
            Want::Answer => peaceful && self.status == Some(200),
            Want::Nothing => peaceful,
            Want::Stream(code) => stays && only(code) || self.fits(Want::Connection(code)),
            Want::Connection(code) => ended && self.farewell == Some(code),
            Want::Malformed => {
                let refused = self.status.is_some_and(|status| (400..500).contains(&status));
                peaceful && refused || self.fits(Want::Stream(PROTOCOL_ERROR))
            }
            Want::End => ended && self.farewell.is_none_or(|code| code == 0),
        }
    }
}
