//! Changes the top-level members of a JSON body, as Lua would; see [`Table`].

use super::listed;
use crate::config::value::Checked;
use crate::plugin::pair::split;
use crate::plugin::payload::json::{Lists, Table};
use serde_json::{Number, Value};

/// A member's name and what it gets.
type Pair = (Box<str>, Value);

/// All changes, in the order in which they are made.
#[derive(Debug)]
pub(super) struct Members {
    remove: Box<[Box<str>]>,
    /// Old names with new ones.
    rename: Box<[(Box<str>, Box<str>)]>,
    replace: Box<[Pair]>,
    add: Box<[Pair]>,
    append: Box<[Pair]>,
}

const STEPS: [&str; 5] = ["remove", "rename", "replace", "add", "append"];

// === impl Members ===

impl Members {
    /// Reads the five lists; `None` when all are empty.
    pub(super) fn read(config: &Checked) -> Option<Self> {
        if STEPS.iter().all(|step| list(config, step, "json").is_empty()) {
            return None;
        }
        let remove = entries(config, "remove").map(|(name, _)| name.into()).collect();
        let rename = entries(config, "rename").filter(|(_, new)| !new.is_empty());
        let rename = rename.map(|(old, new)| (old.into(), new.into())).collect();
        let [replace, add, append] = ["replace", "add", "append"].map(|step| pairs(config, step));
        Some(Self { remove, rename, replace, add, append })
    }

    /// The new body.
    ///
    /// # Errors
    /// Why there is none: the body cannot be changed.
    pub(super) fn change(&self, body: &[u8]) -> Result<String, &'static str> {
        let value = serde_json::from_slice(body).map_err(|_| "it is not JSON")?;
        let mut table = Table::new(value, Lists::Kept).ok_or("it is neither an object nor an array")?;
        for name in &self.remove {
            table.remove(name);
        }
        for (old, new) in &self.rename {
            if let Some(value) = table.remove(old) {
                table.insert(new, value);
            }
        }
        for (name, value) in &self.replace {
            table.set_if(name, value.clone(), true);
        }
        for (name, value) in &self.add {
            table.set_if(name, value.clone(), false);
        }
        for (name, value) in &self.append {
            table.append(name, value.clone());
        }
        Ok(table.encode())
    }

    /// What is done, without values; `None` if nothing is.
    pub(super) fn described(&self) -> Option<String> {
        listed([
            ("removes", self.remove.iter().map(AsRef::as_ref).collect()),
            ("renames", self.rename.iter().map(|(old, _)| old.as_ref()).collect()),
            ("replaces", names(&self.replace)),
            ("adds", names(&self.add)),
            ("appends", names(&self.append)),
        ])
    }
}

fn names(pairs: &[Pair]) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_ref()).collect()
}

fn list<'a>(config: &'a Checked, step: &str, field: &str) -> &'a [Checked] {
    config.get(step).map_or(&[], |lists| lists.list(field))
}

fn entries<'a>(config: &'a Checked, step: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    list(config, step, "json").iter().filter_map(Checked::as_str).map(split)
}

/// Names with values, each of the kind that `json_types` has at its place. What is no number where one is to be is left
/// out.
fn pairs(config: &Checked, step: &str) -> Box<[Pair]> {
    let kinds = list(config, step, "json_types").iter().map(Checked::as_str).chain(std::iter::repeat(None));
    let pair = |((name, text), kind): ((&str, &str), _)| Some((name.into(), value(text, kind)?));
    entries(config, step).zip(kinds).filter_map(pair).collect()
}

fn value(text: &str, kind: Option<&str>) -> Option<Value> {
    let text = unquoted(text);
    match kind {
        Some("number") => number(&text).map(Value::Number),
        Some("boolean") => Some((text == "true").into()),
        _ => Some(text.into()),
    }
}

/// A text as Kong makes it: written as JSON, without the outer quotes, and with plain `"` and `/`. What else JSON
/// escapes stays escaped; no text is `null`.
fn unquoted(text: &str) -> String {
    if text.is_empty() {
        return "null".to_owned();
    }
    let json = Value::from(text).to_string();
    let inside = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&json);
    inside.replace("\\\"", "\"").replace('\u{7f}', "\\u007f")
}

/// A number as Lua reads it, if JSON can hold it.
fn number(text: &str) -> Option<Number> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    match hex {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            let whole = u32::from_str_radix(hex, 16).ok()?;
            Number::from_f64(sign * f64::from(whole))
        }
        _ => Number::from_f64(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::{number, unquoted};

    #[test]
    fn a_text_keeps_the_escapes_of_json_but_two() {
        let cases = [("plain", "plain"), ("a\"b/c", "a\"b/c"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("", "null")];
        for (text, expected) in cases {
            assert_eq!(unquoted(text), expected);
        }
    }

    #[test]
    fn a_number_is_one_that_json_can_hold() {
        let cases = [("1.5", Some(1.5)), (" 5 ", Some(5.0)), ("0x10", Some(16.0)), ("-0x1", Some(-1.0)), ("1e3", Some(1000.0))];
        for (text, expected) in cases {
            assert_eq!(number(text).and_then(|number| number.as_f64()), expected, "{text}");
        }
        for text in ["abc", "", "inf", "nan", "1e999", "0x", "0x+1", "1 2"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
