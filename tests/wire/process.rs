//! The process: how it stops, and what it writes.

use crate::common::{Gateway, LIMIT, Upstream, gateway, within};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// An upstream that tells when it was asked, and answers when it may.
pub(crate) fn patient() -> (Upstream, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        asked.send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv_timeout(LIMIT * 2);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    });
    (upstream, was_asked, go_on)
}

#[test]
fn a_stop_lets_the_request_under_way_finish() {
    for signal in ["TERM", "INT"] {
        let (upstream, was_asked, go_on) = patient();
        let mut gateway = Gateway::to(&upstream).start();
        let mut client = gateway.connect();
        client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        was_asked.recv_timeout(LIMIT).unwrap();
        gateway.signal(signal);
        let refused = within(LIMIT, || TcpStream::connect(("127.0.0.1", gateway.port())).is_err());
        assert!(refused, "{signal}: new connections are still taken");
        assert_eq!(gateway.ends_within(Duration::from_millis(300)), None, "{signal}: did not wait");
        go_on.send(()).unwrap();
        let head = client.head().unwrap();
        assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"done".to_vec()), "{signal}");
        let status = gateway.ends_within(LIMIT).expect("did not end");
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[test]
fn an_idle_connection_does_not_delay_a_stop() {
    let upstream = Upstream::echo();
    let mut gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    client.body(&head).unwrap();
    let start = Instant::now();
    gateway.signal("TERM");
    assert_eq!(gateway.ends_within(LIMIT).expect("did not end").code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (upstream, was_asked, _go_on) = patient();
    let mut gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    gateway.signal("INT");
    assert_eq!(gateway.ends_within(Duration::from_millis(500)), None, "the first one did not wait");
    gateway.signal("INT");
    assert!(gateway.ends_within(Duration::from_secs(5)).is_some());
}

#[test]
fn a_stop_waits_no_longer_than_it_may() {
    let (upstream, was_asked, _go_on) = patient();
    let mut gateway = Gateway::to(&upstream).set("KONG_DRAIN_TIMEOUT", "1s").start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    let start = Instant::now();
    gateway.signal("TERM");
    assert!(gateway.ends_within(LIMIT).is_some(), "did not end");
    let took = start.elapsed();
    assert!(took > Duration::from_millis(800) && took < Duration::from_secs(5), "took {took:?}");
}

#[test]
fn no_secret_is_ever_written() {
    // Made up; each has a part of its own that must not turn up.
    let (injected, client_bearer, key) = ("service-SECRET1", "client-SECRET2", "key-SECRET3");
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiU0VDUkVUIn0.c2lnLVNFQ1JFVDQ";
    let upstream = Upstream::echo();
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: rest\n  url: http://127.0.0.1:{}\n  routes:\n  - paths: [/]\n  \
         plugins:\n  - name: request-transformer\n    config:\n      replace: {{headers: [\"Authorization:Bearer \
         {injected}\"]}}\n- name: dead\n  url: http://127.0.0.1:9\n  routes:\n  - paths: [/dead]\n",
        upstream.port()
    ))
    .set("KONG_LOG_LEVEL", "debug")
    .start();
    let credentials = format!("Authorization: Bearer {client_bearer}\r\napikey: {key}\r\nCookie: token={jwt}\r\n");
    for path in ["/items", "/dead"] {
        let query = format!("?apikey={key}&token={jwt}&access_token={jwt}&select=name");
        let mut client = gateway.connect();
        client.send(format!("GET {path}{query} HTTP/1.1\r\nHost: gw.test\r\n{credentials}\r\n")).unwrap();
        client.head().unwrap();
        // A head that is refused must not end up in an error message either.
        let mut client = gateway.connect();
        client.send(format!("GET {path}{query} HTTP/9.9\r\n{credentials}Bad Header\r\n\r\n")).unwrap();
        let _ = client.rest();
    }
    assert!(within(LIMIT, || gateway.output().contains("/dead")), "no access log:\n{}", gateway.output());
    let output = gateway.output();
    for secret in [injected, client_bearer, key, jwt, "c2lnLVNFQ1JFVDQ", "SECRET"] {
        assert!(!output.contains(secret), "{secret} was written:\n{output}");
    }
    assert!(output.contains("/items"), "no access log:\n{output}");
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kong.yml");
    std::fs::write(&file, "_format_version: \"2.1\"\nservices:\n- name: a\n  host: b\n  prot: http\n").unwrap();
    let out = std::process::Command::new(gateway::binary())
        .args(["run", "--config"])
        .arg(&file)
        .env("KONG_PROXY_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success());
    assert!(text.contains("prot") && text.contains("kong.yml"), "{text}");
}

/// The accept queue is served in order: who connected before another that has an answer was accepted.
#[test]
fn a_client_that_has_just_connected_is_still_served() {
    let upstream = Upstream::echo();
    let mut gateway = Gateway::to(&upstream).set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    let (mut late, _silent) = (gateway.connect(), gateway.connect());
    assert_eq!(gateway.get("/").0, 200);
    gateway.signal("TERM");
    assert!(within(LIMIT, || gateway.output().contains("stopping")));
    late.send("GET /late HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    assert_eq!(late.head().unwrap().status(), 200);
    assert!(gateway.ends_within(LIMIT).is_some_and(|status| status.success()), "a silent client holds nothing up");
}
