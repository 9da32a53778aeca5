//! Streams in each of their states (RFC 9113 §5.1), and their numbers.

use crate::common::Gateway;
use crate::common::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, End, Frames, HEADERS, PRIORITY, PROTOCOL_ERROR,
    REFUSED_STREAM, RST_STREAM, STREAM_CLOSED, block, frame, get, head, kept, post, reset, window,
};
use crate::http2_cases::Want::{Answer, Connection, Malformed, Nothing, Stream};
use crate::http2_cases::{Case, cases, judge, judge_after, judge_answered, start, upstream};

const PRIORITIES: [u8; 5] = [0, 0, 0, 0, 9];

fn data(stream: u32) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, b"late")
}

fn trailers(stream: u32) -> Vec<u8> {
    head(stream, END_STREAM, &[("x", "1")])
}

fn continuation(stream: u32) -> Vec<u8> {
    frame(CONTINUATION, END_HEADERS, stream, &block(&[("x", "1")]))
}

#[test]
fn on_an_idle_stream_only_a_request_begins() {
    judge(&cases! {
        "DATA", data(1) => Connection(PROTOCOL_ERROR);
        "RST_STREAM", reset(1, 8) => Connection(PROTOCOL_ERROR);
        "WINDOW_UPDATE", window(1, 1) => Connection(PROTOCOL_ERROR);
        "CONTINUATION", continuation(1) => Connection(PROTOCOL_ERROR);
        "PRIORITY", frame(PRIORITY, 0, 1, &PRIORITIES) => Nothing;
        "HEADERS", get(1, "/") => Answer;
    });
}

#[test]
fn a_client_begins_no_stream_of_the_server_s() {
    judge(&cases! {
        "HEADERS", get(2, "/") => Connection(PROTOCOL_ERROR);
        "HEADERS after a request", [get(1, "/"), get(2, "/")].concat() => Connection(PROTOCOL_ERROR);
        "DATA", data(2) => Connection(PROTOCOL_ERROR);
        "RST_STREAM", reset(2, 8) => Connection(PROTOCOL_ERROR);
        "WINDOW_UPDATE", window(2, 1) => Connection(PROTOCOL_ERROR);
        "PRIORITY", frame(PRIORITY, 0, 2, &PRIORITIES) => Nothing;
    });
}

