//! Entities as records: what Lua may ask of them, and what log records tell. Compiled only where a plugin of either kind is
//! configured.

use crate::config::model::{Entity, Model};
use crate::config::report::Key;
use crate::config::value::{Checked, Value};
use crate::entity::{Compat, UpstreamId};
use crate::lua::catalog::Entities;
use crate::plugin::record::WORKSPACE;
use uuid::Uuid;

/// A record's field.
type Pair = (Key, Checked);

/// Lists of other entities that a document may have within these: no fields of theirs.
const NESTED: &[&str] = &["plugins", "routes"];
/// What is told of a consumer: nothing that belongs to it, such as keys.
const CONSUMER: &[&str] = &["created_at", "custom_id", "tags", "updated_at", "username"];

pub(super) fn compile(model: &Model) -> Entities {
    let list = |kind| model.all(kind).iter().map(|entity| record(model, entity)).collect();
    let upstreams = model.all("upstreams").iter().enumerate();
    let upstreams = upstreams.filter_map(|(at, entity)| Some((entity.key.clone()?, UpstreamId::from(at)))).collect();
    let consumers = model.all("consumers").iter().map(|entity| consumer(model, entity)).collect();
    Entities { routes: list("routes"), services: list("services"), consumers, upstreams }
}

/// An entity's fields and its id; a reference is a record with the other's id.
fn record(model: &Model, entity: &Entity) -> Checked {
    let mut pairs = vec![id(entity, entity.id), pair(entity, "ws_id", Value::Str(WORKSPACE.into()))];
    pairs.extend(entity.links.iter().map(|(name, other)| pair(entity, name, Value::Map([id(entity, *other)].into()))));
    let known = |name: &str| NESTED.contains(&name) || entity.links.iter().any(|(link, _)| *link == name);
    pairs.extend(fields(entity).filter(|(name, _)| !known(name)).cloned());
    complete(model, entity, &["created_at", "updated_at"], pairs)
}

/// Kong 2 does not know when a consumer was changed.
fn consumer(model: &Model, entity: &Entity) -> Checked {
    let mut pairs = vec![id(entity, entity.id)];
    pairs.extend(fields(entity).filter(|(name, _)| CONSUMER.contains(&&**name)).cloned());
    let times: &[_] = if model.compat == Compat::Kong3 { &["created_at", "updated_at"] } else { &["created_at"] };
    complete(model, entity, times, pairs)
}

/// Where it is not said when an entity was made or changed, that was when it was loaded.
fn complete(model: &Model, entity: &Entity, times: &[&'static str], mut pairs: Vec<Pair>) -> Checked {
    for time in times {
        if !pairs.iter().any(|(name, _)| **name == **time) {
            pairs.push(pair(entity, time, Value::Int(model.read.loaded)));
        }
    }
    Checked { value: Value::Map(pairs.into()), span: entity.fields.span }
}

fn fields(entity: &Entity) -> impl Iterator<Item = &Pair> {
    let Value::Map(fields) = &entity.fields.value else { return [].iter().filter(present as fn(&&Pair) -> bool) };
    fields.iter().filter(present as fn(&&Pair) -> bool)
}

fn present((name, value): &&Pair) -> bool {
    &**name != "id" && !value.is_null()
}

fn id(entity: &Entity, id: Uuid) -> Pair {
    pair(entity, "id", Value::Str(id.to_string().into()))
}

fn pair(entity: &Entity, name: &'static str, value: Value) -> Pair {
    (name.into(), Checked { value, span: entity.fields.span })
}
