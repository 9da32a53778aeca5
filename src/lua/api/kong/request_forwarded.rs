//! `kong.request.get_forwarded_*`: what the client asked a proxy before this one, if that is trusted.

use super::{Answer, Api, Args, function, one};
use crate::lua::api::target;
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::route::normalize::normalize;
use crate::route::rewrite::forwarded_prefix;
use http::HeaderValue;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "kong.request",
    &[
        function("get_forwarded_host", Phases::REQUEST, get_forwarded_host),
        function("get_forwarded_path", Phases::REQUEST, get_forwarded_path),
        function("get_forwarded_port", Phases::REQUEST, get_forwarded_port),
        function("get_forwarded_prefix", Phases::REQUEST, get_forwarded_prefix),
        function("get_forwarded_scheme", Phases::REQUEST, get_forwarded_scheme),
    ],
);

/// What a trusted peer says.
fn said<'a>(cx: &'a Current, name: &str) -> Option<&'a [u8]> {
    cx.req.headers().get(name).filter(|_| cx.cx.peer.trusted).map(HeaderValue::as_bytes)
}

fn get_forwarded_scheme(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let own = if cx.cx.tls { &b"https"[..] } else { b"http" };
    let scheme = said(cx, "x-forwarded-proto").unwrap_or(own).to_ascii_lowercase();
    one(lua, lua.create_string(scheme)?)
}

/// The name stands behind a `@` and before the port.
fn get_forwarded_host(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let host = said(cx, "x-forwarded-host").map(|host| {
        let bare = host.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
        target::without_port(bare).to_ascii_lowercase()
    });
    one(lua, lua.create_string(host.unwrap_or_else(|| target::host(cx.req.headers())))?)
}

fn get_forwarded_port(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<u16>().ok().filter(|port| *port > 0);
    let of_host = || {
        let host = said(cx, "x-forwarded-host")?;
        number(host.get(target::without_port(host).len() + 1..)?)
    };
    let port = said(cx, "x-forwarded-port").and_then(number).or_else(of_host);
    one(lua, port.unwrap_or(cx.cx.peer.port))
}

fn get_forwarded_path(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    match said(cx, "x-forwarded-path") {
        Some(path) => one(lua, lua.create_string(path)?),
        None => one(lua, cx.req.uri().path()),
    }
}

/// Else what the route stripped.
fn get_forwarded_prefix(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    if let Some(prefix) = said(cx, "x-forwarded-prefix") {
        return one(lua, lua.create_string(prefix)?);
    }
    let path = normalize(cx.req.uri().path().as_bytes()).unwrap_or_default();
    match forwarded_prefix(&path, cx.cx.stripped, true) {
        Some(prefix) => one(lua, lua.create_string(prefix)?),
        None => one(lua, Value::Nil),
    }
}