#[test]
fn the_numbers_of_streams_grow() {
    // A lower number that was never used is closed (§5.1.1); what is not expressly permitted there may be passed over.
    judge_after(
        &get(5, "/hang"),
        &cases! {
            "a lower one", get(3, "/") => Connection(PROTOCOL_ERROR), Stream(STREAM_CLOSED);
            "the same one", get(5, "/") => Connection(PROTOCOL_ERROR), Stream(STREAM_CLOSED);
            "a higher one", get(7, "/") => Nothing;
            "the highest", get(0x7fff_ffef, "/") => Nothing;
            "DATA on a lower one", data(3) => Stream(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Nothing;
            "WINDOW_UPDATE on a lower one", window(3, 1) => Nothing, Connection(STREAM_CLOSED), Connection(PROTOCOL_ERROR);
            "RST_STREAM on a lower one", reset(3, 8) => Nothing, Connection(STREAM_CLOSED), Connection(PROTOCOL_ERROR);
            "PRIORITY on a lower one", frame(PRIORITY, 0, 3, &PRIORITIES) => Nothing;
        },
    );
}

#[test]
fn a_request_that_has_ended_does_not_go_on() {
    judge_after(
        &get(1, "/hang"),
        &cases! {
            // No header block is open, which is another error of the same frame (§6.10).
            "CONTINUATION", continuation(1) => Stream(STREAM_CLOSED), Connection(PROTOCOL_ERROR);
            "WINDOW_UPDATE", window(1, 1) => Nothing;
            "PRIORITY", frame(PRIORITY, 0, 1, &PRIORITIES) => Nothing;
            "RST_STREAM", reset(1, 8) => Nothing;
            "RST_STREAM twice", reset(1, 8).repeat(2) => Nothing, Stream(STREAM_CLOSED);
        },
    );
}

#[test]
fn a_request_that_has_ended_gets_no_more_content() {
    judge_after(
        &get(1, "/hang"),
        &cases! {
            "DATA", data(1) => Stream(STREAM_CLOSED);
            "empty DATA", frame(DATA, 0, 1, &[]) => Stream(STREAM_CLOSED);
            "HEADERS", trailers(1) => Stream(STREAM_CLOSED);
        },
    );
}

/// What may become of frames on a closed stream (§5.1): they are passed over, or an error; those that may come late are not.
fn closed() -> [Case; 5] {
    cases! {
        "DATA", data(1) => Stream(STREAM_CLOSED), Nothing;
        "HEADERS", get(1, "/") => Stream(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Nothing;
        "trailers", trailers(1) => Stream(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Nothing;
        "CONTINUATION", continuation(1) => Stream(STREAM_CLOSED), Connection(PROTOCOL_ERROR);
        "PRIORITY", frame(PRIORITY, 0, 1, &PRIORITIES) => Nothing;
    }
}

#[test]
fn an_exchange_that_is_over_is_over() {
    judge_answered(&get(1, "/"), &closed());
    judge_answered(
        &get(1, "/"),
        &cases! {
            "WINDOW_UPDATE", window(1, 1) => Nothing;
            "RST_STREAM", reset(1, 8) => Nothing;
        },
    );
}

#[test]
fn a_request_that_was_taken_back_is_over() {
    judge_after(&[post(1, "/hang", &[]), reset(1, CANCEL)].concat(), &closed());
    judge_after(&[get(1, "/hang"), reset(1, CANCEL)].concat(), &closed());
}

#[test]
fn frames_that_were_under_way_to_a_stream_that_the_gateway_resets_are_passed_over() {
    // Malformed, so that it is reset, and open: a client cannot know yet (§5.1).
    let broken = || head(1, 0, &[(":method", "POST"), (":scheme", "http"), (":path", "/"), ("te", "gzip")]);
    let after = |frames: &[Vec<u8>]| [broken(), frames.concat()].concat();
    judge(&cases! {
        "DATA", after(&[frame(DATA, 0, 1, b"x"), data(1)]) => Malformed;
        "trailers", after(&[frame(DATA, 0, 1, b"x"), trailers(1)]) => Malformed;
        "WINDOW_UPDATE", after(&[window(1, 1)]) => Malformed;
        "WINDOW_UPDATE of too much", after(&[window(1, 0x7fff_ffff)]) => Malformed;
        "RST_STREAM", after(&[reset(1, 8)]) => Malformed, Nothing;
        "PRIORITY", after(&[frame(PRIORITY, 0, 1, &PRIORITIES)]) => Malformed;
    });
}

#[test]
fn header_blocks_count_for_the_table_even_if_their_streams_do_not() {
    let upstream = upstream();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_HTTP2_MAX_CONCURRENT_STREAMS", "1").start();
    let with = |stream, fields: &[u8]| {
        let get = block(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]);
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &[&get, fields].concat())
    };
    let mut client = Frames::open(&gateway);
    // The gateway's SETTINGS count when they are acknowledged.
    client.pause();
    client.send(post(1, "/hang", &[])).unwrap();
    // Refused, but its authority is kept.
    client.send(with(3, &kept(":authority", "gw.test"))).unwrap();
    let refused = client.next_of(|frame| frame.kind == RST_STREAM);
    assert!(refused.stream == 3 && matches!(refused.number(0), REFUSED_STREAM | PROTOCOL_ERROR), "{refused:?}");
    // Taken back, and what follows is a trailer on a closed stream or an error, never a wrong table.
    client.send(reset(1, CANCEL)).unwrap();
    client.send(with(5, &[0xbe])).unwrap();
    let answer = client.answer(5);
    assert_eq!((answer.status(), answer.end), (200, Some(End::Whole)));
}

#[test]
fn a_stream_that_ends_makes_room_for_another() {
    let upstream = upstream();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_HTTP2_MAX_CONCURRENT_STREAMS", "2").start();
    let mut client = Frames::open(&gateway);
    client.pause();
    client.send([get(1, "/hang"), get(3, "/hang")].concat()).unwrap();
    for n in 2..50 {
        // One more than allowed (§5.1.2), and then not.
        client.send(get(4 * n + 1, "/")).unwrap();
        let refused = client.answer(4 * n + 1).end;
        assert!(matches!(refused, Some(End::Reset(REFUSED_STREAM | PROTOCOL_ERROR))), "{n}: {refused:?}");
        client.send([reset(if n == 2 { 3 } else { 4 * n - 1 }, CANCEL), get(4 * n + 3, "/hang")].concat()).unwrap();
    }
    client.send(reset(1, CANCEL)).unwrap();
    client.send(get(1001, "/")).unwrap();
    assert_eq!(client.answer(1001).status(), 200);
}

#[test]
fn many_requests_one_after_the_other() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    for n in 0..300 {
        let stream = 2 * n + 1;
        let body = format!("body {n}");
        client.send([post(stream, "/", &[]), frame(DATA, END_STREAM, stream, body.as_bytes())].concat()).unwrap();
        let answer = client.answer(stream);
        assert_eq!((answer.status(), answer.body, answer.end), (200, body.into_bytes(), Some(End::Whole)));
    }
}
