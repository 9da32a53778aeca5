//! Entities of the configuration as tables of Lua.

use crate::config::value::{Checked, Value as Field};
use crate::consumers::{Consumer, Credential, Kind};
use crate::lua::current::Current;
use crate::plugin::Authenticated;
use mlua::{Lua, Table, Value};

/// A record of a file, defaults filled in; what is absent is nil.
pub(super) fn value(lua: &Lua, checked: &Checked) -> mlua::Result<Value> {
    Ok(match &checked.value {
        Field::Null => Value::Nil,
        Field::Bool(truth) => Value::Boolean(*truth),
        Field::Int(number) => Value::Integer(*number),
        Field::Num(number) => Value::Number(*number),
        Field::Str(text) => Value::String(lua.create_string(&**text)?),
        Field::List(items) => {
            let items = items.iter().map(|item| value(lua, item)).collect::<mlua::Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
        Field::Map(pairs) => {
            let table = lua.create_table()?;
            for (name, field) in pairs {
                table.raw_set(&**name, value(lua, field)?)?;
            }
            Value::Table(table)
        }
    })
}

/// The route that the request took.
pub(super) fn route(lua: &Lua, cx: &Current) -> mlua::Result<Value> {
    let known = cx.cx.route.and_then(|id| cx.facts.catalog.get().routes.get(id.index()));
    known.map_or(Ok(Value::Nil), |route| value(lua, route))
}

/// Its service.
pub(super) fn service(lua: &Lua, cx: &Current) -> mlua::Result<Value> {
    let known = cx.cx.service.and_then(|id| cx.facts.catalog.get().services.get(id.index()));
    known.map_or(Ok(Value::Nil), |service| value(lua, service))
}

/// A consumer.
pub(super) fn consumer(lua: &Lua, consumer: &Consumer) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("id", consumer.identity.id.to_string())?;
    table.raw_set("username", consumer.identity.name.as_deref())?;
    table.raw_set("custom_id", consumer.custom_id.as_deref())?;
    Ok(table)
}

/// The consumer that the request is known to come from.
pub(super) fn authenticated_consumer(lua: &Lua, cx: &Current) -> mlua::Result<Value> {
    let known = cx.cx.consumer.and_then(|id| cx.facts.consumers.get().get(id));
    known.map_or(Ok(Value::Nil), |known| consumer(lua, known).map(Value::Table))
}

/// The credential that it came with. What is secret of one is not kept, so that it is not there.
pub(super) fn authenticated_credential(lua: &Lua, cx: &Current) -> mlua::Result<Value> {
    let Some(Authenticated::By(id)) = cx.cx.authenticated else { return Ok(Value::Nil) };
    let consumers = cx.facts.consumers.get();
    match consumers.credential(id) {
        Some(known) => credential(lua, known, consumers.get(known.consumer)).map(Value::Table),
        None => Ok(Value::Nil),
    }
}

fn credential(lua: &Lua, credential: &Credential, owner: Option<&Consumer>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("id", credential.id.to_string())?;
    if let Some(owner) = owner {
        let reference = lua.create_table()?;
        reference.raw_set("id", owner.identity.id.to_string())?;
        table.raw_set("consumer", reference)?;
    }
    let name = match credential.kind {
        Kind::Key => return Ok(table),
        Kind::Password | Kind::Signature => "username",
        Kind::Token => "key",
    };
    if let Some(text) = &credential.identifier {
        table.raw_set(name, lua.create_string(text.as_bytes())?)?;
    }
    Ok(table)
}
