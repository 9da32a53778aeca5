//! Requests that are valid in HTTP/2's framing and would be something else in HTTP/1.1's (RFC 9113 §8, §10.3). Whatever the
//! gateway makes of them, an upstream sees nothing, or exactly the one request that was routed.

use crate::common::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, PADDED, RST_STREAM, block, frame, head,
};
use crate::common::witness::{Seen, Witness};
use crate::common::{Gateway, LIMIT, Upstream};
use std::time::Duration;

/// The client must see a 400, or one of the ways of HTTP/2 to say that it was malformed (RFC 9113 §8.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Status(u16),
    /// RST_STREAM.
    StreamError,
    /// GOAWAY, or the end.
    ConnectionError,
}

/// What the upstream may have seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Saw {
    Nothing,
    /// One whole request: its line, and its body.
    One(&'static str, &'static str),
    /// The head of one whose body never came to its end; or nothing, if the end came first.
    Part,
}

use Saw::{Nothing, One, Part};
use Want::{ConnectionError, Status, StreamError};

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    want: Want,
    saw: Saw,
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "gw.test");
const PATH: (&str, &str) = (":path", "/outer");

const GET_OUTER: Saw = One("GET /outer HTTP/1.1", "");
const EVIL: &str = "x\r\n\r\nGET /inner HTTP/1.1\r\nHost: x";

/// A request that is its head.
fn only(fields: &[(&str, &str)]) -> Vec<u8> {
    head(1, END_STREAM, fields)
}

/// `GET /outer` with more fields.
fn get(more: &[(&str, &str)]) -> Vec<u8> {
    only(&[&[METHOD, SCHEME, AUTHORITY, PATH], more].concat())
}

/// `GET` of a path.
fn path(path: &str) -> Vec<u8> {
    only(&[METHOD, SCHEME, AUTHORITY, (":path", path)])
}

/// `GET /outer` of an authority, with more fields.
fn authority(authority: &str, more: &[(&str, &str)]) -> Vec<u8> {
    only(&[&[METHOD, SCHEME, (":authority", authority), PATH], more].concat())
}

fn method(method: &str) -> Vec<u8> {
    only(&[(":method", method), SCHEME, AUTHORITY, PATH])
}

/// `POST /outer` with more fields, and what follows its head.
fn post(more: &[(&str, &str)], then: &[Vec<u8>]) -> Vec<u8> {
    let fields = [&[(":method", "POST"), SCHEME, AUTHORITY, PATH], more].concat();
    [head(1, 0, &fields), then.concat()].concat()
}

fn data(flags: u8, body: &str) -> Vec<u8> {
    frame(DATA, flags, 1, body.as_bytes())
}

fn trailers(fields: &[(&str, &str)]) -> Vec<u8> {
    head(1, END_STREAM, fields)
}

macro_rules! cases {
    ($($name:literal, $bytes:expr => $want:expr, $saw:expr;)*) => {
        vec![$(Case { name: $name, bytes: $bytes, want: $want, saw: $saw }),*]
    };
}

fn pseudo_fields() -> Vec<Case> {
    cases! {
        "a plain request", get(&[]) => Status(200), GET_OUTER;
        "no method", only(&[SCHEME, AUTHORITY, PATH]) => StreamError, Nothing;
        "no scheme", only(&[METHOD, AUTHORITY, PATH]) => StreamError, Nothing;
        "no path", only(&[METHOD, SCHEME, AUTHORITY]) => StreamError, Nothing;
        "no path and no authority", only(&[METHOD, SCHEME]) => StreamError, Nothing;
        "an empty path", path("") => StreamError, Nothing;
        "an empty method", method("") => StreamError, Nothing;
        "two methods", only(&[METHOD, (":method", "POST"), SCHEME, AUTHORITY, PATH]) => StreamError, Nothing;
        "two paths", only(&[METHOD, SCHEME, AUTHORITY, PATH, (":path", "/inner")]) => StreamError, Nothing;
        "two schemes", only(&[METHOD, SCHEME, SCHEME, AUTHORITY, PATH]) => StreamError, Nothing;
        "two authorities", only(&[METHOD, SCHEME, AUTHORITY, (":authority", "b"), PATH]) => StreamError, Nothing;
        "a pseudo field after others", only(&[METHOD, SCHEME, AUTHORITY, ("x", "1"), PATH]) => StreamError, Nothing;
        "an unknown pseudo field", get(&[(":x", "1")]) => StreamError, Nothing;
        "a status in a request", get(&[(":status", "200")]) => StreamError, Nothing;
        "a protocol nobody offered", get(&[(":protocol", "websocket")]) => StreamError, Nothing;
        "another scheme", only(&[METHOD, (":scheme", "ftp"), AUTHORITY, PATH]) => Status(200), GET_OUTER;
        "a scheme with a request in it", only(&[METHOD, (":scheme", EVIL), AUTHORITY, PATH]) => StreamError, Nothing;
    }
}

