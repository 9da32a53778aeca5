//! Header names and values as nginx's Lua module reads and writes them.

use super::call::{Stop, raise};
use super::value;
use crate::lua::current::Current;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use mlua::{Lua, Table, Value};
use std::fmt::Write;

/// Where the VM keeps the metatable of tables of headers.
const METATABLE: &str = "headers";

/// Most lines that a chunk can give a message, so that it cannot fill the memory.
const MOST: usize = 1000;

/// Longest value that it can give one, in bytes.
const LONGEST: usize = 128 << 10;

/// A name as it is given, and values that can be sent.
pub(super) type Named = (Vec<u8>, Vec<HeaderValue>);

/// A name that is set. What no name may hold is escaped, as OpenResty does. `None` for an empty one.
pub(super) fn name(text: &[u8]) -> Option<HeaderName> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    HeaderName::from_bytes(escaped(text, token).as_bytes()).ok()
}

/// The name of a request header that is set. How long the body is, is not a chunk's to say.
pub(super) fn to_send(text: &[u8]) -> Option<HeaderName> {
    name(text).filter(|name| *name != CONTENT_LENGTH)
}

/// The name of a response header that is set: nginx's Lua module makes every `_` a `-`.
pub(super) fn dashed(text: &[u8]) -> Option<HeaderName> {
    name(&with_dashes(text))
}

fn with_dashes(text: &[u8]) -> Vec<u8> {
    text.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect()
}

/// A value that is set. Control characters are escaped, so that it stays one line.
pub(super) fn value(text: &[u8]) -> HeaderValue {
    if let Ok(value) = HeaderValue::from_bytes(text) {
        return value;
    }
    let plain = |byte: u8| byte >= b' ' && byte != 0x7f;
    HeaderValue::from_str(&escaped(text, plain)).unwrap_or(HeaderValue::from_static(""))
}

