//! Changes the top-level members of a JSON body, as Lua would: `false` is no value, null is one.

use super::Crash;
use super::changes::{Changes, InBody};
use super::template::Env;
use crate::entity::Compat;
use crate::plugin::payload::json::Table;
use serde_json::{Map, Value};

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
