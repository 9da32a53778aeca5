//! Lines of the log that a chunk writes.

use super::call::Args;
use super::value;
use mlua::{Lua, Value};

/// How grave a line is, as nginx numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level(pub(super) i64);

/// Writes a line; control characters are escaped, so that it stays one.
pub(super) fn write(level: Level, line: &str) {
    let line: String = line.chars().flat_map(shown).collect();
    match level.0 {
        ..=4 => tracing::error!("{line}"),
        5 => tracing::warn!("{line}"),
        6 | 7 => tracing::info!("{line}"),
        _ => tracing::debug!("{line}"),
    }
}

fn shown(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control() && c != '\t';
    let (own, other) = if escaped { (None, Some(c.escape_default())) } else { (Some(c), None) };
    own.into_iter().chain(other.into_iter().flatten())
}

/// The arguments, one after another.
pub(super) fn joined<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    values.map(text).collect()
}

/// What Lua's `tostring` says, but for addresses.
fn text(given: &Value) -> String {
    match given {
        Value::Nil => "nil".to_owned(),
        null if *null == Value::NULL => "null".to_owned(),
        other => match value::scalar(other) {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None => value::kind(other).to_owned(),
        },
    }
}

/// Where the chunk is that calls, and its plugin: what Kong puts before a message.
pub(super) fn place(lua: &Lua) -> String {
    // 0 is the function itself, 1 the prelude's wrapper.
    let found = lua.inspect_stack(2, |frame| {
        let name = frame.source().source.map(|name| name.into_owned()).unwrap_or_default();
        (name, frame.current_line().unwrap_or_default())
    });
    let Some((name, line)) = found else { return "[kong]".to_owned() };
    let name = name.trim_start_matches(['=', '@']);
    let plugin = name.split(' ').next().unwrap_or_default();
    format!("[kong] [string \"{name}\"]:{line} [{plugin}]")
}

/// A line of `kong.log`.
pub(super) fn kong(lua: &Lua, level: Level, args: &Args, skip: usize) {
    write(level, &format!("{} {}", place(lua), joined(args.iter().skip(skip))));
}
