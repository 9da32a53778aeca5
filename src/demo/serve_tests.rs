#![allow(clippy::unwrap_used)]

use super::*;
use std::io::{Read, Write};
use std::time::Duration;

/// A connection to a stand-in of its own.
fn connect() -> std::net::TcpStream {
    let stand_in = StandIn { host: "rest".into(), port: 3000, services: vec!["rest-v1".to_owned()] };
    let addresses = start(&[stand_in]).unwrap();
    assert_eq!(addresses[0].0, ("rest".into(), 3000));
    let socket = std::net::TcpStream::connect(addresses[0].1).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

fn read_until(socket: &mut impl Read, end: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(end) {
        let mut byte = [0];
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "ended: {}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

#[test]
fn a_request_is_told_back() {
    let mut socket = connect();
    socket.write_all(b"POST /x?a=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&told["path"], &told["query"]["a"], &told["body"]), (&"/x".into(), &"1".into(), &"hi".into()));
}

#[test]
fn events_tick() {
    let mut socket = connect();
    socket.write_all(b"GET /mcp HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    let text = read_until(&mut socket, "{\"tick\":1}\n\n");
    assert!(text.contains("content-type: text/event-stream\r\n"), "{text}");
}

#[test]
fn messages_are_echoed() {
    let mut socket = connect();
    socket
        .write_all(
            b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\x00\x00\x00\x00hi\x88\x80\x00\x00\x00\x00",
        )
        .unwrap();
    let head = read_until(&mut socket, "\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    let mut frames = Vec::new();
    socket.read_to_end(&mut frames).unwrap();
    assert_eq!(frames, b"\x81\x02hi\x88\x00");
}
