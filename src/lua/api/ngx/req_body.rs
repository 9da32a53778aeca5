//! `ngx.req`: the request's body.

use super::{Answer, Api, Args, failed, function, none, one};
use crate::args;
use crate::lua::api::kong::request_body;
use crate::lua::api::{arguments, target};
use crate::lua::current::{Current, Payload};
use crate::lua::phase::Phases;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "ngx.req",
    &[
        function("discard_body", Phases::BEFORE, |_, _, _| none()),
        function("get_body_data", Phases::REQUEST, get_body_data),
        // A body is never in a file here.
        function("get_body_file", Phases::REQUEST, |lua, _, _| one(lua, Value::Nil)),
        function("get_post_args", Phases::REQUEST, get_post_args),
        // It was read before the chunk runs.
        function("read_body", Phases::BEFORE, |_, _, _| none()),
        function("set_body_data", Phases::BEFORE, set_body_data),
    ],
);

/// nil where there is none, or where it is too large.
fn get_body_data(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    match &cx.payload {
        Payload::Whole(body) if !body.is_empty() => one(lua, lua.create_string(body)?),
        _ => one(lua, Value::Nil),
    }
}

fn set_body_data(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let body = args.text(0, "bad argument #1 to 'set_body_data' (string expected)")?;
    target::set_body(cx, &body.as_bytes());
    none()
}

fn get_post_args(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let most = arguments::loose_limit(args, 0);
    match request_body::read(cx) {
        Ok(body) => one(lua, arguments::table(lua, &args::Args::parse_some(body, most))?),
        Err(message) => failed(lua, message),
    }
}
