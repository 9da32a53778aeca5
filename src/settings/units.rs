//! The small syntaxes of values: switches, numbers, nginx's sizes and times, lists. Pure; an answer of `None` means
//! "not of this form", the message is the caller's.

use std::time::Duration;

/// `on`, `off`, `true`, `false` (`kong/operations.md` §1, Booleans).
#[must_use]
pub fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

/// nginx's size in bytes: `1024`, `8k`, `10m`, `1g`, letters in either case.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    number::<u64>(digits)?.checked_mul(factor)
}

/// nginx's time: `60`, `60s`, `500ms`, `1m30s`, `1h 30m`, `1d`; a number without unit is in seconds.
#[must_use]
pub fn time(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (part, behind) = amount(rest)?;
        sum = sum.checked_add(part)?;
        rest = behind.trim_start();
    }
    Some(sum)
}

/// The first `NUMBER[UNIT]` of a time, and what follows.
fn amount(text: &str) -> Option<(Duration, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let count = number::<u64>(digits)?;
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    Some((Duration::from_millis(count.checked_mul(milliseconds(unit)?)?), rest))
}

const fn milliseconds(unit: &str) -> Option<u64> {
    Some(match unit.as_bytes() {
        b"ms" => 1,
        b"" | b"s" => 1000,
        b"m" => 60_000,
        b"h" => 3_600_000,
        b"d" => 86_400_000,
        b"w" => 7 * 86_400_000,
        b"M" => 30 * 86_400_000,
        b"y" => 365 * 86_400_000,
        _ => return None,
    })
}

/// A whole number that is not negative, without sign.
#[must_use]
pub fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The entries of a comma-separated list, trimmed; empty ones are left out.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("1024", 1024), ("8k", 8192), ("160K", 163_840), ("10m", 10 << 20), ("1G", 1 << 30)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "k", "8kb", "-1", "+1", "1.5m", "99999999999999999999", "18446744073709551615k", "é"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, ms) in [
            ("60", 60_000),
            ("60s", 60_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1h 30m", 5_400_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(time(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", " ", "s", "5x", "-5s", "1.5s", "99999999999999999y"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn switches_and_lists() {
        assert_eq!([switch("on"), switch("false"), switch("yes")], [Some(true), Some(false), None]);
        assert_eq!(list(" a, b ,,c").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(list("").count(), 0);
    }
}
