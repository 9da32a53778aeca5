//! `kong.service.request`: the headers that the upstream gets.

use super::{Answer, Api, Args, Stop, failed, function, none, raise};
use crate::entity::Compat;
use crate::lua::api::headers;
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use http::HeaderValue;
use http::header::HOST;
use mlua::{Lua, Value};

const HEADERS: Phases = Phases::BEFORE.and(Phases::BALANCER);

pub(super) const API: Api = Api::new(
    "kong.service.request",
    &[
        function("add_header", HEADERS, add_header),
        function("clear_header", HEADERS, clear_header),
        function("set_header", HEADERS, set_header),
        function("set_headers", HEADERS, set_headers),
    ],
);

/// A name in lower case and its values. Only Kong 3 takes a list here.
fn pair(cx: &Current, args: &Args) -> Result<headers::Named, Stop> {
    headers::pair(args.get(0), args.get(1), cx.cx.compat == Compat::Kong3 && args.get(1).is_table())
}

fn set_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let (name, values) = pair(cx, args)?;
    if name.eq_ignore_ascii_case(b":authority") {
        return failed(lua, "cannot set :authority pseudo-header on non-grpc requests");
    }
    put(cx, &name, values)?;
    none()
}

/// `Host` is what the upstream gets instead of its own.
fn put(cx: &mut Current, name: &[u8], values: Vec<HeaderValue>) -> Result<(), Stop> {
    match headers::to_send(name) {
        Some(HOST) => cx.cx.host = values.into_iter().next(),
        Some(name) => headers::put(cx.req.headers_mut(), &name, values)?,
        None => {}
    }
    Ok(())
}

fn add_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let (name, values) = pair(cx, args)?;
    match headers::to_send(&name) {
        Some(HOST) => cx.cx.host = values.into_iter().next(),
        Some(name) => headers::add(cx.req.headers_mut(), &name, values)?,
        None => {}
    }
    none()
}

fn clear_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header must be a string")?;
    if let Some(name) = headers::to_send(&asked.as_bytes()) {
        cx.req.headers_mut().remove(name);
    }
    none()
}

fn set_headers(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    if !matches!(args.get(0), Value::Table(_)) {
        return raise("headers must be a table");
    }
    for (name, values) in headers::pairs(args.get(0))? {
        put(cx, &name, values)?;
    }
    none()
}
