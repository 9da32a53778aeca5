//! `kong.request`: what the client asked for.

use super::{Answer, Api, Args, function, one};
use crate::args;
use crate::lua::api::headers;
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "kong.request",
    &[
        function("get_header", Phases::REQUEST, get_header),
        function("get_method", Phases::REQUEST, get_method),
        function("get_path", Phases::REQUEST, get_path),
        function("get_query_arg", Phases::REQUEST, get_query_arg),
    ],
);

fn get_method(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.req.method().as_str())
}

fn get_path(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.req.uri().path())
}

fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header name must be a string")?;
    one(lua, headers::of_request(lua, cx, &asked.as_bytes())?)
}

fn get_query_arg(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "query argument name must be a string")?;
    let query = args::Args::parse(query(cx).as_bytes());
    match query.get(&asked.as_bytes()).and_then(<[_]>::first) {
        Some(Some(value)) => one(lua, lua.create_string(value)?),
        Some(None) => one(lua, true),
        None => one(lua, Value::Nil),
    }
}

/// The query as it is now, without `?`.
fn query(cx: &Current) -> &str {
    cx.cx.query.as_deref().or_else(|| cx.req.uri().query()).unwrap_or_default()
}
