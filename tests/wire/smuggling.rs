//! Requests whose end two readers could see in different places. Whatever the gateway makes of them, an upstream must
//! never see a second request that the gateway did not route (RFC 9112 §11.2).

use crate::common::pki::Pki;
use crate::common::tls;
use crate::common::witness::{Seen, Witness};
use crate::common::{Gateway, LIMIT, Upstream};
use std::io::{self, Read, Write};
use std::time::Duration;

/// Framings that disagree with themselves, or that lenient readers read differently. Each smuggles `GET /inner`.
const AMBIGUOUS: &[(&str, &str)] = &[
    (
        "both lengths",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
    ("two lengths", "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("list of lengths", "Content-Length: 0, 40\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("signed length", "Content-Length: +0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("negative length", "Content-Length: -1\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("huge length", "Content-Length: 18446744073709551616\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("blank before the colon", "Content-Length : 40\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("tab in the name", "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("unknown coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("chunked not last", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    (
        "two codings",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
    ("folded coding", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("vertical tab", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("bare line feeds in chunks", "Transfer-Encoding: chunked\r\n\r\n0\n\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("size with 0x", "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    (
        "size that wraps",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
    ("no end of chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("carriage return in a value", "X: a\rGET /inner HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    ("nul in a value", "X: a\0b\r\nContent-Length: 0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n"),
    (
        "named by connection",
        "Connection: Content-Length\r\nContent-Length: 40\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n0123",
    ),
];

#[test]
fn an_upstream_never_sees_a_request_that_was_not_routed() {
    let witness = Witness::start();
    let gateway = witness.behind_outer().start();
    for (name, rest) in AMBIGUOUS {
        witness.take();
        let mut client = gateway.connect();
        client.send(format!("POST /outer HTTP/1.1\r\nHost: gw.test\r\n{rest}")).unwrap();
        client.finish();
        client.limit(LIMIT);
        let _ = client.rest();
        // Another request over the same upstream connection, if it was kept.
        let mut next = gateway.connect();
        next.send("GET /outer/next HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        assert_eq!(next.head().unwrap().status(), 200, "{name}");
        let seen = witness.take();
        let routed = |one: &Seen| one.line().split(' ').nth(1).is_some_and(|target| target.starts_with("/outer"));
        assert!(seen.iter().all(routed) && seen.len() <= 2, "{name}: the upstream saw {seen:?}");
        assert!(seen.iter().all(|one| one.framings() <= 1), "{name}: the upstream saw {seen:?}");
    }
}

/// The same from the other side: an answer that promises two lengths must not put the next client out of step.
#[test]
fn an_ambiguous_answer_never_reaches_the_next_client() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 60\r\n\r\nokHTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Stolen: 1\r\n\r\n",
    ];
    for answer in answers {
        let upstream = Upstream::start(move |peer, number| {
            peer.head()?;
            peer.send(if number == 0 { answer } else { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" })?;
            // Stays open, so that the gateway may keep it, with what is too much waiting in it.
            peer.limit(Duration::from_secs(3));
            peer.head().map(|_| ())
        });
        let gateway = Gateway::to(&upstream).set("KONG_NGINX_WORKER_PROCESSES", "1").start();
        for _ in 0..2 {
            let mut client = gateway.connect();
            client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
            let head = client.head().unwrap();
            assert_eq!(head.get("x-stolen"), None, "{answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// TLS reads more than it is asked for. What is too much need not be left in the socket, where it would be seen: it is not
/// where an answer fills just the room that it is read into.
#[test]
fn what_is_left_within_tls_never_reaches_the_next_client() {
    const ROOM: usize = 16 * 1024;
    const STOLEN: &str = "HTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 0\r\n\r\n";
    let head = |size: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let exact = ROOM - head(ROOM).len();
    for size in [0, exact - 1, exact, exact + 1] {
        let port = tls::upstream(&Pki::new("upstream"), "up.test", move |mut stream, number| {
            stream.read_exact(&mut [0; 1])?;
            let (head, body) = (head(size), "x".repeat(size));
            let pieces = [head.as_str(), &body, STOLEN];
            at_once(&mut stream, if number == 0 { &pieces } else { &pieces[..2] })?;
            // Stays open, so that the gateway may keep it.
            while stream.read(&mut [0; 1024])? > 0 {}
            Ok(())
        });
        let gateway = Gateway::with(format!(
            "_format_version: '2.1'\nservices:\n- {{name: s, url: 'https://127.0.0.1:{port}', routes: [{{paths: [/]}}]}}\n"
        ));
        let gateway = gateway.set("KONG_NGINX_WORKER_PROCESSES", "1").start();
        for _ in 0..2 {
            let mut client = gateway.connect();
            client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
            let head = client.head().unwrap();
            assert_eq!(head.get("x-stolen"), None, "{size}");
            assert_eq!(client.body(&head).unwrap().len(), size);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Sends each piece in a TLS record of its own, all in one write.
fn at_once(stream: &mut tls::Served, pieces: &[&str]) -> io::Result<()> {
    pieces.iter().try_for_each(|piece| stream.conn.writer().write_all(piece.as_bytes()))?;
    stream.conn.write_tls(&mut stream.sock).map(drop)
}
