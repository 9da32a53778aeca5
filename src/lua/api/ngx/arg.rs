//! `ngx.arg`: a piece of the answer's body, in `body_filter`.

use super::{Answer, Api, Stop, none, one, raise};
use crate::lua::api::value;
use crate::lua::current::Current;
use bytes::Bytes;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new("ngx.arg", &[]).get(get).set(set);

/// 1 is the piece, 2 whether it is the last.
fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    match (value::int(key), &cx.piece) {
        (Some(1), Some((piece, _))) => one(lua, lua.create_string(piece)?),
        (Some(2), Some((_, last))) => one(lua, *last),
        _ => one(lua, Value::Nil),
    }
}

fn set(_: &Lua, cx: &mut Current, key: &Value, given: &Value) -> Answer {
    let Some((piece, last)) = &mut cx.piece else { return raise("API disabled in the current context") };
    match value::int(key) {
        Some(1) => *piece = Bytes::from(text(given)?),
        Some(2) => *last = !matches!(given, Value::Nil | Value::Boolean(false)),
        _ => return raise("bad argument #2 to '__newindex' (1 or 2 expected)"),
    }
    none()
}

/// nil is nothing; a list is its elements, one after another.
fn text(given: &Value) -> Result<Vec<u8>, Stop> {
    match given {
        Value::Nil => Ok(Vec::new()),
        Value::Table(list) => {
            let texts = list.sequence_values::<Value>().map(|element| text(&element?));
            Ok(texts.collect::<Result<Vec<_>, Stop>>()?.concat())
        }
        Value::Boolean(_) => raise("bad chunk data type: boolean"),
        other => value::scalar(other).map_or_else(|| raise(format!("bad chunk data type: {}", value::kind(other))), Ok),
    }
}
