//! HTTP/2 clients that keep the gateway busy without asking for work, and busy ones that do no such thing.

use crate::common::frames::{
    ACK, CALM, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, Outcome, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, head, kept,
};
use crate::common::{Gateway, LIMIT, Upstream, within};
use std::time::{Duration, Instant};

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/")];
/// Windows as large as they may be.
const OPEN: [u8; 4] = 0x7fff_0000_u32.to_be_bytes();

fn start(upstream: &Upstream) -> Gateway {
    Gateway::to(upstream).set("KONG_NGINX_WORKER_PROCESSES", "1").start()
}

/// Takes requests and never answers.
fn silent() -> Upstream {
    Upstream::start(|peer, _| {
        peer.head()?;
        peer.rest().map(|_| ())
    })
}

fn still_serves(gateway: &Gateway) {
    let mut client = Frames::open(gateway);
    client.send(head(1, END_STREAM, &GET)).unwrap();
    assert_eq!(client.outcome(1), Outcome::Status(200));
}

#[test]
fn control_frames_without_work_end_the_connection() {
    let upstream = Upstream::echo();
    let gateway = start(&upstream);
    let kinds: [(&str, Vec<u8>); 8] = [
        ("PING", frame(PING, 0, 0, &[7; 8])),
        ("answers to a PING", frame(PING, ACK, 0, &[7; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0x40, 0])),
        ("PRIORITY", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9])),
        ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("RST_STREAM", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        ("GOAWAY", frame(GOAWAY, 0, 0, &[0; 8])),
        ("an unknown type", frame(0x77, 0, 0, b"abc")),
    ];
    for (name, one) in kinds {
        let mut client = Frames::open(&gateway);
        client.send(head(1, END_STREAM, &GET)).unwrap();
        assert_eq!(client.outcome(1), Outcome::Status(200));
        // A GOAWAY of the client's ends it before, in peace.
        let flood = client.send(one.repeat(1100));
        let end = client.end();
        assert!(
            flood.is_ok() && end == Outcome::GoAway(CALM) || name == "GOAWAY" && end == Outcome::Closed,
            "{name}: {end:?}"
        );
    }
    still_serves(&gateway);
}

#[test]
fn a_flood_that_never_stops_is_cut_off() {
    let upstream = Upstream::echo();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(500);
    let sent = (0..10_000).take_while(|_| client.send(&pings).is_ok()).count();
    assert!(sent < 1000, "{sent} times 500");
    still_serves(&gateway);
}

#[test]
fn requests_that_are_taken_back_at_once_are_few() {
    // CVE-2023-44487, as fast as can be: most are reset before anybody looked at them.
    let upstream = silent();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let pair = |id| [head(id, END_STREAM, &GET), frame(RST_STREAM, 0, id, &[0, 0, 0, 8])].concat();
    client.send((0..200).flat_map(|n| pair(2 * n + 1)).collect::<Vec<_>>()).unwrap();
    assert_eq!(client.end(), Outcome::GoAway(CALM));
    std::thread::sleep(Duration::from_millis(100));
    assert!(upstream.connections() <= 50, "{}", upstream.connections());
}

#[test]
fn requests_that_are_taken_back_while_the_upstream_works_are_counted() {
    // The same, slowly enough that each reaches the upstream.
    let upstream = silent();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let start = Instant::now();
    let one = |id| {
        client.send(head(id, END_STREAM, &GET))?;
        std::thread::sleep(Duration::from_millis(3));
        client.send(frame(RST_STREAM, 0, id, &[0, 0, 0, 8]))
    };
    let sent = (0..2000).map(|n| 2 * n + 1).map(one).take_while(Result::is_ok).count();
    let allowed = 500 + 50 * (start.elapsed().as_secs() as usize + 1);
    assert!(sent >= 500 && sent <= allowed + 50, "{sent} of {allowed}");
    assert!(matches!(client.end(), Outcome::GoAway(CALM) | Outcome::Closed));
}

