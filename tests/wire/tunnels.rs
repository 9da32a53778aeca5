//! `Upgrade`: after a 101 the gateway carries bytes, whatever they are.

use crate::common::{Gateway, Peer, Upstream};
use std::io;
use std::time::Duration;

/// Agrees to any upgrade, then sends everything back in upper case.
pub(crate) fn shouting(peer: &mut Peer, _: usize) -> io::Result<()> {
    let head = peer.head()?;
    let (upgrade, connection) = (head.get("upgrade").unwrap_or("none"), head.get("connection").unwrap_or_default());
    if upgrade == "none" || !connection.to_ascii_lowercase().contains("upgrade") {
        // It closes, and says so: who takes it up again gets a reset at times.
        return peer.send("HTTP/1.1 400 No Upgrade\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
    let accept = head.get("sec-websocket-key").map(|key| format!("Sec-WebSocket-Accept: for-{key}\r\n"));
    let accept = accept.unwrap_or_default();
    // The greeting comes in one piece with the head: not a byte of it may be lost.
    peer.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n{accept}\r\nwelcome;"
    ))?;
    loop {
        let word = peer.until(b";")?;
        if word == b"bye" {
            return Ok(());
        }
        peer.send(word.to_ascii_uppercase())?;
        peer.send(";")?;
    }
}

fn open(gateway: &Gateway, protocol: &str, more: &str) -> Peer {
    let mut client = gateway.connect();
    client
        .send(format!(
            "GET /socket HTTP/1.1\r\nHost: gw.test\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\n{more}\r\n"
        ))
        .unwrap();
    client
}

#[test]
fn a_websocket_carries_bytes_both_ways() {
    let upstream = Upstream::start(shouting);
    let gateway = Gateway::to(&upstream).start();
    let key = "Sec-WebSocket-Key: a2V5\r\nSec-WebSocket-Version: 13\r\n";
    let mut client = open(&gateway, "websocket", key);
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("sec-websocket-accept")), (101, Some("for-a2V5")));
    assert_eq!(head.get("upgrade").map(str::to_ascii_lowercase).as_deref(), Some("websocket"));
    assert_eq!(client.until(b";").unwrap(), b"welcome");
    for word in ["one", "two", "\0\u{81}\u{fe}"] {
        client.send(format!("{word};")).unwrap();
        assert_eq!(client.until(b";").unwrap(), word.as_bytes().to_ascii_uppercase());
    }
}

#[test]
fn any_other_protocol_passes_as_well() {
    let upstream = Upstream::start(shouting);
    let gateway = Gateway::to(&upstream).start();
    let mut client = open(&gateway, "chat/2", "");
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("upgrade")), (101, Some("chat/2")));
    client.send("hello;").unwrap();
    assert_eq!(client.until(b";").unwrap(), b"welcome");
    assert_eq!(client.until(b";").unwrap(), b"HELLO");
}

#[test]
fn the_end_of_a_tunnel_reaches_the_client() {
    let upstream = Upstream::start(shouting);
    let gateway = Gateway::to(&upstream).start();
    let mut client = open(&gateway, "websocket", "");
    client.head().unwrap();
    client.send("bye;").unwrap();
    assert!(client.closes_within(Duration::from_secs(5)));
}

#[test]
fn the_end_of_a_tunnel_reaches_the_upstream() {
    let (tell, told) = std::sync::mpsc::channel();
    let upstream = Upstream::start(move |peer, number| {
        let _ = shouting(peer, number);
        tell.send(()).map_err(io::Error::other)
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = open(&gateway, "websocket", "");
    client.head().unwrap();
    drop(client);
    told.recv_timeout(Duration::from_secs(5)).expect("the upstream's side stays open");
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let upstream = Upstream::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let gateway = Gateway::to(&upstream).start();
    let mut client = open(&gateway, "websocket", "");
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (403, b"no".to_vec()));
}

#[test]
fn an_upgrade_that_nobody_asked_for_is_no_tunnel() {
    let upstream = Upstream::answering(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nsurprise",
    );
    let gateway = Gateway::to(&upstream).start();
    assert_eq!(gateway.get("/").0, 502);
}

#[test]
fn a_tunnel_outlives_the_timeouts_of_requests_but_not_its_own() {
    let upstream = Upstream::start(shouting);
    let gateway = Gateway::to(&upstream)
        .set("KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT", "1s")
        .set("KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT", "1s")
        .set("KONG_TUNNEL_TIMEOUT", "4s")
        .start();
    let mut client = open(&gateway, "websocket", "");
    client.head().unwrap();
    assert_eq!(client.until(b";").unwrap(), b"welcome");
    assert!(client.silent_for(Duration::from_millis(2500)), "closed too early");
    client.send("still;").unwrap();
    assert_eq!(client.until(b";").unwrap(), b"STILL");
    assert!(client.closes_within(Duration::from_secs(10)), "a dead tunnel stays open");
}
