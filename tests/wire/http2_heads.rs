//! Requests whose heads, bodies or trailers are wrong, and header blocks that cannot be read (RFC 9113 §8, RFC 7541).

use crate::common::frames::{
    ACK, COMPRESSION_ERROR, DATA, END_HEADERS, END_STREAM, Frames, HEADER_TABLE_SIZE, HEADERS, Outcome, PROTOCOL_ERROR,
    SETTINGS, block, frame, get, head, kept, post, settings,
};
use crate::http2_cases::Want::{Answer, Connection, Malformed};
use crate::http2_cases::{cases, judge, start, upstream};

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "gw.test");
const PATH: (&str, &str) = (":path", "/");

fn only(fields: &[(&str, &str)]) -> Vec<u8> {
    head(1, END_STREAM, fields)
}

/// A GET with more fields.
fn with(more: &[(&str, &str)]) -> Vec<u8> {
    only(&[&[METHOD, SCHEME, AUTHORITY, PATH], more].concat())
}

/// A GET whose block goes on with these bytes.
fn coded(more: &[u8]) -> Vec<u8> {
    coded_on(1, more)
}

fn coded_on(stream: u32, more: &[u8]) -> Vec<u8> {
    let all = [&block(&[METHOD, SCHEME, AUTHORITY, PATH]), more].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &all)
}

/// A GET whose block begins with these bytes.
fn led_by(stream: u32, first: &[u8]) -> Vec<u8> {
    let all = [first, &block(&[METHOD, SCHEME, AUTHORITY, PATH])].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &all)
}

/// A POST with more fields, and what follows its head.
fn posted(more: &[(&str, &str)], then: &[Vec<u8>]) -> Vec<u8> {
    [post(1, "/", more), then.concat()].concat()
}

fn data(flags: u8, body: &str) -> Vec<u8> {
    frame(DATA, flags, 1, body.as_bytes())
}

#[test]
fn pseudo_fields_are_there_once_and_first() {
    judge(&cases! {
        "all", with(&[]) => Answer;
        "in another order", only(&[PATH, AUTHORITY, SCHEME, METHOD]) => Answer;
        "no method", only(&[SCHEME, AUTHORITY, PATH]) => Malformed;
        "no scheme", only(&[METHOD, AUTHORITY, PATH]) => Malformed;
        "no path", only(&[METHOD, SCHEME, AUTHORITY]) => Malformed;
        "none", only(&[("x", "1")]) => Malformed;
        "no field at all", only(&[]) => Malformed;
        "an empty path", only(&[METHOD, SCHEME, AUTHORITY, (":path", "")]) => Malformed;
        "two methods", with(&[METHOD]) => Malformed;
        "two schemes", with(&[SCHEME]) => Malformed;
        "two authorities", with(&[AUTHORITY]) => Malformed;
        "two paths", with(&[PATH]) => Malformed;
        "one after others", only(&[METHOD, SCHEME, AUTHORITY, ("x", "1"), PATH]) => Malformed;
        "an unknown one", with(&[(":unknown", "1")]) => Malformed;
        "an unknown one first", only(&[(":unknown", "1"), METHOD, SCHEME, AUTHORITY, PATH]) => Malformed;
        "one of answers", with(&[(":status", "200")]) => Malformed;
        "a protocol that was not offered", with(&[(":protocol", "websocket")]) => Malformed;
        "CONNECT with a path", only(&[(":method", "CONNECT"), AUTHORITY, PATH]) => Malformed;
        "CONNECT with a scheme", only(&[(":method", "CONNECT"), AUTHORITY, SCHEME]) => Malformed;
        "CONNECT", only(&[(":method", "CONNECT"), AUTHORITY]) => Malformed;
        "a star", only(&[METHOD, SCHEME, AUTHORITY, (":path", "*")]) => Malformed;
        // Nothing is meant by it but the server as a whole, of which there is none here.
    "OPTIONS of a star", only(&[(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "*")]) => Answer, Malformed;
    "a path with a blank", only(&[METHOD, SCHEME, AUTHORITY, (":path", "/ x")]) => Malformed;
        "an authority and another host", with(&[("host", "other.test")]) => Malformed;
        "an authority and the same host", with(&[("host", "gw.test")]) => Answer;
        "a host alone", only(&[METHOD, SCHEME, PATH, ("host", "gw.test")]) => Answer;
    });
}

