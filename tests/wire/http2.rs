//! Cleartext HTTP/2 by prior knowledge, mostly by the client that everybody has: curl.

use crate::common::frames::{
    DATA, END_STREAM, Frames, GOAWAY, Outcome, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, head,
};
use crate::common::{Gateway, LIMIT, Peer, Upstream};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::process::{Command, Output};
use std::sync::mpsc;
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
fn the_authority_stands_for_host() {
    // RFC 9113 §8.3.1: it chooses the route, and it is what an upstream gets to see.
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        loop {
            tell.send(peer.head()?).unwrap();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
    });
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - name: here\n    \
         hosts: [here.test]\n    preserve_host: true\n",
        upstream.port()
    ))
    .listen("http2")
    .start();
    let port = gateway.port();
    let connect = format!("here.test:{port}:127.0.0.1");
    let code = |url: String| {
        let out = curl(&["--resolve", &connect, "--output", "/dev/null", "--write-out", "%{http_code}", &url]);
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert_eq!(code(format!("http://127.0.0.1:{port}/")), "404");
    assert_eq!(code(format!("http://here.test:{port}/")), "200");
    let head = told.recv_timeout(LIMIT).unwrap();
    assert_eq!(head.get("host"), Some(format!("here.test:{port}").as_str()));
    assert_eq!(head.get("x-forwarded-host"), Some("here.test"));
}

#[test]
fn an_idle_connection_is_closed() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).listen("http2").set("KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT", "1s").start();
    run(gateway.port(), async |mut client| {
        assert_eq!(client.send_request(request(gateway.port(), 0)).await.unwrap().status(), 200);
        // This client answers pings: that does not make it less idle.
        let end = Instant::now() + Duration::from_secs(8);
        while !client.is_closed() {
            assert!(Instant::now() < end, "still open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
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
    let start = Instant::now();
    let statuses = run(gateway.port(), async |client| {
        let answers = (0..20).map(|n| client.clone().send_request(request(gateway.port(), n)));
        let answers = futures_util::future::join_all(answers).await;
        answers.into_iter().map(|a| a.unwrap().status().as_u16()).collect::<Vec<_>>()
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

/// Runs one HTTP/2 exchange.
fn run<T>(port: u16, work: impl AsyncFnOnce(SendRequest<Empty<Bytes>>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let limited = tokio::time::timeout(LIMIT, async { work(connect(port).await).await });
        limited.await.expect("took too long")
    })
}

#[test]
fn cookies_that_came_apart_go_upstream_in_one_line() {
    // RFC 9113 §8.2.3: an HTTP/1.1 server may read only the first of several lines.
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        tell.send(peer.head()?).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let gateway = gateway(&upstream);
    run(gateway.port(), async |mut client| {
        let mut request = request(gateway.port(), 0);
        request.headers_mut().append("cookie", "a=1".parse().unwrap());
        request.headers_mut().append("cookie", "b=2".parse().unwrap());
        assert_eq!(client.send_request(request).await.unwrap().status(), 200);
    });
    let head = told.recv_timeout(LIMIT).unwrap();
    let cookies: Vec<_> = head.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("cookie")).collect();
    assert_eq!((cookies.len(), head.get("cookie")), (1, Some("a=1; b=2")), "{head:?}");
}

#[test]
fn a_reset_stream_ends_the_upstream_s_work() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while peer.send_chunk([b'x'; 1000]).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        tell.send(()).map_err(std::io::Error::other)
    });
    let gateway = gateway(&upstream);
    run(gateway.port(), async |mut client| {
        let mut answer = client.send_request(request(gateway.port(), 0)).await.unwrap();
        answer.body_mut().frame().await.unwrap().unwrap();
        drop(answer);
        // The connection stays: only the stream is gone.
        tokio::task::spawn_blocking(move || told.recv_timeout(LIMIT / 2).expect("the upstream still sends"))
            .await
            .unwrap();
    });
}

#[test]
fn events_arrive_one_by_one_over_http_2() {
    let (tell, told) = mpsc::channel::<()>();
    let told = std::sync::Mutex::new(told);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for n in 0..3 {
            peer.send_chunk(format!("data: {n}\n\n"))?;
            told.lock().unwrap().recv_timeout(LIMIT).map_err(std::io::Error::other)?;
        }
        peer.send("0\r\n\r\n")
    });
    let gateway = gateway(&upstream);
    run(gateway.port(), async |mut client| {
        let mut answer = client.send_request(request(gateway.port(), 0)).await.unwrap();
        for n in 0..3 {
            let frame = answer.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), format!("data: {n}\n\n").into_bytes());
            tell.send(()).unwrap();
        }
        assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
    });
}

