//! `kong.router`: where the request belongs.

use super::{Answer, Api, Args, function, one};
use crate::lua::api::entity;
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use mlua::Lua;

const ROUTED: Phases = Phases::ACCESS.and(Phases::AFTER);

pub(super) const API: Api =
    Api::new("kong.router", &[function("get_route", ROUTED, get_route), function("get_service", ROUTED, get_service)]);

fn get_route(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, entity::route(lua, cx)?)
}

fn get_service(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, entity::service(lua, cx)?)
}
