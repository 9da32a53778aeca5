//! Frames of every type, of wrong sizes, on wrong streams, with wrong contents (RFC 9113 §4, §6).

use crate::common::frames::{
    ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, Frames,
    GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, PADDED, PING, PRIORITIZED, PRIORITY,
    PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, get, post, reset, settings,
    window,
};
use crate::http2_cases::Want::{Answer, Connection, Nothing, Stream};
use crate::http2_cases::{cases, judge, start, upstream};

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
const MOST: u32 = 0x7fff_ffff;
/// The top bit of a stream's number, which means nothing (RFC 9113 §4.1).
const RESERVED: u32 = 1 << 31;

/// A request whose HEADERS carry more than the block.
fn headers(flags: u8, before: &[u8], after: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags | END_HEADERS | END_STREAM, 1, &[before, &block(&GET), after].concat())
}

/// A POST on stream 1 that stays open.
fn open() -> Vec<u8> {
    post(1, "/", &[])
}

/// Such a POST, and more.
fn opened(more: &[u8]) -> Vec<u8> {
    [&open(), more].concat()
}

fn concat<const N: usize>(frames: [Vec<u8>; N]) -> Vec<u8> {
    frames.concat()
}

#[test]
fn each_type_has_its_streams() {
    judge(&cases! {
        "DATA on 0", frame(DATA, END_STREAM, 0, b"x") => Connection(PROTOCOL_ERROR);
        "HEADERS on 0", frame(HEADERS, END_HEADERS | END_STREAM, 0, &block(&GET)) => Connection(PROTOCOL_ERROR);
        "PRIORITY on 0", frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 9]) => Connection(PROTOCOL_ERROR);
        "RST_STREAM on 0", reset(0, 8) => Connection(PROTOCOL_ERROR);
        "CONTINUATION on 0", frame(CONTINUATION, END_HEADERS, 0, &block(&GET)) => Connection(PROTOCOL_ERROR);
        "CONTINUATION on 0 after HEADERS", concat([frame(HEADERS, END_STREAM, 1, &block(&GET)),
            frame(CONTINUATION, END_HEADERS, 0, &[])]) => Connection(PROTOCOL_ERROR);
        "SETTINGS on a stream", opened(&frame(SETTINGS, 0, 1, &[])) => Connection(PROTOCOL_ERROR);
        "an ACK of SETTINGS on a stream", opened(&frame(SETTINGS, ACK, 1, &[])) => Connection(PROTOCOL_ERROR);
        "PING on a stream", opened(&frame(PING, 0, 1, &[0; 8])) => Connection(PROTOCOL_ERROR);
        "GOAWAY on a stream", opened(&frame(GOAWAY, 0, 1, &[0; 8])) => Connection(PROTOCOL_ERROR);
        // Only servers promise (§8.4).
        "PUSH_PROMISE", opened(&frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &block(&GET)].concat()))
            => Connection(PROTOCOL_ERROR);
        "PUSH_PROMISE on 0", frame(PUSH_PROMISE, END_HEADERS, 0, &[0, 0, 0, 2]) => Connection(PROTOCOL_ERROR);
    });
}

