//! `/schemas`: what entities and plugins may hold, and whether one is as it should be (`kong/api/routes/kong.lua`). Pure.

use super::answer::Now;
use super::form::{self, Sent};
use super::refuse;
use super::reply::{Or, message, ok};
use crate::config::kong_schema::Schemas;
use crate::config::one::{self, Extent};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value};

/// What a path below `/schemas` or `/plugins/schema` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic<'a> {
    /// The schema of a kind of entity.
    Entity(&'a str),
    /// The schema of a plugin.
    Plugin(&'a str),
    /// The schema of a plugin's `config`.
    Config(&'a str),
    /// Whether an entity of a kind is as it should be.
    Validate(&'a str),
}

/// What a path is about, if about schemas.
pub(super) fn topic(path: &str) -> Option<Topic<'_>> {
    let steps: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match steps[..] {
        ["plugins", "schema", name] => Some(Topic::Config(name)),
        ["schemas", "plugins", "validate"] => Some(Topic::Validate("plugins")),
        ["schemas", "plugins", name] => Some(Topic::Plugin(name)),
        ["schemas", kind] => Some(Topic::Entity(kind)),
        ["schemas", kind, "validate"] => Some(Topic::Validate(kind)),
        _ => None,
    }
}

/// The schema, or the answer to whether an entity fits.
pub(super) fn answer(topic: Topic<'_>, asked: &Request<Bytes>, now: &Now<'_>) -> Response<Bytes> {
    let schemas = schemas(now);
    let no = |what: &str, name: &str| message(StatusCode::NOT_FOUND, &format!("No {what} named '{name}'"));
    match topic {
        Topic::Entity(kind) => schemas.entity(kind).map_or_else(|| no("entity", kind), |schema| ok(&schema)),
        Topic::Plugin(name) => schemas.plugin(name).map_or_else(|| no("plugin", name), |schema| ok(&schema)),
        Topic::Config(name) => schemas.config(name).map_or_else(|| no("plugin", name), |schema| ok(&schema)),
        Topic::Validate(kind) if !one::is_kind(kind, now.snapshot.compat) => no("entity", kind),
        Topic::Validate(kind) => match entity(kind, asked, now) {
            Err(refused) => *refused,
            Ok(entity) => violation(kind, &entity, Extent::Whole, now)
                .unwrap_or_else(|| message(StatusCode::OK, "schema validation successful")),
        },
    }
}

fn schemas(now: &Now<'_>) -> Schemas {
    Schemas { compat: now.snapshot.compat, flavor: now.settings.router_flavor }
}

/// The entity in a request.
pub(super) fn entity(kind: &str, asked: &Request<Bytes>, now: &Now<'_>) -> Or<Map<String, Value>> {
    let mut fields = match form::read(asked) {
        Ok(Sent::Fields(fields)) => fields,
        Ok(Sent::Nothing) => Map::new(),
        Ok(Sent::Other) => return Err(refuse::bodiless(StatusCode::UNSUPPORTED_MEDIA_TYPE).into()),
        Err(form::Broken) => return Err(refuse::json().into()),
    };
    let schemas = schemas(now);
    if let Some(schema) = schemas.entity(kind) {
        form::typed(&mut fields, &schema);
    }
    let plugin = fields.get("name").and_then(Value::as_str).filter(|_| kind == "plugins");
    if let Some(schema) = plugin.and_then(|name| schemas.plugin(name)) {
        form::typed(&mut fields, &schema);
    }
    Ok(fields)
}

/// The answer if an entity is not as it should be.
pub(super) fn violation(
    kind: &str,
    entity: &Map<String, Value>,
    extent: Extent,
    now: &Now<'_>,
) -> Option<Response<Bytes>> {
    let table = one::check(kind, entity, extent, now.snapshot.compat, now.settings, now.wall);
    (!table.is_empty()).then(|| refuse::violation(table.fields()))
}
