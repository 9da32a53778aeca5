//! Windows, both ways (RFC 9113 §5.2, §6.9).

use crate::common::frames::{
    ACK, DATA, END_STREAM, End, FLOW_CONTROL_ERROR, Frame, Frames, GOAWAY, INITIAL_WINDOW_SIZE, Outcome, PADDED,
    RST_STREAM, SETTINGS, frame, get, head, post, settings, window,
};
use crate::common::{Gateway, Upstream};
use crate::http2_cases::{content, start, upstream};

const MOST: u32 = 0x7fff_ffff;

/// Takes DATA of a stream until so many bytes have come, and sees that it stays at that.
fn takes(client: &mut Frames, stream: u32, count: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let mut add = |frame: &Frame| {
        if frame.kind == DATA && frame.stream == stream {
            body.extend_from_slice(frame.data());
        }
        body.len()
    };
    while add(&client.next().unwrap()) < count {}
    client.pause().iter().for_each(|frame| _ = add(frame));
    assert_eq!(body.len(), count);
    body
}

fn windows_of(client: &mut Frames, size: u32) {
    client.send(settings(&[(INITIAL_WINDOW_SIZE, size)])).unwrap();
    client.next_of(|frame| frame.kind == SETTINGS && frame.flags == ACK);
}

#[test]
fn a_stream_s_window_is_kept_to() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    windows_of(&mut client, 0);
    client.send(get(1, "/size/50000")).unwrap();
    // The head needs no window.
    client.next_of(|frame| frame.stream == 1 && frame.status() == Some(200));
    assert!(client.pause().iter().all(|frame| frame.kind != DATA));
    let mut body = Vec::new();
    for more in [1, 2, 10, 16_384, 16_385] {
        client.send(window(1, more)).unwrap();
        body.extend(takes(&mut client, 1, more as usize));
    }
    client.send(window(1, MOST)).unwrap();
    body.extend(client.answer(1).body);
    assert!(body == content(50_000));
}

#[test]
fn a_connection_s_window_is_kept_to() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    windows_of(&mut client, MOST);
    client.send(get(1, "/size/200000")).unwrap();
    let mut body = takes(&mut client, 1, 65_535);
    for more in [1, 1000, 65_535] {
        client.send(window(0, more)).unwrap();
        body.extend(takes(&mut client, 1, more as usize));
    }
    // What needs no window passes meanwhile.
    client.send(get(3, "/")).unwrap();
    assert_eq!(client.answer(3).status(), 200);
    client.send(window(0, MOST)).unwrap();
    body.extend(client.answer(1).body);
    assert!(body == content(200_000));
}

#[test]
fn settings_change_the_windows_of_open_streams() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    windows_of(&mut client, 100);
    client.send(get(1, "/size/3000")).unwrap();
    let mut body = takes(&mut client, 1, 100);
    client.send(settings(&[(INITIAL_WINDOW_SIZE, 1100)])).unwrap();
    body.extend(takes(&mut client, 1, 1000));
    // Below zero, where it stays until updates make up for it (§6.9.2); the last of several counts (§6.5.3).
    windows_of(&mut client, 10);
    client.send([window(1, 1000), window(1, 90)].concat()).unwrap();
    assert!(client.pause().iter().all(|frame| frame.kind != DATA));
    client.send(window(1, 1)).unwrap();
    body.extend(takes(&mut client, 1, 1));
    client.send(settings(&[(INITIAL_WINDOW_SIZE, 5), (INITIAL_WINDOW_SIZE, 15)])).unwrap();
    body.extend(takes(&mut client, 1, 5));
    // The next one has the new window, and no other.
    client.send(get(3, "/size/16")).unwrap();
    takes(&mut client, 3, 15);
    client.send(window(1, 10_000)).unwrap();
    body.extend(client.answer(1).body);
    assert!(body == content(3000));
}

#[test]
fn bodies_come_byte_by_byte_if_they_must() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    windows_of(&mut client, 1);
    client.send(get(1, "/size/300")).unwrap();
    let answer = client.answer(1);
    assert_eq!((answer.body, answer.end), (content(300), Some(End::Whole)));
}

