//! Bodies flow as they come, in both directions, and no faster than the receiver takes them.

use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Far more than two TCP connections hold in their buffers, which grow to some 6 MB each way.
const STALLED: u64 = 48 << 20;

#[test]
fn server_sent_events_arrive_one_by_one() {
    let (tell, told) = mpsc::channel::<()>();
    let told = std::sync::Mutex::new(told);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for n in 0..3 {
            peer.send_chunk(format!("data: {n}\n\n"))?;
            // The next event waits until the client has this one.
            told.lock().unwrap().recv_timeout(LIMIT).map_err(std::io::Error::other)?;
        }
        peer.send("0\r\n\r\n")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET /events HTTP/1.1\r\nHost: gw.test\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().get("content-type"), Some("text/event-stream"));
    for n in 0..3 {
        assert_eq!(client.chunk().unwrap().unwrap(), format!("data: {n}\n\n").into_bytes());
        tell.send(()).unwrap();
    }
    assert_eq!(client.chunk().unwrap(), None);
}

#[test]
fn a_head_arrives_before_its_body() {
    let (tell, told) = mpsc::channel::<()>();
    let told = std::sync::Mutex::new(told);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")?;
        told.lock().unwrap().recv_timeout(LIMIT).map_err(std::io::Error::other)?;
        peer.send("late")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    tell.send(()).unwrap();
    assert_eq!(client.body(&head).unwrap(), b"late");
}

#[test]
fn an_upload_reaches_the_upstream_while_it_is_sent() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        while let Some(data) = peer.chunk()? {
            tell.send(data).unwrap();
        }
        peer.trailers()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("POST /up HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for part in ["first", "second", "third"] {
        client.send_chunk(part).unwrap();
        assert_eq!(told.recv_timeout(LIMIT).expect("the chunk waits for the next one"), part.as_bytes());
    }
    client.send("0\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
}

#[test]
fn an_answer_may_begin_before_the_upload_ends() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while let Some(data) = peer.chunk()? {
            peer.send_chunk(data)?;
        }
        peer.send("0\r\n\r\n")
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.send("POST /talk HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    client.send_chunk("hello").unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(client.chunk().unwrap().unwrap(), b"hello");
    client.send_chunk("again").unwrap();
    assert_eq!(client.chunk().unwrap().unwrap(), b"again");
    client.send("0\r\n\r\n").unwrap();
    assert_eq!(client.chunk().unwrap(), None);
}

/// Sends until the receiver's side is full, `STALLED` bytes are gone, or the time is over; what was sent.
fn pump(peer: &mut Peer, sent: &AtomicU64) {
    let block = [b'x'; 64 * 1024];
    let end = Instant::now() + Duration::from_secs(6);
    peer.limit(Duration::from_millis(500));
    while Instant::now() < end && sent.load(Ordering::SeqCst) < 2 * STALLED {
        if let Ok(count) = peer.send_some(&block) {
            sent.fetch_add(count as u64, Ordering::SeqCst);
        }
    }
}

/// Waits until no more is sent.
fn settle(sent: &AtomicU64) -> u64 {
    let mut last = u64::MAX;
    within(Duration::from_secs(5), || {
        std::thread::sleep(Duration::from_millis(700));
        let now = sent.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now && now > 0
    });
    last
}

#[test]
fn a_client_that_does_not_read_stops_the_upstream() {
    let sent = Arc::new(AtomicU64::new(0));
    let count = sent.clone();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")?;
        pump(peer, &count);
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let (before, _) = gateway.memory();
    let mut client = gateway.connect();
    client.send("GET /big HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    client.head().unwrap();
    let stalled = settle(&sent);
    let (_, peak) = gateway.memory();
    assert!(stalled < STALLED, "the upstream could send {stalled} bytes");
    assert!(peak < before + 16 * 1024, "memory grew from {before} to {peak} KiB");
}

#[test]
fn an_upstream_that_does_not_read_stops_the_client() {
    let (tell, told) = mpsc::channel::<()>();
    let told = std::sync::Mutex::new(told);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        let _ = told.lock().unwrap().recv_timeout(LIMIT);
        Ok(())
    });
    let gateway = Gateway::to(&upstream).start();
    let (before, _) = gateway.memory();
    let mut client = gateway.connect();
    client.send("PUT /big HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let count = sent.clone();
    let pumping = std::thread::spawn(move || pump(&mut client, &count));
    let stalled = settle(&sent);
    let (_, peak) = gateway.memory();
    tell.send(()).unwrap();
    pumping.join().unwrap();
    assert!(stalled < STALLED, "the client could send {stalled} bytes");
    assert!(peak < before + 16 * 1024, "memory grew from {before} to {peak} KiB");
}

#[test]
fn a_client_that_pauses_longer_than_the_upstream_may_still_gets_everything() {
    // The upstream has only `read_timeout` between two pieces; the time that the client takes is not the upstream's.
    const SIZE: usize = 24 * 1024 * 1024;
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
        peer.send(vec![b'x'; SIZE])
    });
    let config = format!(
        "_format_version: '2.1'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', read_timeout: 700, retries: 0, \
         routes: [{{name: r, paths: [/]}}]}}\n",
        upstream.port()
    );
    let gateway = Gateway::with(config).start();
    let mut client = gateway.connect();
    client.send("GET /big HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(client.body(&head).unwrap().len(), SIZE);
}