#[test]
fn fields_have_lower_case_names_and_belong_to_the_message() {
    judge(&cases! {
        "upper case", with(&[("X", "1")]) => Malformed;
        "upper case within", with(&[("x-Upper", "1")]) => Malformed;
        "an empty name", with(&[("", "1")]) => Malformed;
        "a name with a blank", with(&[("x y", "1")]) => Malformed;
        "a name with a colon", with(&[("x:y", "1")]) => Malformed;
        "a value with a line feed", with(&[("x", "1\n2")]) => Malformed;
        "a value with a carriage return", with(&[("x", "1\r2")]) => Malformed;
        "a value with nul", with(&[("x", "1\u{0}2")]) => Malformed;
        "connection", with(&[("connection", "close")]) => Malformed;
        "keep-alive", with(&[("keep-alive", "timeout=5")]) => Malformed;
        "proxy-connection", with(&[("proxy-connection", "close")]) => Malformed;
        "transfer-encoding", with(&[("transfer-encoding", "chunked")]) => Malformed;
        "upgrade", with(&[("upgrade", "websocket")]) => Malformed;
        "te", with(&[("te", "gzip")]) => Malformed;
        "te of trailers", with(&[("te", "trailers")]) => Answer;
        "te of trailers and more", with(&[("te", "trailers, gzip")]) => Malformed;
        "an empty value", with(&[("x", "")]) => Answer;
        "bytes beyond ASCII", with(&[("x", "ü")]) => Answer;
    });
}

#[test]
fn a_length_is_what_comes() {
    let of = |text: &'static str| [("content-length", text)];
    judge(&cases! {
        "as much", posted(&of("2"), &[data(END_STREAM, "ok")]) => Answer;
        "as much in pieces", posted(&of("2"), &[data(0, "o"), data(0, "k"), data(END_STREAM, "")]) => Answer;
        "less", posted(&of("3"), &[data(END_STREAM, "ok")]) => Malformed;
        "less in pieces", posted(&of("3"), &[data(0, "o"), data(END_STREAM, "k")]) => Malformed;
        "more", posted(&of("1"), &[data(END_STREAM, "ok")]) => Malformed;
        "more in pieces", posted(&of("1"), &[data(0, "o"), data(END_STREAM, "k")]) => Malformed;
        "none", with(&of("1")) => Malformed;
        "none by empty DATA", posted(&of("1"), &[data(END_STREAM, "")]) => Malformed;
        "none before trailers", posted(&of("1"), &[only(&[("x", "1")])]) => Malformed;
        "two that differ", posted(&[of("2"), of("3")].concat(), &[data(END_STREAM, "ok")]) => Malformed;
        "no number", posted(&of("two"), &[data(END_STREAM, "ok")]) => Malformed;
        "0", with(&of("0")) => Answer;
    });
}

#[test]
fn trailers_end_the_stream() {
    let after = |trailers: Vec<u8>| posted(&[], &[data(0, "ok"), trailers]);
    judge(&cases! {
    "right ones", after(only(&[("x", "1")])) => Answer;
    "after no body", posted(&[], &[only(&[("x", "1")])]) => Answer;
    "in upper case", after(only(&[("X", "1")])) => Malformed;
    "without an end", after(head(1, 0, &[("x", "1")])) => Malformed;
    "connection-specific", after(only(&[("connection", "close")])) => Malformed;
    });
}

/// RFC 9113 §8.1, §8.3: the request is malformed.
#[test]
fn trailers_have_no_pseudo_fields() {
    let after = |fields: &[(&str, &str)]| posted(&[], &[data(0, "ok"), only(fields)]);
    judge(&cases! {
        "a path", after(&[PATH]) => Malformed;
        "a method", after(&[METHOD, ("x", "1")]) => Malformed;
        "a status", after(&[(":status", "200")]) => Malformed;
    });
}

#[test]
fn blocks_that_cannot_be_read_end_the_connection() {
    let x = |value: &[u8]| coded(&[&[0, 1, b'x'], value].concat());
    let endless = [&[0xff][..], &[0xff; 9], &[0x7f]].concat();
    judge(&cases! {
        "entry 0", coded(&[0x80]) => Connection(COMPRESSION_ERROR);
        "an entry that is not there", coded(&[0xbe]) => Connection(COMPRESSION_ERROR);
        "an entry far beyond", coded(&[0xff, 0x80, 0x08]) => Connection(COMPRESSION_ERROR);
        "the name of an entry that is not there", coded(&[0x7e, 1, b'1']) => Connection(COMPRESSION_ERROR);
        "a number without an end", coded(&[0xff]) => Connection(COMPRESSION_ERROR);
        "a number that is too large", coded(&endless) => Connection(COMPRESSION_ERROR);
        "a name alone", coded(&[0, 1, b'x']) => Connection(COMPRESSION_ERROR);
        "a string that is cut", x(&[9, b'1']) => Connection(COMPRESSION_ERROR);
        "Huffman's code filled up with zeros", x(&[0x81, 0x18]) => Connection(COMPRESSION_ERROR);
        "Huffman's code filled up with a whole byte", x(&[0x82, 0x1f, 0xff]) => Connection(COMPRESSION_ERROR);
        "Huffman's end of string", x(&[0x84, 0xff, 0xff, 0xff, 0xff]) => Connection(COMPRESSION_ERROR);
        "a table that is too large", led_by(1, &[0x3f, 0xe1, 0xff, 0x3f]) => Connection(COMPRESSION_ERROR);
        "a table that is changed after a field", coded(&[0x20]) => Connection(COMPRESSION_ERROR);
        "an entry that was dropped", [coded(&kept("x", "1")), [led_by(3, &[0x20]), coded_on(5, &[0xbe])].concat()].concat()
            => Connection(COMPRESSION_ERROR);
        "trailers", posted(&[], &[data(0, "ok"), frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff])])
        => Connection(COMPRESSION_ERROR);
    "an entry that was too large to keep", coded(&[kept("x", &"y".repeat(4100)), vec![0xbe]].concat())
            => Connection(COMPRESSION_ERROR);
    });
}

