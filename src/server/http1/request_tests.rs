#![allow(clippy::unwrap_used)]
use super::*;
use crate::http1::chunks::Step;
use http_body_util::{BodyExt, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMITS: Limits = Limits { size: 8 * 1024, fields: 100 };

/// A request: method, target, version, fields, and its body if that came to its end.
type Asked1 = (String, String, Version, Vec<(String, String)>, Option<Vec<u8>>);

/// By name: a map that something was taken out of has another order.
fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut all: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn told(request: &Request<()>, body: Option<Vec<u8>>) -> Asked1 {
    let (method, target) = (request.method().to_string(), request.uri().to_string());
    (method, target, request.version(), fields(request.headers()), body)
}

/// Those that all requests here have in common, as those of a worker have.
fn names() -> Shared {
    thread_local!(static NAMES: Shared = Shared::default());
    NAMES.with(Shared::clone)
}

/// The first request of these pieces, and what is left; `None` if it is not whole.
fn read(pieces: &[&[u8]], limits: Limits) -> Result<Option<(Asked1, Asked, Vec<u8>)>, Refused> {
    let (mut heads, mut buf, mut spare) = (Heads::new(limits, names()), BytesMut::new(), HeaderMap::new());
    let mut pieces = pieces.iter();
    let mut head = loop {
        match heads.take(&mut buf, &mut spare)? {
            Some(head) => break head,
            None => match pieces.next() {
                Some(piece) => buf.extend_from_slice(piece),
                None => return Ok(None),
            },
        }
    };
    let mut body = Vec::new();
    let whole = loop {
        match head.reading.next(&mut buf) {
            Ok(Step::Data(data)) => body.extend_from_slice(&data),
            Ok(Step::Trailers(_)) => {}
            Ok(Step::End) => break true,
            Ok(Step::More) => match pieces.next() {
                Some(piece) => buf.extend_from_slice(piece),
                None => break false,
            },
            Err(_) => break false,
        }
    };
    pieces.for_each(|piece| buf.extend_from_slice(piece));
    Ok(Some((told(&head.request, whole.then_some(body)), head.asked, buf.to_vec())))
}

fn ours(bytes: &[u8]) -> Result<Option<Asked1>, Refused> {
    read(&[bytes], LIMITS).map(|read| read.map(|(asked, ..)| asked))
}

/// The first request that hyper's server makes of these bytes, and what it answers itself.
fn hypers(bytes: &[u8]) -> (Option<Asked1>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let seen = Arc::new(Mutex::new(None));
        let note = Arc::clone(&seen);
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let note = Arc::clone(&note);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.ok().map(|body| body.to_bytes().to_vec());
                let asked = told(&Request::from_parts(parts, ()), body);
                note.lock().unwrap().get_or_insert(asked);
                Ok::<_, Infallible>(http::Response::new(Empty::<bytes::Bytes>::new()))
            }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .half_close(true)
            .max_header_size(LIMITS.size)
            .serve_connection(TokioIo::new(near), service);
        let mut answer = Vec::new();
        let client = async {
            far.write_all(bytes).await.unwrap();
            far.shutdown().await.unwrap();
            far.read_to_end(&mut answer).await.unwrap();
        };
        let _ = tokio::join!(served, client);
        let asked = seen.lock().unwrap().take();
        (asked, String::from_utf8_lossy(&answer).into_owned())
    })
}

/// What must hold of any bytes: what hyper takes is taken for the same, or refused; what it refuses is refused.
fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(bytes);
    let (theirs, answer) = hypers(bytes);
    match (ours(bytes), theirs) {
        (Ok(Some(own)), theirs) => {
            // A body may be refused that hyper takes.
            let theirs =
                theirs.map(|theirs| (theirs.0, theirs.1, theirs.2, theirs.3, theirs.4.filter(|_| own.4.is_some())));
            prop_assert_eq!(Some(own), theirs, "{:?}", text);
        }
        (Ok(None), theirs) => prop_assert!(theirs.is_none() && answer.is_empty(), "{text:?}: {answer}"),
        (Err(why), None) => prop_assert!(why.status.is_none() == answer.is_empty(), "{text:?}: {why:?} {answer}"),
        (Err(_), Some(_)) => {}
    }
    Ok(())
}

