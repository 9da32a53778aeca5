//! Arguments of queries and forms, as tables of Lua have them.

use super::call::{Args as Given, Stop, raise};
use super::value;
use crate::args::{self, Args};
use mlua::{Lua, Table, Value};

/// How many are read where nobody says (`kong/pdk/request.lua`).
const USUAL: usize = 100;

/// How many are asked for at most, checked as Kong does. `what` is what messages call it.
pub(super) fn limit(given: &Given, at: usize, what: &str) -> Result<usize, Stop> {
    let number = match given.get(at) {
        Value::Nil => return Ok(USUAL),
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => *number as f64,
        Value::Number(number) => *number,
        _ => return raise(format!("{what} must be a number")),
    };
    match number {
        few if few < 1.0 => raise(format!("{what} must be >= 1")),
        many if many > 1000.0 => raise(format!("{what} must be <= 1000")),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        number => Ok(number as usize),
    }
}

/// The same, as nginx's functions take it: 0 is no limit.
pub(super) fn loose_limit(given: &Given, at: usize) -> usize {
    let number = value::int(given.get(at)).and_then(|number| usize::try_from(number).ok());
    number.map_or(USUAL, |number| if number == 0 { usize::MAX } else { number })
}

/// By name: a text, `true` for a name alone, a list where the name repeats.
pub(super) fn table(lua: &Lua, args: &Args) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, values) in args.iter() {
        let values = values.iter().map(|value| one(lua, value)).collect::<mlua::Result<Vec<_>>>()?;
        let value = match <[Value; 1]>::try_from(values) {
            Ok([only]) => only,
            Err(many) => Value::Table(lua.create_sequence_from(many)?),
        };
        table.raw_set(lua.create_string(name)?, value)?;
    }
    Ok(table)
}

/// An argument's value.
pub(super) fn one(lua: &Lua, value: &args::Value) -> mlua::Result<Value> {
    match value {
        Some(text) => lua.create_string(text).map(Value::String),
        None => Ok(Value::Boolean(true)),
    }
}

/// A table as a query, in the order in which Lua has it (`ngx.encode_args`).
pub(super) fn encode(table: &Table) -> Result<String, Stop> {
    let mut texts = Vec::new();
    for entry in table.pairs::<Value, Value>() {
        let (name, given) = entry?;
        let Some(name) = value::scalar(&name).filter(|_| !matches!(name, Value::Boolean(_))) else {
            return raise(format!("attempt to use {} as query arg name", value::kind(&name)));
        };
        texts.push(encode_one(&name, &given)?);
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts.join("&"))
}

/// The same in the order of the texts, as Kong does; `false` leaves an empty one (recorded).
pub(super) fn encode_sorted(table: &Table) -> Result<String, Stop> {
    let mut texts = Vec::new();
    for entry in table.pairs::<Value, Value>() {
        let (Value::String(name), given) = entry? else { return raise("arg keys must be strings") };
        texts.push(encode_one(&name.as_bytes(), &given)?);
    }
    texts.sort_unstable();
    Ok(texts.join("&"))
}

fn encode_one(name: &[u8], given: &Value) -> Result<String, Stop> {
    let mut args = Args::default();
    match given {
        Value::Table(list) => {
            for given in list.sequence_values::<Value>() {
                push(&mut args, name, &given?)?;
            }
        }
        other => push(&mut args, name, other)?,
    }
    Ok(args.encode())
}

fn push(args: &mut Args, name: &[u8], given: &Value) -> Result<(), Stop> {
    match (given, value::scalar(given)) {
        (Value::Boolean(true), _) => args.push(name, None),
        (Value::Boolean(false), _) => {}
        (_, Some(text)) => args.push(name, Some(text)),
        _ => return raise(format!("attempt to use {} as query arg value", value::kind(given))),
    }
    Ok(())
}
