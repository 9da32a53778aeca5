//! `kong.service.request`: the body that the upstream gets.

use super::service_target::shown;
use super::{Answer, Api, Args, Stop, failed, function, none, one, raise};
use crate::lua::api::{arguments, headers, json, target, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::plugin::payload::multipart::{Part, encode};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use mlua::{Lua, Table, Value};

pub(super) const API: Api = Api::new(
    "kong.service.request",
    &[
        function("enable_buffering", Phases::BEFORE, enable_buffering),
        function("set_body", Phases::BEFORE, set_body),
        function("set_raw_body", Phases::BEFORE, set_raw_body),
    ],
);

/// An answer is never held back as a whole here.
fn enable_buffering(_: &Lua, _: &mut Current, _: &Args) -> Answer {
    raise("kong.service.request.enable_buffering is not available in this gateway: answers are passed on as they come")
}

fn set_raw_body(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let body = args.text(0, "body must be a string")?;
    target::set_body(cx, &body.as_bytes());
    none()
}

fn set_body(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let Value::Table(table) = args.get(0) else { return raise("args must be a table") };
    let sent = || cx.req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let kind = match args.get(1) {
        Value::Nil => sent(),
        Value::String(kind) => Some(kind.to_string_lossy()),
        _ => return raise("mimetype must be a string"),
    };
    let Some(kind) = kind else {
        return failed(lua, "content type was neither explicitly given as an argument or received as a header");
    };
    let (kind, body) = written(cx, table, &kind)?;
    cx.req.headers_mut().insert(CONTENT_TYPE, kind);
    target::set_body(cx, &body);
    one(lua, true)
}

/// The body, and its type.
fn written(cx: &Current, table: &Table, kind: &str) -> Result<(HeaderValue, Vec<u8>), Stop> {
    let lower = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*lower {
        "application/x-www-form-urlencoded" => {
            Ok((headers::value(kind.as_bytes()), arguments::encode_sorted(table)?.into_bytes()))
        }
        "application/json" => {
            let body = json::encode(&Value::Table(table.clone())).map_err(Stop::Raise)?;
            Ok((headers::value(kind.as_bytes()), body))
        }
        "multipart/form-data" => multipart(cx, table, kind),
        _ => raise(format!("unsupported content type {kind}")),
    }
}

/// Fields by name, with the boundary that the type names, or a new one.
fn multipart(cx: &Current, table: &Table, kind: &str) -> Result<(HeaderValue, Vec<u8>), Stop> {
    let mut fields = Vec::new();
    for entry in table.pairs::<Value, Value>() {
        let (name, given) = entry?;
        let (name, kind) = (shown(&name), value::kind(&given));
        let Some(text) = value::scalar(&given) else {
            return raise(format!("invalid value \"{name}\": got {kind}, expected string, number or boolean"));
        };
        fields.push((name, text));
    }
    fields.sort();
    let parts: Vec<_> = fields.iter().map(|(name, text)| Part::simple(&quoted(name), text)).collect();
    let named =
        kind.split_once("boundary=").map(|(_, rest)| rest.split(';').next().unwrap_or_default().trim_matches('"'));
    let boundary = match named.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => (cx.cx.arrival.random)().simple().to_string(),
    };
    let kind = headers::value(format!("multipart/form-data; boundary={boundary}").as_bytes());
    Ok((kind, encode(&parts, &boundary)))
}

/// A name within quotes, as browsers write it: it cannot end them, or its line.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
