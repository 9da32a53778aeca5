//! Changes the top-level members of a JSON body, as Lua would: an array is a table too, `false` is no value, null is
//! one, and numbers keep 14 digits.

use super::Crash;
use super::changes::{Changes, InBody};
use super::template::Env;
use crate::entity::Compat;
use crate::number;
use serde_json::{Map, Number, Value};

/// A Lua table: a list with named members, of which JSON has either.
#[derive(Debug)]
struct Table {
    list: Option<Vec<Value>>,
    members: Map<String, Value>,
    compat: Compat,
}

/// Integers below this are exact in 14 digits.
const EXACT: u64 = 100_000_000_000_000;

/// The new body; `None` when nothing changed or the body is no JSON.
pub(super) fn change(
    changes: &Changes<InBody>,
    body: &[u8],
    env: &Env<'_>,
    compat: Compat,
) -> Result<Option<String>, Crash> {
    let mut table = match serde_json::from_slice(body) {
        Ok(value) => Table::new(value, compat),
        Err(_) if body.is_empty() => Table::new(Value::Object(Map::new()), compat),
        Err(_) => return Ok(None),
    };
    match &mut table {
        Some(table) => Ok(table.apply(changes, !body.is_empty(), env)?.then(|| table.encode())),
        None => scalar(changes, env),
    }
}

/// Kong crashes on setting a member of what has none; replacing finds nothing to replace.
fn scalar(changes: &Changes<InBody>, env: &Env<'_>) -> Result<Option<String>, Crash> {
    let Changes { remove, rename, replace, add, append } = changes;
    replace.render(env)?;
    let sets = remove.len() + rename.len() + add.len() + append.len();
    if sets == 0 { Ok(None) } else { Err(Crash) }
}

// === impl Table ===

impl Table {
    fn new(value: Value, compat: Compat) -> Option<Self> {
        let (list, members) = match value {
            Value::Array(list) => (Some(list), Map::new()),
            Value::Object(members) => (None, members),
            _ => return None,
        };
        Some(Self { list, members, compat })
    }

    fn apply(&mut self, changes: &Changes<InBody>, content: bool, env: &Env<'_>) -> Result<bool, Crash> {
        let mut changed = content && self.move_names(changes);
        if content {
            for (name, value) in &*changes.replace.render(env)? {
                changed |= self.set_if(name, value, true);
            }
        }
        for (name, value) in &*changes.add.render(env)? {
            changed |= self.set_if(name, value, false);
        }
        for (name, value) in &*changes.append.render(env)? {
            let old = self.members.remove(&**name);
            self.members.insert(name.to_string(), appended(old, text(value)));
        }
        Ok(changed || !changes.append.is_empty())
    }

    fn move_names(&mut self, changes: &Changes<InBody>) -> bool {
        for name in &changes.remove {
            self.members.remove(&**name);
        }
        for (old, new) in &changes.rename {
            self.rename(old, new);
        }
        !changes.remove.is_empty() || !changes.rename.is_empty()
    }

    /// Kong 2 loses an existing new name even when the old one is not there.
    fn rename(&mut self, old: &str, new: &str) {
        match self.members.remove(old) {
            Some(value) if old != new => _ = self.members.insert(new.to_owned(), value),
            None if self.compat == Compat::Kong2 => _ = self.members.remove(new),
            _ => {}
        }
    }

    /// Sets a member if it is there, or if it is not. `false` counts as not there.
    fn set_if(&mut self, name: &str, value: &[u8], there: bool) -> bool {
        let found = self.members.get(name).is_some_and(|old| *old != Value::Bool(false));
        if found == there {
            self.members.insert(name.to_owned(), text(value));
        }
        found == there
    }

    /// Kong 2 writes a list that got members as an object; Kong 3 keeps the list and loses the members.
    fn encode(&mut self) -> String {
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

/// JSON is UTF-8; what a request puts into a template may not be.
fn text(value: &[u8]) -> Value {
    String::from_utf8_lossy(value).into()
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
