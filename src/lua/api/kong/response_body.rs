//! `kong.response.get_raw_body` and `set_raw_body`: the body that the client gets, in `body_filter`.

use super::{Answer, Api, Args, function, none, one};
use crate::lua::current::Current;
use crate::lua::limits::MEMORY;
use crate::lua::phase::Phases;
use bytes::Bytes;
use mlua::{Lua, Value};

pub(super) const API: Api = Api::new(
    "kong.response",
    &[
        function("get_raw_body", Phases::BODY_FILTER, get_raw_body),
        function("set_raw_body", Phases::BODY_FILTER, set_raw_body),
    ],
);

/// What was held back of a body so far; `None` once it was too much.
#[derive(Clone)]
struct Held(Option<Vec<u8>>);

/// Nil, and the piece is held back, until the last one: then all of it, which goes on. A body that is larger than a VM may
/// be is not held back, and stays nil.
fn get_raw_body(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    let Some((piece, last)) = &mut cx.piece else { return one(lua, Value::Nil) };
    let Held(held) = cx.cx.stash.remove::<Held>().unwrap_or(Held(Some(Vec::new())));
    let Some(mut held) = held else {
        cx.cx.stash.insert(Held(None));
        return one(lua, Value::Nil);
    };
    held.extend_from_slice(piece);
    let fits = held.len() <= MEMORY;
    if fits && !*last {
        *piece = Bytes::new();
        cx.cx.stash.insert(Held(Some(held)));
        return one(lua, Value::Nil);
    }
    *piece = Bytes::from(held);
    if !fits {
        cx.cx.stash.insert(Held(None));
        return one(lua, Value::Nil);
    }
    one(lua, lua.create_string(piece)?)
}

/// Nothing comes after it. An empty one is sent as a line end, as nginx needs something.
fn set_raw_body(_: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let body = args.text(0, "body must be a string")?.as_bytes().to_vec();
    cx.piece = Some((if body.is_empty() { Bytes::from_static(b"\n") } else { Bytes::from(body) }, true));
    none()
}
