#![allow(clippy::unwrap_used)]
use super::*;
use crate::http1::chunks::Step;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

/// An answer: status, fields, and its body if that came to its end.
type Answer = (u16, Vec<(String, String)>, Option<Vec<u8>>);

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// What this client makes of a connection's bytes.
fn ours(bytes: &[u8], to_head: bool) -> Result<Option<Answer>, Malformed> {
    let (mut buf, mut headers) = (BytesMut::from(bytes), HeaderMap::new());
    let Some(mut head) = take(&mut buf, 8 * 1024, to_head, &mut headers, &mut Names::default())? else {
        return Ok(None);
    };
    let mut body = Vec::new();
    let whole = loop {
        match head.reading.next(&mut buf) {
            Ok(Step::Data(data)) => body.extend_from_slice(&data),
            Ok(Step::Trailers(_)) => {}
            Ok(Step::End) => break true,
            Ok(Step::More) => break matches!(head.reading, Reading::UntilClose),
            Err(_) => break false,
        }
    };
    Ok(Some((head.status.as_u16(), fields(&headers), whole.then_some(body))))
}

/// What hyper's client makes of them.
fn hypers(bytes: &[u8], to_head: bool) -> Option<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        let driven = tokio::spawn(connection);
        let method = if to_head { "HEAD" } else { "GET" };
        let request = http::Request::builder().method(method).uri("/").body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request);
        let serve = async {
            tokio::io::AsyncReadExt::read(&mut far, &mut [0; 1024]).await.unwrap();
            far.write_all(bytes).await.unwrap();
            drop(far);
        };
        let (answer, ()) = tokio::join!(answer, serve);
        let (parts, body) = answer.ok()?.into_parts();
        let body = body.collect().await.ok().map(|body| body.to_bytes().to_vec());
        driven.abort();
        Some((parts.status.as_u16(), fields(&parts.headers), body))
    })
}

fn told(text: &str) -> Option<Answer> {
    ours(text.as_bytes(), false).ok().flatten()
}

fn refused(text: &str) -> bool {
    ours(text.as_bytes(), false).is_err()
}

#[test]
fn bodies_end_where_hyper_sees_them_end() {
    let heads = ["200 OK", "204 No Content", "304 Not Modified", "404 Fancy", "500"];
    let framings = [
        "",
        "content-length: 3\r\n",
        "Content-Length: 9\r\n",
        "content-length: 0\r\n",
        "content-length: x\r\n",
        "content-length: -1\r\n",
        "content-length: 3\r\ncontent-length: 4\r\n",
        "transfer-encoding: gzip\r\n",
        "Transfer-Encoding: gzip, Chunked\r\n",
        "transfer-encoding: chunked\r\nx: y\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n",
        "connection: close\r\n",
    ];
    let bodies = ["", "abc", "3\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n", "3\r\nabcd", "0\r\n\r\n"];
    for (version, head, framing, body, to_head) in itertools(&heads, &framings, &bodies) {
        let text = format!("HTTP/1.{version} {head}\r\n{framing}\r\n{body}");
        let own = ours(text.as_bytes(), to_head).ok().flatten();
        assert_eq!(own, hypers(text.as_bytes(), to_head), "{text:?} {to_head}");
    }
}

/// All combinations.
fn itertools<'a>(
    heads: &'a [&'a str],
    framings: &'a [&'a str],
    bodies: &'a [&'a str],
) -> impl Iterator<Item = (u8, &'a str, &'a str, &'a str, bool)> {
    let each = [(0, false), (1, false), (1, true)].into_iter();
    each.flat_map(move |(version, to_head)| {
        heads.iter().flat_map(move |head| {
            framings
                .iter()
                .flat_map(move |framing| bodies.iter().map(move |body| (version, *head, *framing, *body, to_head)))
        })
    })
}

#[test]
fn interim_answers_are_skipped_and_101_is_not() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(told(text), Some((200, vec![("content-length".into(), "1".into())], Some(b"x".to_vec()))));
    assert_eq!(told("HTTP/1.1 101 Switching Protocols\r\n\r\nx").unwrap().0, 101);
    assert_eq!(told("HTTP/1.1 100 Continue\r\n\r\n"), None);
}

#[test]
fn one_framing_is_passed_on_where_two_were_said() {
    let names = |text| told(text).unwrap().1;
    assert!(names("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").len() == 1);
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(names(twice), [("content-length".to_owned(), "3".to_owned())]);
}

#[test]
fn what_is_malformed_is_refused() {
    for text in [
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 Odd\r\n\r\n",
        "<html>",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1,2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        assert!(refused(text), "{text:?}");
    }
    let long = "x".repeat(8 * 1024);
    assert!(
        refused(&format!("HTTP/1.1 200 OK\r\na: {long}")) && refused(&format!("HTTP/1.1 200 OK\r\na: {long}\r\n\r\n"))
    );
    let many: String = (0..=FIELDS).map(|n| format!("a{n}: b\r\n")).collect();
    assert!(refused(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")));
}

#[test]
fn a_connection_is_kept_where_both_sides_say_so() {
    let kept = |text: &str| {
        take(&mut BytesMut::from(text), 999, false, &mut HeaderMap::new(), &mut Names::default())
            .unwrap()
            .unwrap()
            .keeps
    };
    assert!(kept("HTTP/1.1 200 OK\r\n\r\n") && kept("HTTP/1.0 200 OK\r\nConnection: x, Keep-Alive\r\n\r\n"));
    assert!(
        !kept("HTTP/1.0 200 OK\r\n\r\n")
            && !kept("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nConnection: keep-alive\r\n\r\n")
    );
}

#[test]
fn odd_reasons_are_kept() {
    let reason = |text: &str| {
        take(&mut BytesMut::from(text), 999, false, &mut HeaderMap::new(), &mut Names::default())
            .unwrap()
            .unwrap()
            .reason
    };
    assert!(reason("HTTP/1.1 200 OK\r\n\r\n").is_none());
    assert_eq!(reason("HTTP/1.1 200 Fine\r\n\r\n").unwrap().as_bytes(), b"Fine");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn heads_are_read_as_hyper_reads_them(
        status in 200u16..600,
        reason in "[ -~\t]{0,12}",
        fields in prop::collection::vec(("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,14}", "[ -~\t]{0,20}"), 0..8),
        body in "[a-z\r\n]{0,30}",
        sized in any::<bool>(),
    ) {
        let mut text = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in &fields {
            let framing = ["content-length", "transfer-encoding", "connection"].contains(&name.to_lowercase().as_str());
            prop_assume!(!framing);
            text += &format!("{name}: {value}\r\n");
        }
        text += &if sized { format!("content-length: {}\r\n\r\n{body}", body.len()) } else { format!("\r\n{body}") };
        prop_assert_eq!(ours(text.as_bytes(), false).ok().flatten(), hypers(text.as_bytes(), false));
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200, start in any::<bool>()) {
        let mut text = if start { b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n".to_vec() } else { Vec::new() };
        text.splice(at.min(text.len()).., bytes);
        let _ = ours(&text, false);
    }
}
