//! A JSON body as Lua holds it: an array is a table too, and numbers keep 14 digits.

use crate::entity::Compat;
use crate::number;
use serde_json::{Map, Number, Value};

/// A Lua table: a list with named members, of which JSON has either.
#[derive(Debug)]
pub(in crate::plugin) struct Table {
    pub(in crate::plugin) list: Option<Vec<Value>>,
    pub(in crate::plugin) members: Map<String, Value>,
    pub(in crate::plugin) compat: Compat,
}

/// Integers below this are exact in 14 digits.
const EXACT: u64 = 100_000_000_000_000;

// === impl Table ===

impl Table {
    /// `None` for a value that is no table.
    pub(in crate::plugin) fn new(value: Value, compat: Compat) -> Option<Self> {
        let (list, members) = match value {
            Value::Array(list) => (Some(list), Map::new()),
            Value::Object(members) => (None, members),
            _ => return None,
        };
        Some(Self { list, members, compat })
    }

    /// Kong 2 writes a list that got members as an object; Kong 3 keeps the list and loses the members.
    pub(in crate::plugin) fn encode(&mut self) -> String {
        let members = std::mem::take(&mut self.members);
        let value = match self.list.take() {
            None => Value::Object(members),
            Some(list) if members.is_empty() || self.compat == Compat::Kong3 => Value::Array(list),
            Some(list) => Value::Object(numbered(list).chain(members).collect()),
        };
        let mut text = String::new();
        write(&value, &mut text);
        text
    }
}

fn numbered(list: Vec<Value>) -> impl Iterator<Item = (String, Value)> {
    list.into_iter().enumerate().map(|(at, value)| ((at + 1).to_string(), value))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => out.push_str(&digits(number)),
        Value::Array(list) => delimited(out, ['[', ']'], list, write),
        Value::Object(members) => delimited(out, ['{', '}'], members, |(name, value), out| {
            out.push_str(&Value::from(name.as_str()).to_string());
            out.push(':');
            write(value, out);
        }),
        plain => out.push_str(&plain.to_string()),
    }
}

fn delimited<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    each: impl Fn(T, &mut String),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(close);
}

fn digits(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) if whole.unsigned_abs() < EXACT => whole.to_string(),
        (_, Some(float)) => number::lua(float),
        (_, None) => number.to_string(),
    }
}
