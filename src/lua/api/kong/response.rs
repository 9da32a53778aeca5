//! `kong.response`: what the client gets.

use super::{Answer, Api, Args, Stop, end, function, raise};
use crate::body::Body;
use crate::lua::api::{headers, json, value};
use crate::lua::current::{Current, Ending};
use crate::lua::phase::Phases;
use crate::reply;
use http::{Response, StatusCode, header};
use mlua::{Lua, Table, Value};

/// Where a response can be changed.
const SETTERS: Phases =
    Phases::BEFORE.and(Phases::RESPONSE).and(Phases::HEADER_FILTER).and(Phases::ERROR).and(Phases::ADMIN);

pub(super) const API: Api = Api::new("kong.response", &[function("exit", SETTERS, exit)]);

fn exit(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let status = status(args.get(0))?;
    let given = match args.get(2) {
        Value::Nil => None,
        Value::Table(given) => Some(given),
        _ => return raise("headers must be a nil or table"),
    };
    let mut res = match args.get(1) {
        Value::Nil => reply::exit_bare(status, &cx.cx.asker(&cx.req)),
        Value::String(text) => reply::reply(status, None, text.as_bytes().to_vec()),
        table @ Value::Table(_) => reply::reply(status, Some(reply::JSON), json::encode(table).map_err(Stop::Raise)?),
        _ => return raise("body must be a nil, string or table"),
    };
    if let Some(given) = given {
        put(given, &mut res)?;
    }
    end(cx, Ending::Answer(Box::new(res)))
}

fn status(given: &Value) -> Result<StatusCode, Stop> {
    if !matches!(given, Value::Integer(_) | Value::Number(_)) {
        return raise("code must be a number");
    }
    let code = value::int(given).and_then(|code| u16::try_from(code).ok()).filter(|code| (100..=599).contains(code));
    match code.and_then(|code| StatusCode::from_u16(code).ok()) {
        Some(status) => Ok(status),
        None => raise("code must be a number between 100 and 599"),
    }
}

/// Puts headers into an answer, in place of those that are there.
fn put(given: &Table, res: &mut Response<Body>) -> Result<(), Stop> {
    for pair in given.pairs::<Value, Value>() {
        let (name, given) = pair?;
        let (Value::String(name), texts) = (name, texts(&given)) else { continue };
        let Some(name) = headers::name(&name.as_bytes()).filter(|name| *name != header::TRANSFER_ENCODING) else {
            continue;
        };
        res.headers_mut().remove(&name);
        for text in texts {
            res.headers_mut().append(&name, headers::value(&text));
        }
    }
    Ok(())
}

/// A value, or each of a list.
fn texts(given: &Value) -> Vec<Vec<u8>> {
    match given {
        Value::Table(list) => list.sequence_values::<Value>().flatten().filter_map(|v| value::scalar(&v)).collect(),
        other => value::scalar(other).into_iter().collect(),
    }
}
