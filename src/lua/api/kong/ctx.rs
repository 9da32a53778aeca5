//! `kong.ctx`: tables of one request.

use super::{Answer, Api, one};
use crate::lua::current::Current;
use crate::plugin::jwt::AuthenticatedToken;
use mlua::{Lua, Table, Value};

pub(super) const API: Api = Api::new("kong.ctx", &[]).get(get);

/// `shared` is every plugin's, `plugin` the running instance's own.
fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match &*key.as_bytes() {
        b"shared" => one(lua, shared(lua, cx)?),
        b"plugin" => one(lua, cx.cx.lua.plugin(cx.facts.instance, lua)?),
        _ => one(lua, Value::Nil),
    }
}

/// With the token that jwt let the request in with.
fn shared(lua: &Lua, cx: &mut Current) -> mlua::Result<Table> {
    let shared = cx.cx.lua.shared(lua)?;
    if let Some(AuthenticatedToken(token)) = cx.cx.stash.remove::<AuthenticatedToken>() {
        shared.raw_set("authenticated_jwt_token", lua.create_string(token)?)?;
    }
    Ok(shared)
}
