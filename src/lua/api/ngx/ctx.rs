//! What `ngx.ctx` holds of Kong's own: who was authenticated, route and service.

use super::{Answer, Api, one};
use crate::lua::api::entity;
use crate::lua::current::Current;
use mlua::{Lua, Table, Value};

/// A table beside `ngx`, whose metatable the request's `ngx.ctx` has.
pub(super) const API: Api = Api::new("ngx.ctx_internals", &[]).get(get);

fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match &*key.as_bytes() {
        b"authenticated_consumer" => one(lua, entity::authenticated_consumer(lua, cx)?),
        b"authenticated_credential" => one(lua, entity::authenticated_credential(lua, cx)?),
        b"route" => one(lua, entity::route(lua, cx)?),
        b"service" => one(lua, entity::service(lua, cx)?),
        _ => one(lua, Value::Nil),
    }
}

/// `ngx.ctx` of the request.
pub(super) fn table(lua: &Lua, cx: &mut Current) -> mlua::Result<Table> {
    let table = cx.cx.lua.ngx(lua)?;
    if table.metatable().is_none() {
        let ngx: Table = lua.globals().raw_get("ngx")?;
        let internals: Table = ngx.raw_get("ctx_internals")?;
        table.set_metatable(internals.metatable())?;
    }
    Ok(table)
}
