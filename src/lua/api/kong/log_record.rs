//! The record that log plugins write of a request, for Lua (`kong/plugins.md` §20).

use super::{Answer, Args, Stop, none, one, raise};
use crate::lua::api::{json, json_decode};
use crate::lua::current::Current;
use crate::plugin::Head;
use crate::plugin::record::{self, Change, Known, Mode};
use mlua::{Lua, Value};
use serde_json::Value as Json;

/// What a value may be.
const VALUE: &str = "value must be nil, a number, string, boolean or a non self-referencial table containing numbers, \
                     string and booleans";

/// `kong.log.serialize()`: as the plugins write it. An empty table where none of the route does.
pub(super) fn serialize(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let known = Known { entities: cx.facts.catalog.get(), consumers: cx.facts.consumers.get() };
    let record = record::of(&cx.cx, Some(&Head::of(&cx.req)), known);
    one(lua, json_decode::value(lua, Json::Object(record))?)
}

/// `kong.log.set_serialize_value(place, value, options)`: a field of the record.
pub(super) fn set_value(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let place = args.text(0, "key must be a string")?.to_string_lossy().into();
    let change = Change { place, value: value(args.get(1))?, mode: mode(args.get(2))? };
    if let Some(facts) = &mut cx.cx.facts {
        facts.change(change).or_else(raise)?;
    }
    none()
}

fn value(given: &Value) -> Result<Option<Json>, Stop> {
    if given.is_nil() {
        return Ok(None);
    }
    let text = json::encode(given).or_else(|_| raise(VALUE))?;
    let value = serde_json::from_str(&String::from_utf8_lossy(&text)).or_else(|_| raise(VALUE))?;
    Ok(Some(value))
}

fn mode(options: &Value) -> Result<Mode, Stop> {
    let mode = match options {
        Value::Table(options) => options.raw_get::<Value>("mode")?,
        _ => Value::Nil,
    };
    match &mode {
        Value::Nil => Ok(Mode::Set),
        Value::String(name) if *name == "set" => Ok(Mode::Set),
        Value::String(name) if *name == "add" => Ok(Mode::Add),
        Value::String(name) if *name == "replace" => Ok(Mode::Replace),
        _ => raise("mode must be 'set', 'add' or 'replace'"),
    }
}