#[test]
fn blocks_are_coded_in_every_way() {
    // RFC 7541 appendix C.4.1.
    let huffman = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    judge(&cases! {
        "Huffman's code", frame(HEADERS, END_HEADERS | END_STREAM, 1, huffman) => Answer;
        "Huffman's code of nothing", coded(&[0, 1, b'x', 0x80]) => Answer;
        "never to be kept", coded(&[0x10, 1, b'x', 1, b'1']) => Answer;
        "a name of the table", coded(&[0x0f, 0x2b, 1, b'1']) => Answer;
        "kept and used", coded(&[kept("x", "1"), vec![0xbe, 0xbe]].concat()) => Answer;
        "too large to be kept", coded(&kept("x", &"y".repeat(4100))) => Answer;
        "a table of nothing", led_by(1, &[0x20]) => Answer;
        "a table of nothing and then of all", led_by(1, &[0x20, 0x3f, 0xe1, 0x1f]) => Answer;
        "a number in more bytes than it needs", coded(&[0x0f, 0xab, 0x00, 1, b'1']) => Answer;
    });
}

#[test]
fn what_one_request_keeps_another_may_use() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(coded_on(1, &kept("x", "1"))).unwrap();
    let long = coded_on(3, &[0xbe]);
    let broken = frame(HEADERS, END_HEADERS | END_STREAM, 5, &[0xbe]);
    let all = (0..64).flat_map(|n| coded_on(7 + 2 * n, &kept("filling", &format!("{n:0>40}")))).collect::<Vec<_>>();
    client.send([long, broken, all].concat()).unwrap();
    let answers = client.answers([1, 3].into_iter().chain((0..64).map(|n| 7 + 2 * n)));
    assert!(answers.iter().all(|answer| answer.status() == 200), "{answers:?}");
    // 79 bytes each: the first is gone.
    client.send(coded_on(201, &[0xbe + 60])).unwrap();
    assert!(matches!(client.outcome(201), Outcome::GoAway(COMPRESSION_ERROR | PROTOCOL_ERROR)));
}

/// Waits until so many SETTINGS are acknowledged.
fn acknowledged(client: &mut Frames, count: usize) {
    for _ in 0..count {
        client.next_of(|frame| frame.kind == SETTINGS && frame.flags & ACK != 0);
    }
}

#[test]
fn the_client_s_table_is_as_large_as_it_says() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let sizes: [&[u32]; 6] = [&[0], &[0, 4096], &[100], &[65_536], &[200, 0, 300], &[4096]];
    for first in sizes {
        let mut client = Frames::open(&gateway);
        client.send(get(1, "/")).unwrap();
        assert_eq!(client.answer(1).status(), 200);
        for (n, sizes) in (1..).zip([first, &[4096], &[0], &[64, 4096], &[0]]) {
            client
                .send(sizes.iter().flat_map(|size| settings(&[(HEADER_TABLE_SIZE, *size)])).collect::<Vec<_>>())
                .unwrap();
            acknowledged(&mut client, sizes.len());
            sizes.iter().for_each(|size| client.hpack().limit(*size as usize));
            for stream in [8 * n + 1, 8 * n + 3] {
                client.send(get(stream, "/size/5")).unwrap();
                let answer = client.answer(stream);
                assert_eq!((answer.status(), answer.get("content-length")), (200, Some("5")), "{sizes:?}");
            }
        }
    }
}

#[test]
fn an_error_of_one_stream_is_no_error_of_another() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let wrong = head(3, END_STREAM, &[METHOD, SCHEME, AUTHORITY, PATH, ("te", "gzip")]);
    client.send([post(1, "/", &[]), wrong, get(5, "/"), data(END_STREAM, "ok")].concat()).unwrap();
    let answers = client.answers([1, 3, 5]);
    assert_eq!((answers[0].status(), &answers[0].body[..], answers[2].status()), (200, &b"ok"[..], 200));
    assert!(answers[1].status() != 200, "{answers:?}");
}
