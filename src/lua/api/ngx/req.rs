//! `ngx.req`: the request's head.

use super::time::seconds;
use super::{Answer, Api, Args, function, none, one, raise};
use crate::args;
use crate::lua::api::kong::request;
use crate::lua::api::{arguments, headers, target, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use mlua::{Lua, Value};
use std::time::SystemTime;

pub(super) const API: Api = Api::new(
    "ngx.req",
    &[
        function("clear_header", Phases::REQUEST, clear_header),
        function("get_headers", Phases::REQUEST, get_headers),
        function("get_method", Phases::REQUEST, get_method),
        function("get_uri_args", Phases::REQUEST, get_uri_args),
        function("http_version", Phases::REQUEST, http_version),
        function("is_internal", Phases::REQUEST, |lua, _, _| one(lua, false)),
        function("raw_header", Phases::REQUEST, raw_header),
        function("set_header", Phases::REQUEST, set_header),
        function("set_method", Phases::BEFORE, set_method),
        function("set_uri", Phases::BEFORE, set_uri),
        function("set_uri_args", Phases::BEFORE, set_uri_args),
        function("start_time", Phases::REQUEST, start_time),
    ],
);

/// The path that a chunk gave the request with `ngx.req.set_uri`. As in Kong, the upstream does not see it.
#[derive(Clone)]
pub(super) struct Rewritten(pub(super) Vec<u8>);

fn get_headers(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    one(lua, headers::all_of_request(lua, cx, arguments::loose_limit(args, 0))?)
}

/// nil and an empty list remove it. A list makes several lines.
fn set_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let name = args.text(0, "bad argument #1 to 'set_header' (string expected)")?;
    if let Some(name) = headers::to_send(&name.as_bytes()) {
        headers::put(cx.req.headers_mut(), &name, headers::values(args.get(1)))?;
    }
    none()
}

fn clear_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let name = args.text(0, "bad argument #1 to 'clear_header' (string expected)")?;
    if let Some(name) = headers::to_send(&name.as_bytes()) {
        cx.req.headers_mut().remove(name);
    }
    none()
}

fn get_uri_args(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let query = args::Args::parse_some(cx.cx.query_of(&cx.req).as_bytes(), arguments::loose_limit(args, 0));
    one(lua, arguments::table(lua, &query)?)
}

fn set_uri_args(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    cx.cx.query = Some(match args.get(0) {
        Value::Table(table) => arguments::encode(table)?,
        other => match value::scalar(other) {
            Some(text) => target::query(&text),
            None => return raise("string, number, or table expected, but got ".to_owned() + value::kind(other)),
        },
    });
    none()
}

fn get_method(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.req.method().as_str())
}

fn set_method(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let number = args.int(0, "bad method number")?;
    target::set_method(cx, |(_, own)| *own == number, format!("unsupported HTTP method: {number}"))?;
    none()
}

fn set_uri(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let uri = args.text(0, "bad argument #1 to 'set_uri' (string expected)")?;
    if uri.as_bytes().is_empty() {
        return raise("attempt to use zero-length uri");
    }
    if matches!(args.get(1), Value::Boolean(true)) {
        return raise("ngx.req.set_uri cannot jump in this gateway");
    }
    cx.cx.stash.insert(Rewritten(uri.as_bytes().to_vec()));
    none()
}

fn start_time(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, seconds(cx.cx.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()))
}

fn http_version(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, request::version(cx.req.version()))
}

/// The head as it is now; with an argument that is true, without the request line.
fn raw_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let mut out = Vec::new();
    if !matches!(args.get(0), Value::Boolean(true)) {
        out.extend_from_slice(target::line(cx).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    for (name, value) in cx.req.headers() {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            out.extend_from_slice(piece);
        }
    }
    out.extend_from_slice(b"\r\n");
    one(lua, lua.create_string(out)?)
}
