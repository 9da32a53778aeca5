//! Large answers between two connections in the clear, which the kernel moves: what arrives, and what is known of it, is the
//! same.

use crate::common::gateway::Builder;
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

const KIB: usize = 1024;
/// More than sockets and a pipe hold.
const LARGE: usize = 48 * KIB * KIB;
/// About where it begins, what a pipe holds, and far more.
const SIZES: [usize; 9] =
    [1, 16 * KIB, 63 * KIB, 64 * KIB, 80 * KIB + 1, 128 * KIB, 512 * KIB + 7, 1025 * KIB, 5000 * KIB];

/// Bytes that tell where they are.
fn bytes(size: usize) -> &'static [u8] {
    static ALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let row: Vec<u8> = (0..=250).collect();
        let rows = (0..=LARGE / row.len()).flat_map(|number| [&row[..], &number.to_le_bytes()].concat());
        rows.take(LARGE).collect()
    });
    &ALL[..size]
}

/// An upstream that sends as many bytes as the path says, in pieces; a pause between them makes it slow.
fn upstream(piece: usize, pause: Duration) -> Upstream {
    bytes(LARGE);
    Upstream::start(move |peer, _| {
        loop {
            let head = peer.head()?;
            let size = head.line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"))?;
            if head.line.starts_with("HEAD") {
                continue;
            }
            for piece in bytes(size).chunks(piece) {
                peer.send(piece)?;
                std::thread::sleep(pause);
            }
        }
    })
}

/// One worker, which writes a line for each answer: its status and the bytes of its body.
fn gateway(upstream: &Upstream, timeout: u32, log: &Path) -> Builder {
    Gateway::with(format!(
        "_format_version: '2.1'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', read_timeout: {timeout}, retries: 0, \
         routes: [{{name: r, paths: [/]}}]}}\n",
        upstream.port()
    ))
    .set("KONG_NGINX_WORKER_PROCESSES", "1")
    .set("KONG_NGINX_HTTP_LOG_FORMAT", "short '$status $body_bytes_sent'")
    .set("KONG_PROXY_ACCESS_LOG", &format!("{} short", log.display()))
}

fn ask(client: &mut Peer, method: &str, size: usize) {
    client.send(format!("{method} /{size} HTTP/1.1\r\nHost: gw.test\r\n\r\n")).unwrap();
}

/// The one line of a log, once it is there.
fn line(log: &Path) -> String {
    let text = || fs::read_to_string(log).unwrap_or_default();
    assert!(within(LIMIT, || text().ends_with('\n')), "no line");
    text()
}

/// Asks for a large body and reads some of it; gives what is not read.
fn begun(gateway: &Gateway) -> Peer {
    let mut client = gateway.connect();
    ask(&mut client, "GET", LARGE);
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(client.exact(300 * KIB).unwrap(), bytes(300 * KIB));
    client
}

#[test]
fn bodies_of_all_sizes_arrive_unchanged_and_both_connections_stay() {
    let folder = tempfile::tempdir().unwrap();
    for (piece, pause) in [(usize::MAX, 0), (50 * KIB, 1), (1001 * KIB, 20)] {
        let upstream = upstream(piece, Duration::from_millis(pause));
        let gateway = gateway(&upstream, 60_000, &folder.path().join("log")).start();
        let mut client = gateway.connect();
        for size in SIZES {
            for method in ["GET", "HEAD"] {
                ask(&mut client, method, size);
                let head = client.head().unwrap();
                assert_eq!(head.get("content-length"), Some(size.to_string().as_str()));
                let wanted = if method == "HEAD" { &[] } else { bytes(size) };
                assert!(client.exact(wanted.len()).unwrap() == wanted, "{method} {size} {piece}");
            }
        }
        assert_eq!(upstream.connections(), 1);
    }
}

