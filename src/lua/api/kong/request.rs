//! `kong.request`: what the client asked for.

use super::{Answer, Api, Args, function, one};
use crate::args;
use crate::entity::Compat;
use crate::lua::api::{arguments, headers, target};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::route::normalize::normalize;
use http::Version;
use mlua::{Lua, Value};
use std::time::SystemTime;

pub(super) const API: Api = Api::new(
    "kong.request",
    &[
        function("get_header", Phases::REQUEST, get_header),
        function("get_headers", Phases::REQUEST, get_headers),
        function("get_host", Phases::REQUEST, get_host),
        function("get_http_version", Phases::REQUEST, get_http_version),
        function("get_method", Phases::REQUEST, get_method),
        function("get_path", Phases::REQUEST, get_path),
        function("get_path_with_query", Phases::REQUEST, get_path_with_query),
        function("get_port", Phases::REQUEST, get_port),
        function("get_query", Phases::REQUEST, get_query),
        function("get_query_arg", Phases::REQUEST, get_query_arg),
        function("get_raw_path", Phases::REQUEST, get_raw_path),
        function("get_raw_query", Phases::REQUEST, get_raw_query),
        function("get_scheme", Phases::REQUEST, get_scheme),
        function("get_start_time", Phases::REQUEST, get_start_time),
        function("get_uri_captures", Phases::REQUEST, get_uri_captures),
    ],
);

fn get_scheme(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, if cx.cx.tls { "https" } else { "http" })
}

fn get_host(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, lua.create_string(target::host(cx.req.headers()))?)
}

fn get_port(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.arrival.server.port())
}

fn get_http_version(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, version(cx.req.version()))
}

/// As a number.
pub(in crate::lua::api) fn version(version: Version) -> f64 {
    match version {
        Version::HTTP_09 => 0.9,
        Version::HTTP_10 => 1.0,
        Version::HTTP_2 => 2.0,
        Version::HTTP_3 => 3.0,
        _ => 1.1,
    }
}

fn get_method(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.req.method().as_str())
}

/// In Kong 3 the normal form, in Kong 2 as it came.
fn get_path(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    match normalize(cx.req.uri().path().as_bytes()) {
        Ok(path) if cx.cx.compat == Compat::Kong3 => one(lua, lua.create_string(path)?),
        _ => get_raw_path(lua, cx, args),
    }
}

fn get_raw_path(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.req.uri().path())
}

fn get_path_with_query(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, target::raw(cx))
}

fn get_raw_query(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.query_of(&cx.req))
}

fn get_query_arg(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "query argument name must be a string")?;
    let query = cx.cx.args(&cx.req);
    match query.get(&asked.as_bytes()).and_then(<[_]>::first) {
        Some(value) => one(lua, arguments::one(lua, value)?),
        None => one(lua, Value::Nil),
    }
}

fn get_query(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let most = arguments::limit(args, 0, "max_args")?;
    let query = args::Args::parse_some(cx.cx.query_of(&cx.req).as_bytes(), most);
    one(lua, arguments::table(lua, &query)?)
}

fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header name must be a string")?;
    one(lua, headers::of_request(lua, cx, &asked.as_bytes())?)
}

fn get_headers(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let most = arguments::limit(args, 0, "max_headers")?;
    one(lua, headers::all_of_request(lua, cx, most)?)
}

/// In milliseconds, since 1970.
#[allow(clippy::cast_precision_loss)]
fn get_start_time(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let since = cx.cx.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    one(lua, since.as_millis() as f64)
}

/// Groups of the route's regex path, by number and by name.
fn get_uri_captures(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let (unnamed, named) = (lua.create_table()?, lua.create_table()?);
    for (at, group) in cx.cx.captures.iter().enumerate() {
        let text = match &group.text {
            Some(text) => Value::String(lua.create_string(text)?),
            None => Value::Boolean(false),
        };
        if let Some(name) = &group.name {
            named.raw_set(&**name, &text)?;
        }
        unnamed.raw_set(at, text)?;
    }
    let both = lua.create_table()?;
    both.raw_set("unnamed", unnamed)?;
    both.raw_set("named", named)?;
    one(lua, both)
}
