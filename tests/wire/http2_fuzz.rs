//! Frames by chance, and right ones in pieces: nothing stops the gateway, and pieces change nothing.

use crate::common::Gateway;
use crate::common::frames::{
    ACK, Answer, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PADDED, PING, PREFACE, PRIORITIZED,
    PRIORITY, block, frame, get, head, kept, post, reset, settings, window,
};
use crate::common::tls::Certificate;
use crate::http2_cases::{is_well, start, upstream};
use std::io;

/// Numbers that only look like chance (xorshift), so that every run is the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// A stream that may be there, most of the time.
    fn stream(&mut self) -> u32 {
        self.of(&[0, 1, 1, 3, 3, 5, 7, 9, 2, 0x7fff_ffff])
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.byte()).collect()
    }

    /// A frame of any kind, right or nearly so.
    fn frame(&mut self) -> Vec<u8> {
        let stream = self.stream();
        let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
        match self.below(14) {
            0 | 1 => get(stream, "/size/2000"),
            2 => post(stream, "/", &[]),
            3 => frame(DATA, self.of(&[0, END_STREAM, PADDED]), stream, &self.bytes(300)),
            4 => head(stream, END_STREAM, &[("x", "1")]),
            5 => frame(HEADERS, self.byte(), stream, &[block(&fields), self.bytes(8)].concat()),
            6 => frame(CONTINUATION, self.of(&[0, END_HEADERS]), stream, &block(&fields[1..])),
            7 => reset(stream, 8),
            8 => window(stream, u32::try_from(self.below(1 << 31)).unwrap()),
            9 => {
                settings(&[(u16::from(self.byte()) % 9, u32::try_from(self.below(1 << 31)).unwrap() >> self.below(31))])
            }
            10 => frame(PING, self.of(&[0, ACK]), 0, &[7; 8]),
            11 => frame(PRIORITY, 0, stream, &self.bytes(6)),
            12 => frame(self.byte(), self.byte(), stream, &self.bytes(40)),
            _ => self.bytes(60),
        }
    }

    /// Some frames, with some bytes changed, left out or twice.
    fn conversation(&mut self) -> Vec<u8> {
        let mut bytes = [PREFACE, &settings(&[])].concat();
        let count = 1 + self.below(20);
        (0..count).for_each(|_| bytes.extend(self.frame()));
        for _ in 0..self.below(4) {
            let at = PREFACE.len() + self.below(bytes.len() - PREFACE.len());
            match self.below(3) {
                0 => bytes[at] = self.byte(),
                1 => _ = bytes.remove(at),
                _ => bytes.insert(at, self.byte()),
            }
        }
        bytes
    }
}

/// Says all of it, ends, and waits for the other side's end.
fn ends(gateway: &Gateway, bytes: &[u8]) -> io::Result<()> {
    let mut client = gateway.connect();
    // It may end first.
    if client.send(bytes).is_err() {
        return Ok(());
    }
    client.finish();
    match client.rest() {
        Err(error) if crate::common::frames::is_late(&error) => Err(error),
        _ => Ok(()),
    }
}

#[test]
fn no_frames_stop_the_gateway() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let tries = |seed: u64| {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ seed << 20);
        for n in 0..500 {
            let bytes = chance.conversation();
            assert!(ends(&gateway, &bytes).is_ok(), "no end to {seed}, {n}: {bytes:x?}");
            if n % 50 == 0 {
                assert_eq!(gateway.get("/").0, 200, "{seed}, {n}");
            }
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|seed| _ = scope.spawn(move || tries(seed))));
    is_well(&gateway);
}

/// All kinds of frames, and three requests.
fn right() -> Vec<u8> {
    let first =
        [block(&[(":method", "GET"), (":scheme", "http"), (":path", "/size/20")]), kept(":authority", "gw.test")]
            .concat();
    let second = [block(&[(":method", "POST"), (":scheme", "http"), (":path", "/")]), vec![0xbe]].concat();
    let (left, rest) = second.split_at(11);
    [
        settings(&[(4, 70_000)]),
        frame(
            HEADERS,
            END_STREAM | END_HEADERS | PADDED | PRIORITIZED,
            1,
            &[&[3, 0, 0, 0, 0, 9], &first[..], &[0; 3]].concat(),
        ),
        frame(PING, 0, 0, b"in piece"),
        frame(HEADERS, 0, 3, left),
        frame(CONTINUATION, END_HEADERS, 3, rest),
        window(3, 100),
        frame(DATA, PADDED, 3, b"\x02ab\0\0"),
        frame(0x77, 0, 3, b"?"),
        frame(DATA, 0, 3, b"c"),
        head(3, END_STREAM, &[("x", "1")]),
        get(5, "/size/1"),
    ]
    .concat()
}

/// What is the same in every run of an answer.
fn essence(answers: Vec<Answer>) -> Vec<(u16, Vec<u8>, bool)> {
    answers.into_iter().map(|answer| (answer.status(), answer.body.clone(), answer.is_whole())).collect()
}

#[test]
fn pieces_change_nothing() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let all = [PREFACE, &right()].concat();
    let cut = |at: usize| {
        let mut client = Frames::silent(&gateway);
        client.send(&all[..at]).unwrap();
        // Long enough to be read alone, mostly.
        std::thread::sleep(std::time::Duration::from_millis(2));
        client.send(&all[at..]).unwrap();
        essence(client.answers([1, 3, 5]))
    };
    let want = cut(0);
    assert_eq!((want[0].1.len(), &want[1].1[..], want[2].0), (20, &b"abc"[..], 200));
    let tries = |lane: usize| {
        for at in (lane..all.len()).step_by(8) {
            assert_eq!(cut(at), want, "cut at {at}");
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|lane| _ = scope.spawn(move || tries(lane))));
}

#[test]
fn pieces_change_nothing_over_tls() {
    let (upstream, certificate) = (upstream(), Certificate::new());
    let gateway = certificate.shown_by(Gateway::to(&upstream)).listen("ssl http2").start();
    let all = [PREFACE, &right()].concat();
    let mut results: Vec<_> = [1, 7, 16, 24, 33, 100, all.len()]
        .map(|size| {
            let mut client = Frames::over_tls(&gateway, &certificate);
            all.chunks(size).for_each(|piece| client.send(piece).unwrap());
            essence(client.answers([1, 3, 5]))
        })
        .into();
    results.dedup();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results[0].iter().all(|(status, _, whole)| *status == 200 && *whole));
}
