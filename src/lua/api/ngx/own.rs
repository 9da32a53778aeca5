//! `ngx` itself: how a phase ends, what is written, and the numbers that have names.

use super::{Answer, Api, Args, Constant, end, function, none, one, raise};
use crate::lua::api::value;
use crate::lua::current::{Current, Ending};
use crate::lua::phase::Phases;
use crate::reply;
use http::{Response, StatusCode};
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "ngx",
    &[
        function("exit", Phases::REQUEST, exit),
        function("print", Phases::BEFORE, print),
        function("say", Phases::BEFORE, say),
    ],
)
.constants(CONSTANTS)
.get(get)
.set(set);

const CONSTANTS: &[(&str, Constant)] = &[
    ("OK", Constant::Int(0)),
    ("ERROR", Constant::Int(-1)),
    ("AGAIN", Constant::Int(-2)),
    ("DONE", Constant::Int(-4)),
    ("DECLINED", Constant::Int(-5)),
    ("null", Constant::Null),
];

fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match &*key.as_bytes() {
        b"ctx" => one(lua, cx.cx.lua.ngx(lua)?),
        b"status" => one(lua, status(cx).as_u16()),
        _ => one(lua, Value::Nil),
    }
}

fn set(_: &Lua, cx: &mut Current, key: &Value, given: &Value) -> Answer {
    let Value::String(key) = key else { return none() };
    match (&*key.as_bytes(), given) {
        (b"ctx", Value::Table(table)) => cx.cx.lua.set_ngx(table.clone()),
        (b"status", given) => set_status(cx, given)?,
        _ => {}
    }
    none()
}

/// `ngx.status`: the answer's, or what it is going to be.
fn status(cx: &Current) -> StatusCode {
    cx.res.as_ref().map_or_else(|| cx.status.unwrap_or_default(), Response::status)
}

fn set_status(cx: &mut Current, given: &Value) -> Result<(), super::Stop> {
    let code = value::int(given).and_then(|code| u16::try_from(code).ok());
    let Some(status) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
        return raise("bad status");
    };
    match &mut cx.res {
        Some(res) => *res.status_mut() = status,
        None => cx.status = Some(status),
    }
    Ok(())
}

/// Whatever was written goes out; without anything, the status says what does. 0 only ends the phase.
fn exit(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let code = args.int(0, "bad argument #1 to 'exit' (number expected)")?;
    let status = u16::try_from(code).ok().filter(|code| (200..=999).contains(code));
    let how = match (cx.said(), status.and_then(|code| StatusCode::from_u16(code).ok())) {
        (Some(res), _) => Ending::Answer(Box::new(res)),
        (None, Some(status)) => Ending::Answer(Box::new(reply::exit_bare(status, &cx.cx.asker(&cx.req)))),
        (None, None) => Ending::Phase,
    };
    end(cx, how)
}

fn print(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    write(cx, args)
}

fn say(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    write(cx, args)?;
    cx.said.get_or_insert_default().push(b'\n');
    none()
}

fn write(cx: &mut Current, args: &Args) -> Answer {
    let out = cx.said.get_or_insert_default();
    for value in args.iter() {
        append(value, out)?;
    }
    none()
}

/// nil is `nil`; a table is its elements, one after another.
fn append(given: &Value, out: &mut Vec<u8>) -> Result<(), super::Stop> {
    match given {
        Value::Nil => out.extend_from_slice(b"nil"),
        null if *null == Value::NULL => out.extend_from_slice(b"null"),
        Value::Table(list) => {
            for element in list.sequence_values::<Value>() {
                append(&element?, out)?;
            }
        }
        other => match value::scalar(other) {
            Some(text) => out.extend_from_slice(&text),
            None => return raise(format!("bad data type {} found", value::kind(other))),
        },
    }
    Ok(())
}
