//! Which connections are kept, and which are not.

use crate::common::{Gateway, Upstream};
use std::time::Duration;

#[test]
fn both_connections_are_used_again() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    for n in 0..5 {
        client.send(format!("POST /{n} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\nhi")).unwrap();
        let head = client.head().unwrap();
        assert_eq!(client.body(&head).unwrap(), format!("POST /{n} hi").into_bytes());
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_upstream_connection_that_closed_while_idle_costs_no_request() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    for n in 0..5 {
        client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        let head = client.head().unwrap();
        assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"ok".to_vec()), "request {n}");
    }
    assert_eq!(upstream.connections(), 5);
}

#[test]
fn an_upstream_connection_that_closes_on_the_next_request_costs_no_request() {
    // The close crosses the request on the wire: only the kept connection can be at fault, so a fresh one is tried.
    let upstream = Upstream::start(|peer, number| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        if number == 0 {
            peer.head()?;
            return Ok(());
        }
        peer.head().map(|_| ())
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    for n in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        let head = client.head().unwrap();
        assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"ok".to_vec()), "request {n}");
    }
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    let requests: String = (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: gw.test\r\n\r\n")).collect();
    client.send(requests).unwrap();
    for n in 0..20 {
        let head = client.head().unwrap();
        assert_eq!(client.body(&head).unwrap(), format!("GET /{n} ").into_bytes());
    }
}

#[test]
fn http_1_0_gets_an_answer_without_chunks_and_an_end() {
    let upstream =
        Upstream::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.0\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("transfer-encoding")), (200, None));
    assert_eq!(client.rest().unwrap(), b"abcde");
}

#[test]
fn http_1_0_may_keep_its_connection() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    for n in 0..2 {
        client.send(format!("GET /{n} HTTP/1.0\r\nHost: gw.test\r\nConnection: keep-alive\r\n\r\n")).unwrap();
        let head = client.head().unwrap();
        assert_eq!(client.body(&head).unwrap(), format!("GET /{n} ").into_bytes());
    }
}

#[test]
fn an_answer_that_ends_with_its_connection_reaches_the_client_whole() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        std::thread::sleep(Duration::from_millis(200));
        peer.send("to the end")
    });
    let gateway = Gateway::to(&upstream).start();
    assert_eq!(gateway.get("/"), (200, "to the end".to_owned()));
}

#[test]
fn connection_close_is_honoured() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET /last HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!(client.body(&head).unwrap(), b"GET /last ");
    assert!(client.closes_within(Duration::from_secs(5)));
}
