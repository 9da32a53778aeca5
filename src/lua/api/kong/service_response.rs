//! `kong.service.response`: the upstream's answer as it came.

use super::{Answer, Api, Args, function, one, raise};
use crate::lua::api::{arguments, headers};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use http::HeaderMap;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "kong.service.response",
    &[
        function("get_body", Phases::AFTER, body),
        function("get_header", Phases::AFTER, get_header),
        function("get_headers", Phases::AFTER, get_headers),
        function("get_raw_body", Phases::AFTER, body),
        function("get_status", Phases::AFTER, get_status),
    ],
);

fn get_status(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.received.as_ref().map(|received| received.status.as_u16()))
}

fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header name must be a string")?;
    match &cx.cx.received {
        Some(received) => one(lua, headers::first(lua, &received.headers, &asked.as_bytes())?),
        None => one(lua, Value::Nil),
    }
}

fn get_headers(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let most = arguments::limit(args, 0, "max_headers")?;
    let none = HeaderMap::new();
    let received = cx.cx.received.as_ref().map_or(&none, |received| &received.headers);
    one(lua, headers::table(lua, received, most)?)
}

/// Nothing is buffered here, so that this is Kong's answer at all times.
fn body(_: &Lua, _: &mut Current, _: &Args) -> Answer {
    raise("service body is only available with buffered proxying (see: kong.service.request.enable_buffering function)")
}