fn paths() -> Vec<Case> {
    cases! {
        "a path with line ends", path("/outer HTTP/1.1\r\nHost: x\r\n\r\nGET /inner") => StreamError, Nothing;
        "a path with a line feed", path("/outer\nx") => StreamError, Nothing;
        "a path with a space", path("/outer HTTP/1.1") => StreamError, Nothing;
        "a path with nul", path("/outer\0") => StreamError, Nothing;
        "a path with a tab", path("/outer\t") => StreamError, Nothing;
        "a path with a fragment", path("/outer#/inner") => Status(200), GET_OUTER;
        "a path in absolute form", path("http://gw.test/outer") => StreamError, Nothing;
        "a path without a slash", path("outer") => StreamError, Nothing;
        "a path that is a star", path("*") => Status(400), Nothing;
        "OPTIONS of a star", only(&[(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "*")]) => Status(400), Nothing;
        "dot segments out of the route", path("/outer/../inner") => Status(404), Nothing;
        "coded dot segments out of the route", path("/outer/%2e%2e/inner") => Status(404), Nothing;
        "dot segments above the root", path("/../../outer") => Status(400), Nothing;
        "two slashes", path("//outer") => Status(200), One("GET /outer HTTP/1.1", "");
        "coded line ends", path("/outer/%0d%0aX:%201") => Status(200), One("GET /outer/%0D%0AX:%201 HTTP/1.1", "");
        "an empty query", path("/outer?") => Status(200), One("GET /outer? HTTP/1.1", "");
        "only a query", path("?/outer") => Status(400), Nothing;
    }
}

fn authorities() -> Vec<Case> {
    cases! {
        "authority and the same host", get(&[("host", "GW.test")]) => Status(200), GET_OUTER;
        "authority and another host", get(&[("host", "other.test")]) => Status(400), Nothing;
        "authority and a host with a port", get(&[("host", "gw.test:80")]) => Status(400), Nothing;
        "authority and two hosts", get(&[("host", "gw.test"), ("host", "other.test")]) => Status(400), Nothing;
        "only a host", only(&[METHOD, SCHEME, PATH, ("host", "gw.test")]) => Status(200), GET_OUTER;
        "two hosts", only(&[METHOD, SCHEME, PATH, ("host", "gw.test"), ("host", "b")]) => Status(400), Nothing;
        "neither", only(&[METHOD, SCHEME, PATH]) => Status(400), Nothing;
        "an empty authority", authority("", &[]) => StreamError, Nothing;
        "an authority with a user", authority("u:p@gw.test", &[]) => Status(400), Nothing;
        "an authority with a path", authority("gw.test/inner", &[]) => StreamError, Nothing;
        "an authority with line ends", authority("gw.test\r\nX: 1", &[]) => StreamError, Nothing;
        "an authority with a space", authority("gw.test x", &[]) => StreamError, Nothing;
        "a host with a path", only(&[METHOD, SCHEME, PATH, ("host", "gw.test/x")]) => Status(400), Nothing;
    }
}

