//! Values of the wrong kind: text for a number, one value for a list.

use super::{Said, said};
use crate::config::scalar;
use crate::config::schema::Kind;
use crate::config::tree::Raw;

/// What to say of a value of the wrong kind.
pub(in crate::config::check) fn mistyped(kind: Kind, field: &str, raw: &Raw) -> Said {
    let words = said(format!("must be {}, not {}", wanted(kind), raw.kind()));
    match (kind, raw) {
        (Kind::Integer, Raw::Num(n)) => said(format!("must be a whole number, not {n}")),
        (Kind::String | Kind::Foreign(_), Raw::Bool(_) | Raw::Int(_) | Raw::Num(_)) => words.label("put it in quotes"),
        (Kind::String | Kind::Foreign(_), Raw::List(_)) => words.label("one value goes here, without a list"),
        (Kind::Integer | Kind::Number | Kind::Boolean, Raw::Text(text)) => number_or_truth(words, kind, text),
        (Kind::Boolean, _) => words.help("write `true` or `false`"),
        (Kind::Array(_) | Kind::Set(_), Raw::Text(text)) => words.help(write_list(field, text)),
        (Kind::Array(of) | Kind::Set(of), Raw::Int(n)) => {
            let quote = if matches!(of.kind, Kind::String) { "\"" } else { "" };
            words.help(format!("write `{field}: [{quote}{n}{quote}]`"))
        }
        (Kind::Array(_) | Kind::Set(_), Raw::Map(_)) => words.label("a list has `- ` before each entry"),
        (Kind::Map(_, _), Raw::List(_)) => words.label("a mapping has `name: value`, without `- `"),
        (Kind::Record(_), Raw::List(_)) => words.label("a mapping has `name: value`, without `- `"),
        _ => words,
    }
}

/// What to write where a list is wanted and one text is there.
pub(in crate::config::check) fn write_list(field: &str, text: &str) -> String {
    format!("write `{field}: {}`", listed(field, text))
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::Array(_) | Kind::Set(_) => "a list",
        Kind::Map(_, _) | Kind::Record(_) => "a mapping",
        Kind::Foreign(_) => "a name or id, as text",
        Kind::Any => "anything",
    }
}

/// Text where a number or a truth is wanted.
fn number_or_truth(words: Said, kind: Kind, text: &str) -> Said {
    let truth = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off");
    let fits = if matches!(kind, Kind::Boolean) { truth } else { text.parse::<f64>().is_ok() };
    let unit = ["ms", "s", "m", "h"].iter().find_map(|unit| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok());
    match kind {
        _ if fits => words.label("take the quotes away"),
        Kind::Boolean => words.help("write `true` or `false`"),
        _ if is_size(text) => words.label("a number alone, without a unit"),
        _ if unit.is_some() => {
            words.label("a number alone, without a unit").help("Kong's timeouts are milliseconds: `60000` is a minute")
        }
        _ => words,
    }
}

/// `10mb`.
fn is_size(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let number = ["kb", "mb", "gb", "b"].iter().find_map(|unit| text.strip_suffix(unit));
    number.is_some_and(|number| number.trim_end().parse::<f64>().is_ok())
}

/// A text as a list in one line. Commas part it, as people mean it.
fn listed(field: &str, text: &str) -> String {
    let text = if field == "methods" { text.to_ascii_uppercase() } else { text.to_owned() };
    let special = |part: &str| part.contains(|c: char| "*&!{}[]#:@`%".contains(c));
    let quoted = |part: &str| match special(part) || !matches!(scalar::plain(part), Raw::Text(_)) {
        true => format!("\"{part}\""),
        false => part.to_owned(),
    };
    let parts: Vec<_> = text.split(',').map(|part| quoted(part.trim())).collect();
    format!("[{}]", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_one_line() {
        assert_eq!(listed("tags", "a"), "[a]");
        assert_eq!(listed("methods", "GET, post"), "[GET, POST]");
        assert_eq!(listed("tags", "*, 1"), "[\"*\", \"1\"]");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(written in "\\PC{0,90}") {
            let _ = mistyped(Kind::Integer, "port", &Raw::Text(written.into()));
        }
    }
}