#[test]
fn each_type_has_its_size() {
    judge(&cases! {
        // Of the stream, but one that is idle cannot be reset (§6.3).
        "PRIORITY of 4", opened(&frame(PRIORITY, 0, 1, &[0; 4])) => Stream(FRAME_SIZE_ERROR);
        "PRIORITY of 6", opened(&frame(PRIORITY, 0, 1, &[0; 6])) => Stream(FRAME_SIZE_ERROR);
        "RST_STREAM of 3", opened(&frame(RST_STREAM, 0, 1, &[0; 3])) => Connection(FRAME_SIZE_ERROR);
        "RST_STREAM of 5", opened(&frame(RST_STREAM, 0, 1, &[0; 5])) => Connection(FRAME_SIZE_ERROR);
        "SETTINGS of 5", frame(SETTINGS, 0, 0, &[0; 5]) => Connection(FRAME_SIZE_ERROR);
        "SETTINGS of 7", frame(SETTINGS, 0, 0, &[0, 9, 0, 0, 0, 0, 0]) => Connection(FRAME_SIZE_ERROR);
        "an ACK of SETTINGS with entries", frame(SETTINGS, ACK, 0, &[0; 6]) => Connection(FRAME_SIZE_ERROR);
        "PING of 0", frame(PING, 0, 0, &[]) => Connection(FRAME_SIZE_ERROR);
        "PING of 7", frame(PING, 0, 0, &[0; 7]) => Connection(FRAME_SIZE_ERROR);
        "PING of 9", frame(PING, 0, 0, &[0; 9]) => Connection(FRAME_SIZE_ERROR);
        "an ACK of a PING of 7", frame(PING, ACK, 0, &[0; 7]) => Connection(FRAME_SIZE_ERROR);
        "GOAWAY of 7", frame(GOAWAY, 0, 0, &[0; 7]) => Connection(FRAME_SIZE_ERROR);
        "WINDOW_UPDATE of 3", frame(WINDOW_UPDATE, 0, 0, &[0; 3]) => Connection(FRAME_SIZE_ERROR);
        "WINDOW_UPDATE of 5", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1, 0]) => Connection(FRAME_SIZE_ERROR);
        "WINDOW_UPDATE of 3 on a stream", opened(&frame(WINDOW_UPDATE, 0, 1, &[0; 3])) => Connection(FRAME_SIZE_ERROR);
    });
}

#[test]
fn frames_hold_what_their_flags_announce() {
    judge(&cases! {
        // Too short for what its flags announce (§4.2), or for its padding (§6.2).
        "HEADERS without its priority", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, &[0; 4])
            => Connection(FRAME_SIZE_ERROR), Connection(PROTOCOL_ERROR);
        "HEADERS without its padding's length", frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &[])
            => Connection(FRAME_SIZE_ERROR), Connection(PROTOCOL_ERROR);
        "DATA without its padding's length", opened(&frame(DATA, END_STREAM | PADDED, 1, &[]))
            => Connection(FRAME_SIZE_ERROR), Connection(PROTOCOL_ERROR);
    });
}

#[test]
fn no_frame_is_larger_than_allowed() {
    judge(&cases! {
        "DATA of 16,384", opened(&frame(DATA, END_STREAM, 1, &[b'x'; 16_384])) => Answer;
        "DATA of 16,385", opened(&frame(DATA, END_STREAM, 1, &[b'x'; 16_385])) => Stream(FRAME_SIZE_ERROR);
        "HEADERS of 16,385", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x88; 16_385])
            => Connection(FRAME_SIZE_ERROR);
        "CONTINUATION of 16,385", concat([frame(HEADERS, END_STREAM, 1, &block(&GET)),
            frame(CONTINUATION, END_HEADERS, 1, &[0x88; 16_385])]) => Connection(FRAME_SIZE_ERROR);
        "SETTINGS of 16,380", frame(SETTINGS, 0, 0, &[0, 0x77, 0, 0, 0, 0].repeat(2730)) => Nothing;
        "SETTINGS of 16,386", frame(SETTINGS, 0, 0, &[0, 0x77, 0, 0, 0, 0].repeat(2731))
            => Connection(FRAME_SIZE_ERROR);
        "an unknown type of 16,384", frame(0x77, 0, 0, &[0; 16_384]) => Nothing;
        "an unknown type of 16,385", frame(0x77, 0, 0, &[0; 16_385]) => Connection(FRAME_SIZE_ERROR);
        "a length of 16,777,215 and no more", vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1]
            => Connection(FRAME_SIZE_ERROR);
    });
}

