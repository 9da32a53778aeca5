//! Fields of a record: those of entities, and those that a file adds.

use super::facts::{Change, Mode};
use crate::config::value::{Checked, Value as Field};
use crate::entity::Compat;
use serde_json::{Map, Value};

/// A record of a file as JSON; what is absent is left out.
pub(super) fn json(checked: &Checked) -> Value {
    match &checked.value {
        Field::Null => Value::Null,
        Field::Bool(truth) => Value::Bool(*truth),
        Field::Int(number) => Value::from(*number),
        Field::Num(number) => Value::from(*number),
        Field::Str(text) => Value::from(&**text),
        Field::List(items) => items.iter().map(json).collect(),
        Field::Map(pairs) => {
            let present = pairs.iter().filter(|(_, field)| !field.is_null());
            Value::Object(present.map(|(name, field)| (String::from(&**name), json(field))).collect())
        }
    }
}

/// Gives a place, names joined by dots, this value; without one, takes away what is there. What stands in the way and is
/// no object becomes one. In Kong 3 a dot after `\` is part of a name.
pub fn set(record: &mut Map<String, Value>, place: &str, value: Option<Value>, compat: Compat) {
    let mut names = names(place, compat);
    let Some(last) = names.pop() else { return };
    let mut at = record;
    for name in names {
        if value.is_none() && !at.get(&name).is_some_and(Value::is_object) {
            return;
        }
        let inner = at.entry(name).or_insert(Value::Null);
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        let Value::Object(inner) = inner else { return };
        at = inner;
    }
    match value {
        Some(value) => drop(at.insert(last, value)),
        None => drop(at.remove(&last)),
    }
}

/// What Lua wants changed.
pub(super) fn change(record: &mut Map<String, Value>, change: &Change, compat: Compat) {
    let there = has(record, &change.place, compat);
    if change.mode == Mode::Set || there == (change.mode == Mode::Replace) {
        set(record, &change.place, change.value.clone(), compat);
    }
}

fn has(record: &Map<String, Value>, place: &str, compat: Compat) -> bool {
    let mut names = names(place, compat).into_iter();
    let first = names.next().and_then(|name| record.get(&name));
    names.fold(first, |at, name| at?.get(name)).is_some()
}

fn names(place: &str, compat: Compat) -> Vec<String> {
    let mut names = vec![String::new()];
    for part in place.split('.') {
        match (names.last_mut(), part.strip_suffix('\\')) {
            (Some(name), Some(start)) if compat == Compat::Kong3 => {
                name.push_str(start);
                name.push('.');
            }
            (Some(name), _) => {
                name.push_str(part);
                names.push(String::new());
            }
            (None, _) => {}
        }
    }
    names.pop();
    names
}