#[test]
fn a_stream_that_is_not_read_does_not_hold_up_another() {
    let upstream = Upstream::start(|peer, _| {
        let head = peer.head()?;
        let big = head.line.contains("/1 ");
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", if big { 100_000_000 } else { 2 }))?;
        if big { (0..100).try_for_each(|_| peer.send(vec![b'x'; 1_000_000])) } else { peer.send("ok") }
    });
    let gateway = gateway(&upstream);
    let (before, _) = gateway.memory();
    run(gateway.port(), async |mut client| {
        let stalled = client.send_request(request(gateway.port(), 1)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let answer = client.send_request(request(gateway.port(), 2)).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
        drop(stalled);
    });
    let (_, peak) = gateway.memory();
    assert!(peak < before + 16 * 1024, "memory grew from {before} to {peak} KiB");
}

#[test]
fn the_upstream_s_time_begins_with_the_last_byte_not_with_the_end_of_the_stream() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        std::thread::sleep(LIMIT);
        Ok(())
    });
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  retries: 0\n  read_timeout: 300\n  \
         routes:\n  - paths: [/]\n",
        upstream.port()
    ))
    .start();
    for end in [None, Some(frame(DATA, END_STREAM, 1, &[]))] {
        let mut client = Frames::open(&gateway);
        let fields =
            [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/"), ("content-length", "1")];
        client.send([head(1, 0, &fields), frame(DATA, 0, 1, b"x")].concat()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        if let Some(end) = end {
            client.send(end).unwrap();
        }
        assert_eq!(client.outcome(1), Outcome::Status(504));
    }
}

/// A client whose windows are as large as they may be, and that has asked for `/`: only its socket holds anything up.
fn wide_open(gateway: &Gateway) -> Frames {
    let (mut client, most) = (Frames::open(gateway), 0x7fff_0000_u32.to_be_bytes());
    let window = [&[0, 4][..], &most].concat();
    client.send([frame(SETTINGS, 0, 0, &window), frame(WINDOW_UPDATE, 0, 0, &most)].concat()).unwrap();
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")];
    client.send(head(1, END_STREAM, &fields)).unwrap();
    client
}

/// How many bytes of bodies come before the connection, or a stream, ends; `pause` is called after each frame.
fn data(client: &mut Frames, mut pause: impl FnMut()) -> usize {
    let mut total = 0;
    while let Ok(frame) = client.next()
        && !matches!(frame.kind, GOAWAY | RST_STREAM)
    {
        total += if frame.kind == DATA { frame.payload.len() } else { 0 };
        if frame.kind == DATA && frame.flags & END_STREAM != 0 {
            break;
        }
        pause();
    }
    total
}

#[test]
fn a_client_that_stops_reading_is_cut_off() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
        tell.send((0..100).try_for_each(|_| peer.send(vec![b'x'; 1_000_000])).is_err()).map_err(std::io::Error::other)
    });
    let gateway = Gateway::to(&upstream).listen("http2").set("KONG_NGINX_HTTP_SEND_TIMEOUT", "1s").start();
    let mut client = wide_open(&gateway);
    assert!(told.recv_timeout(LIMIT).expect("the upstream is not let go"));
    assert!(data(&mut client, || ()) < 100_000_000);
}

#[test]
fn a_client_that_reads_slowly_gets_everything() {
    const SIZE: usize = 20_000_000;
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
        (0..20).try_for_each(|_| peer.send(vec![b'x'; SIZE / 20]))
    });
    let gateway = Gateway::to(&upstream).listen("http2").set("KONG_NGINX_HTTP_SEND_TIMEOUT", "1s").start();
    let (mut client, start) = (wide_open(&gateway), Instant::now());
    assert_eq!(data(&mut client, || std::thread::sleep(Duration::from_millis(2))), SIZE);
    assert!(start.elapsed() > Duration::from_secs(2), "that was not slow");
}

#[test]
fn answers_under_way_arrive_whole_when_the_gateway_stops() {
    const SIZE: usize = 300_000;
    let (go_on, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\nx"))?;
        may_go.lock().unwrap().recv_timeout(LIMIT).map_err(std::io::Error::other)?;
        peer.send(vec![b'x'; SIZE - 1])
    });
    let mut gateway = gateway(&upstream);
    run(gateway.port(), async |client| {
        let asked = (0..3).map(|n| client.clone().send_request(request(gateway.port(), n)));
        let answers = futures_util::future::join_all(asked).await;
        gateway.signal("TERM");
        tokio::time::sleep(Duration::from_millis(300)).await;
        (0..3).for_each(|_| go_on.send(()).unwrap());
        for answer in answers {
            assert_eq!(answer.unwrap().into_body().collect().await.unwrap().to_bytes().len(), SIZE);
        }
    });
    assert!(gateway.ends_within(LIMIT).is_some_and(|status| status.success()));
}
