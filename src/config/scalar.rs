//! What a plain scalar means to Kong: YAML 1.1 as lyaml reads it (`kong/declarative.md` §1). So `on` and `Yes` are
//! truths, `010` is eight, `1:30` is ninety and an unquoted `1.1` is a number.

use super::tree::Raw;

/// The value of an unquoted text.
#[must_use]
pub(super) fn plain(text: &str) -> Raw {
    other_than_text(text).unwrap_or_else(|| Raw::Text(text.into()))
}

/// The same where it is not the text itself.
#[must_use]
pub(super) fn other_than_text(text: &str) -> Option<Raw> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Raw::Null),
        _ => {}
    }
    if let Some(truth) = boolean(text) {
        return Some(Raw::Bool(truth));
    }
    let number = || integer(text).or_else(|| float(text)).or_else(|| sexagesimal(text));
    let may_be_one = text.starts_with(|c: char| c.is_ascii_digit() || "+-._".contains(c));
    may_be_one.then(number).flatten()
}

/// The value of a text under one of YAML's own tags; `None` if it does not fit or the tag is another.
#[must_use]
pub(super) fn tagged(tag: &str, text: &str) -> Option<Raw> {
    match (tag, plain(text)) {
        ("str", _) => Some(Raw::Text(text.into())),
        ("null", _) => Some(Raw::Null),
        ("bool", raw @ Raw::Bool(_)) | ("int", raw @ Raw::Int(_)) => Some(raw),
        ("float", raw @ (Raw::Int(_) | Raw::Num(_))) => Some(raw),
        _ => None,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn integer(text: &str) -> Option<Raw> {
    let (negative, rest) = sign(text);
    let digits: String = rest.chars().filter(|c| *c != '_').collect();
    let radix = |prefix: &str, base: u32| {
        let tail = digits.strip_prefix(prefix)?;
        (!tail.is_empty() && tail.chars().all(|c| c.is_digit(base))).then(|| from_digits(tail, base, negative))
    };
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '_') || !rest.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0", 8)).or_else(|| radix("", 10))
}

/// Too long for a whole number: any other number, as Lua has it.
#[allow(clippy::cast_precision_loss)]
fn from_digits(digits: &str, base: u32, negative: bool) -> Raw {
    match i64::from_str_radix(digits, base) {
        Ok(n) => Raw::Int(if negative { -n } else { n }),
        Err(_) => {
            let sum =
                || digits.chars().filter_map(|c| c.to_digit(base)).fold(0.0, |n, d| n * f64::from(base) + f64::from(d));
            let n = if base == 10 { digits.parse().unwrap_or(f64::INFINITY) } else { sum() };
            Raw::Num(if negative { -n } else { n })
        }
    }
}

fn float(text: &str) -> Option<Raw> {
    let (negative, rest) = sign(text);
    let signed = |n: f64| Raw::Num(if negative { -n } else { n });
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Raw::Num(f64::NAN)),
        _ => {}
    }
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-' | '_');
    if !rest.chars().all(numeric)
        || !rest.contains(['.', 'e', 'E'])
        || !rest.starts_with(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        return None;
    }
    rest.replace('_', "").parse().ok().map(|n: f64| whole(signed(n)))
}

/// `1e3` is as whole as `1000`: Lua has one kind of number.
#[allow(clippy::cast_possible_truncation)]
fn whole(raw: Raw) -> Raw {
    match raw {
        Raw::Num(n) if n.fract() == 0.0 && n.abs() < 9e15 => Raw::Int(n as i64),
        other => other,
    }
}

/// `190:20:30`, with or without a fraction.
fn sexagesimal(text: &str) -> Option<Raw> {
    let (negative, rest) = sign(text);
    let (hours, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut parts = hours.split(':');
    let first = parts.next().filter(|p| digits_only(p))?;
    let second = parts.next().filter(|p| digits_only(p))?;
    if rest.contains('.') && !digits_only(fraction) || !parts.clone().all(|p| p.is_empty() || digits_only(p)) {
        return None;
    }
    let all = [first, second].into_iter().chain(parts.filter(|p| !p.is_empty()));
    let total = all.filter_map(|p| p.parse::<f64>().ok()).fold(0.0, |n, p| n * 60.0 + p);
    let total = total + format!("0.{fraction}").parse().unwrap_or(0.0);
    Some(whole(Raw::Num(if negative { -total } else { total })))
}

fn digits_only(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_lyaml_makes_of_them() {
        for (text, meant) in [
            ("~", Raw::Null),
            ("on", Raw::Bool(true)),
            ("No", Raw::Bool(false)),
            ("y", Raw::Text("y".into())),
            ("0", Raw::Int(0)),
            ("-12", Raw::Int(-12)),
            ("010", Raw::Int(8)),
            ("08", Raw::Int(8)),
            ("0x1f", Raw::Int(31)),
            ("0b101", Raw::Int(5)),
            ("1_000", Raw::Int(1000)),
            ("1.1", Raw::Num(1.1)),
            (".5", Raw::Num(0.5)),
            ("1e3", Raw::Int(1000)),
            ("1:30", Raw::Int(90)),
            ("1.2.3.4", Raw::Text("1.2.3.4".into())),
            ("1:2:a", Raw::Text("1:2:a".into())),
            ("10:99", Raw::Int(699)),
            ("e5", Raw::Text("e5".into())),
            ("-", Raw::Text("-".into())),
            ("_", Raw::Text("_".into())),
            ("99999999999999999999", Raw::Num(1e20)),
            ("60s", Raw::Text("60s".into())),
        ] {
            assert_eq!(plain(text), meant, "{text}");
        }
    }

    #[test]
    fn a_tag_decides_where_it_fits() {
        assert_eq!(tagged("str", "1.1"), Some(Raw::Text("1.1".into())));
        assert_eq!(tagged("int", "a"), None);
        assert_eq!(tagged("bool", "on"), Some(Raw::Bool(true)));
    }
}
