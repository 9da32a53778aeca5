#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const RST_STREAM: u8 = 3;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;

fn frame(kind: u8, flags: u8, len: usize) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(len).unwrap().to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags, 0, 0, 0, 1];
    bytes.resize(HEAD + len, 0);
    bytes
}

fn begun(now: Instant) -> Meter {
    let mut meter = Meter::new(128, now);
    assert_eq!(meter.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now), None);
    meter
}

/// Frames of this kind that a connection gets away with when nothing else happens.
fn taken(kind: u8, len: usize) -> usize {
    let now = Instant::now();
    let mut meter = begun(now);
    (0..100_000).take_while(|_| meter.read(&frame(kind, 0, len), now).is_none()).count()
}

#[test]
fn every_kind_of_flood_ends() {
    for (kind, len) in [(PING, 8), (SETTINGS, 0), (PRIORITY, 5), (RST_STREAM, 4), (WINDOW_UPDATE, 4), (0x77, 0)] {
        assert_eq!(taken(kind, len), CONTROL.0 as usize, "{kind}");
    }
    // 16 KiB each: fewer of them.
    assert_eq!(taken(SETTINGS, 16 * 1024), CONTROL.0 as usize / 17);
}

#[test]
fn a_frame_of_an_unknown_type_is_cut_at_its_end_and_no_sooner() {
    let now = Instant::now();
    let mut meter = begun(now);
    let mut bytes: Vec<u8> = (0..CONTROL.0).flat_map(|_| frame(0x77, 0, 0)).collect();
    assert_eq!(meter.read(&bytes, now), None);
    bytes = [frame(0x77, 0, 100), frame(PING, 0, 8)].concat();
    assert_eq!(meter.read(&bytes[..50], now), None);
    assert!(meter.flood().is_some() && meter.is_within());
    assert_eq!(meter.read(&bytes[50..], now), Some(HEAD + 50));
}

#[test]
fn time_fills_the_allowance_up_again() {
    let mut now = Instant::now();
    let mut meter = begun(now);
    // A keep-alive PING each second for a day, and an hour of one each 60 ms.
    for (times, pause) in [(86_400, 1000), (60_000, 60)] {
        for _ in 0..times {
            now += Duration::from_millis(pause);
            assert_eq!(meter.read(&frame(PING, 0, 8), now), None);
        }
    }
}

#[test]
fn requests_that_are_taken_back_end_it_unless_others_are_let_end() {
    let now = Instant::now();
    let mut meter = begun(now);
    (1..=500).for_each(|n| meter.ended(n, 0, now));
    assert_eq!(meter.flood(), None);
    meter.ended(501, 0, now);
    assert!(meter.flood().is_some());
    assert_eq!(meter.read(&frame(PING, 0, 8), now), Some(0));

    let (mut half, mut slow) = (begun(now), begun(now));
    (1..=100_000).for_each(|n| half.ended(n, n, now));
    (1..=100_000).for_each(|n: u32| slow.ended(n as usize, 0, now + Duration::from_millis(20) * n));
    assert_eq!((half.flood(), slow.flood()), (None, None));
}

#[test]
fn all_streams_of_a_page_may_be_taken_back_at_once_and_once_more() {
    let now = Instant::now();
    let mut meter = Meter::new(1000, now);
    meter.ended(1000, 0, now);
    meter.ended(2000, 0, now);
    assert_eq!(meter.flood(), None);
}

#[test]
fn half_a_header_block_is_a_head_under_way() {
    let now = Instant::now();
    let mut meter = begun(now);
    assert!(!meter.is_within());
    meter.read(&frame(HEADERS, 0, 10), now);
    assert!(meter.is_within());
    meter.read(&frame(CONTINUATION, END_HEADERS, 10), now);
    assert!(!meter.is_within());
    meter.read(&frame(PING, 0, 8)[..5], now);
    assert!(meter.is_within());
}

#[test]
fn the_farewell_is_whole_frames_whatever_the_buffer() {
    for size in [1, 4, 9, 10, 8192] {
        let mut farewell = Farewell::default();
        let mut bytes = Vec::new();
        while let Some(next) = farewell.next(size) {
            assert!(!next.is_empty());
            bytes.extend_from_slice(next);
        }
        let (first, rest) = bytes.split_at(HEAD);
        assert_eq!(first, Farewell::BEGIN);
        assert!(rest.chunks_exact(HEAD).all(|frame| frame == Farewell::GO_ON));
    }
}

/// A frame that an ordinary client sends or gets: (from the client?, kind, length).
fn traffic() -> impl Strategy<Value = Vec<(bool, u8, usize)>> {
    proptest::collection::vec((any::<bool>(), 0..10_u8, prop_oneof![0..20_usize, 0..20_000_usize]), 0..200)
}

proptest! {
    #[test]
    fn pieces_make_no_difference(traffic in traffic(), cuts in proptest::collection::vec(1..3000_usize, 1..20)) {
        let now = Instant::now();
        let bytes: Vec<u8> = traffic.iter().flat_map(|(_, kind, len)| frame(*kind, END_HEADERS, *len)).collect();
        let mut meter = begun(now);
        let whole = meter.read(&bytes, now);
        let (mut pieces, mut at, mut cut) = (begun(now), 0, cuts.iter().cycle());
        let mut verdict = None;
        while at < bytes.len() && verdict.is_none() {
            let end = (at + cut.next().unwrap()).min(bytes.len());
            verdict = pieces.read(&bytes[at..end], now).map(|kept| at + kept);
            at = end;
        }
        prop_assert_eq!((whole, meter.is_within()), (verdict, pieces.is_within()));
    }

    #[test]
    fn what_may_pass_ends_with_a_frame(bytes in proptest::collection::vec(any::<u8>(), 0..20_000)) {
        let now = Instant::now();
        let mut meter = begun(now);
        // Nothing is left, so that the first control frame ends it.
        meter.control.left = 0;
        if let Some(kept) = meter.read(&bytes, now) {
            let mut heads = Heads::after(0);
            let mut at = 0;
            while at < kept {
                at += heads.step(&bytes[at..kept]).0;
            }
            prop_assert!(heads.is_between());
        }
    }

    #[test]
    fn a_download_of_any_frames_is_no_flood(
        sizes in proptest::collection::vec(1..16_384_usize, 1..50),
        cut in 1..5000_usize,
    ) {
        let now = Instant::now();
        let mut meter = begun(now);
        for size in sizes.iter().cycle().take(3000) {
            frame(DATA, 0, *size).chunks(cut).for_each(|piece| meter.wrote(piece));
            // For the stream, for the connection, and a PING to measure the way.
            for answer in [frame(WINDOW_UPDATE, 0, 4), frame(WINDOW_UPDATE, 0, 4), frame(PING, 0, 8)] {
                prop_assert_eq!(meter.read(&answer, now), None);
            }
        }
    }

    #[test]
    fn answering_pings_earns_nothing(count in 1001..2000_usize) {
        let now = Instant::now();
        let mut meter = begun(now);
        let ended = (0..count).any(|_| {
            meter.wrote(&frame(PING, 1, 8));
            meter.read(&frame(PING, 0, 8), now).is_some()
        });
        prop_assert!(ended);
    }
}
