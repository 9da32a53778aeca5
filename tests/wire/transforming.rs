//! `response-transformer` where unit tests cannot see it: bodies that come slowly, break off, or are long.

use crate::common::{Gateway, Peer, Upstream};
use std::io;
use std::time::Duration;

/// A gateway that adds a member to every JSON answer, before an upstream that may be silent for 800 ms; at `/down` nobody
/// listens.
fn gateway(upstream: &Upstream) -> Gateway {
    let config = format!(
        r"_format_version: '2.1'
services:
- {{name: s, url: 'http://127.0.0.1:{}', read_timeout: 800, retries: 0, routes: [{{name: r, paths: [/]}}]}}
- {{name: down, url: 'http://127.0.0.1:1', retries: 0, routes: [{{name: down, paths: [/down]}}]}}
plugins:
- {{name: response-transformer, config: {{add: {{json: ['b:2'], headers: ['x-seen:yes']}}}}}}
",
        upstream.port()
    );
    Gateway::with(config).start()
}

fn head(peer: &mut Peer) -> io::Result<()> {
    peer.head()?;
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// Asks over a connection: status and body.
fn ask(client: &mut Peer, target: &str) -> io::Result<(u16, Vec<u8>)> {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n\r\n"))?;
    let head = client.head()?;
    assert_eq!(head.get("x-seen"), Some("yes"));
    Ok((head.status(), client.body(&head)?))
}

#[test]
fn a_body_that_comes_on_is_waited_for() {
    let upstream = Upstream::start(|peer, _| {
        loop {
            head(peer)?;
            for piece in ["[", "1", ",", "2", "]"] {
                std::thread::sleep(Duration::from_millis(400));
                peer.send_chunk(piece)?;
            }
            peer.send("0\r\n\r\n")?;
        }
    });
    let gateway = gateway(&upstream);
    let mut client = gateway.connect();
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "/slow").unwrap(), (200, b"[1,2]".to_vec()));
    }
    assert_eq!(upstream.connections(), 1, "the upstream's connection is kept");
}

#[test]
fn a_body_that_stops_or_breaks_off_never_looks_whole() {
    let upstream = Upstream::start(|peer, _| {
        let asked = peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        peer.send_chunk("{\"a\":1}")?;
        if asked.line.contains("/stops") {
            std::thread::sleep(Duration::from_secs(3));
        }
        Ok(())
    });
    let gateway = gateway(&upstream);
    for target in ["/stops", "/breaks"] {
        assert!(ask(&mut gateway.connect(), target).is_err(), "{target}");
    }
    assert_eq!(gateway.output().matches("the upstream's answer ended early").count(), 2, "{}", gateway.output());
}

#[test]
fn what_is_too_long_to_be_held_goes_on_as_it_came() {
    const PIECE: usize = 1 << 20;
    let upstream = Upstream::start(|peer, _| {
        head(peer)?;
        for _ in 0..12 {
            peer.send_chunk(vec![b' '; PIECE])?;
        }
        peer.send_chunk("{\"a\":1}")?;
        peer.send("0\r\n\r\n")
    });
    let gateway = gateway(&upstream);
    let (_, body) = ask(&mut gateway.connect(), "/long").unwrap();
    assert_eq!(body.len(), 12 * PIECE + 7);
    assert!(body.ends_with(b" {\"a\":1}"));
    assert!(gateway.output().contains("too long to be changed"), "{}", gateway.output());
}

#[test]
fn every_answer_is_changed_whoever_made_it() {
    let upstream =
        Upstream::answering("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    let gateway = gateway(&upstream);
    let mut client = gateway.connect();
    assert_eq!(ask(&mut client, "/").unwrap(), (200, b"{\"b\":\"2\"}".to_vec()));
    assert_eq!(ask(&mut client, "/down").unwrap().0, 502);
}

#[test]
fn a_client_without_chunks_is_told_that_the_connection_ends() {
    let upstream = Upstream::start(|peer, _| {
        head(peer)?;
        peer.send_chunk("{}")?;
        peer.send("0\r\n\r\n")
    });
    let gateway = gateway(&upstream);
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.0\r\nHost: gw.test\r\nConnection: keep-alive\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().get("connection"), Some("close"));
    assert_eq!(client.rest().unwrap(), b"{\"b\":\"2\"}");
}
