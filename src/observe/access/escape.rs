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

/// Without a branch, so that many bytes are looked at in one step.
const fn is_odd(byte: u8) -> bool {
    (byte < 32) | (byte == b'"') | (byte == b'\\')
}

/// What is plain goes in one piece, which most texts are.
fn runs(out: &mut Vec<u8>, mut text: &[u8], odd: impl Fn(u8) -> bool, write: fn(&mut Vec<u8>, u8)) {
    if text.iter().fold(false, |some, byte| some | odd(*byte)) {
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
