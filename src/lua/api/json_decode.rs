//! JSON as `cjson` reads it.

use mlua::{Lua, Table, Value};
use serde_json::Value as Json;

/// Where the VM keeps the metatable of arrays.
const METATABLE: &str = "array";

/// What that metatable says, so that an empty array is written as one.
const MARK: &str = "__jsontype";

/// A JSON text as a value of Lua; `null` is `cjson.null`.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn decode(lua: &Lua, text: &[u8]) -> Result<Value, String> {
    let json = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    value(lua, json).map_err(|error| error.to_string())
}

/// A value of JSON as one of Lua; `null` is `cjson.null`.
pub(super) fn value(lua: &Lua, json: Json) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::NULL,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => Value::Table(array(lua, items)?),
        Json::Object(members) => {
            let table = lua.create_table()?;
            for (name, member) in members {
                table.raw_set(name, value(lua, member)?)?;
            }
            Value::Table(table)
        }
    })
}

fn array(lua: &Lua, items: Vec<Json>) -> mlua::Result<Table> {
    let items = items.into_iter().map(|item| value(lua, item)).collect::<mlua::Result<Vec<_>>>()?;
    let table = lua.create_sequence_from(items)?;
    table.set_metatable(Some(metatable(lua)?))?;
    Ok(table)
}

fn metatable(lua: &Lua) -> mlua::Result<Table> {
    if let Value::Table(known) = lua.named_registry_value(METATABLE)? {
        return Ok(known);
    }
    let made = lua.create_table()?;
    made.raw_set(MARK, "array")?;
    made.raw_set("__metatable", false)?;
    lua.set_named_registry_value(METATABLE, &made)?;
    Ok(made)
}

/// Whether a table was read as an array.
pub(super) fn is_array(table: &Table) -> bool {
    table.metatable().is_some_and(|meta| meta.raw_get::<Value>(MARK).is_ok_and(|mark| !mark.is_nil()))
}
