//! What a client may not do: too much, too big, or too slowly.

use crate::common::{Gateway, LIMIT, Upstream};
use std::time::{Duration, Instant};

/// Statuses for a head that is too large, or slow.
const REFUSALS: [u16; 4] = [400, 408, 414, 431];

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT", "1s").start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw").unwrap();
    assert!(client.closes_within(Duration::from_secs(6)));
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_head_that_drips_is_not_waited_for() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT", "1s").start();
    let mut client = gateway.connect();
    let end = Instant::now() + Duration::from_secs(8);
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n").unwrap();
    let mut drips = 0;
    while Instant::now() < end && !client.closes_within(Duration::from_millis(200)) {
        drips += 1;
        if client.send(format!("X-{drips}: y\r\n")).is_err() {
            break;
        }
    }
    assert!(Instant::now() < end, "each byte bought more time");
}

#[test]
fn an_idle_connection_is_closed() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT", "1s").start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    client.body(&head).unwrap();
    assert!(client.silent_for(Duration::from_millis(500)), "closed too early");
    assert!(client.closes_within(Duration::from_secs(6)));
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT", "1s").start();
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nab").unwrap();
    assert!(client.closes_within(Duration::from_secs(6)));
}

#[test]
fn a_head_without_end_is_refused() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let (before, _) = gateway.memory();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n").unwrap();
    let line = format!("X-Long: {}\r\n", "y".repeat(4000));
    // Whether the rest is dropped or the connection reset: it is not kept, and no upstream sees it.
    let _ = (0..10_000).try_for_each(|_| client.send(&line));
    if let Ok(answer) = client.head() {
        assert!(REFUSALS.contains(&answer.status()), "{}", answer.line);
    }
    assert_eq!(upstream.connections(), 0);
    assert!(gateway.memory().1 < before + 8 * 1024);
}

#[test]
fn too_long_a_line_and_too_many_lines_are_refused() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let heads = [
        format!("GET /{} HTTP/1.1\r\nHost: gw.test\r\n\r\n", "p".repeat(20_000)),
        format!("GET / HTTP/1.1\r\nHost: gw.test\r\nX-Long: {}\r\n\r\n", "y".repeat(20_000)),
        format!("GET / HTTP/1.1\r\nHost: gw.test\r\n{}\r\n", "a: b\r\n".repeat(3000)),
    ];
    for head in heads {
        let mut client = gateway.connect();
        client.send(&head).unwrap();
        let answer = client.head().unwrap();
        assert!(REFUSALS.contains(&answer.status()), "{}… got {}", &head[..40], answer.line);
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn too_large_a_body_is_refused_before_the_upstream_is_asked() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k").start();
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1025\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 413);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn too_large_a_chunked_body_never_arrives_whole() {
    let (tell, told) = std::sync::mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        let head = peer.head()?;
        let body = peer.body(&head);
        tell.send(body.map(|b| b.len())).unwrap();
        Ok(())
    });
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k").start();
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..4 {
        let _ = client.send_chunk([b'x'; 600]);
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = client.send("0\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 413);
    // It may have been asked before the limit was passed; then it must see the body break off.
    if let Ok(Ok(length)) = told.recv_timeout(Duration::from_secs(2)) {
        panic!("the upstream took {length} bytes for the whole body");
    }
}

#[test]
fn one_slow_client_does_not_hold_up_another() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    let slow: Vec<_> = (0..200)
        .map(|_| {
            let mut client = gateway.connect();
            client.send("POST /slow HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\n").unwrap();
            client
        })
        .collect();
    let start = Instant::now();
    assert_eq!(gateway.get("/quick"), (200, "GET /quick ".to_owned()));
    assert!(start.elapsed() < LIMIT / 3);
    drop(slow);
}
