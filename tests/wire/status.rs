//! The status and admin listeners: what they tell of the process, and that nobody holds them up.

use crate::common::gateway::{Builder, free_port};
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// A gateway with a status listener, and its port.
fn watched(builder: Builder, flags: &str) -> (Gateway, u16) {
    let port = free_port();
    (builder.set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port} {flags}")).start(), port)
}

/// Status, head and document of an answer.
fn ask(port: u16, method: &str, target: &str) -> (u16, String, String) {
    let mut peer = Peer::connect(port).unwrap();
    peer.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).unwrap();
    let head = peer.head().unwrap();
    let body = if method == "HEAD" { Vec::new() } else { peer.body(&head).unwrap() };
    let lines = head.headers.iter().map(|(name, value)| format!("{}: {value}\n", name.to_lowercase())).collect();
    (head.status(), lines, String::from_utf8(body).unwrap())
}

#[test]
fn it_lives_and_is_ready_and_says_what_it_counted() {
    let upstream = Upstream::echo();
    let (gateway, port) = watched(Gateway::to(&upstream), "");
    assert_eq!(ask(port, "GET", "/livez").0, 200);
    assert_eq!(ask(port, "GET", "/readyz").2, r#"{"message":"ready"}"#);
    let served = |port| -> Value { serde_json::from_str(&ask(port, "GET", "/status").2).unwrap() };
    let before = served(port)["server"]["total_requests"].as_u64().unwrap();
    for _ in 0..3 {
        assert_eq!(gateway.get("/").0, 200);
    }
    let _open = gateway.connect();
    let counted = |key: &str, value: u64| within(LIMIT, || served(port)["server"][key].as_u64() == Some(value));
    assert!(counted("total_requests", before + 3), "{}", served(port));
    assert!(counted("connections_active", 1), "{}", served(port));
    assert!(counted("connections_waiting", 1), "{}", served(port));
    assert_eq!(served(port)["database"]["reachable"], true);
}

#[test]
fn other_questions_are_turned_down_in_kongs_words() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "");
    let (status, head, body) = ask(port, "GET", "/services");
    assert_eq!((status, &*body), (404, r#"{"message":"Not found"}"#));
    assert!(head.contains("content-type: application/json; charset=utf-8\n"), "{head}");
    assert!(head.contains("x-kong-admin-latency: "), "{head}");
    assert_eq!(ask(port, "POST", "/status").0, 405);
    assert_eq!(ask(port, "HEAD", "/status").0, 200);
    let mut peer = Peer::connect(port).unwrap();
    peer.send(format!("GET / HTTP/1.1\r\nHost: h\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024))).unwrap();
    assert_eq!(peer.head().unwrap().status(), 431);
}

#[test]
fn a_configuration_without_routes_is_not_ready() {
    let (_gateway, port) = watched(Gateway::with("_format_version: \"3.0\"\n"), "");
    assert_eq!((ask(port, "GET", "/readyz").0, ask(port, "GET", "/livez").0), (503, 200));
}

#[test]
fn while_it_stops_it_lives_and_is_not_ready() {
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        asked.send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv_timeout(LIMIT * 2);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    });
    let (mut gateway, port) = watched(Gateway::to(&upstream), "");
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    gateway.signal("TERM");
    assert!(within(LIMIT, || ask(port, "GET", "/readyz").0 == 503));
    assert_eq!(ask(port, "GET", "/livez").0, 200);
    go_on.send(()).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(gateway.ends_within(LIMIT).expect("did not end").code(), Some(0));
}

#[test]
fn idle_connections_do_not_keep_a_probe_out() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "");
    let _silent: Vec<_> = (0..256).map(|_| Peer::connect(port).unwrap()).collect();
    assert_eq!(ask(port, "GET", "/livez").0, 200);
}

#[test]
fn it_speaks_tls_where_told() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "ssl");
    let told = Command::new("curl")
        .args(["-sk", "--max-time", "10", &format!("https://127.0.0.1:{port}/readyz")])
        .stdin(Stdio::null())
        .output()
        .expect("curl is needed");
    assert_eq!(String::from_utf8_lossy(&told.stdout), r#"{"message":"ready"}"#);
}

#[test]
fn a_port_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Gateway::to(&Upstream::echo()).set("KONG_STATUS_LISTEN", &address).fails();
    assert!(output.contains(&format!("cannot listen on {address}")), "{output}");
}
