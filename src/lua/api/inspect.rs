//! Values as a person reads them, for `kong.log.inspect`.

use super::value;
use crate::lua::limits::Patience;
use mlua::{Table, Value};

/// Deepest tables that are shown; later ones neither, when it takes long.
const DEEPEST: usize = 8;

/// A value in one line.
pub(super) fn text(given: &Value) -> String {
    let mut out = String::new();
    write(given, &mut out, &Patience::default(), 0);
    out
}

fn write(given: &Value, out: &mut String, patience: &Patience, depth: usize) {
    match given {
        Value::Nil => out.push_str("nil"),
        null if *null == Value::NULL => out.push_str("null"),
        Value::String(text) => out.push_str(&format!("{:?}", text.to_string_lossy())),
        Value::Table(_) if depth >= DEEPEST || patience.is_over() => out.push_str("{…}"),
        Value::Table(table) => self::table(table, out, patience, depth + 1),
        other => match value::scalar(other) {
            Some(text) => out.push_str(&String::from_utf8_lossy(&text)),
            None => out.push_str(&format!("<{}>", value::kind(other))),
        },
    }
}

/// The list first, then the rest by name.
fn table(table: &Table, out: &mut String, patience: &Patience, depth: usize) {
    let length = table.raw_len();
    let listed =
        |key: &Value| value::int(key).is_some_and(|at| usize::try_from(at).is_ok_and(|at| (1..=length).contains(&at)));
    let mut parts: Vec<String> =
        table.sequence_values::<Value>().flatten().map(|item| part(None, &item, patience, depth)).collect();
    let rest = table.pairs::<Value, Value>().flatten().filter(|(key, _)| !listed(key));
    let mut named: Vec<String> = rest.map(|(key, item)| part(Some(&key), &item, patience, depth)).collect();
    named.sort_unstable();
    parts.append(&mut named);
    out.push_str(&if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) });
}

fn part(key: Option<&Value>, item: &Value, patience: &Patience, depth: usize) -> String {
    let mut out = match key {
        None => String::new(),
        Some(Value::String(name)) => format!("{} = ", name.to_string_lossy()),
        Some(other) => format!("[{}] = ", text(other)),
    };
    write(item, &mut out, patience, depth);
    out
}
