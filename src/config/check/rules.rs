//! The rules themselves, pure: a value in, Kong's message out (`kong/declarative.md` §7).

use crate::config::schema::{EntityCheck, Rule, Wrong};
use crate::config::value::{Checked, Value};
use std::time::SystemTime;

/// Kong's words for the first rule that a text breaks.
pub(super) fn text_error(text: &str, rules: &[Rule]) -> Option<String> {
    let early = rules.iter().find_map(|rule| early_error(text, rule));
    let empty = text.is_empty() && !rules.iter().any(|rule| matches!(rule, Rule::MayBeEmpty));
    let late = || rules.iter().find_map(|rule| late_error(text, rule));
    early.or_else(|| empty.then(|| "length must be at least 1".to_owned())).or_else(late)
}

/// Rules that Kong tries before it looks at the length.
fn early_error(text: &str, rule: &Rule) -> Option<String> {
    match rule {
        Rule::OneOf(names) if !names.contains(&text) => Some(format!("expected one of: {}", names.join(", "))),
        Rule::Uuid if !is_uuid(text) => Some("expected a valid UUID".to_owned()),
        _ => None,
    }
}

fn late_error(text: &str, rule: &Rule) -> Option<String> {
    match rule {
        Rule::StartsWith(start) if !text.starts_with(start) => Some(format!("should start with: {start}")),
        Rule::MinLen(n) if text.len() < *n => Some(format!("length must be at least {n}")),
        Rule::Len(n) if text.len() != *n => Some(format!("length must be {n}")),
        Rule::Text(test) => test(text).err(),
        _ => None,
    }
}

/// What is wrong with a program.
pub(super) fn code_error(text: &str, rules: &[Rule]) -> Option<Wrong> {
    rules.iter().find_map(|rule| match rule {
        Rule::Code(test) => test(text).err(),
        _ => None,
    })
}

/// Kong's words for the first rule that a number breaks.
pub(super) fn number_error(number: f64, rules: &[Rule]) -> Option<String> {
    rules.iter().find_map(|rule| match rule {
        Rule::Between(low, high) if number < *low || number > *high => {
            Some(format!("value should be between {low} and {high}"))
        }
        Rule::Greater(low) if number <= *low => Some(format!("value must be greater than {low}")),
        Rule::OneOf(names) if !names.iter().any(|name| name.parse() == Ok(number)) => {
            Some(format!("expected one of: {}", names.join(", ")))
        }
        _ => None,
    })
}

/// Kong's words for the first rule that a list of this length breaks.
pub(super) fn length_error(length: usize, rules: &[Rule]) -> Option<String> {
    rules.iter().find_map(|rule| match rule {
        Rule::MinLen(n) if length < *n => Some(format!("length must be at least {n}")),
        Rule::Len(n) if length != *n => Some(format!("length must be {n}")),
        _ => None,
    })
}

/// Kong's words for the first free-form rule that a value breaks.
pub(super) fn value_error(checked: &Checked, rules: &[Rule]) -> Option<String> {
    rules.iter().find_map(|rule| match rule {
        Rule::Value(test) => test(checked).err(),
        _ => None,
    })
}

/// Place and words for each thing wrong with several fields.
pub(super) fn entity_errors(check: &EntityCheck, checked: &Checked, now: SystemTime) -> Vec<(&'static str, String)> {
    let set = |names: &[&str]| names.iter().filter(|name| is_set(checked, name)).count();
    let failed = match check {
        EntityCheck::Custom(test) => return test(checked),
        EntityCheck::Timed(test) => return test(checked, now),
        EntityCheck::AtLeastOneOf(names) => {
            (set(names) == 0).then(|| format!("at least one of these fields must be non-empty: {}", quoted(names)))
        }
        EntityCheck::ExactlyOneOf(names) => {
            (set(names) != 1).then(|| format!("exactly one of these fields must be non-empty: {}", quoted(names)))
        }
        EntityCheck::OnlyOneOf(names) => {
            (set(names) > 1).then(|| format!("only one or none of these fields must be set: {}", quoted(names)))
        }
        EntityCheck::AllOrNone(names) => (set(names) != 0 && set(names) != names.len())
            .then(|| format!("all or none of these fields must be set: {}", quoted(names))),
        EntityCheck::Distinct(names) => {
            (!distinct(checked, names)).then(|| format!("values of these fields must be distinct: {}", quoted(names)))
        }
    };
    failed.map(|message| ("@entity", message)).into_iter().collect()
}

/// Names as Kong lists them.
pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

fn look_up<'a>(checked: &'a Checked, path: &str) -> Option<&'a Checked> {
    path.strip_prefix("config.").unwrap_or(path).split('.').try_fold(checked, |at, key| at.get(key))
}

fn is_set(checked: &Checked, path: &str) -> bool {
    look_up(checked, path).is_some_and(|found| match &found.value {
        Value::Null => false,
        Value::Str(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(pairs) => !pairs.is_empty(),
        Value::Bool(_) | Value::Int(_) | Value::Num(_) => true,
    })
}

fn distinct(checked: &Checked, names: &[&str]) -> bool {
    let values: Vec<_> = names.iter().filter_map(|name| look_up(checked, name)).collect();
    (1..values.len()).all(|at| !values[..at].contains(&values[at]))
}

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
