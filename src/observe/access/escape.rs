//! What stands in a line must not break it (nginx's `escape=`).

use crate::observe::format::Escape;
use std::io::Write;

/// Writes text as a format says.
pub(super) fn text(out: &mut Vec<u8>, text: &[u8], how: Escape) {
    match how {
        Escape::Default => runs(out, text, |byte| matches!(byte, b'"' | b'\\' | 0..=31 | 127..=255), hex),
        Escape::Json => runs(out, text, |byte| matches!(byte, b'"' | b'\\' | 0..=31), json),
        Escape::None => out.extend_from_slice(text),
    }
}

/// What is plain goes in one piece.
fn runs(out: &mut Vec<u8>, mut text: &[u8], odd: fn(u8) -> bool, write: fn(&mut Vec<u8>, u8)) {
    while let Some(at) = text.iter().position(|byte| odd(*byte)) {
        out.extend_from_slice(&text[..at]);
        write(out, text[at]);
        text = &text[at + 1..];
    }
    out.extend_from_slice(text);
}

fn hex(out: &mut Vec<u8>, byte: u8) {
    // Writing to memory cannot fail.
    let _ = write!(out, "\\x{byte:02X}");
}

fn json(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        8 => out.extend_from_slice(b"\\b"),
        12 => out.extend_from_slice(b"\\f"),
        other => {
            let _ = write!(out, "\\u{other:04X}");
        }
    }
}
