#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// All of it, given so many bytes at a time: the body and its trailers, or why not; `None` if the end is missing.
fn read(bytes: &[u8], step: usize) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let (mut chunks, mut buf) = (Chunks::default(), BytesMut::new());
    let (mut body, mut trailers) = (Vec::new(), 0);
    for piece in bytes.chunks(step) {
        buf.extend_from_slice(piece);
        loop {
            match chunks.next(&mut buf)? {
                Step::More => break,
                Step::Data(data) => body.extend_from_slice(&data),
                Step::Trailers(fields) => trailers = fields.len(),
                Step::End => return Ok(Some((body, trailers))),
            }
        }
    }
    Ok(None)
}

fn whole(text: &str) -> Option<(Vec<u8>, usize)> {
    read(text.as_bytes(), usize::MAX).unwrap()
}

#[test]
fn well_formed_bodies_are_read() {
    assert_eq!(whole("3\r\nabc\r\n0\r\n\r\n"), Some((b"abc".to_vec(), 0)));
    assert_eq!(
        whole("00A \t;x=\"y\"\r\n0123456789\r\n1\r\nx\r\n0;z\r\na: b\r\nC: d\r\n\r\n"),
        Some((b"0123456789x".to_vec(), 2))
    );
    assert_eq!(whole("3\r\nabc\r\n0\r\n"), None);
}

#[test]
fn what_is_not_chunked_as_it_should_be_is_refused() {
    for text in [
        "\r\n",
        "3\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "-3\r\n",
        "+3\r\n",
        "0x3\r\nabc",
        "3 3\r\nabc",
        "3\r;\r\n",
        "g\r\n",
        "3\x0c\r\nabc",
        "ffffffffffffffff0\r\n",
        "3\r\nabc\r0",
        "0\r\n: b\r\n\r\n",
        "0\r\na b\r\n\r\n",
        "0\r\n\n",
        "0\r\na: b\n\r\n",
        "0\r\na: b\r\n\n",
    ] {
        assert!(read(text.as_bytes(), usize::MAX).is_err(), "{text:?}");
    }
}

#[test]
fn lines_and_trailers_have_an_end() {
    let long = "x".repeat(MOST + 99);
    for text in [
        format!("3;{long}"),
        format!("3;{long}\r\n"),
        format!("0\r\na: {long}"),
        format!("{}\r\n", "0".repeat(MOST + 99)),
    ] {
        assert!(read(text.as_bytes(), 1000).is_err());
    }
    let many = format!("1;{}\r\nx\r\n", "y".repeat(1000)).repeat(20);
    assert!(read(many.as_bytes(), usize::MAX).is_err());
    let fields: String = (0..=FIELDS).map(|n| format!("a{n}: b\r\n")).collect();
    assert!(read(format!("0\r\n{fields}\r\n").as_bytes(), usize::MAX).is_err());
}

#[test]
fn the_end_is_known_as_soon_as_it_is_at_hand() {
    let (mut chunks, mut buf) = (Chunks::default(), BytesMut::from(&b"1\r\nx\r\n0\r\n\r\nHTTP"[..]));
    assert_eq!(chunks.next(&mut buf).unwrap(), Step::Data(Bytes::from_static(b"x")));
    assert!(chunks.is_over() && buf == "HTTP");
}

proptest! {
    #[test]
    fn pieces_make_no_difference(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), step in 1usize..50) {
        let mut text = Vec::new();
        for part in &parts {
            text.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
            text.extend_from_slice(part);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\n");
        prop_assert_eq!(read(&text, step).unwrap(), Some((parts.concat(), 0)));
    }

    #[test]
    fn nothing_panics(text in "[0-9a-f;\r\n :x]{0,60}", step in 1usize..9) {
        let (one, all) = (read(text.as_bytes(), step), read(text.as_bytes(), usize::MAX));
        prop_assert_eq!(one.is_ok(), all.is_ok());
    }
}
