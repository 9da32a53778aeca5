//! What stands in a line must not break it (nginx's `escape=`).

use crate::observe::format::Escape;

/// Writes text as a format says.
pub(super) fn text(out: &mut Vec<u8>, text: &[u8], how: Escape) {
    match how {
        Escape::Default => runs(out, text, |byte| is_odd(byte) | (byte >= 127), hex),
        Escape::Json => runs(out, text, is_odd, json),
        Escape::None => out.extend_from_slice(text),
    }
}

/// Without a branch, so that many bytes can be looked at in one step.
const fn is_odd(byte: u8) -> bool {
    (byte < 32) | (byte == b'"') | (byte == b'\\')
}

/// Whether some byte is odd, sixteen of them in one step; what is left over is filled up.
fn any(text: &[u8], odd: impl Fn(u8) -> bool) -> bool {
    let (blocks, rest) = text.as_chunks::<16>();
    let mut last = [b' '; 16];
    last[..rest.len()].copy_from_slice(rest);
    let any = |block: &[u8; 16]| block.iter().fold(false, |some, byte| some | odd(*byte));
    blocks.iter().any(any) || any(&last)
}

/// What is plain goes in one piece, which most texts are.
fn runs(out: &mut Vec<u8>, mut text: &[u8], odd: impl Fn(u8) -> bool, write: fn(&mut Vec<u8>, u8)) {
    if any(text, &odd) {
        while let Some(at) = text.iter().position(|byte| odd(*byte)) {
            out.extend_from_slice(&text[..at]);
            write(out, text[at]);
            text = &text[at + 1..];
        }
    }
    out.extend_from_slice(text);
}

fn hex(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte)]);
}

fn json(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        8 => out.extend_from_slice(b"\\b"),
        12 => out.extend_from_slice(b"\\f"),
        other => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(other >> 4), digit(other)]),
    }
}

/// The last hexadecimal digit.
const fn digit(number: u8) -> u8 {
    b"0123456789ABCDEF"[(number & 15) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_byte_is_found_wherever_it_stands() {
        for (length, at) in (0..40).flat_map(|length| (0..length).map(move |at| (length, at))) {
            let mut plain = vec![b'a'; length];
            plain[at] = b'\x7f';
            let (mut out, mut json) = (Vec::new(), Vec::new());
            text(&mut out, &plain, Escape::Default);
            text(&mut json, &plain, Escape::Json);
            assert_eq!(out, [&plain[..at], b"\\x7F", &plain[at + 1..]].concat());
            assert_eq!(json, plain);
        }
    }
}
