//! Header names and values as nginx's Lua module reads and writes them.

use crate::lua::current::Current;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue};
use mlua::{Lua, Value};
use std::fmt::Write;

/// A name that is set. What no name may hold is escaped, as OpenResty does. `None` for an empty one.
pub(super) fn name(text: &[u8]) -> Option<HeaderName> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    HeaderName::from_bytes(escaped(text, token).as_bytes()).ok()
}

/// A value that is set. Control characters are escaped, so that it stays one line.
pub(super) fn value(text: &[u8]) -> HeaderValue {
    if let Ok(value) = HeaderValue::from_bytes(text) {
        return value;
    }
    let plain = |byte: u8| byte >= b' ' && byte != 0x7f;
    HeaderValue::from_str(&escaped(text, plain)).unwrap_or(HeaderValue::from_static(""))
}

/// Bytes that are not `fine` as `%XX`; those above ASCII stay only where the text is none that could hold them.
fn escaped(text: &[u8], fine: impl Fn(u8) -> bool) -> String {
    text.iter().fold(String::with_capacity(text.len()), |mut out, &byte| {
        if byte.is_ascii() && fine(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The name under which a header that is asked for is there: case is ignored, and `_` finds `-`.
pub(super) fn find(headers: &HeaderMap, asked: &[u8]) -> Option<HeaderName> {
    let exact = HeaderName::from_bytes(asked).ok().filter(|name| headers.contains_key(name));
    exact.or_else(|| {
        let dashed: Vec<u8> = asked.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
        HeaderName::from_bytes(&dashed).ok().filter(|name| headers.contains_key(name))
    })
}

/// A request header's first value, with the Host that a plugin chose.
pub(super) fn of_request(lua: &Lua, cx: &Current, asked: &[u8]) -> mlua::Result<Value> {
    let Some(name) = find(cx.req.headers(), asked) else { return Ok(Value::Nil) };
    let chosen = cx.cx.host.as_ref().filter(|_| name == HOST);
    match chosen.or_else(|| cx.req.headers().get(&name)) {
        Some(value) => lua.create_string(value.as_bytes()).map(Value::String),
        None => Ok(Value::Nil),
    }
}
