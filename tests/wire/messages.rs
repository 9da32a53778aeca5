//! Single messages: interim answers, `Expect`, trailers, answers without a body.

use crate::common::{Gateway, LIMIT, Upstream};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("PUT /file HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 100);
    client.send("body").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"PUT /file body".to_vec()));
}

#[test]
fn a_refused_expectation_needs_no_body() {
    let gateway = Gateway::with(
        "_format_version: \"2.1\"\nservices:\n- name: shut\n  url: http://127.0.0.1:9\n  plugins:\n  \
         - name: request-termination\n    config: {status_code: 403, message: shut}\n  routes:\n  - paths: [/]\n",
    )
    .start();
    let mut client = gateway.connect();
    client.send("PUT / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 403);
}

#[test]
fn the_final_answer_arrives_after_interim_ones() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        peer.send("HTTP/1.1 102 Processing\r\n\r\n")?;
        std::thread::sleep(Duration::from_millis(200));
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = std::iter::repeat_with(|| client.head().unwrap()).find(|h| h.status() >= 200).unwrap();
    assert_eq!((head.status(), head.get("link"), client.body(&head).unwrap()), (200, None, b"done".to_vec()));
}

#[test]
fn trailers_of_an_answer_reach_a_client_that_wants_them() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n",
    );
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!(head.get("transfer-encoding"), Some("chunked"));
    while client.chunk().unwrap().is_some() {}
    // Kong forgets `TE` where `Connection` names it (`kong/proxying.md` §1), and with it the trailers.
    client.trailers().unwrap();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\nTE: trailers\r\n\r\n").unwrap();
    client.head().unwrap();
    while client.chunk().unwrap().is_some() {}
    let trailers = client.trailers().unwrap();
    assert!(trailers.iter().any(|t| t.eq_ignore_ascii_case("x-sum: 42")), "{trailers:?}");
}

/// As in nginx: what auth plugins vouch for in the head, a client could say again behind the body.
#[test]
fn trailers_that_come_after_a_pause_end_at_the_gateway_and_the_body_does_not() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        let mut body = Vec::new();
        while let Some(chunk) = peer.chunk()? {
            body.extend(chunk);
        }
        tell.send((body, peer.trailers()?)).unwrap();
        peer.send("HTTP/1.1 204 No Content\r\n\r\n")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client
        .send("POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n")
        .unwrap();
    // Apart, so that the body does not come as one piece with its head.
    std::thread::sleep(Duration::from_millis(200));
    client.send("0\r\nX-Sum: 42\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 204);
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), (b"abc".to_vec(), Vec::<String>::new()));
}

#[test]
fn head_keeps_the_length_and_sends_no_body() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("HEAD /h HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("content-length")), (200, Some("8")));
    // Whatever came as a body would stand before the next answer.
    client.send("GET /g HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!(client.body(&head).unwrap(), b"GET /g ");
}

#[test]
fn answers_without_a_body_leave_the_connection_in_step() {
    for answer in [
        "HTTP/1.1 204 No Content\r\nX-Is: empty\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 1234\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let upstream = Upstream::answering(answer);
        let gateway = Gateway::to(&upstream).start();
        let mut client = gateway.connect();
        for _ in 0..3 {
            client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
            let head = client.head().unwrap();
            assert_eq!(head.line.get(9..12), answer.get(9..12), "{answer:?}");
            assert_eq!(head.get("transfer-encoding"), None, "{answer:?}");
        }
        assert!(client.silent_for(Duration::from_millis(200)), "{answer:?}");
    }
}

#[test]
fn a_target_in_absolute_form_gives_its_path_but_not_its_host() {
    // Recorded from Kong, against RFC 9112 §3.2.2: `Host` chooses the route.
    let upstream = Upstream::echo();
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - name: here\n    \
         hosts: [here.test]\n",
        upstream.port()
    ))
    .start();
    for (target, host, status) in [
        ("http://other.test/a?b", "here.test", 200),
        ("http://here.test/a?b", "other.test", 404),
        ("http://here.test", "here.test", 200),
    ] {
        let mut client = gateway.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).unwrap();
        let head = client.head().unwrap();
        let body = String::from_utf8(client.body(&head).unwrap()).unwrap();
        assert_eq!(head.status(), status, "{target} with Host {host}: {body}");
        if status == 200 {
            assert_eq!(body, if target.ends_with("a?b") { "GET /a?b " } else { "GET / " });
        }
    }
}
