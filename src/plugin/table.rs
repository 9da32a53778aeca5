//! A JSON document as a Lua table, for plugins that change its top-level members: an array is a table too, `false` is no
//! value, null is one, and numbers keep 14 digits.

use crate::number;
use serde_json::{Map, Number, Value};

/// A list with named members, of which JSON has either.
#[derive(Debug)]
pub(super) struct Table {
    list: Option<Vec<Value>>,
    members: Map<String, Value>,
}

/// What becomes of a list that got members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// It stays a list, and they are lost.
    Kept,
    /// It becomes an object, its items under their numbers.
    Joined,
}

/// Integers below this are exact in 14 digits.
const EXACT: u64 = 100_000_000_000_000;

// === impl Table ===

impl Table {
    /// An array or an object; `None` for anything else.
    pub(super) fn new(value: Value) -> Option<Self> {
        match value {
            Value::Array(list) => Some(Self { list: Some(list), members: Map::new() }),
            Value::Object(members) => Some(Self { list: None, members }),
            _ => None,
        }
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Sets a member.
    pub(super) fn insert(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// Sets a member if it is there, or if it is not. `false` counts as not there.
    pub(super) fn set_if(&mut self, name: &str, value: Value, there: bool) -> bool {
        let found = self.members.get(name).is_some_and(|old| *old != Value::Bool(false));
        if found == there {
            self.insert(name, value);
        }
        found == there
    }

    /// Puts a value behind that of a member.
    pub(super) fn append(&mut self, name: &str, value: Value) {
        let old = self.members.remove(name);
        self.insert(name, appended(old, value));
    }

    /// The document as text.
    pub(super) fn encode(self, lists: Lists) -> String {
        let value = match self.list {
            None => Value::Object(self.members),
            Some(list) if self.members.is_empty() || lists == Lists::Kept => Value::Array(list),
            Some(list) => Value::Object(numbered(list).chain(self.members).collect()),
        };
        let mut text = String::new();
        write(&value, &mut text);
        text
    }
}

fn numbered(list: Vec<Value>) -> impl Iterator<Item = (String, Value)> {
    list.into_iter().enumerate().map(|(at, value)| ((at + 1).to_string(), value))
}

/// The value behind another one. What is neither text, list nor object is lost.
fn appended(old: Option<Value>, value: Value) -> Value {
    match old {
        Some(Value::String(old)) => vec![Value::String(old), value].into(),
        Some(Value::Array(mut list)) => {
            list.push(value);
            list.into()
        }
        Some(Value::Object(mut members)) if !members.is_empty() => {
            let free = (1_usize..).map(|n| n.to_string()).find(|n| !members.contains_key(n));
            members.extend(free.map(|key| (key, value)));
            members.into()
        }
        _ => vec![value].into(),
    }
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