fn methods() -> Vec<Case> {
    let connect = |more: &[(&str, &str)]| only(&[&[(":method", "CONNECT"), AUTHORITY], more].concat());
    let extended = [SCHEME, PATH, (":protocol", "websocket")];
    cases! {
        "CONNECT", connect(&[]) => Status(405), Nothing;
        "CONNECT with a path", connect(&[SCHEME, PATH]) => StreamError, Nothing;
        "extended CONNECT", connect(&extended) => StreamError, Nothing;
        "CONNECT that stays open", head(1, 0, &[(":method", "CONNECT"), AUTHORITY]) => Status(405), Nothing;
        "CONNECT with a length", [head(1, 0, &[(":method", "CONNECT"), AUTHORITY, ("content-length", "5")]),
            data(END_STREAM, "abcde")].concat() => Status(405), Nothing;
        "TRACE", method("TRACE") => Status(405), Nothing;
        "PRI", method("PRI") => Status(200), One("PRI /outer HTTP/1.1", "");
        "a method in lower case", method("get") => Status(400), Nothing;
        "a method with a request in it", method("GET /inner HTTP/1.1\r\nX:") => StreamError, Nothing;
        "a method with a space", method("GET ") => StreamError, Nothing;
    }
}

fn names_and_values() -> Vec<Case> {
    cases! {
        "connection", get(&[("connection", "keep-alive")]) => StreamError, Nothing;
        "connection with a name", get(&[("connection", "host")]) => StreamError, Nothing;
        "transfer-encoding chunked", get(&[("transfer-encoding", "chunked")]) => StreamError, Nothing;
        "transfer-encoding and a body", post(&[("transfer-encoding", "chunked")],
            &[data(END_STREAM, "0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n")]) => StreamError, Nothing;
        "keep-alive", get(&[("keep-alive", "timeout=5")]) => StreamError, Nothing;
        "proxy-connection", get(&[("proxy-connection", "close")]) => StreamError, Nothing;
        "upgrade", get(&[("upgrade", "websocket")]) => StreamError, Nothing;
        "upgrade to h2c", get(&[("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")]) => StreamError, Nothing;
        "te trailers", get(&[("te", "trailers")]) => Status(200), GET_OUTER;
        "te gzip", get(&[("te", "gzip")]) => StreamError, Nothing;
        "te trailers and more", get(&[("te", "trailers, deflate")]) => StreamError, Nothing;
        "a name in upper case", get(&[("X-Upper", "1")]) => StreamError, Nothing;
        "a name in upper case that frames", get(&[("Transfer-Encoding", "chunked")]) => StreamError, Nothing;
        "an empty name", get(&[("", "1")]) => StreamError, Nothing;
        "a name with line ends", get(&[("x\r\nGET /inner HTTP/1.1\r\ny", "1")]) => StreamError, Nothing;
        "a name with a colon", get(&[("transfer-encoding:chunked\r\nx", "1")]) => StreamError, Nothing;
        "a name with a space", get(&[("transfer-encoding ", "chunked")]) => StreamError, Nothing;
        "a value with line ends", get(&[("x", EVIL)]) => StreamError, Nothing;
        "a value with a line feed", get(&[("x", "1\ntransfer-encoding: chunked")]) => StreamError, Nothing;
        "a value with a carriage return", get(&[("x", "1\rtransfer-encoding: chunked")]) => StreamError, Nothing;
        "a value with nul", get(&[("x", "1\u{0}2")]) => StreamError, Nothing;
        "a value with blanks around", get(&[("x", " 1 ")]) => Status(200), GET_OUTER;
        "a cookie in crumbs", get(&[("cookie", "a=1"), ("cookie", "b=2")]) => Status(200), GET_OUTER;
        "a dotted name", get(&[("x.y", "1")]) => Status(200), GET_OUTER;
        "expect", post(&[("expect", "100-continue")], &[data(END_STREAM, "ok")])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
    }
}