#[test]
fn heads_and_bodies_are_read_as_hyper_reads_them() {
    let lines = ["GET / HTTP/1.1", "POST /a%20b?c=d HTTP/1.0", "OPTIONS * HTTP/1.1", "GET http://a.test/b HTTP/1.1"];
    let framings = [
        "",
        "content-length: 3\r\n",
        "Content-Length: 9\r\n",
        "content-length: 0\r\n",
        "content-length: x\r\n",
        "content-length: +3\r\n",
        "content-length: 3, 3\r\n",
        "content-length: 3\r\ncontent-length: 3\r\n",
        "content-length: 3\r\ncontent-length: 4\r\n",
        "content-length: 18446744073709551616\r\n",
        "transfer-encoding: gzip\r\n",
        "Transfer-Encoding: gzip, Chunked\r\n",
        "transfer-encoding: chunked\r\nx: y\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "transfer-encoding: \x0bchunked\r\n",
        "connection: close\r\nexpect: 100-continue\r\n",
    ];
    let bodies = ["", "abc", "3\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n", "3\r\nabcd", "0\r\n\r\n", "0\r\na: b\r\n\r\n"];
    for line in lines {
        for framing in framings {
            for body in bodies {
                agree(format!("{line}\r\n{framing}\r\n{body}").as_bytes()).unwrap();
            }
        }
    }
}

#[test]
fn what_is_no_head_is_refused() {
    let status = |text: &str| ours(text.as_bytes()).unwrap_err().status;
    for text in [
        "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET /\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "G\tET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\n\r\n",
        "GET /<a> HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\n a: b\r\n\r\n",
        "GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n",
        "GET / HTTP/1.1\r\na: \0\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        assert_eq!(status(text), Some(400), "{text:?}");
    }
    assert_eq!(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), None);
    assert_eq!(status(&format!("GET /{} HTTP/1.1\r\n", "a".repeat(LIMITS.size))), Some(431));
    let wide = Limits { size: 1 << 20, fields: 300 };
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000));
    assert_eq!(read(&[long.as_bytes()], wide).unwrap_err().status, Some(414));
}

#[test]
fn fields_are_taken_up_to_their_limit() {
    for (limit, count, taken) in [(3, 3, true), (3, 4, false), (64, 64, true), (64, 65, false), (300, 300, true)] {
        let lines: String = (0..count).map(|n| format!("a{n}: b\r\n")).collect();
        let text = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let read = read(&[text.as_bytes()], Limits { size: 1 << 20, fields: limit });
        assert_eq!(read.map(|read| read.unwrap().0.3.len()).ok(), taken.then_some(count), "{limit} {count}");
    }
}

#[test]
fn values_are_parts_of_the_buffer() {
    let mut buf = BytesMut::from("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /next");
    let (from, size) = (buf.as_ptr().addr(), buf.len());
    let head = Heads::new(LIMITS, names()).take(&mut buf, &mut HeaderMap::new()).unwrap().unwrap();
    let value = head.request.headers()["host"].as_bytes().as_ptr().addr();
    assert!((from..from + size).contains(&value));
    assert_eq!(&buf[..], b"GET /next");
}

#[test]
fn what_an_answer_depends_on_is_noted() {
    let asked = |text: &str| read(&[format!("{text}\r\n\r\n").as_bytes()], LIMITS).unwrap().unwrap().1;
    assert!(asked("GET / HTTP/1.1").keeps && !asked("GET / HTTP/1.0").keeps);
    assert!(asked("GET / HTTP/1.0\r\nConnection: x, Keep-Alive").keeps);
    assert!(!asked("GET / HTTP/1.1\r\nConnection: Close\r\nConnection: keep-alive").keeps);
    assert!(!asked("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked").keeps);
    assert!(asked("HEAD / HTTP/1.1").head && asked("GET / HTTP/1.1\r\nTE: gzip, trailers").trailers);
    let expects = |text: &str| {
        let mut buf = BytesMut::from(format!("{text}\r\n\r\n").as_bytes());
        Heads::new(LIMITS, names()).take(&mut buf, &mut HeaderMap::new()).unwrap().unwrap().expects
    };
    assert!(expects("PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1"));
    assert!(!expects("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1"));
    assert!(!expects("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0"));
}