#[test]
fn an_answer_without_a_body_needs_no_window() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    windows_of(&mut client, 0);
    client.send(get(1, "/size/0")).unwrap();
    assert!(client.answer(1).is_whole());
}

/// Three downloads whose client gives back each window as soon as it is used: what each had got when the first was over.
fn shares(size: usize, connection: u32) -> Vec<usize> {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(window(0, connection)).unwrap();
    client.send([1, 3, 5].map(|stream| get(stream, &format!("/size/{size}"))).concat()).unwrap();
    let (mut got, mut heads, mut waiting, mut over) = ([0; 6], 0, Vec::new(), false);
    while !over {
        let frame = client.next().unwrap();
        heads += usize::from(frame.status().is_some());
        if frame.kind == DATA {
            got[frame.stream as usize] += frame.data().len();
            over = frame.ends();
            waiting.push(frame);
        }
        // From when all have begun.
        if heads == 3 {
            waiting.drain(..).for_each(|frame| client.give_back(&frame));
        }
    }
    vec![got[1], got[3], got[5]]
}

#[test]
fn downloads_share_a_connection() {
    const SIZE: usize = 4_000_000;
    // Within a window that each could use up alone; and within one that is larger than all of them, as browsers have it.
    for connection in [1, 1 << 30] {
        let shares = shares(SIZE, connection);
        assert!(shares.iter().all(|got| *got > SIZE / 10), "{shares:?}");
    }
}

#[test]
fn the_windows_of_an_upload_are_given_back() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    // Twice on one connection, whose window must come back whole.
    for stream in [1, 3] {
        client.send(post(stream, "/count", &[("content-length", "10000000")])).unwrap();
        for n in 1..=1000 {
            client.data(u8::from(n == 1000), stream, &[b'x'; 10_000]).unwrap();
        }
        let answer = client.answer(stream);
        assert_eq!((answer.status(), &answer.body[..]), (200, &b"10000000"[..]));
    }
}

#[test]
fn padding_counts_and_is_given_back() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(post(1, "/count", &[])).unwrap();
    let piece = [&[255][..], &[b'x'; 1000], &[0; 255]].concat();
    for n in 1..=3000 {
        client.data(PADDED | u8::from(n == 3000), 1, &piece).unwrap();
    }
    assert_eq!(client.answer(1).body, b"3000000");
}

#[test]
fn what_is_sent_to_streams_that_are_reset_is_given_back() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    let broken = |stream| head(stream, 0, &[(":method", "POST"), (":scheme", "http"), (":path", "/"), ("te", "gzip")]);
    for n in 0..200 {
        let stream = 2 * n + 1;
        client.send(broken(stream)).unwrap();
        client.data(END_STREAM, stream, &[0; 16_384]).unwrap();
    }
    client.send(get(1001, "/")).unwrap();
    assert_eq!(client.answer(1001).status(), 200);
}

#[test]
fn what_is_sent_after_a_refusal_is_given_back() {
    let upstream = upstream();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k").start();
    let mut client = Frames::open(&gateway);
    // More than the connection's window in all, and less than each stream's.
    for n in 0..25 {
        let stream = 2 * n + 1;
        client.send(post(stream, "/", &[("content-length", "60000")])).unwrap();
        assert_eq!(client.outcome(stream), Outcome::Status(413));
        for n in 1..=6 {
            client.data(u8::from(n == 6), stream, &[0; 10_000]).unwrap();
        }
    }
}

#[test]
fn more_than_the_window_is_an_error() {
    // An upstream that takes nothing.
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        loop {
            std::thread::park();
        }
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(post(1, "/", &[])).unwrap();
    let piece = frame(DATA, 0, 1, &[0; 16_384]).repeat(4);
    let sent = (0..2000).take_while(|_| client.send(&piece).is_ok()).count();
    let why = loop {
        let frame = client.next().unwrap();
        match frame.kind {
            RST_STREAM => break frame.number(0),
            GOAWAY => break frame.number(4),
            _ => {}
        }
    };
    assert_eq!(why, FLOW_CONTROL_ERROR, "after {sent} pieces");
}
