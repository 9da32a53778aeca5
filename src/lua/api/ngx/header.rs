//! `ngx.header`: headers of the answer.

use super::{Answer, Api, none, one};
use crate::lua::api::{headers, response};
use crate::lua::current::Current;
use http::HeaderValue;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new("ngx.header", &[]).get(get).set(set);

/// One value, or a list of several.
fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    let headers = response::headers(cx);
    let Some(name) = headers::find(headers, &key.as_bytes()) else { return one(lua, Value::Nil) };
    let texts = headers.get_all(name).iter().map(HeaderValue::as_bytes).map(|text| lua.create_string(text));
    let texts = texts.collect::<mlua::Result<Vec<_>>>()?;
    match &*texts {
        [only] => one(lua, only),
        _ => one(lua, lua.create_sequence_from(texts)?),
    }
}

/// nil and an empty list remove it.
fn set(_: &Lua, cx: &mut Current, key: &Value, given: &Value) -> Answer {
    if let Value::String(key) = key {
        response::put(cx, &key.as_bytes(), headers::values(given))?;
    }
    none()
}
