//! How an HTTP/2 connection begins (RFC 9113 §3.4).

use crate::common::frames::{
    ACK, Frames, GOAWAY, INITIAL_WINDOW_SIZE, PING, PREFACE, PROTOCOL_ERROR, SETTINGS, frame, get, is_late, settings,
};
use crate::common::tls::Certificate;
use crate::common::{Gateway, LIMIT};
use crate::http2_cases::{start, upstream};

#[test]
fn a_preface_may_come_byte_by_byte() {
    let upstream = upstream();
    for flags in ["", "http2"] {
        let gateway = Gateway::to(&upstream).listen(flags).start();
        let mut client = Frames::silent(&gateway);
        for byte in [PREFACE, &settings(&[]), &get(1, "/")].concat() {
            client.send([byte]).unwrap();
        }
        assert_eq!(client.answer(1).status(), 200);
    }
}

#[test]
fn what_is_no_preface_ends_the_connection() {
    let upstream = upstream();
    let gateway = Gateway::to(&upstream).listen("http2").start();
    let wrong: [&[u8]; 5] = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
        b"pri * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and what else TLS says",
        &[0; 30],
    ];
    for bytes in wrong {
        let mut client = gateway.connect();
        client.send(bytes).unwrap();
        assert!(client.closes_within(LIMIT), "{bytes:?}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn the_gateway_s_settings_come_first_and_the_client_s_are_acknowledged() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::greeting(&gateway, &settings(&[(INITIAL_WINDOW_SIZE, 1000), (0x7777, 1)]));
    let first = client.next().unwrap();
    assert_eq!((first.kind, first.flags, first.stream, first.payload.len() % 6), (SETTINGS, 0, 0, 0));
    let known = first.payload.chunks(6).map(|entry| (entry[1], u32::from_be_bytes(entry[2..].try_into().unwrap())));
    for (id, value) in known {
        let legal = match id {
            2 | 8 => value == 0,
            4 => value <= 0x7fff_ffff,
            5 => (16_384..0x100_0000).contains(&value),
            _ => true,
        };
        assert!(legal, "setting {id} is {value}");
    }
    let ack = client.next_of(|frame| frame.kind == SETTINGS);
    assert_eq!((ack.flags, ack.stream, ack.payload.len()), (ACK, 0, 0));
    // Each one of its own.
    client.send(settings(&[]).repeat(3)).unwrap();
    let acks = client.pause().iter().filter(|frame| frame.kind == SETTINGS && frame.flags == ACK).count();
    assert_eq!(acks, 3);
}

#[test]
fn requests_need_not_wait_for_the_gateway_s_settings() {
    let (upstream, certificate) = (upstream(), Certificate::new());
    let gateway = certificate.shown_by(Gateway::to(&upstream)).listen("ssl http2").start();
    let mut client = Frames::over_tls(&gateway, &certificate);
    client.send([PREFACE, &settings(&[]), &get(1, "/a"), &get(3, "/b")].concat()).unwrap();
    assert!(client.answers([1, 3]).iter().all(|answer| answer.status() == 200 && answer.is_whole()));
}

/// RFC 9113 §3.4: they are connection errors, whose GOAWAY may be left out.
#[test]
fn other_frames_than_settings_are_no_beginning() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let wrong = [frame(PING, 0, 0, &[7; 8]), get(1, "/"), frame(SETTINGS, ACK, 0, &[]), frame(0x77, 0, 0, b"x")];
    for bytes in wrong {
        let mut client = Frames::greeting(&gateway, &bytes);
        let (mut farewell, mut end) = (None, None);
        while end.is_none() {
            match client.next() {
                Ok(frame) if frame.kind == GOAWAY => farewell = Some(frame.number(4)),
                Ok(frame) => assert!(frame.status().is_none(), "{bytes:?} is answered"),
                Err(error) => end = Some(error),
            }
        }
        assert!(end.is_some_and(|error| !is_late(&error)), "{bytes:?}: the connection stays open");
        assert!(farewell.is_none_or(|code| code == PROTOCOL_ERROR), "{bytes:?}: {farewell:?}");
    }
}
