//! `kong.client`: who asks.

use super::{Answer, Api, Args, Stop, failed, function, none, one, raise};
use crate::entity::ConsumerId;
use crate::lua::api::{entity, value};
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use crate::plugin::Authenticated;
use mlua::{Lua, Table, Value};
use uuid::Uuid;

/// From where on it may be known who asks.
const KNOWN: Phases = Phases::ACCESS.and(Phases::AFTER);

pub(super) const API: Api = Api::new(
    "kong.client",
    &[
        function("authenticate", Phases::ACCESS, authenticate),
        function("get_consumer", KNOWN, get_consumer),
        function("get_credential", KNOWN, get_credential),
        function("get_forwarded_ip", Phases::REQUEST, get_forwarded_ip),
        function("get_forwarded_port", Phases::REQUEST, get_port),
        function("get_ip", Phases::REQUEST, get_ip),
        function("get_port", Phases::REQUEST, get_port),
        function("get_protocol", KNOWN, get_protocol),
        function("load_consumer", KNOWN, load_consumer),
    ],
);

/// What `ngx.ctx` calls them.
const CONSUMER: &str = "authenticated_consumer";
const CREDENTIAL: &str = "authenticated_credential";

fn get_ip(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.peer.address.ip().to_string())
}

fn get_forwarded_ip(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.client.to_string())
}

fn get_port(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, cx.cx.peer.address.port())
}

/// What a chunk said of the request, if one did.
fn said(lua: &Lua, cx: &mut Current, name: &str) -> mlua::Result<Value> {
    cx.cx.lua.ngx(lua)?.raw_get(name)
}

fn get_consumer(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    match said(lua, cx, CONSUMER)? {
        Value::Nil => one(lua, entity::authenticated_consumer(lua, cx)?),
        said => one(lua, said),
    }
}

fn get_credential(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    match said(lua, cx, CREDENTIAL)? {
        Value::Nil => one(lua, entity::authenticated_credential(lua, cx)?),
        said => one(lua, said),
    }
}

fn load_consumer(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let text = match args.get(0) {
        Value::String(text) if !text.as_bytes().is_empty() => text.to_string_lossy(),
        _ => return raise("consumer_id must be a string"),
    };
    let by_name = matches!(args.get(1), Value::Boolean(true));
    if !by_name && Uuid::try_parse(&text).is_err() {
        return raise("cannot load a consumer with an id that is not a uuid");
    }
    let consumers = cx.facts.consumers.get();
    match consumers.find(&text).and_then(|id| consumers.get(id)) {
        Some(found) => one(lua, entity::consumer(lua, found)?),
        None => one(lua, Value::Nil),
    }
}

/// For acl and for later plugins. Headers are not set.
fn authenticate(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let consumer = table(args.get(0), "consumer")?;
    let credential = table(args.get(1), "credential")?;
    if consumer.is_none() && credential.is_none() {
        return raise("either credential or consumer must be provided");
    }
    cx.cx.consumer = consumer.and_then(|consumer| known(cx, consumer));
    cx.cx.authenticated = credential.map(|_| Authenticated::Foreign);
    let own = cx.cx.lua.ngx(lua)?;
    own.raw_set(CONSUMER, consumer)?;
    own.raw_set(CREDENTIAL, credential)?;
    none()
}

fn table<'a>(given: &'a Value, what: &str) -> Result<Option<&'a Table>, Stop> {
    match given {
        Value::Nil => Ok(None),
        Value::Table(table) => Ok(Some(table)),
        _ => raise(format!("{what} must be a table or nil")),
    }
}

/// The configuration's consumer of that id.
fn known(cx: &Current, consumer: &Table) -> Option<ConsumerId> {
    let id = value::scalar(&consumer.raw_get::<Value>("id").ok()?)?;
    cx.facts.consumers.get().find(std::str::from_utf8(&id).ok()?)
}

/// The route's only protocol, or how the client speaks: with `allow_terminated`, also to a trusted proxy before this one.
fn get_protocol(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let Some(id) = cx.cx.route else { return failed(lua, "No active route found") };
    let protocols = cx.facts.catalog.get().routes.get(id.index()).map(|route| route.list("protocols"));
    if let Some([only]) = protocols {
        return one(lua, only.as_str());
    }
    let terminated = matches!(args.get(0), Value::Boolean(true));
    let https = if terminated { cx.cx.https } else { cx.cx.tls };
    one(lua, if https { "https" } else { "http" })
}
