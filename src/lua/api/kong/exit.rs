//! `kong.response.exit` and `error`: an answer instead of the upstream's.

use super::response::{SETTERS, check_unsent, status};
use super::{Answer, Api, Args, Stop, end, function, raise};
use crate::body::Body;
use crate::lua::api::{headers, json};
use crate::lua::current::{Current, Ending};
use crate::reply;
use http::{HeaderName, HeaderValue, Response, header};
use mlua::{Lua, Value};

pub(super) const API: Api =
    Api::new("kong.response", &[function("error", SETTERS, error), function("exit", SETTERS, exit)]);

type Given = Vec<(HeaderName, Vec<HeaderValue>)>;

fn exit(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    check_unsent(cx)?;
    let status = status(args.get(0), 100)?;
    let given = given(args.get(2))?;
    let res = match args.get(1) {
        Value::Nil => reply::exit_bare(status, &cx.cx.asker(&cx.req)),
        Value::String(text) if cx.cx.asker(&cx.req).speaks_grpc() => reply::exit_grpc(status, &text.to_string_lossy()),
        Value::String(text) => reply::reply(status, None, text.as_bytes().to_vec()),
        table @ Value::Table(_) => reply::reply(status, Some(reply::JSON), json::encode(table).map_err(Stop::Raise)?),
        _ => return raise("body must be a nil, string or table"),
    };
    answer(cx, res, given)
}

fn error(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    check_unsent(cx)?;
    let status = status(args.get(0), 400)?;
    let message = match args.get(1) {
        Value::Nil => None,
        Value::String(text) => Some(text.to_string_lossy()),
        _ => return raise("message must be a nil or a string"),
    };
    let given = given(args.get(2))?;
    let res = reply::error(status, message.as_deref(), &cx.cx.asker(&cx.req));
    answer(cx, res, given)
}

/// The headers that an answer gets.
fn given(headers: &Value) -> Result<Given, Stop> {
    let table = match headers {
        Value::Nil => return Ok(Vec::new()),
        Value::Table(table) => table,
        _ => return raise("headers must be a nil or table"),
    };
    let settable = |name: &HeaderName| *name != header::TRANSFER_ENCODING && *name != header::CONTENT_LENGTH;
    let mut known = Vec::new();
    for entry in table.pairs::<Value, Value>() {
        let (Value::String(name), given) = entry? else { continue };
        if let Some(name) = headers::dashed(&name.as_bytes()).filter(settable) {
            known.push((name, headers::values(&given)));
        }
    }
    Ok(known)
}

/// Ends the phase. What the answer says itself takes the place of what was set before.
fn answer(cx: &mut Current, mut res: Response<Body>, given: Given) -> Answer {
    for (name, values) in given {
        headers::put(res.headers_mut(), &name, values)?;
    }
    for name in res.headers().keys() {
        cx.cx.answer_headers.remove(name);
    }
    end(cx, Ending::Answer(Box::new(res)))
}