#[test]
fn what_is_reserved_or_unknown_is_ignored() {
    let settled = [[0x7f, 0x77].as_slice(), &[0xff; 4]].concat();
    let cases = cases! {
        "the reserved bit of HEADERS", frame(HEADERS, END_HEADERS | END_STREAM, 1 | RESERVED, &block(&GET)) => Answer;
        "the reserved bit of DATA", opened(&frame(DATA, END_STREAM, 1 | RESERVED, b"x")) => Answer;
        "the reserved bit of SETTINGS", frame(SETTINGS, 0, RESERVED, &[]) => Nothing;
        "the reserved bit of PING", frame(PING, 0, RESERVED, &[1; 8]) => Nothing;
        "the reserved bit of an increment", window(0, 1 | RESERVED) => Nothing;
        "an unknown setting", frame(SETTINGS, 0, 0, &settled) => Nothing;
        "unknown flags of HEADERS", headers(0x92, &[], &[]) => Answer;
        "unknown flags of DATA", opened(&frame(DATA, 0xf6 | END_STREAM, 1, b"x")) => Answer;
        "unknown flags of PRIORITY", frame(PRIORITY, 0xff, 1, &[0, 0, 0, 3, 9]) => Nothing;
        "unknown flags of SETTINGS", frame(SETTINGS, 0xfe, 0, &[]) => Nothing;
        "unknown flags of PING", frame(PING, 0xfe, 0, &[1; 8]) => Nothing;
        "unknown flags of WINDOW_UPDATE", frame(WINDOW_UPDATE, 0xff, 0, &[0, 0, 0, 1]) => Nothing;
        "unknown flags of CONTINUATION", concat([frame(HEADERS, END_STREAM, 1, &block(&GET)),
            frame(CONTINUATION, 0xff, 1, &[])]) => Answer;
        "an unknown code of RST_STREAM", opened(&reset(1, 0xdead)) => Nothing;
        "an unknown type on 0", frame(0x77, 0xff, 0, b"abc") => Nothing;
        "an unknown type on an idle stream", frame(0x77, 0xff, 9, b"abc") => Nothing;
        "an unknown type on a stream of the server's", frame(0x77, 0xff, 2, b"abc") => Nothing;
        "an unknown type on an open stream", concat([open(), frame(0x77, 0xff, 1, b"abc"),
            frame(DATA, END_STREAM, 1, b"x")]) => Answer;
        "an unknown type in a header block", concat([frame(HEADERS, END_STREAM, 1, &block(&GET)),
            frame(0x77, 0, 1, b"abc"), frame(CONTINUATION, END_HEADERS, 1, &[])]) => Connection(PROTOCOL_ERROR);
        "ALTSVC", frame(0x0a, 0, 0, &[0, 1, b'a']) => Nothing;
        "ORIGIN", frame(0x0c, 0, 0, &[0, 1, b'a']) => Nothing;
        "PRIORITY_UPDATE", frame(0x10, 0, 0, &[0, 0, 0, 1, b'u', b'=', b'1']) => Nothing;
    };
    judge(&cases);
}

#[test]
fn padding_lies_within_its_frame() {
    let data = |pad: u8, rest: &[u8]| opened(&frame(DATA, END_STREAM | PADDED, 1, &[&[pad], rest].concat()));
    judge(&cases! {
        "DATA with no padding", data(0, b"ab") => Answer;
        "DATA with padding", data(3, b"ab\0\0\0") => Answer;
        "DATA with the most padding", data(255, &[0; 257]) => Answer;
        "DATA that is all padding", data(4, &[0; 4]) => Answer;
        "DATA with more padding than it has", data(5, &[0; 4]) => Connection(PROTOCOL_ERROR);
        "DATA with padding alone", data(1, &[]) => Connection(PROTOCOL_ERROR);
        // May be an error, need not (§6.1).
        "DATA with padding that is not zero", data(2, b"abcd") => Answer, Connection(PROTOCOL_ERROR);
        "HEADERS with no padding", headers(PADDED, &[0], &[]) => Answer;
        "HEADERS with padding", headers(PADDED, &[4], &[0; 4]) => Answer;
        "HEADERS with priority and padding", headers(PADDED | PRIORITIZED, &[4, 0, 0, 0, 3, 9], &[0; 4]) => Answer;
        "HEADERS with more padding than it has", headers(PADDED, &[255], &[]) => Connection(PROTOCOL_ERROR);
        "HEADERS with priority and more padding than it has", headers(PADDED | PRIORITIZED,
            &[200, 0, 0, 0, 3, 9], &[]) => Connection(PROTOCOL_ERROR);
    });
}

