//! `kong.service.request`: what the upstream is asked.

use super::{Answer, Api, Args, Stop, function, none, raise};
use crate::lua::api::{headers, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use http::header::HOST;
use http::{HeaderName, HeaderValue};
use mlua::{Lua, Value};

const HEADERS: Phases = Phases::BEFORE.and(Phases::BALANCER);

pub(super) const API: Api = Api::new(
    "kong.service.request",
    &[function("clear_header", HEADERS, clear_header), function("set_header", HEADERS, set_header)],
);

fn set_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let (name, value) = pair(args)?;
    if name == HOST {
        cx.cx.host = Some(value);
    } else {
        cx.req.headers_mut().insert(name, value);
    }
    none()
}

fn clear_header(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let asked = args.text(0, "header must be a string")?;
    if let Some(name) = headers::name(&asked.as_bytes()) {
        cx.req.headers_mut().remove(name);
    }
    none()
}

/// A header's name and value (`kong/pdk/private/checks.lua`). An empty value is sent as one space.
fn pair(args: &Args) -> Result<(HeaderName, HeaderValue), Stop> {
    let (asked, given) = (args.get(0), args.get(1));
    let shown = value::scalar(asked).unwrap_or_else(|| value::kind(asked).into());
    let shown = String::from_utf8_lossy(&shown);
    let Value::String(name) = asked else {
        return raise(format!("invalid header name \"{shown}\": got {}, expected string", value::kind(asked)));
    };
    let Some(text) = value::scalar(given) else {
        let kind = value::kind(given);
        return raise(format!("invalid header value for \"{shown}\": got {kind}, expected string, number or boolean"));
    };
    let Some(name) = headers::name(&name.as_bytes()) else { return raise("the header has no name") };
    Ok((name, headers::value(if text.is_empty() { b" " } else { &text })))
}
