//! `kong.response`: the head that the client gets.

use super::{Answer, Api, Args, Stop, function, none, one, raise};
use crate::entity::Compat;
use crate::lua::api::{arguments, headers, response, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::plugin::Origin;
use http::StatusCode;
use mlua::{Lua, Value};

/// Where a response can be looked at.
const GETTERS: Phases = Phases::AFTER.and(Phases::ERROR).and(Phases::ADMIN);

/// Where it can be changed.
pub(super) const SETTERS: Phases =
    Phases::BEFORE.and(Phases::RESPONSE).and(Phases::HEADER_FILTER).and(Phases::ERROR).and(Phases::ADMIN);

pub(super) const API: Api = Api::new(
    "kong.response",
    &[
        function("add_header", SETTERS, add_header),
        function("clear_header", SETTERS, clear_header),
        function("get_header", GETTERS, get_header),
        function("get_headers", GETTERS, get_headers),
        function("get_source", GETTERS, get_source),
        function("get_status", GETTERS, get_status),
        function("set_header", SETTERS, set_header),
        function("set_headers", SETTERS, set_headers),
        function("set_status", SETTERS, set_status),
    ],
);

fn get_status(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, response::status(cx).as_u16())
}

fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header name must be a string")?;
    one(lua, headers::first(lua, response::headers(cx), &asked.as_bytes())?)
}

fn get_headers(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let most = arguments::limit(args, 0, "max_headers")?;
    one(lua, headers::table(lua, response::headers(cx), most)?)
}

/// Who made the answer.
fn get_source(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(
        lua,
        match (cx.cx.origin, cx.cx.exited) {
            (Origin::Upstream, _) => "service",
            (_, true) => "exit",
            (_, false) => "error",
        },
    )
}

/// A status that Kong allows.
pub(super) fn status(given: &Value, lowest: i64) -> Result<StatusCode, Stop> {
    if !matches!(given, Value::Integer(_) | Value::Number(_)) {
        return raise("code must be a number");
    }
    let code = value::int(given).filter(|code| (lowest..=599).contains(code));
    match code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok()) {
        Some(status) => Ok(status),
        None => raise(format!("code must be a number between {lowest} and 599")),
    }
}

fn set_status(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    check_unsent(cx)?;
    response::set_status(cx, status(args.get(0), 100)?);
    none()
}

/// What is sent cannot be changed.
pub(super) fn check_unsent(cx: &Current) -> Result<(), Stop> {
    if cx.said.is_some() { raise("headers have already been sent") } else { Ok(()) }
}

/// A name and its values. Only Kong 3 takes a list here.
fn pair(cx: &Current, args: &Args) -> Result<headers::Named, Stop> {
    check_unsent(cx)?;
    headers::pair(args.get(0), args.get(1), cx.cx.compat == Compat::Kong3 && args.get(1).is_table())
}

fn set_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let (name, values) = pair(cx, args)?;
    response::put(cx, &name, values)?;
    none()
}

fn add_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let (name, values) = pair(cx, args)?;
    response::add(cx, &name, values)?;
    none()
}

fn clear_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    check_unsent(cx)?;
    let name = args.text(0, "header name must be a string")?;
    response::put(cx, &name.as_bytes(), Vec::new())?;
    none()
}

fn set_headers(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    check_unsent(cx)?;
    for (name, values) in headers::pairs(args.get(0))? {
        response::put(cx, &name, values)?;
    }
    none()
}