#[test]
fn blank_lines_between_requests_are_skipped_and_kept_nowhere() {
    let mut heads = Heads::new(LIMITS, names());
    let mut buf = BytesMut::from("\r\n\n\r\n\r");
    assert!(heads.take(&mut buf, &mut HeaderMap::new()).unwrap().is_none());
    assert_eq!(&buf[..], b"\r");
    buf.extend_from_slice(b"\nGET / HTTP/1.1\n\n");
    assert!(heads.take(&mut buf, &mut HeaderMap::new()).unwrap().is_some());
    let endless = |heads: &mut Heads| heads.take(&mut BytesMut::from("\r\n"), &mut HeaderMap::new()).is_err();
    assert_eq!((0..LIMITS.size).position(|_| endless(&mut heads)), Some(LIMITS.size / 2 - 1));
}

const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "0",
    "3",
    "-",
    "+",
    "x",
    "\0",
    "\u{e9}",
    "\r\n\r\n",
    "\r\n ",
    "content-length: 3\r\n",
    "Content-Length: 0\r\n",
    "transfer-encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "connection: close\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "GET / HTTP/1.1\r\n",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "chunked",
    "identity",
];

const TEXTS: &[&str] = &[
    "GET /a?b HTTP/1.1\r\nHost: a\r\nX: y z\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "PUT / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_split_of_the_bytes_gives_the_same(n in 0..TEXTS.len(), mut cuts in prop::collection::vec(0usize..120, 0..6)) {
        let text = TEXTS[n].as_bytes();
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(text.len()));
        cuts.sort_unstable();
        let ends = cuts.iter().copied().chain([text.len()]);
        let mut start = 0;
        let pieces: Vec<_> = ends.map(|end| &text[std::mem::replace(&mut start, end)..end]).collect();
        let (split, whole) = (read(&pieces, LIMITS), read(&[text], LIMITS));
        let plain = |read: Result<Option<(Asked1, Asked, Vec<u8>)>, Refused>| read.unwrap().map(|(told, _, rest)| (told, rest));
        prop_assert_eq!(plain(split), plain(whole));
    }

    #[test]
    fn single_bytes_give_what_all_at_once_does(pieces in prop::collection::vec(0..PIECES.len(), 0..12)) {
        let text: String = ["GET / HTTP/1.1\r\n"].into_iter().chain(pieces.iter().map(|n| PIECES[*n])).collect();
        let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
        let (split, whole) = (read(&bytes, LIMITS), read(&[text.as_bytes()], LIMITS));
        match (split, whole) {
            (Ok(split), Ok(whole)) => prop_assert_eq!(split.map(|s| (s.0, s.2)), whole.map(|w| (w.0, w.2))),
            // What can't become a head may be seen at once, or when its end is there.
            (Ok(None), Err(_)) => {}
            (split, whole) => prop_assert_eq!(split.err(), whole.err(), "{:?}", text),
        }
    }

    #[test]
    fn heads_of_any_fields_are_read_as_hyper_reads_them(
        method in "[A-Za-z!#$%&'*+.^_`|~-]{1,8}",
        target in "/[!-~]{0,20}",
        fields in prop::collection::vec(("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,14}", "[ -~\t\u{e9}]{0,20}"), 0..8),
        sized: bool,
    ) {
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &fields {
            text += &format!("{name}: {value}\r\n");
        }
        text += if sized { "content-length: 3\r\n\r\nabc" } else { "\r\n" };
        agree(text.as_bytes())?;
    }

    #[test]
    fn what_was_changed_is_read_as_hyper_reads_it_or_refused(
        n in 0..TEXTS.len(),
        changes in prop::collection::vec((0usize..120, 0usize..4, 0..PIECES.len()), 1..4),
    ) {
        let mut text = TEXTS[n].as_bytes().to_vec();
        for (at, cut, piece) in changes {
            let at = at % (text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, PIECES[piece].bytes());
        }
        agree(&text)?;
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), start: bool) {
        let text = [if start { &b"POST / HTTP/1.1\r\ncontent-length: 5\r\n"[..] } else { b"" }, &bytes].concat();
        let _ = ours(&text);
    }
}
