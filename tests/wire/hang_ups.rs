//! A neighbour that goes away in the middle: the other one is told, and nobody else notices.

use crate::common::{Gateway, LIMIT, Peer, Upstream};
use std::sync::mpsc;
use std::time::Duration;

const GET: &str = "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n";

/// After a hang-up the gateway serves the next client as ever.
fn still_serves(gateway: &Gateway) {
    let (status, _) = gateway.get("/after");
    assert_eq!(status, 200);
}

/// An upstream that answers `/after`, and does something else with every other request.
fn upstream(other: impl Fn(&mut Peer) -> std::io::Result<()> + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |peer, _| {
        loop {
            let head = peer.head()?;
            if !head.line.contains("/after") {
                return other(peer);
            }
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        }
    })
}

#[test]
fn a_client_that_goes_mid_body_never_looks_like_a_whole_request() {
    for framing in ["Content-Length: 1000\r\n\r\nsome", "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"] {
        let (tell, told) = mpsc::channel();
        let upstream = upstream(move |peer| {
            let rest = peer.rest();
            tell.send(rest).unwrap();
            Ok(())
        });
        let gateway = Gateway::to(&upstream).start();
        let mut client = gateway.connect();
        client.send(format!("POST /part HTTP/1.1\r\nHost: gw.test\r\n{framing}")).unwrap();
        // A moment for the first part to reach the upstream.
        std::thread::sleep(Duration::from_millis(300));
        drop(client);
        // An end or a reset is right; a last chunk would say that the body was complete.
        if let Ok(bytes) = told.recv_timeout(LIMIT).expect("the upstream was not told") {
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.contains("some") && !text.ends_with("0\r\n\r\n"), "{text:?}");
        }
        still_serves(&gateway);
    }
}

#[test]
fn a_client_that_goes_mid_answer_ends_the_upstream_s_work() {
    let (tell, told) = mpsc::channel();
    let upstream = upstream(move |peer| {
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while peer.send_chunk([b'x'; 1000]).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        tell.send(()).unwrap();
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send(GET).unwrap();
    client.head().unwrap();
    client.chunk().unwrap().unwrap();
    drop(client);
    told.recv_timeout(LIMIT).expect("the upstream still sends");
    still_serves(&gateway);
}

#[test]
fn a_client_that_goes_before_the_answer_ends_the_upstream_s_work() {
    let (tell, told) = mpsc::channel();
    let upstream = upstream(move |peer| {
        let gone = peer.closes_within(LIMIT);
        tell.send(gone).unwrap();
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send(GET).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(client);
    assert!(told.recv_timeout(LIMIT * 2).unwrap(), "the upstream connection stays open");
    still_serves(&gateway);
}

#[test]
fn an_upstream_that_goes_mid_body_never_looks_like_a_whole_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nsome",
    ] {
        let upstream = upstream(move |peer| peer.send(answer));
        let gateway = Gateway::to(&upstream).start();
        let mut client = gateway.connect();
        client.send(GET).unwrap();
        let head = client.head().unwrap();
        assert_eq!(head.status(), 200);
        let error = client.body(&head).expect_err("a part was taken for the whole");
        assert!(!matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
        still_serves(&gateway);
    }
}

#[test]
fn an_upstream_that_goes_before_its_answer_is_a_502() {
    for part in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let upstream = upstream(move |peer| peer.send(part));
        let gateway = Gateway::to(&upstream).start();
        assert_eq!(gateway.get("/").0, 502, "{part:?}");
        still_serves(&gateway);
    }
}

#[test]
fn an_upstream_that_answers_early_and_goes_is_heard() {
    // 413 and its like: the upstream refuses without reading the body.
    let upstream = upstream(|peer| {
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")?;
        // Reads on for a moment, as servers do, so that a reset does not overtake the answer.
        peer.limit(Duration::from_millis(500));
        let _ = peer.rest();
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 100000\r\n\r\nfirst").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (413, b"no".to_vec()));
}
