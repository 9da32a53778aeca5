//! What a server of HTTP/2 may do about a sequence of frames, and a look at what it does.

use crate::common::frames::{
    Frame, Frames, GOAWAY, NO_ERROR, PING, PROTOCOL_ERROR, RST_STREAM, frame, get, is_late, settings,
};
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
        [$($crate::http2_cases::Case { name: $name, bytes: $bytes, want: &[$($want),+] }),*]
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

/// Tries each case on a connection of its own.
pub(crate) fn judge(cases: &[Case]) {
    judge_on(cases, Frames::open);
}

/// The same when these bytes were sent before.
pub(crate) fn judge_after(before: &[u8], cases: &[Case]) {
    judge_on(cases, |gateway| Frames::greeting(gateway, &[&settings(&[]), before].concat()));
}

/// The same when stream 1 has its answer, too.
pub(crate) fn judge_answered(before: &[u8], cases: &[Case]) {
    judge_on(cases, |gateway| {
        let mut client = Frames::greeting(gateway, &[&settings(&[]), before].concat());
        assert!(client.answer(1).is_whole());
        client
    });
}

fn judge_on(cases: &[Case], open: impl Fn(&Gateway) -> Frames) {
    let upstream = upstream();
    let gateway = start(&upstream);
    let wrong: Vec<_> = cases.iter().filter_map(|case| case.judge(open(&gateway))).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    is_well(&gateway);
}

/// It answers, and nothing in it went wrong.
pub(crate) fn is_well(gateway: &Gateway) {
    assert_eq!(gateway.get("/after").0, 200);
    let mut client = Frames::open(gateway);
    client.send(get(1, "/size/100")).unwrap();
    assert_eq!(client.answer(1).body, content(100));
    assert!(!gateway.output().contains("panicked"), "{}", gateway.output());
}

// === impl Case ===

impl Case {
    /// What is wrong about what happens.
    fn judge(&self, mut client: Frames) -> Option<String> {
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
                let refused = stays && self.status.is_some_and(|status| (400..500).contains(&status));
                // After an early answer, the rest may be declined (RFC 9113 §8.1).
                let declined = self.resets.iter().all(|(_, code)| matches!(*code, NO_ERROR | PROTOCOL_ERROR));
                refused && declined || self.fits(Want::Stream(PROTOCOL_ERROR))
            }
        }
    }
}
