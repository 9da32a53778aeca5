//! A JSON body as Lua holds it: an array is a table too, `false` is no value, null is one, and numbers keep 14 digits.

use crate::entity::Compat;
use crate::number;
use serde_json::{Map, Number, Value};

/// A Lua table: a list with named members, of which JSON has either.
#[derive(Debug)]
pub(in crate::plugin) struct Table {
    list: Option<Vec<Value>>,
    members: Map<String, Value>,
    lists: Lists,
}

/// What becomes of a list that got members. Kong 2 joins them in requests, Kong 3 and every response keep the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugin) enum Lists {
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
    pub(in crate::plugin) fn new(value: Value, lists: Lists) -> Option<Self> {
        match value {
            Value::Array(list) => Some(Self { list: Some(list), members: Map::new(), lists }),
            Value::Object(members) => Some(Self { list: None, members, lists }),
            _ => None,
        }
    }

    /// A member.
    pub(in crate::plugin) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Takes a member out.
    pub(in crate::plugin) fn remove(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Sets a member.
    pub(in crate::plugin) fn insert(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// Sets a member if it is there, or if it is not. `false` counts as not there.
    pub(in crate::plugin) fn set_if(&mut self, name: &str, value: Value, there: bool) -> bool {
        let found = self.members.get(name).is_some_and(|old| *old != Value::Bool(false));
        if found == there {
            self.insert(name, value);
        }
        found == there
    }

    /// Puts a value behind that of a member.
    pub(in crate::plugin) fn append(&mut self, name: &str, value: Value) {
        let old = self.members.remove(name);
        self.insert(name, appended(old, value));
    }

    /// The body as text. Takes what is in it.
    pub(in crate::plugin) fn encode(&mut self) -> String {
        let members = std::mem::take(&mut self.members);
        let value = match self.list.take() {
            None => Value::Object(members),
            Some(list) if members.is_empty() || self.lists == Lists::Kept => Value::Array(list),
            Some(list) => Value::Object(numbered(list).chain(members).collect()),
        };
        let mut text = String::new();
        write(&value, &mut text);
        text
    }
}

// === impl Lists ===

impl Lists {
    /// What becomes of them in a request.
    pub(in crate::plugin) fn of_requests(compat: Compat) -> Self {
        match compat {
            Compat::Kong2 => Self::Joined,
            Compat::Kong3 => Self::Kept,
        }
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
