#![allow(clippy::unwrap_used)]
use super::super::write;
use super::*;
use proptest::prelude::*;

fn understood(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Judged<Frame> {
    Head { len: payload.len(), kind: kind.into(), flags, stream }.understand(payload)
}

fn reason(judged: Judged<Frame>) -> (bool, u32) {
    match judged.unwrap_err() {
        Fault::Connection(Reason(code), _) => (true, code),
        Fault::Stream(_, Reason(code)) => (false, code),
    }
}

#[test]
fn heads_are_read_as_they_are_written() {
    for (len, kind, stream) in
        [(0, Kind::Data, 1), (16_384, Kind::Continuation, i32::MAX as u32), (1 << 20, Kind::Ping, 0)]
    {
        let bytes = write::head(len, kind, 5, stream);
        assert_eq!(Head::read(&bytes), Some(Head { len, kind, flags: 5, stream }));
        assert_eq!(Head::read(&bytes[..8]), None);
    }
    // The reserved bit is not looked at.
    let head = Head::read(&[0, 0, 0, 0x77, 0, 0x80, 0, 0, 3]).unwrap();
    assert_eq!((head.stream, head.kind), (3, Kind::Unknown));
}

#[test]
fn padding_and_priority_are_no_part_of_it() {
    let data = |data, end| Ok(Frame::Data { data, end });
    assert_eq!(understood(0, 0, 1, b"abc"), data(0..3, false));
    assert_eq!(understood(0, PADDED | END_STREAM, 1, b"\x02abc--"), data(1..4, true));
    assert_eq!(understood(0, PADDED, 1, b"\0"), data(1..1, false));
    assert_eq!(understood(0, PADDED, 1, b"\x03---"), data(1..1, false));
    let headers = |block| Ok(Frame::Headers { block, end: false, whole: true });
    let flags = END_HEADERS | PADDED | PRIORITY;
    assert_eq!(understood(1, flags, 3, b"\x01\0\0\0\x01\x10block-"), headers(6..11));
    assert_eq!(understood(1, END_HEADERS, 3, b""), headers(0..0));
}

#[test]
fn what_no_client_may_send_is_told_by_its_code() {
    let (protocol, size) = (1, 6);
    for (kind, flags, stream, payload, connection, code) in [
        (0, 0, 0, &b"x"[..], true, protocol),
        (0, PADDED, 1, b"", true, size),
        (0, PADDED, 1, b"\x01", true, protocol),
        (1, 0, 0, b"", true, protocol),
        (1, PRIORITY, 1, b"\0\0\0\0", true, size),
        (1, PADDED | PRIORITY, 1, b"\x02\0\0\0\0\0-", true, size),
        (1, PRIORITY, 1, b"\x80\0\0\x01\0", true, protocol),
        (2, 0, 0, b"\0\0\0\0\0", true, protocol),
        (2, 0, 1, b"\0\0\0\0", false, size),
        (2, 0, 1, b"\0\0\0\x01\0", true, protocol),
        (3, 0, 0, b"\0\0\0\0", true, protocol),
        (3, 0, 1, b"\0\0\0", true, size),
        (4, 0, 1, b"", true, protocol),
        (4, ACK, 0, b"\0\0\0\0\0\0", true, size),
        (4, 0, 0, b"\0\0\0\0\0", true, size),
        (5, 0, 1, b"\0\0\0\0", true, protocol),
        (6, 0, 1, b"12345678", true, protocol),
        (6, 0, 0, b"1234567", true, size),
        (7, 0, 1, b"12345678", true, protocol),
        (7, 0, 0, b"1234567", true, size),
        (8, 0, 0, b"\0\0\0\0", true, protocol),
        (8, 0, 1, b"\x80\0\0\0", false, protocol),
        (8, 0, 1, b"\0\0\0", true, size),
        (9, 0, 0, b"", true, protocol),
    ] {
        let judged = understood(kind, flags, stream, payload);
        assert_eq!(reason(judged), (connection, code), "{kind} {flags} {stream} {payload:?}");
    }
}

#[test]
fn control_frames_say_what_they_say() {
    assert_eq!(understood(6, 0, 0, b"12345678"), Ok(Frame::Ping(*b"12345678")));
    assert_eq!(understood(6, ACK, 0, b"12345678"), Ok(Frame::Pong(*b"12345678")));
    assert_eq!(understood(4, ACK, 0, b""), Ok(Frame::SettingsTaken));
    assert_eq!(understood(8, 0, 1, b"\x80\0\0\x02"), Ok(Frame::Window(2)));
    assert_eq!(understood(9, END_HEADERS, 1, b"x"), Ok(Frame::Continuation { whole: true }));
    assert_eq!(understood(0xbb, 0xff, 9, b"whatever"), Ok(Frame::Ignored));
}

proptest! {
    #[test]
    fn whatever_comes_is_judged_and_parts_are_within(kind in 0..12_u8, flags: u8, stream in 0..4_u32, payload: Vec<u8>) {
        if let Ok(Frame::Data { data: part, .. } | Frame::Headers { block: part, .. }) = understood(kind, flags, stream, &payload) {
            prop_assert!(payload.get(part).is_some());
        }
    }
}