#[test]
fn settings_have_ranges() {
    judge(&cases! {
        "push that is neither on nor off", settings(&[(ENABLE_PUSH, 2)]) => Connection(PROTOCOL_ERROR);
        "push on", settings(&[(ENABLE_PUSH, 1)]) => Nothing;
        "push off", settings(&[(ENABLE_PUSH, 0)]) => Nothing;
        "the largest window", settings(&[(INITIAL_WINDOW_SIZE, MOST)]) => Nothing;
        "frames that are too small", settings(&[(MAX_FRAME_SIZE, 16_383)]) => Connection(PROTOCOL_ERROR);
        "frames that are too large", settings(&[(MAX_FRAME_SIZE, 1 << 24)]) => Connection(PROTOCOL_ERROR);
        "the largest frames", settings(&[(MAX_FRAME_SIZE, (1 << 24) - 1)]) => Nothing;
        "no streams of the server's", settings(&[(MAX_CONCURRENT_STREAMS, 0)]) => Nothing;
        "a wrong one after a right one", settings(&[(ENABLE_PUSH, 0), (ENABLE_PUSH, 7)]) => Connection(PROTOCOL_ERROR);
        "limits on what the client takes", settings(&[(6, 1)]) => Nothing;
        // Nobody was asked; whether that is an error the RFC does not say.
        "an ACK of nothing", frame(SETTINGS, ACK, 0, &[]).repeat(3) => Nothing, Connection(PROTOCOL_ERROR);
    });
}

#[test]
fn the_initial_window_has_a_range() {
    judge(&cases! {
        "2^31", settings(&[(INITIAL_WINDOW_SIZE, MOST + 1)]) => Connection(FLOW_CONTROL_ERROR);
        "2^32 - 1", settings(&[(INITIAL_WINDOW_SIZE, u32::MAX)]) => Connection(FLOW_CONTROL_ERROR);
    });
}

#[test]
fn windows_grow_by_something_and_not_beyond_the_most() {
    judge(&cases! {
        "nothing for the connection", window(0, 0) => Connection(PROTOCOL_ERROR);
        "nothing for a stream", opened(&window(1, 0)) => Stream(PROTOCOL_ERROR);
        "all for the connection", window(0, MOST - 65_535) => Nothing;
        "too much for the connection", window(0, MOST - 65_534) => Connection(FLOW_CONTROL_ERROR);
        "too much for the connection at the second time", window(0, MOST / 2 + 1).repeat(2)
            => Connection(FLOW_CONTROL_ERROR);
        "all for a stream", concat([open(), window(1, MOST - 65_535), frame(DATA, END_STREAM, 1, b"x")]) => Answer;
        "too much for a stream", opened(&window(1, MOST - 65_534)) => Stream(FLOW_CONTROL_ERROR);
        // §6.9.2.
        "too much for a stream by SETTINGS", concat([open(), window(1, MOST - 65_535),
            settings(&[(INITIAL_WINDOW_SIZE, 65_536)])]) => Connection(FLOW_CONTROL_ERROR);
    });
}

