//! Reads literal texts and numbers (Lua 5.1 manual §2.1, and `\x` of LuaJIT, which Kong runs on).

use super::Unknown;

/// The text that begins with this quote, and what follows it.
pub(super) fn text(source: &str, quote: char) -> Result<(Vec<u8>, &str), Unknown> {
    let mut value = Vec::new();
    let mut rest = &source[quote.len_utf8()..];
    loop {
        let at = rest.find([quote, '\\', '\n', '\r']).ok_or_else(endless)?;
        value.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        match rest.strip_prefix('\\') {
            Some(escape) => rest = unescape(escape, &mut value)?,
            None => return rest.strip_prefix(quote).map(|rest| (value, rest)).ok_or_else(endless),
        }
    }
}

fn endless() -> Unknown {
    Unknown("a text without end".to_owned())
}

/// Writes what an escape stands for; `text` begins behind the backslash. Yields what follows.
fn unescape<'a>(text: &'a str, value: &mut Vec<u8>) -> Result<&'a str, Unknown> {
    let first = text.chars().next().ok_or_else(endless)?;
    let (byte, length) = match first {
        'a' => (Some(0x07), 1),
        'b' => (Some(0x08), 1),
        'f' => (Some(0x0c), 1),
        'n' | '\n' => (Some(b'\n'), 1),
        'r' => (Some(b'\r'), 1),
        't' => (Some(b'\t'), 1),
        'v' => (Some(0x0b), 1),
        '\\' => (Some(b'\\'), 1),
        '"' => (Some(b'"'), 1),
        '\'' => (Some(b'\''), 1),
        'x' => (text.get(1..3).and_then(hexadecimal), 3),
        '0'..='9' => decimal(text),
        _ => (None, 0),
    };
    value.push(byte.ok_or_else(|| Unknown(format!("the escape `\\{first}`")))?);
    Ok(&text[length..])
}

/// Exactly two digits, no sign.
fn hexadecimal(digits: &str) -> Option<u8> {
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Up to three digits.
fn decimal(text: &str) -> (Option<u8>, usize) {
    let length = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
    (text[..length].parse().ok(), length)
}

/// The number that the text begins with, and what follows it.
pub(super) fn number(source: &str) -> Result<(f64, &str), Unknown> {
    let mut before = ' ';
    let is_over = |c: char| {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        before = c;
        !(sign || c == '.' || c == '_' || c.is_ascii_alphanumeric())
    };
    let (digits, rest) = source.split_at(source.find(is_over).unwrap_or(source.len()));
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok().map(f64::from),
        None => digits.parse().ok(),
    };
    value.map(|value| (value, rest)).ok_or_else(|| Unknown(format!("the number `{digits}`")))
}
