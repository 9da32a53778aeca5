//! What Lua may ask of routes, services and upstreams. Compiled only where a function plugin is configured.

use crate::config::model::{Entity, Model};
use crate::config::value::{Checked, Value};
use crate::entity::UpstreamId;
use crate::lua::catalog::Entities;
use uuid::Uuid;

/// Lists of other entities that a document may have within these: no fields of theirs.
const NESTED: &[&str] = &["plugins", "routes"];

pub(super) fn compile(model: &Model) -> Entities {
    let list = |kind| model.all(kind).iter().map(record).collect();
    let upstreams = model.all("upstreams").iter().enumerate();
    let upstreams = upstreams.filter_map(|(at, entity)| Some((entity.key.clone()?, UpstreamId::from(at)))).collect();
    Entities { routes: list("routes"), services: list("services"), upstreams }
}

/// An entity's fields and its id; a reference is a record with the other's id.
fn record(entity: &Entity) -> Checked {
    let own = |value| Checked { value, span: entity.fields.span };
    let id = |id: &Uuid| own(Value::Str(id.to_string()));
    let mut pairs: Vec<(Box<str>, Checked)> = vec![("id".into(), id(&entity.id))];
    for (name, other) in &entity.links {
        pairs.push(((*name).into(), own(Value::Map(vec![("id".into(), id(other))]))));
    }
    if let Value::Map(fields) = &entity.fields.value {
        let known = |name: &str| NESTED.contains(&name) || entity.links.iter().any(|(link, _)| *link == name);
        let fields = fields.iter().filter(|(name, value)| &**name != "id" && !known(name) && !value.is_null());
        pairs.extend(fields.cloned());
    }
    own(Value::Map(pairs))
}