#[test]
fn a_client_may_take_back_all_it_has_under_way() {
    let upstream = Upstream::start(|peer, _| {
        let head = peer.head()?;
        if head.line.contains("/slow") {
            peer.rest().map(|_| ())
        } else {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let slow = [GET[0], GET[1], GET[2], (":path", "/slow")];
    for page in 0..3_u32 {
        let ids = || (0..120).map(|n| 1 + 2 * (page * 150 + n));
        client.send(ids().flat_map(|id| head(id, END_STREAM, &slow)).collect::<Vec<_>>()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        client.send(ids().flat_map(|id| frame(RST_STREAM, 0, id, &[0, 0, 0, 8])).collect::<Vec<_>>()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    client.send(head(1001, END_STREAM, &GET)).unwrap();
    assert_eq!(client.outcome(1001), Outcome::Status(200));
}

#[test]
fn header_blocks_have_limits() {
    let upstream = Upstream::echo();
    let gateway = start(&upstream);
    let (before, _) = gateway.memory();
    // Endless CONTINUATION.
    let mut client = Frames::open(&gateway);
    client.send(frame(HEADERS, END_STREAM, 1, &block(&GET))).unwrap();
    client.send(frame(CONTINUATION, 0, 1, &[]).repeat(20)).unwrap();
    assert_eq!(client.end(), Outcome::GoAway(CALM));
    // A small block that unfolds to 40 MB: one entry of the table, again and again.
    let bomb = [block(&GET), kept("x", &"y".repeat(4000)), vec![0xbe; 10_000]].concat();
    let mut client = Frames::open(&gateway);
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)).unwrap();
    assert_eq!(client.end(), Outcome::GoAway(CALM));
    let (_, peak) = gateway.memory();
    assert!(peak < before + 16 * 1024, "memory grew from {before} to {peak} KiB");
    // Too large, but not by far: an answer, in Kong's words (as over HTTP/1.1).
    let long = "y".repeat(7000);
    let fields: Vec<_> = GET.into_iter().chain((0..5).map(|_| ("x", long.as_str()))).collect();
    let whole = block(&fields);
    let mut client = Frames::open(&gateway);
    let (first, second) = whole.split_at(16_000);
    let (second, third) = second.split_at(16_000);
    client.send(frame(HEADERS, END_STREAM, 1, first)).unwrap();
    client.send([frame(CONTINUATION, 0, 1, second), frame(CONTINUATION, END_HEADERS, 1, third)].concat()).unwrap();
    assert_eq!(client.outcome(1), Outcome::Status(400));
}

#[test]
fn empty_data_has_a_limit() {
    let upstream = silent();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([head(1, 0, &POST), frame(DATA, 0, 1, &[]).repeat(101)].concat()).unwrap();
    assert_eq!(client.end(), Outcome::GoAway(CALM));
}

#[test]
fn no_more_streams_than_allowed() {
    let upstream = silent();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_HTTP2_MAX_CONCURRENT_STREAMS", "2").start();
    let mut client = Frames::open(&gateway);
    let settings = client.next().unwrap();
    let told = |id| settings.payload.chunks(6).find(|entry| entry[..2] == [0, id]).map(|entry| entry[5]);
    // The number of streams; and no extended CONNECT, so that browsers open WebSockets over HTTP/1.1 (RFC 8441 §3).
    assert_eq!((settings.kind, told(3), told(8)), (SETTINGS, Some(2), None));
    client.send([1, 3, 5].map(|id| head(id, END_STREAM, &GET)).concat()).unwrap();
    assert_eq!(client.outcome(5), Outcome::Reset(7));
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT", "1s").start();
    let whole = head(1, END_STREAM, &GET);
    // Dripping buys no time, neither within a frame nor within a block.
    let mut client = Frames::open(&gateway);
    let start = Instant::now();
    let drip = |byte: &u8| {
        std::thread::sleep(Duration::from_millis(250));
        client.send([*byte])
    };
    let sent = whole.iter().map(drip).take_while(Result::is_ok).count();
    assert!(sent < whole.len() / 2 && start.elapsed() < LIMIT, "{sent}");
    let mut client = Frames::open(&gateway);
    client.send(frame(HEADERS, END_STREAM, 1, &block(&GET))).unwrap();
    assert!(matches!(client.end(), Outcome::Closed | Outcome::GoAway(_)) && start.elapsed() < LIMIT);
}

#[test]
fn a_download_with_many_window_updates_and_pings_is_no_flood() {
    const SIZE: usize = 40_000_000;
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
        (0..400).try_for_each(|_| peer.send(vec![b'x'; SIZE / 400]))
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(head(1, END_STREAM, &GET)).unwrap();
    let (mut got, mut controls) = (0, 0);
    while got < SIZE {
        let frame_ = client.next().unwrap();
        assert!(!matches!(frame_.kind, GOAWAY | RST_STREAM), "{frame_:?} after {controls} control frames");
        let len = frame_.payload.len();
        if frame_.kind == DATA && len > 0 {
            got += len;
            let more = u32::try_from(len).unwrap().to_be_bytes();
            let ping = frame(PING, 0, 0, &[7; 8]);
            let back = [frame(WINDOW_UPDATE, 0, 0, &more), frame(WINDOW_UPDATE, 0, 1, &more), ping].concat();
            if got < SIZE {
                client.send(back).unwrap();
            }
            controls += 3;
        }
    }
    assert!(controls > 5000, "{controls}");
}

#[test]
fn many_answers_that_nobody_reads_are_not_kept() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
        (0..100).try_for_each(|_| peer.send(vec![b'x'; 1_000_000]))
    });
    let gateway = start(&upstream);
    let (before, _) = gateway.memory();
    let mut client = Frames::open(&gateway);
    let window = [&[0, 4][..], &OPEN].concat();
    client.send([frame(SETTINGS, 0, 0, &window), frame(WINDOW_UPDATE, 0, 0, &OPEN)].concat()).unwrap();
    client.send((0..128).flat_map(|n| head(2 * n + 1, END_STREAM, &GET)).collect::<Vec<_>>()).unwrap();
    assert!(within(LIMIT, || upstream.connections() == 128));
    std::thread::sleep(Duration::from_secs(2));
    let (_, peak) = gateway.memory();
    // 128 times a piece that was read and a piece that waits to be written; see "Limits" in docs/operations.md.
    assert!(peak < before + 48 * 1024, "memory grew from {before} to {peak} KiB");
    drop(client);
}

#[test]
fn uploads_that_the_upstream_does_not_take_are_not_kept() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        std::thread::sleep(Duration::from_secs(4));
        Ok(())
    });
    let gateway = start(&upstream);
    let (before, _) = gateway.memory();
    let mut client = Frames::open(&gateway);
    client.send((0..100).flat_map(|n| head(2 * n + 1, 0, &POST)).collect::<Vec<_>>()).unwrap();
    // Just below the connection's window of 1 MiB, which all streams share.
    client.send((0..100).flat_map(|n| frame(DATA, 0, 2 * n + 1, &[b'x'; 10_000])).collect::<Vec<_>>()).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let (_, peak) = gateway.memory();
    assert!(peak < before + 24 * 1024, "memory grew from {before} to {peak} KiB");
}