#[test]
fn a_slow_client_gets_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(usize::MAX, Duration::ZERO);
    let gateway = gateway(&upstream, 500, &folder.path().join("log")).start();
    let mut client = gateway.connect();
    ask(&mut client, "GET", LARGE);
    client.head().unwrap();
    let wanted = bytes(LARGE);
    for piece in wanted.chunks(LARGE / 3) {
        // Longer than the upstream may be silent.
        std::thread::sleep(Duration::from_millis(800));
        assert!(client.exact(piece.len()).unwrap() == piece);
    }
    ask(&mut client, "GET", 100 * KIB);
    let head = client.head().unwrap();
    assert!(client.body(&head).unwrap() == bytes(100 * KIB));
}

#[test]
fn more_clients_than_there_are_pipes_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream(usize::MAX, Duration::ZERO);
    let gateway = gateway(&upstream, 60_000, &folder.path().join("log")).start();
    let (before, _) = gateway.memory();
    let mut clients: Vec<_> = (0..100).map(|_| gateway.connect()).collect();
    for client in &mut clients {
        ask(client, "GET", LARGE / 4);
    }
    for client in &mut clients {
        client.head().unwrap();
        assert!(client.exact(600 * KIB).unwrap() == bytes(600 * KIB));
    }
    let (_, peak) = gateway.memory();
    assert!(peak < before + 32 * 1024, "memory grew from {before} to {peak} KiB");
}

#[test]
fn a_client_that_goes_is_logged_with_what_it_got_and_ends_the_upstream_s_work() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let upstream = upstream(64 * KIB, Duration::ZERO);
    let gateway = gateway(&upstream, 60_000, &log).start();
    drop(begun(&gateway));
    let line = line(&log);
    let sent: usize = line.trim_end().strip_prefix("200 ").unwrap().parse().unwrap();
    assert!((300 * KIB..LARGE).contains(&sent), "{line}");
    let before = upstream.connections();
    assert_eq!(gateway.get("/3").0, 200);
    assert_eq!(upstream.connections(), before + 1, "a connection with half a body on it is used again");
}

#[test]
fn an_upstream_that_ends_early_ends_the_client_s_connection() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
        peer.send(bytes(900_000))
    });
    let gateway = gateway(&upstream, 60_000, &log).start();
    let mut client = gateway.connect();
    ask(&mut client, "GET", 1);
    client.head().unwrap();
    assert!(client.rest().unwrap() == bytes(900_000));
    assert_eq!(line(&log), "200 900000\n");
    assert!(within(LIMIT, || gateway.output().contains("the upstream's answer ended early")));
}

#[test]
fn an_upstream_that_stalls_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
        peer.send(bytes(500_000))?;
        assert!(peer.closes_within(LIMIT));
        Ok(())
    });
    let gateway = gateway(&upstream, 400, &log).start();
    let mut client = gateway.connect();
    ask(&mut client, "GET", 1);
    client.head().unwrap();
    assert!(client.rest().unwrap() == bytes(500_000));
    assert_eq!(line(&log), "200 500000\n");
    assert!(gateway.output().contains("the upstream sent nothing for too long"), "{}", gateway.output());
}

#[test]
fn a_client_that_stalls_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let upstream = upstream(64 * KIB, Duration::ZERO);
    let gateway = gateway(&upstream, 60_000, &log).set("KONG_NGINX_HTTP_SEND_TIMEOUT", "1s").start();
    let _client = begun(&gateway);
    let line = line(&log);
    let sent: usize = line.trim_end().strip_prefix("200 ").unwrap().parse().unwrap();
    assert!((300 * KIB..LARGE).contains(&sent), "{line}");
}

#[test]
fn a_part_of_a_file_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(|peer, _| {
        loop {
            peer.head()?;
            peer.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-300004/900000\r\nContent-Length: 300000\r\n\r\n")?;
            peer.send(&bytes(900_000)[5..300_005])?;
        }
    });
    let gateway = gateway(&upstream, 60_000, &folder.path().join("log")).start();
    let mut client = gateway.connect();
    for _ in 0..3 {
        client.send("GET /1 HTTP/1.1\r\nHost: gw.test\r\nRange: bytes=5-300004\r\n\r\n").unwrap();
        let head = client.head().unwrap();
        assert_eq!((head.status(), head.get("content-range")), (206, Some("bytes 5-300004/900000")));
        assert!(client.body(&head).unwrap() == bytes(900_000)[5..300_005]);
    }
}
