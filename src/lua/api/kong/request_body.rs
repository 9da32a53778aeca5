//! `kong.request.get_raw_body` and `get_body`: what the client sent.

use super::{Answer, Api, Args, Stop, failed, function, many, one, raise};
use crate::args;
use crate::lua::api::{arguments, headers, json_decode};
use crate::lua::current::{Current, Payload};
use crate::lua::phase::Phases;
use crate::plugin::payload::multipart;
use http::HeaderValue;
use mlua::{Lua, Table, Value};

/// Where the body can be read.
const READABLE: Phases = Phases::BEFORE.and(Phases::RESPONSE).and(Phases::ERROR).and(Phases::ADMIN);

pub(super) const API: Api = Api::new(
    "kong.request",
    &[function("get_body", READABLE, get_body), function("get_raw_body", READABLE, get_raw_body)],
);

const TOO_LONG: &str = "request body did not fit into client body buffer, consider raising 'client_body_buffer_size'";

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data";

/// The body's bytes.
///
/// # Errors
/// Why it cannot be had.
pub(in crate::lua::api) fn read(cx: &Current) -> Result<&[u8], &'static str> {
    match &cx.payload {
        Payload::Whole(bytes) => Ok(bytes),
        Payload::TooLong => Err(TOO_LONG),
        Payload::Unread if http_body::Body::is_end_stream(cx.req.body()) => Ok(b""),
        Payload::Unread => Err("request body was not read: the chunk does not name the function that reads it"),
    }
}

fn get_raw_body(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    match read(cx) {
        Ok(body) => one(lua, lua.create_string(body)?),
        Err(message) => failed(lua, message),
    }
}

/// A table, an error, and the type by which it was read.
fn get_body(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let sent = headers::first(lua, cx.req.headers(), b"content-type")?;
    let kind = match (args.get(0), &sent) {
        (Value::String(kind), _) | (Value::Nil, Value::String(kind)) => kind.to_string_lossy(),
        (Value::Nil, _) => return failed(lua, "missing content type"),
        _ => return raise("mimetype must be a string"),
    };
    let lower = kind.split(';').next().unwrap_or_default().to_ascii_lowercase();
    let named = [FORM, JSON, MULTIPART].into_iter().find(|name| lower.starts_with(name));
    let read = match named {
        Some(FORM) => form(lua, cx, arguments::limit(args, 1, "max_args")?)?,
        Some(JSON) => json(lua, cx),
        Some(_) => parts(lua, cx, &kind)?,
        None => Err(format!("unsupported content type '{kind}'")),
    };
    let name = Value::String(lua.create_string(named.unwrap_or(&lower))?);
    match read {
        Ok(table) => many([Value::Table(table), Value::Nil, name]),
        Err(message) => many([Value::Nil, Value::String(lua.create_string(message)?), name]),
    }
}

fn form(lua: &Lua, cx: &Current, most: usize) -> Result<Result<Table, String>, Stop> {
    Ok(match read(cx) {
        Ok(body) => Ok(arguments::table(lua, &args::Args::parse_some(body, most))?),
        Err(message) => Err(message.to_owned()),
    })
}

/// An object or a list; a bare value is refused like a broken text.
fn json(lua: &Lua, cx: &Current) -> Result<Table, String> {
    match json_decode::decode(lua, read(cx)?) {
        Ok(Value::Table(table)) => Ok(table),
        _ => Err("invalid json body".to_owned()),
    }
}

fn parts(lua: &Lua, cx: &Current, kind: &str) -> Result<Result<Table, String>, Stop> {
    let body = match read(cx) {
        Ok(body) => body,
        Err(message) => return Ok(Err(message.to_owned())),
    };
    let header = HeaderValue::from_str(kind).ok();
    let Some((parts, _)) = header.as_ref().and_then(|header| multipart::read(body, header)) else {
        return Ok(Err("unable to decode multipart body".to_owned()));
    };
    let mut fields = args::Args::default();
    for part in parts {
        if let Some(name) = &part.name {
            fields.push(name.as_bytes(), Some(part.content));
        }
    }
    Ok(Ok(arguments::table(lua, &fields)?))
}