/// Bytes that are not `fine` as `%XX`; those above ASCII stay only where the text is none that could hold them.
fn escaped(text: &[u8], fine: impl Fn(u8) -> bool) -> String {
    text.iter().fold(String::with_capacity(text.len()), |mut out, &byte| {
        if byte.is_ascii() && fine(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A value, or each of a list, as header values.
pub(super) fn values(given: &Value) -> Vec<HeaderValue> {
    let texts = match given {
        Value::Table(list) => list.sequence_values::<Value>().flatten().filter_map(|v| value::scalar(&v)).collect(),
        other => value::scalar(other).into_iter().collect::<Vec<_>>(),
    };
    texts.iter().map(|text| self::value(text)).collect()
}

/// Puts values in the place of those that are there; none at all removes them.
pub(super) fn put(headers: &mut HeaderMap, name: &HeaderName, values: Vec<HeaderValue>) -> Result<(), Stop> {
    headers.remove(name);
    add(headers, name, values)
}

/// Adds values to those that are there.
pub(super) fn add(headers: &mut HeaderMap, name: &HeaderName, values: Vec<HeaderValue>) -> Result<(), Stop> {
    for value in values {
        if headers.len() >= MOST || value.len() > LONGEST {
            return raise(format!("no message may have more than {MOST} headers, or one of more than {LONGEST} bytes"));
        }
        headers.append(name, value);
    }
    Ok(())
}

/// The name under which a header that is asked for is there: case is ignored, and `_` finds `-`.
pub(super) fn find(headers: &HeaderMap, asked: &[u8]) -> Option<HeaderName> {
    let exact = HeaderName::from_bytes(asked).ok().filter(|name| headers.contains_key(name));
    exact.or_else(|| HeaderName::from_bytes(&with_dashes(asked)).ok().filter(|name| headers.contains_key(name)))
}

/// The first value of a header that is asked for.
pub(super) fn first(lua: &Lua, headers: &HeaderMap, asked: &[u8]) -> mlua::Result<Value> {
    match find(headers, asked).and_then(|name| headers.get(name)) {
        Some(value) => lua.create_string(value.as_bytes()).map(Value::String),
        None => Ok(Value::Nil),
    }
}

/// A request header's first value, with the Host that a plugin chose.
pub(super) fn of_request(lua: &Lua, cx: &Current, asked: &[u8]) -> mlua::Result<Value> {
    let Some(name) = find(cx.req.headers(), asked) else { return Ok(Value::Nil) };
    let chosen = cx.cx.host.as_ref().filter(|_| name == HOST);
    match chosen.or_else(|| cx.req.headers().get(&name)) {
        Some(value) => lua.create_string(value.as_bytes()).map(Value::String),
        None => Ok(Value::Nil),
    }
}

/// The request's headers as [`table`] has them, with the Host that a plugin chose.
pub(super) fn all_of_request(lua: &Lua, cx: &Current, most: usize) -> mlua::Result<Table> {
    let table = table(lua, cx.req.headers(), most)?;
    if let Some(host) = &cx.cx.host {
        table.raw_set("host", lua.create_string(host.as_bytes())?)?;
    }
    Ok(table)
}

/// No more than so many lines, by name in lower case; a list where there are several. Names are found in whatever letter
/// case, and with `_` for `-`.
pub(super) fn table(lua: &Lua, headers: &HeaderMap, most: usize) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, value) in headers.iter().take(most) {
        let text = lua.create_string(value.as_bytes())?;
        match table.raw_get::<Value>(name.as_str())? {
            Value::Nil => table.raw_set(name.as_str(), text)?,
            Value::Table(list) => list.raw_push(text)?,
            one => table.raw_set(name.as_str(), lua.create_sequence_from([one, Value::String(text)])?)?,
        }
    }
    table.set_metatable(Some(metatable(lua)?))?;
    Ok(table)
}

fn metatable(lua: &Lua) -> mlua::Result<Table> {
    if let Value::Table(known) = lua.named_registry_value(METATABLE)? {
        return Ok(known);
    }
    let made = lua.create_table()?;
    made.raw_set("__index", lua.create_function(|lua, (table, key)| look_up(lua, &table, &key))?)?;
    made.raw_set("__metatable", false)?;
    lua.set_named_registry_value(METATABLE, &made)?;
    Ok(made)
}

fn look_up(lua: &Lua, table: &Table, key: &Value) -> mlua::Result<Value> {
    let Value::String(key) = key else { return Ok(Value::Nil) };
    table.raw_get(lua.create_string(with_dashes(&key.as_bytes()).to_ascii_lowercase())?)
}

/// A name and what is to be its value, checked as Kong checks them (`kong/pdk/private/checks.lua`). An empty value is sent
/// as one space. `lists` is whether a list of texts will do.
pub(super) fn pair(asked: &Value, given: &Value, lists: bool) -> Result<Named, Stop> {
    let shown = value::scalar(asked).unwrap_or_else(|| value::kind(asked).into());
    let shown = String::from_utf8_lossy(&shown);
    let Value::String(name) = asked else {
        return raise(format!("invalid header name \"{shown}\": got {}, expected string", value::kind(asked)));
    };
    let texts = match given {
        Value::Table(list) if lists => texts(list, &shown)?,
        other => vec![text(other, &shown, lists)?],
    };
    let sent = |text: &Vec<u8>| self::value(if text.is_empty() { b" " } else { text });
    Ok((name.as_bytes().to_vec(), texts.iter().map(sent).collect()))
}

fn text(given: &Value, name: &str, lists: bool) -> Result<Vec<u8>, Stop> {
    value::scalar(given).map_or_else(
        || {
            let expected =
                if lists { "string, number, boolean or array of strings" } else { "string, number or boolean" };
            raise(format!("invalid header value for \"{name}\": got {}, expected {expected}", value::kind(given)))
        },
        Ok,
    )
}

fn texts(list: &Table, name: &str) -> Result<Vec<Vec<u8>>, Stop> {
    let text = |given: mlua::Result<Value>| match given? {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        other => {
            let kind = value::kind(&other);
            raise(format!("invalid header value in array \"{name}\": got {kind}, expected string"))
        }
    };
    list.sequence_values::<Value>().map(text).collect()
}

/// Every pair of a table of headers, checked.
pub(super) fn pairs(given: &Value) -> Result<Vec<Named>, Stop> {
    let Value::Table(given) = given else { return raise("headers must be a table") };
    let checked = |entry: mlua::Result<(Value, Value)>| {
        let (name, given) = entry?;
        pair(&name, &given, true)
    };
    given.pairs::<Value, Value>().map(checked).collect()
}
