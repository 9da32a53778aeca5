//! As much of WebSocket (RFC 6455) as an echo needs. Pure: bytes in, bytes out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// Frames longer than this end the connection.
const LONGEST: usize = 1 << 20;

/// What becomes of the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// A whole frame was taken from the front: what to send back, and whether that is the last.
    Reply(Vec<u8>, bool),
    /// A whole frame was taken, and needs no reply.
    Silence,
    /// The frame is not complete yet.
    More,
    /// Not what a client may send.
    Broken,
}

/// The value of Sec-WebSocket-Accept for a client's key (RFC 6455 §4.2.2).
pub(super) fn accept(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// Takes one frame from the front of `input` (RFC 6455 §5.2), and answers it: data with the same data, ping with pong,
/// close with close.
pub(super) fn echo(input: &mut Vec<u8>) -> Echo {
    let Some((length, start)) = head(input) else {
        return if input.len() >= 2 && input[1] & 0x80 == 0 { Echo::Broken } else { Echo::More };
    };
    if length > LONGEST {
        return Echo::Broken;
    }
    let end = start + 4 + length;
    if input.len() < end {
        return Echo::More;
    }
    let payload = unmask(&input[start..end]);
    let first = input[0];
    input.drain(..end);
    match first & 0x0f {
        0..=2 => Echo::Reply(frame(first & 0x8f, &payload), false),
        8 => Echo::Reply(frame(0x88, &payload), true),
        9 => Echo::Reply(frame(0x8a, &payload), false),
        10 => Echo::Silence,
        _ => Echo::Broken,
    }
}

/// The payload's length, and where the mask starts. `None` also when there is no mask, which a client must have.
fn head(input: &[u8]) -> Option<(usize, usize)> {
    let second = *input.get(1)?;
    if second & 0x80 == 0 {
        return None;
    }
    match second & 0x7f {
        126 => Some((usize::from(u16::from_be_bytes(input.get(2..4)?.try_into().ok()?)), 4)),
        127 => {
            let length = u64::from_be_bytes(input.get(2..10)?.try_into().ok()?);
            Some((usize::try_from(length).unwrap_or(usize::MAX), 10))
        }
        length => Some((usize::from(length), 2)),
    }
}

/// Four bytes of mask, then the payload.
fn unmask(masked: &[u8]) -> Vec<u8> {
    let (mask, payload) = masked.split_at(4);
    payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

/// A server's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(u8::try_from(length).unwrap_or_default()),
        length => match u16::try_from(length) {
            Ok(short) => {
                out.push(126);
                out.extend(short.to_be_bytes());
            }
            Err(_) => {
                out.push(127);
                out.extend((length as u64).to_be_bytes());
            }
        },
    }
    out.extend(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = frame(first, payload);
        out[1] |= 0x80;
        let start = out.len() - payload.len();
        let mask = [1, 2, 3, 4];
        let hidden: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        out.truncate(start);
        out.extend(mask);
        out.extend(hidden);
        out
    }

    #[test]
    fn the_handshake_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_masked_hello_of_the_rfc() {
        let mut input = vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(echo(&mut input), Echo::Reply(b"\x81\x05Hello".to_vec(), false));
        assert!(input.is_empty());
    }

    #[test]
    fn every_length_and_one_frame_at_a_time() {
        for length in [0, 1, 125, 126, 65_535, 65_536, LONGEST] {
            let payload = vec![7; length];
            let mut input = masked(0x82, &payload);
            input.extend(masked(0x89, b"p"));
            assert_eq!(echo(&mut input), Echo::Reply(frame(0x82, &payload), false), "{length}");
            assert_eq!(echo(&mut input), Echo::Reply(b"\x8a\x01p".to_vec(), false));
            assert_eq!(echo(&mut input), Echo::More);
        }
    }

    #[test]
    fn a_frame_in_pieces() {
        let whole = masked(0x81, &[5; 300]);
        for cut in 0..whole.len() {
            let mut input = whole[..cut].to_vec();
            assert_eq!(echo(&mut input), Echo::More, "{cut}");
            assert_eq!(input.len(), cut);
        }
    }

    #[test]
    fn close_pong_and_nonsense() {
        assert_eq!(echo(&mut masked(0x88, b"\x03\xe8")), Echo::Reply(b"\x88\x02\x03\xe8".to_vec(), true));
        assert_eq!(echo(&mut masked(0x8a, b"")), Echo::Silence);
        assert_eq!(echo(&mut masked(0x83, b"")), Echo::Broken);
        assert_eq!(echo(&mut vec![0x81, 0x01, b'a']), Echo::Broken);
        let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(echo(&mut huge.clone()), Echo::Broken);
    }
}
