//! Answers as HTTP/2 frames them: with and without bodies, with trailers, cut off, large (RFC 9113 §8.1, §8.2).

use crate::common::frames::{
    CANCEL, DATA, END_STREAM, End, Frames, NO_ERROR, Outcome, RST_STREAM, frame, get, head, post,
};
use crate::common::tls::Certificate;
use crate::common::{Gateway, Upstream};
use crate::http2_cases::{content, start, upstream};

/// What a method gets of an upstream that says this, and closes.
fn answer(method: &str, text: &str) -> crate::common::frames::Answer {
    let text = text.to_owned();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send(&text)
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let fields = [(":method", method), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
    client.send(head(1, END_STREAM, &fields)).unwrap();
    client.answer(1)
}

#[test]
fn answers_without_a_body_end_with_their_head() {
    let without = [
        ("HEAD", 200, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Some("5")),
        ("HEAD", 200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        ("GET", 204, "HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", 304, "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", None),
        ("GET", 304, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Some("5")),
        ("GET", 200, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Some("0")),
        ("GET", 200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
    ];
    for (method, status, text, length) in without {
        let answer = answer(method, text);
        assert_eq!((answer.status(), answer.get("content-length")), (status, length), "{method} {text}");
        assert!(
            answer.is_whole() && answer.body.is_empty() && answer.trailers.is_empty(),
            "{method} {text}: {answer:?}"
        );
    }
}

#[test]
fn bodies_end_however_the_upstream_ends_them() {
    let with = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ];
    for text in with {
        let answer = answer("GET", text);
        assert_eq!((answer.status(), &answer.body[..], answer.end), (200, &b"hello"[..], Some(End::Whole)), "{text}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_reset() {
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
    ];
    for text in cut {
        let answer = answer("GET", text);
        // Never as if it were whole, nor as if the client had taken it back.
        assert!(
            matches!(answer.end, Some(End::Reset(code)) if code != NO_ERROR && code != CANCEL),
            "{text}: {answer:?}"
        );
        assert!(b"hello".starts_with(&answer.body), "{answer:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_leaves_the_others() {
    let upstream = Upstream::start(|peer, _| {
        let head = peer.head()?;
        if head.line.contains("/cut") {
            return peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
        }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    for n in 0..10 {
        client.send([get(4 * n + 1, "/cut"), get(4 * n + 3, "/")].concat()).unwrap();
        let answers = client.answers([4 * n + 1, 4 * n + 3]);
        assert!(!answers[0].is_whole() && answers[1].is_whole() && answers[1].body == b"ok", "{answers:?}");
    }
}

#[test]
fn trailers_come_as_trailers() {
    let answer = answer(
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    assert_eq!((&answer.body[..], answer.end), (&b"ok"[..], Some(End::Whole)));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "1".to_owned())]);
}

#[test]
fn a_large_head_comes_whole() {
    let mut text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n".to_owned();
    (0..12).for_each(|n| text.push_str(&format!("X-{n}: {}\r\n", n.to_string().repeat(2000))));
    let answer = answer("GET", &format!("{text}\r\nok"));
    assert_eq!((answer.status(), &answer.body[..]), (200, &b"ok"[..]));
    for n in 0..12 {
        assert!(answer.get(&format!("x-{n}")) == Some(&n.to_string().repeat(2000)), "{n}");
    }
}

#[test]
fn fields_come_in_their_order_and_as_often() {
    let answer = answer(
        "GET",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-Empty:\r\nSet-Cookie: b=2\r\nX-Bytes: \u{fc}\r\nSet-Cookie: a=3\r\n\
         Content-Length: 0\r\n\r\n",
    );
    let cookies: Vec<_> =
        answer.head.iter().filter(|field| field.0 == "set-cookie").map(|field| &field.1[..]).collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2", "a=3"]);
    assert_eq!((answer.get("x-empty"), answer.get("x-bytes")), (Some(""), Some("\u{fc}")));
}

#[test]
fn connections_keep_their_fields_to_themselves() {
    let answer = answer(
        "GET",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Connection: x\r\n\
         Upgrade: h2c\r\nX-End: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    // The client takes none of the others: see `frames.rs`.
    assert_eq!((answer.get("x-hop"), answer.get("x-end"), answer.is_whole()), (None, Some("1"), true));
}

#[test]
fn a_large_body_comes_whole_beside_small_ones() {
    const SIZE: usize = 3_000_000;
    let (upstream, certificate) = (upstream(), Certificate::new());
    let plain = start(&upstream);
    let tls = certificate.shown_by(Gateway::to(&upstream)).listen("ssl http2").start();
    let mut over_tls = Frames::over_tls(&tls, &certificate);
    over_tls.greet(&[]).unwrap();
    for mut client in [Frames::open(&plain), over_tls] {
        client.send((0..50).flat_map(|n| get(2 * n + 1, &format!("/size/{}", n * 37))).collect::<Vec<_>>()).unwrap();
        client.send(get(101, &format!("/size/{SIZE}"))).unwrap();
        let answers = client.answers((0..51).map(|n| 2 * n + 1));
        let sizes = (0..50).map(|n| n * 37).chain([SIZE]);
        assert!(answers.iter().zip(sizes).all(|(answer, size)| answer.is_whole() && answer.body == content(size)));
    }
}

#[test]
fn an_answer_that_comes_before_the_request_s_end_comes_whole() {
    // §8.1: then the rest of the request may be declined with NO_ERROR, and with nothing else.
    let upstream = Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")?;
            peer.body(&head)?;
        }
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([post(1, "/", &[]), frame(DATA, 0, 1, b"part")].concat()).unwrap();
    let answer = client.answer(1);
    assert_eq!((answer.status(), &answer.body[..], answer.end), (403, &b"no"[..], Some(End::Whole)));
    client.send([frame(DATA, 0, 1, b"more"), frame(DATA, END_STREAM, 1, b"rest"), get(3, "/")].concat()).unwrap();
    let mut late = client.pause();
    if late.iter().all(|frame| frame.status().is_none()) {
        assert_eq!(client.outcome(3), Outcome::Status(403));
    }
    late.retain(|frame| frame.kind == RST_STREAM);
    assert!(late.iter().all(|frame| frame.stream == 1 && frame.number(0) == NO_ERROR), "{late:?}");
}

#[test]
fn an_answer_that_nobody_wants_any_more_leaves_the_connection_as_it_was() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    for n in 0..20 {
        client.send(get(4 * n + 1, "/size/1000000")).unwrap();
        // In the middle of its body, and what was sent of it is the client's to give back.
        let first = client.next_of(|frame| frame.stream == 4 * n + 1 && frame.kind == DATA);
        client.send(frame(RST_STREAM, 0, 4 * n + 1, &CANCEL.to_be_bytes())).unwrap();
        client.give_back(&first);
        for late in client.pause().iter().filter(|frame| frame.kind == DATA) {
            client.give_back(late);
        }
        client.send(get(4 * n + 3, "/size/10")).unwrap();
        assert_eq!(client.answer(4 * n + 3).body, content(10));
    }
}
