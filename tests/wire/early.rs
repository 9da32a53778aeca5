//! Answers that are given before the request was read: they must reach a client that is still sending, whatever it speaks.

use crate::common::frames::{DATA, END_STREAM, Frames, Outcome, frame, head};
use crate::common::tls::{self, Certificate};
use crate::common::{Gateway, LIMIT, Upstream};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// More than all buffers on the way can take.
const UPLOAD: usize = 32 << 20;

fn refusing() -> (Gateway, Upstream) {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k").start();
    (gateway, upstream)
}

/// Sends everything before it reads anything, as simple clients do.
fn upload(mut stream: impl Read + Write, head: &str) -> String {
    stream.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..UPLOAD / piece.len() {
        stream.write_all(&piece).expect("it was cut off while it sent");
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer was lost");
    String::from_utf8(answer).unwrap()
}

fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

#[test]
fn a_refused_upload_gets_its_answer() {
    let (gateway, _upstream) = refusing();
    let length = format!("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {UPLOAD}\r\n\r\n");
    let chunked = "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n2000000\r\n";
    for head in [&length, chunked] {
        let answer = upload(connect(&gateway), head);
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too large"), "{answer}");
    }
}

#[test]
fn a_request_that_cannot_be_parsed_gets_its_answer() {
    let (gateway, _upstream) = refusing();
    for head in ["POST / HTTP/1.1\r\nHost : gw.test\r\n\r\n", "POST / HTTP/1.1\r\nHost: gw.test\r\nX: "] {
        let answer = upload(connect(&gateway), head);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("ad request"), "{answer}");
    }
}

#[test]
fn an_upload_that_no_route_takes_gets_its_answer() {
    let gateway = Gateway::with("_format_version: \"2.1\"\n").start();
    let head = format!("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {UPLOAD}\r\n\r\n");
    let answer = upload(connect(&gateway), &head);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("no Route matched"), "{answer}");
}

#[test]
fn an_upload_that_the_upstream_refuses_gets_its_answer() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")?;
        // Reads on for a moment, as servers do, so that a reset does not overtake the answer.
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            peer.exact(10_000)?;
        }
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let head = format!("POST / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\nContent-Length: {UPLOAD}\r\n\r\n");
    let answer = upload(connect(&gateway), &head);
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("no"), "{answer}");
}

#[test]
fn over_tls_too() {
    let (upstream, certificate) = (Upstream::echo(), Certificate::new());
    let gateway = certificate.shown_by(Gateway::to(&upstream)).listen("ssl");
    let gateway = gateway.set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k").start();
    let client = Arc::new(certificate.client(tls::algorithms(|_| ())));
    let stream = tls::connect(&gateway, &client).unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {UPLOAD}\r\n\r\n");
    let answer = upload(stream, &head);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too large"), "{answer}");
}

#[test]
fn a_client_that_never_stops_is_cut_off() {
    let (gateway, _upstream) = refusing();
    let mut stream = connect(&gateway);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 99999999\r\n\r\n").unwrap();
    let start = Instant::now();
    while stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
        assert!(start.elapsed() < LIMIT, "still open");
    }
}

#[test]
fn over_http_2_the_stream_is_not_reset() {
    let (gateway, _upstream) = refusing();
    let mut client = Frames::open(&gateway);
    let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
    let fields = [&fields[..], &[("content-length", "200000")]].concat();
    client.send(head(1, 0, &fields)).unwrap();
    assert_eq!(client.outcome(1), Outcome::Status(413));
    for n in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        client.send(frame(DATA, if n == 19 { END_STREAM } else { 0 }, 1, &[b'x'; 10_000])).unwrap();
    }
    // The next request on the same connection, and no reset before its answer.
    client.send(head(3, END_STREAM, &[&fields[..1], &fields[1..4]].concat())).unwrap();
    loop {
        let frame = client.next().unwrap();
        assert_ne!(frame.kind, 3, "{frame:?}");
        if frame.stream == 3 {
            break;
        }
    }
}

#[test]
fn over_http_2_every_curl_sees_it() {
    let (gateway, _upstream) = refusing();
    let none = Gateway::with(
        "_format_version: \"2.1\"\nservices:\n- name: a\n  url: http://127.0.0.1:1\n  routes:\n  - paths: [/]\n  plugins:\n  \
         - {name: request-termination, config: {status_code: 204}}\n",
    )
    .start();
    for (port, status) in (0..15).flat_map(|_| [(gateway.port(), "413"), (none.port(), "204")]) {
        let out = Command::new("curl")
            .args(["-sS", "--http2-prior-knowledge", "--max-time", "15", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code}", "--data", &"x".repeat(3000)])
            .arg(format!("http://127.0.0.1:{port}/"))
            .output()
            .expect("curl is needed");
        assert!(out.status.success() && String::from_utf8_lossy(&out.stdout) == status, "{out:?}");
    }
}
