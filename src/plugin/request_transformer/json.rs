//! Changes the top-level members of a JSON body, as Lua would; see [`Table`].

use super::Crash;
use super::changes::{Changes, InBody};
use super::template::Env;
use crate::entity::Compat;
use crate::plugin::payload::json::{Lists, Table};
use serde_json::{Map, Value};

/// The new body; `None` when nothing changed or the body is no JSON.
pub(super) fn change(
    changes: &Changes<InBody>,
    body: &[u8],
    env: &Env<'_>,
    compat: Compat,
) -> Result<Option<String>, Crash> {
    let table = match serde_json::from_slice(body) {
        Ok(value) => Table::new(value, Lists::of_requests(compat)),
        Err(_) if body.is_empty() => Table::new(Value::Object(Map::new()), Lists::of_requests(compat)),
        Err(_) => return Ok(None),
    };
    match table {
        Some(mut table) => {
            let changed = apply(changes, &mut table, !body.is_empty(), env, compat)?;
            Ok(changed.then(|| table.encode()))
        }
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

fn apply(
    changes: &Changes<InBody>,
    table: &mut Table,
    content: bool,
    env: &Env<'_>,
    compat: Compat,
) -> Result<bool, Crash> {
    let mut changed = content && move_names(changes, table, compat);
    if content {
        for (name, value) in &*changes.replace.render(env)? {
            changed |= table.set_if(name, text(value), true);
        }
    }
    for (name, value) in &*changes.add.render(env)? {
        changed |= table.set_if(name, text(value), false);
    }
    for (name, value) in &*changes.append.render(env)? {
        table.append(name, text(value));
    }
    Ok(changed || !changes.append.is_empty())
}

fn move_names(changes: &Changes<InBody>, table: &mut Table, compat: Compat) -> bool {
    for name in &changes.remove {
        table.remove(name);
    }
    for (old, new) in &changes.rename {
        rename(table, old, new, compat);
    }
    !changes.remove.is_empty() || !changes.rename.is_empty()
}

/// Kong 2 loses an existing new name even when the old one is not there.
fn rename(table: &mut Table, old: &str, new: &str, compat: Compat) {
    match table.remove(old) {
        Some(value) if old != new => table.insert(new, value),
        None if compat == Compat::Kong2 => _ = table.remove(new),
        _ => {}
    }
}

/// JSON is UTF-8; what a request puts into a template may not be.
fn text(value: &[u8]) -> Value {
    String::from_utf8_lossy(value).into()
}