#[test]
fn priorities_change_nothing() {
    // Deprecated (§5.3.2), and so is the rule that a stream cannot depend on itself (RFC 7540 §5.3.1).
    judge(&cases! {
        "on an idle stream", frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 9]) => Nothing;
        "on an open stream", concat([open(), frame(PRIORITY, 0, 1, &[0x80, 0, 0, 0, 9]),
            frame(DATA, END_STREAM, 1, b"x")]) => Answer;
        "in HEADERS", headers(PRIORITIZED, &[0, 0, 0, 0, 9], &[]) => Answer;
        "exclusive, on a stream that is not there", headers(PRIORITIZED, &[0x80, 0, 0, 0x33, 255], &[]) => Answer;
        "of itself", opened(&frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 9])) => Nothing, Stream(PROTOCOL_ERROR);
        "of itself, in HEADERS", headers(PRIORITIZED, &[0, 0, 0, 1, 9], &[]) => Answer, Stream(PROTOCOL_ERROR);
    });
}

#[test]
fn a_header_block_is_not_interrupted() {
    let begun = || frame(HEADERS, END_STREAM, 1, &block(&GET[..2]));
    let rest = block(&GET[2..]);
    let end = |stream| frame(CONTINUATION, END_HEADERS, stream, &rest);
    let within = |bytes: Vec<u8>| [begun(), bytes, end(1)].concat();
    let pieces = block(&GET).chunks(1).map(|byte| frame(CONTINUATION, 0, 1, byte)).collect::<Vec<_>>();
    judge(&cases! {
        "in two", concat([begun(), end(1)]) => Answer;
        "in many", [vec![frame(HEADERS, END_STREAM, 1, &[])], pieces[..3].to_vec(),
            vec![frame(CONTINUATION, END_HEADERS, 1, &block(&GET)[3..])]].concat().concat() => Answer;
        "with an empty one between", within(frame(CONTINUATION, 0, 1, &[])) => Answer;
        "by DATA", within(frame(DATA, 0, 1, b"x")) => Connection(PROTOCOL_ERROR);
        "by HEADERS", within(frame(HEADERS, END_HEADERS, 1, &rest)) => Connection(PROTOCOL_ERROR);
        "by HEADERS of another stream", within(get(3, "/")) => Connection(PROTOCOL_ERROR);
        "by PRIORITY", within(frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9])) => Connection(PROTOCOL_ERROR);
        "by RST_STREAM", within(reset(1, 8)) => Connection(PROTOCOL_ERROR);
        "by SETTINGS", within(settings(&[])) => Connection(PROTOCOL_ERROR);
        "by PING", within(frame(PING, 0, 0, &[0; 8])) => Connection(PROTOCOL_ERROR);
        "by GOAWAY", within(frame(GOAWAY, 0, 0, &[0; 8])) => Connection(PROTOCOL_ERROR);
        "by WINDOW_UPDATE", within(window(0, 1)) => Connection(PROTOCOL_ERROR);
        "by CONTINUATION of another stream", concat([begun(), end(3)]) => Connection(PROTOCOL_ERROR);
        "after its end", concat([post(1, "/", &[]), end(1)]) => Connection(PROTOCOL_ERROR);
        "after its end in CONTINUATION", concat([begun(), end(1), frame(CONTINUATION, END_HEADERS, 1, &[])])
            => Connection(PROTOCOL_ERROR);
        "after DATA", concat([open(), frame(DATA, 0, 1, b"x"), end(1)]) => Connection(PROTOCOL_ERROR);
        "without a beginning", end(1) => Connection(PROTOCOL_ERROR);
    });
}

#[test]
fn a_ping_is_answered_with_its_bytes_and_an_answer_is_not() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([frame(PING, ACK, 0, b"answered"), frame(PING, 0, 0, b"question")].concat()).unwrap();
    let frames = client.pause();
    let pings: Vec<_> = frames.iter().filter(|frame| frame.kind == PING && frame.flags & ACK != 0).collect();
    assert_eq!(pings.len(), 1, "{frames:?}");
    assert_eq!((pings[0].flags, pings[0].stream, &pings[0].payload[..]), (ACK, 0, &b"question"[..]));
}
