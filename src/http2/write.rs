//! Frames as clients get them (RFC 9113 §4, §6). Pure.

use super::Reason;
use super::frame::{ACK, END_HEADERS, END_STREAM, HEAD, Kind, MOST};

/// A frame's head.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub const fn head(len: usize, kind: Kind, flags: u8, stream: u32) -> [u8; HEAD] {
    let [_, a, b, c] = (len as u32).to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    [a, b, c, kind as u8, flags, d, e, f, g]
}

fn frame(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&head(payload.len(), kind, flags, stream));
    out.extend_from_slice(payload);
}

/// What this side can do: pairs of what and how much (§6.5).
pub fn settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    out.extend_from_slice(&head(6 * settings.len(), Kind::Settings, 0, 0));
    for (what, value) in settings {
        out.extend_from_slice(&what.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// What the client can do was taken in.
pub fn settings_taken(out: &mut Vec<u8>) {
    frame(out, Kind::Settings, ACK, 0, &[]);
}

/// Asks whether the client is there.
pub fn ping(out: &mut Vec<u8>, word: [u8; 8]) {
    frame(out, Kind::Ping, 0, 0, &word);
}

/// Says that this side is.
pub fn pong(out: &mut Vec<u8>, word: [u8; 8]) {
    frame(out, Kind::Ping, ACK, 0, &word);
}

/// So much more may be sent over a stream, or over the connection.
pub fn window(out: &mut Vec<u8>, stream: u32, more: u32) {
    frame(out, Kind::Window, 0, stream, &more.to_be_bytes());
}

/// A stream ends.
pub fn reset(out: &mut Vec<u8>, stream: u32, Reason(why): Reason) {
    frame(out, Kind::Reset, 0, stream, &why.to_be_bytes());
}

/// No streams are served that begin after `last`.
pub fn goaway(out: &mut Vec<u8>, last: u32, Reason(why): Reason) {
    let mut payload = [0; 8];
    payload[..4].copy_from_slice(&last.to_be_bytes());
    payload[4..].copy_from_slice(&why.to_be_bytes());
    frame(out, Kind::GoAway, 0, 0, &payload);
}

/// A header block, which is written by `block`; `end` says whether nothing follows it.
pub fn headers(out: &mut Vec<u8>, stream: u32, end: bool, block: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; HEAD]);
    block(out);
    let len = out.len() - at - HEAD;
    let flags = if end { END_STREAM } else { 0 };
    if len > MOST {
        return continued(out, at, stream, flags);
    }
    if let Some(room) = out.get_mut(at..at + HEAD) {
        room.copy_from_slice(&head(len, Kind::Headers, flags | END_HEADERS, stream));
    }
}

/// The same for a block that is too large for one frame (§6.10).
#[cold]
fn continued(out: &mut Vec<u8>, at: usize, stream: u32, flags: u8) {
    let block = out.split_off(at + HEAD);
    out.truncate(at);
    let (mut kind, mut flags, mut pieces) = (Kind::Headers, flags, block.chunks(MOST).peekable());
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        frame(out, kind, flags | last, stream, piece);
        (kind, flags) = (Kind::Continuation, 0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::frame::{Frame, Head};
    use super::*;

    /// The frames in there.
    fn frames(mut bytes: &[u8]) -> Vec<(Head, Frame, Vec<u8>)> {
        let mut found = Vec::new();
        while let Some(head) = Head::read(bytes) {
            let payload = &bytes[HEAD..HEAD + head.len];
            found.push((head, head.understand(payload).unwrap(), payload.to_vec()));
            bytes = &bytes[HEAD + head.len..];
        }
        assert!(bytes.is_empty());
        found
    }

    #[test]
    fn what_is_written_is_what_a_reader_understands() {
        let mut out = Vec::new();
        settings(&mut out, &[(3, 128), (4, 9)]);
        settings_taken(&mut out);
        ping(&mut out, *b"12345678");
        pong(&mut out, *b"12345678");
        window(&mut out, 3, 7);
        reset(&mut out, 3, Reason::CANCEL);
        goaway(&mut out, 5, Reason::NO_ERROR);
        let found = frames(&out);
        let said: Vec<_> = found.iter().map(|(_, frame, _)| frame.clone()).collect();
        let (word, more) = (*b"12345678", 7);
        let wanted = [
            Frame::Settings,
            Frame::SettingsTaken,
            Frame::Ping(word),
            Frame::Pong(word),
            Frame::Window(more),
            Frame::Reset,
            Frame::GoAway,
        ];
        assert_eq!(said, wanted);
        assert_eq!(found[0].2, [0, 3, 0, 0, 0, 128, 0, 4, 0, 0, 0, 9]);
        assert_eq!((found[5].0.stream, &found[5].2[..]), (3, &[0, 0, 0, 8][..]));
        assert_eq!(found[6].2, [0, 0, 0, 5, 0, 0, 0, 0]);
    }

    #[test]
    fn a_block_has_as_many_frames_as_it_needs() {
        for (size, count) in [(0, 1), (MOST, 1), (MOST + 1, 2), (3 * MOST, 3)] {
            let mut out = b"before".to_vec();
            headers(&mut out, 7, true, |out| out.extend((0..size).map(|at| (at % 251) as u8)));
            let found = frames(&out[6..]);
            let block: Vec<u8> = found.iter().flat_map(|(_, _, payload)| payload.clone()).collect();
            assert!(block.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 251) && block.len() == size);
            let last = found.len() - 1;
            for (at, (head, ..)) in found.iter().enumerate() {
                let kind = if at == 0 { Kind::Headers } else { Kind::Continuation };
                let flags = if at == 0 { END_STREAM } else { 0 } | if at == last { END_HEADERS } else { 0 };
                assert_eq!((head.kind, head.flags, head.stream), (kind, flags, 7), "{size} {at}");
            }
            assert_eq!(found.len(), count);
        }
    }
}
