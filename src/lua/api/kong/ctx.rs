//! `kong.ctx`: tables of one request.

use super::{Answer, Api, one};
use crate::lua::current::Current;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new("kong.ctx", &[]).get(get);

/// `shared` is every plugin's, `plugin` the running instance's own.
fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match &*key.as_bytes() {
        b"shared" => one(lua, cx.cx.lua.shared(lua)?),
        b"plugin" => one(lua, cx.cx.lua.plugin(cx.facts.instance, lua)?),
        _ => one(lua, Value::Nil),
    }
}
