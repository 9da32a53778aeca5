//! `kong.service` and `kong.service.request`: whom the request goes to, and what it asks for.

use super::{Answer, Api, Args, Stop, failed, function, none, one, raise};
use crate::entity::Compat;
use crate::lua::api::{arguments, headers, target, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::plugin::Whom;
use mlua::{Lua, Value};
use std::time::Duration;

/// Of the service.
pub(super) const SERVICE: Api = Api::new(
    "kong.service",
    &[
        function("set_retries", Phases::ACCESS, set_retries),
        function("set_target", Phases::ACCESS, set_target),
        function("set_timeouts", Phases::ACCESS, set_timeouts),
        function("set_upstream", Phases::ACCESS, set_upstream),
    ],
);

/// Of the request.
pub(super) const REQUEST: Api = Api::new(
    "kong.service.request",
    &[
        function("clear_query_arg", Phases::BEFORE, clear_query_arg),
        function("set_method", Phases::BEFORE, set_method),
        function("set_path", Phases::BEFORE, set_path),
        function("set_query", Phases::BEFORE, set_query),
        function("set_raw_query", Phases::BEFORE, set_raw_query),
        function("set_scheme", Phases::BEFORE, set_scheme),
    ],
);

fn set_upstream(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let name = args.text(0, "host must be a string")?.to_string_lossy();
    let Some(id) = cx.facts.catalog.get().upstreams.get(&*name) else {
        return failed(lua, format!("could not find an Upstream named '{name}'"));
    };
    cx.cx.detour().host = Some(Whom::Upstream(*id));
    one(lua, true)
}

/// The upstream's Host is this one, too, without the port.
fn set_target(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let host = args.text(0, "host must be a string")?.to_string_lossy();
    let port = args.int(1, "port must be an integer")?;
    let Ok(port) = u16::try_from(port) else {
        return raise(format!("port must be an integer between 0 and 65535: given {port}"));
    };
    cx.cx.host = Some(headers::value(host.as_bytes()));
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    cx.cx.detour().host = Some(Whom::Target(bare.into(), port));
    none()
}

fn set_retries(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let retries = args.int(0, "retries must be an integer")?;
    match u32::try_from(retries) {
        Ok(fine) if fine <= 32767 => cx.cx.detour().retries = Some(fine),
        _ => return raise(format!("retries must be an integer between 0 and 32767: given {retries}")),
    }
    none()
}

/// In milliseconds.
fn set_timeouts(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let connect = timeout(args, 0, "connect_timeout")?;
    cx.cx.detour().timeouts = Some([connect, timeout(args, 1, "write_timeout")?, timeout(args, 2, "read_timeout")?]);
    none()
}

fn timeout(args: &Args, at: usize, name: &str) -> Result<Duration, Stop> {
    let given = args.int(at, &format!("{name} must be an integer"))?;
    match u64::try_from(given) {
        Ok(fine) if (1..=2_147_483_646).contains(&fine) => Ok(Duration::from_millis(fine)),
        _ => raise(format!("{name} must be an integer between 1 and 2147483646: given {given}")),
    }
}

/// Kong 2 refuses it before a route is known.
fn set_scheme(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    if cx.cx.compat == Compat::Kong2 {
        cx.phase.check(Phases::ACCESS).map_err(Stop::Raise)?;
    }
    let scheme = args.text(0, "scheme must be a string")?;
    match &*scheme.as_bytes() {
        b"http" => cx.cx.detour().https = Some(false),
        b"https" => cx.cx.detour().https = Some(true),
        _ => return raise(format!("invalid scheme: {}", scheme.to_string_lossy())),
    }
    none()
}

/// The whole of it, whatever route and service say.
fn set_path(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    if cx.cx.compat == Compat::Kong2 {
        cx.phase.check(Phases::ACCESS).map_err(Stop::Raise)?;
    }
    let path = args.text(0, "path must be a string")?;
    if !path.as_bytes().starts_with(b"/") {
        return raise("path must start with /");
    }
    cx.cx.path = target::path(&path.as_bytes());
    none()
}

fn set_raw_query(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let query = args.text(0, "query must be a string")?;
    cx.cx.query = Some(target::query(&query.as_bytes()));
    none()
}

fn set_query(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let Value::Table(table) = args.get(0) else { return raise("args must be a table") };
    cx.cx.query = Some(arguments::encode_sorted(table)?);
    none()
}

fn clear_query_arg(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let name = args.text(0, "query argument name must be a string")?;
    cx.cx.query = Some(crate::args::without(cx.cx.query_of(&cx.req), &name.as_bytes()));
    none()
}

fn set_method(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let name = args.text(0, "method must be a string")?;
    let known = |(method, _): &(&str, i64)| *name == **method;
    target::set_method(cx, known, format!("invalid method: {}", name.to_string_lossy()))?;
    none()
}

/// What a message shows of a value.
pub(super) fn shown(given: &Value) -> String {
    value::scalar(given)
        .map_or_else(|| value::kind(given).to_owned(), |text| String::from_utf8_lossy(&text).into_owned())
}