fn bodies() -> Vec<Case> {
    let length = |text: &'static str| [("content-length", text)];
    let smuggled = "GET /inner HTTP/1.1\r\nHost: x\r\n\r\n";
    cases! {
        "a length that fits", post(&length("2"), &[data(0, "o"), data(END_STREAM, "k")])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
        "no length", post(&[], &[data(END_STREAM, "ok")]) => Status(200), One("POST /outer HTTP/1.1", "ok");
        "less than the length", post(&length("5"), &[data(END_STREAM, "abc")]) => StreamError, Part;
        "more than the length", post(&length("3"), &[data(END_STREAM, "abcde")]) => StreamError, Part;
        "length 0 and a request", post(&length("0"), &[data(END_STREAM, smuggled)]) => StreamError, Part;
        "a length and no body", get(&length("5")) => StreamError, Nothing;
        "a length and trailers only", post(&length("5"), &[trailers(&[("x", "1")])]) => StreamError, Part;
        "two lengths that differ", post(&[("content-length", "2"), ("content-length", "5")],
            &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "two lengths that agree", post(&[("content-length", "2"), ("content-length", "2")],
            &[data(END_STREAM, "ok")]) => Status(400), Nothing;
        "a signed length", post(&length("+2"), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "a negative length", post(&length("-1"), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "a length in a list", post(&length("2, 2"), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "a length with a blank", post(&length(" 2"), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "an empty length", post(&length(""), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "a huge length", post(&length("18446744073709551616"), &[data(END_STREAM, "ok")]) => StreamError, Nothing;
        "a body of chunks", post(&[], &[data(END_STREAM, "0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n")])
            => Status(200), One("POST /outer HTTP/1.1", "0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n");
        "padding is no body", post(&length("2"), &[frame(DATA, END_STREAM | PADDED, 1, b"\x03ok\0\0\0")])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
        "padding longer than the frame", post(&[], &[frame(DATA, END_STREAM | PADDED, 1, b"\x09ok")])
            => ConnectionError, Part;
        "a reset in the middle", post(&length("5"), &[data(0, "abc"), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])])
            => ConnectionError, Part;
        "trailers", post(&[], &[data(0, "ok"), trailers(&[("x-sum", "1")])])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
        "trailers that frame", post(&[], &[data(0, "ok"), trailers(&[("transfer-encoding", "chunked")])])
            => StreamError, Part;
        "trailers with a length", post(&[], &[data(0, "ok"), trailers(&[("content-length", "40")])])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
        "trailers with a host", post(&[], &[data(0, "ok"), trailers(&[("host", "x")])])
            => Status(200), One("POST /outer HTTP/1.1", "ok");
        "trailers with a pseudo field", post(&[], &[data(0, "ok"), trailers(&[(":path", "/inner")])])
            => StreamError, Part;
        "trailers with line ends", post(&[], &[data(0, "ok"), trailers(&[("x", EVIL)])])
            => StreamError, Part;
        "trailers that do not end", post(&[], &[data(0, "ok"), head(1, 0, &[("x", "1")])]) => StreamError, Part;
    }
}

fn frames() -> Vec<Case> {
    let fields = block(&[METHOD, SCHEME, AUTHORITY, PATH]);
    let (left, right) = fields.split_at(20);
    let halves = [frame(HEADERS, END_STREAM, 1, left), frame(CONTINUATION, END_HEADERS, 1, right)].concat();
    let parted = [frame(HEADERS, END_STREAM, 1, left), data(0, "x"), frame(CONTINUATION, END_HEADERS, 1, right)];
    let other = [frame(HEADERS, END_STREAM, 1, left), frame(CONTINUATION, END_HEADERS, 3, right)];
    cases! {
        "a head in two frames", halves => Status(200), GET_OUTER;
        "a frame between the halves", parted.concat() => ConnectionError, Nothing;
        "halves of two streams", other.concat() => ConnectionError, Nothing;
        "CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &fields) => ConnectionError, Nothing;
        "a stream of the server's", head(2, END_STREAM, &[METHOD, SCHEME, AUTHORITY, PATH]) => ConnectionError, Nothing;
        "stream 0", head(0, END_STREAM, &[METHOD, SCHEME, AUTHORITY, PATH]) => ConnectionError, Nothing;
        "DATA before HEADERS", data(END_STREAM, "GET /inner HTTP/1.1\r\n\r\n") => ConnectionError, Nothing;
        "a table entry that is not there", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0x7f]) => ConnectionError,
            Nothing;
        "PUSH_PROMISE", frame(5, END_HEADERS, 1, &[&[0, 0, 0, 2], &fields[..]].concat()) => ConnectionError, Nothing;
    }
}

fn holds(want: Want, got: Outcome) -> bool {
    match want {
        Status(status) => got == Outcome::Status(status),
        StreamError => matches!(got, Outcome::Reset(_)),
        ConnectionError => matches!(got, Outcome::GoAway(_) | Outcome::Closed),
    }
}

fn fits(saw: &Saw, seen: &[Seen]) -> bool {
    match (saw, seen) {
        (Nothing | Part, []) => true,
        (Part, [one]) => one.body.is_none() && one.head.starts_with("POST /outer HTTP/1.1\n"),
        (One(line, body), [one]) => one.line() == *line && one.body.as_deref() == Some(*body),
        _ => false,
    }
}

/// One framing, one host, no name that could be read as another's (RFC 9112 §6, §3.2).
fn is_clean(seen: &Seen) -> bool {
    seen.framings() <= 1 && seen.count("host:") == 1 && seen.count("cookie:") <= 1 && !seen.head.contains("/inner")
}

#[test]
fn an_upstream_sees_nothing_or_exactly_the_one_request() {
    let witness = Witness::start();
    let gateway = witness.behind_outer().start();
    let parts = [pseudo_fields(), paths(), authorities(), methods(), names_and_values(), bodies(), frames()];
    let cases: Vec<Case> = parts.into_iter().flatten().collect();
    assert!(cases.len() > 100);
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case, &gateway, &witness)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What is wrong about a case.
fn check(case: &Case, gateway: &Gateway, witness: &Witness) -> Option<String> {
    witness.take();
    let mut client = Frames::open(gateway);
    client.send(&case.bytes).unwrap();
    let got = if case.name == "a reset in the middle" { Outcome::Closed } else { client.outcome(1) };
    drop(client);
    // Another request over the same upstream connection, if it was kept.
    let mut next = gateway.connect();
    next.limit(LIMIT);
    next.send("GET /outer/next HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let after = next.head().map_or(0, |head| head.status());
    std::thread::sleep(Duration::from_millis(5));
    let seen = witness.take();
    let next = |one: &&Seen| one.head.starts_with("GET /outer/next HTTP/1.1\n");
    let its: Vec<Seen> = seen.iter().filter(|one| !next(one)).cloned().collect();
    let clean = after == 200 && seen.len() == its.len() + 1 && its.iter().all(is_clean);
    let right = holds(case.want, got) && fits(&case.saw, &its) && clean;
    (!right)
        .then(|| format!("{}: wanted {:?} and {:?}, got {got:?}; upstream: {its:?}", case.name, case.want, case.saw))
}

#[test]
fn a_preface_that_is_none_ends_the_connection() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).listen("http2").start();
    for bytes in ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"] {
        let mut client = gateway.connect();
        client.send(bytes).unwrap();
        assert!(client.closes_within(LIMIT), "{bytes:?}");
    }
}

#[test]
fn frames_on_a_stream_that_is_closed_reach_no_upstream() {
    let witness = Witness::start();
    let gateway = witness.behind().start();
    let late = [data(END_STREAM, "GET /inner HTTP/1.1\r\n\r\n"), get(&[]), trailers(&[("x", "1")])];
    for frames in late {
        witness.take();
        let mut client = Frames::open(&gateway);
        client.send(get(&[])).unwrap();
        assert_eq!(client.outcome(1), Outcome::Status(200));
        client.send(frames).unwrap();
        assert!(matches!(client.outcome(1), Outcome::Reset(5) | Outcome::GoAway(1 | 5)));
        assert_eq!(witness.take().len(), 1);
    }
}
