//! `ngx` itself: how a phase ends, what is written, and the numbers that have names.

use super::{Answer, Api, Args, ctx, end, function, none, one, plain, raise};
use crate::lua::api::log::{Level, joined, place, write as write_line};
use crate::lua::api::{headers, response, value};
use crate::lua::current::{Current, Ending};
use crate::lua::limits::{MEMORY, Patience};
use crate::lua::phase::{Phase, Phases};
use crate::reply;
use http::StatusCode;
use http::header::LOCATION;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "ngx",
    &[
        function("exit", Phases::REQUEST, exit),
        function("get_phase", Phases::ANY, |lua, cx, _| one(lua, cx.phase.name())),
        plain("log", log),
        function("print", Phases::BEFORE, print),
        function("redirect", Phases::BEFORE, redirect),
        function("say", Phases::BEFORE, say),
    ],
)
.get(get)
.set(set);

/// `ngx.worker`.
pub(super) const WORKER: Api =
    Api::new("ngx.worker", &[function("pid", Phases::ANY, |lua, cx, _| one(lua, cx.cx.arrival.process))]);

/// What nginx has and this gateway does not: whatever waits, and what outlives a request.
const ABSENT: &[&[u8]] =
    &[b"eof", b"exec", b"flush", b"location", b"semaphore", b"shared", b"sleep", b"socket", b"thread", b"timer"];

/// The statuses that a redirect may have.
const REDIRECTS: &[i64] = &[301, 302, 303, 307, 308];

fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match &*key.as_bytes() {
        b"ctx" => one(lua, ctx::table(lua, cx)?),
        b"status" => one(lua, response::status(cx).as_u16()),
        b"headers_sent" => one(lua, matches!(cx.phase, Phase::BodyFilter | Phase::Log) || cx.said.is_some()),
        name if ABSENT.contains(&name) => {
            raise(format!("ngx.{} is not available in this gateway", String::from_utf8_lossy(name)))
        }
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

fn set_status(cx: &mut Current, given: &Value) -> Result<(), super::Stop> {
    let code = value::int(given).and_then(|code| u16::try_from(code).ok());
    let Some(status) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
        return raise("bad status");
    };
    response::set_status(cx, status);
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

/// With nginx's own page.
fn redirect(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let uri = args.text(0, "bad argument #1 to 'redirect' (string expected)")?;
    let code = if args.get(1).is_nil() { 302 } else { args.int(1, "bad argument #2 to 'redirect' (number expected)")? };
    let status = u16::try_from(code).ok().filter(|_| REDIRECTS.contains(&code));
    let Some(status) = status.and_then(|code| StatusCode::from_u16(code).ok()) else {
        return raise(
            "only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, \
                      ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed",
        );
    };
    let mut res = reply::nginx_page(status);
    res.headers_mut().insert(LOCATION, headers::value(&uri.as_bytes()));
    end(cx, Ending::Answer(Box::new(res)))
}

/// A line of the log, as grave as the first argument says.
fn log(lua: &Lua, args: &Args) -> Answer {
    let level = args.int(0, "bad argument #1 to 'log' (number expected)")?;
    if !(0..=8).contains(&level) {
        return raise(format!("bad log level: {level}"));
    }
    write_line(Level(level), &format!("{} {}", place(lua), joined(args.iter().skip(1))));
    none()
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
        if out.len() > MEMORY {
            return raise("not enough memory");
        }
    }
    none()
}

/// How deep a table may lie in tables: one that holds itself has no end.
const DEEPEST: usize = 100;

/// nil is `nil`; a table is its elements, one after another.
fn append(given: &Value, out: &mut Vec<u8>) -> Result<(), super::Stop> {
    nested(given, out, &Patience::default(), DEEPEST)
}

fn nested(given: &Value, out: &mut Vec<u8>, patience: &Patience, depth: usize) -> Result<(), super::Stop> {
    match given {
        Value::Nil => out.extend_from_slice(b"nil"),
        null if *null == Value::NULL => out.extend_from_slice(b"null"),
        Value::Table(list) if depth > 0 && out.len() <= MEMORY && !patience.is_over() => {
            for element in list.sequence_values::<Value>() {
                nested(&element?, out, patience, depth - 1)?;
            }
        }
        Value::Table(_) => return raise("table too large to be written"),
        other => match value::scalar(other) {
            Some(text) => out.extend_from_slice(&text),
            None => return raise(format!("bad data type {} found", value::kind(other))),
        },
    }
    Ok(())
}
