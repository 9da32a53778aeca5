//! Cleartext HTTP/2 by prior knowledge, mostly by the client that everybody has: curl.

use crate::common::{Gateway, Peer, Upstream};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs curl over HTTP/2 only. It must be there: `scripts/test` installs it.
fn curl(arguments: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--http2-prior-knowledge", "--max-time", "15"])
        .args(arguments)
        .output()
        .expect("curl is needed")
}

fn gateway(upstream: &Upstream) -> Gateway {
    Gateway::to(upstream).listen("http2").start()
}

#[test]
fn a_request_and_its_answer_pass() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream);
    let url = format!("http://127.0.0.1:{}/two?a=b", gateway.port());
    let out = curl(&["--data", "body", "--write-out", " over %{http_version} with %{http_code}", &url]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "POST /two?a=b body over 2 with 200", "{out:?}");
}

#[test]
fn hop_by_hop_headers_of_http_1_do_not_leak_into_http_2() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    let gateway = gateway(&upstream);
    let out = curl(&["--include", &format!("http://127.0.0.1:{}/", gateway.port())]);
    let text = String::from_utf8_lossy(&out.stdout).to_ascii_lowercase();
    assert!(text.starts_with("http/2 200") && text.ends_with("ok"), "{out:?}");
    for name in ["connection:", "keep-alive:", "x-hop:", "transfer-encoding:"] {
        assert!(!text.contains(&format!("\n{name}")), "{name} leaked:\n{text}");
    }
}

#[test]
fn a_large_body_passes_both_ways() {
    let upstream = Upstream::start(|peer: &mut Peer, _| {
        let head = peer.head()?;
        let body = peer.body(&head)?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()))?;
        peer.send(body)
    });
    let gateway = gateway(&upstream);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    std::fs::write(&file, &data).unwrap();
    let body = format!("@{}", file.display());
    let out = curl(&["--data-binary", &body, &format!("http://127.0.0.1:{}/", gateway.port())]);
    assert!(out.stdout == data, "{} bytes came back; {}", out.stdout.len(), String::from_utf8_lossy(&out.stderr));
}

#[test]
fn requests_run_side_by_side_on_one_connection() {
    let upstream = Upstream::start(|peer, _| {
        let head = peer.head()?;
        let target = head.line.split(' ').nth(1).unwrap_or_default();
        std::thread::sleep(Duration::from_millis(if target == "/0" { 1000 } else { 300 }));
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let gateway = gateway(&upstream);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now();
    let statuses = runtime.block_on(async {
        let client = connect(gateway.port()).await;
        let answers = (0..20).map(|n| client.clone().send_request(request(gateway.port(), n)));
        futures_util::future::join_all(answers)
            .await
            .into_iter()
            .map(|a| a.unwrap().status().as_u16())
            .collect::<Vec<_>>()
    });
    assert_eq!(statuses, [200; 20]);
    assert!(start.elapsed() < Duration::from_secs(4), "one after the other: {:?}", start.elapsed());
}

/// One HTTP/2 connection; curl of this age cannot run requests side by side over cleartext.
async fn connect(port: u16) -> SendRequest<Empty<Bytes>> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let io = TokioIo::new(stream);
    let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(port: u16, number: usize) -> Request<Empty<Bytes>> {
    Request::get(format!("http://127.0.0.1:{port}/{number}")).body(Empty::new()).unwrap()
}
