//! Entities, with those that may be written inside of them, and the `config` of plugins.

use super::field::{self, Texts};
use super::{config as config_name, here, reference};
use crate::config::entities::EntityType;
use crate::config::schema::Kind;
use crate::entity::Compat;
use crate::plugin::Entry;
use serde_json::{Map, Value, json};

/// One entity.
pub(super) fn entity(kind: &'static EntityType, compat: Compat) -> Value {
    let mut schema = field::record(kind.record, compat, Texts::Expanded);
    for (child, _) in kind.children(compat) {
        schema["properties"][child.name] = list(child, compat, true);
    }
    for unread in ["_comment", "_ignore"] {
        schema["properties"][unread] = json!({ "description": "Nobody reads it." });
    }
    match kind.name {
        "services" => service(&mut schema),
        "plugins" => plugin(&mut schema, compat),
        _ => {}
    }
    schema
}

/// A list of entities. `nested`: within another, which one of their references stands for.
pub(super) fn list(kind: &'static EntityType, compat: Compat, nested: bool) -> Value {
    let one = json!({ "$ref": reference(compat, kind.name) });
    let must = |name: &str| {
        let fields = kind.record.fields(compat);
        fields.filter(|field| matches!(field.kind, Kind::Foreign(_))).any(|field| field.name == name && field.required)
    };
    let references: Vec<_> = kind.foreigns().map(|(name, _)| name).filter(|name| !nested && must(name)).collect();
    let items = match references.as_slice() {
        // Kong 3 takes plain names in a certificate.
        [] if nested && kind.name == "snis" && compat == Compat::Kong3 => {
            json!({ "anyOf": [one, { "type": "string", "minLength": 1 }] })
        }
        [] => one,
        names => json!({ "allOf": [one, { "required": names }] }),
    };
    json!({ "type": ["array", "null"], "items": items })
}

/// `url` stands for protocol, host, port and path. What these say beside it does not matter.
fn service(schema: &mut Value) {
    let parts = ["protocol", "host", "port", "path"];
    let rules: Map<_, _> = parts.iter().map(|part| ((*part).to_owned(), schema["properties"][*part].take())).collect();
    for part in parts {
        schema["properties"][part] = json!({});
    }
    schema["properties"]["url"] = json!({
        "type": ["string", "null"],
        "description": "Protocol, host, port and path in one, in place of these fields.",
        "examples": ["http://rest:3000/"],
    });
    let required = schema.as_object_mut().and_then(|schema| schema.remove("required")).unwrap_or_else(|| json!([]));
    schema["if"] = json!({ "required": ["url"], "properties": { "url": { "type": "string", "minLength": 1 } } });
    schema["else"] = json!({ "properties": rules, "required": required });
}

/// Which plugin it is decides what its `config` may hold.
fn plugin(schema: &mut Value, compat: Compat) {
    let names: Vec<_> = here(compat).map(|entry| entry.name).collect();
    schema["properties"]["name"] = json!({ "type": "string", "enum": names });
    let rules: Vec<_> = here(compat).map(|entry| rule(entry, compat)).collect();
    schema["allOf"] = rules.into();
}

fn rule(entry: &'static Entry, compat: Compat) -> Value {
    let config = json!({ "$ref": reference(compat, &config_name(entry.name)) });
    let needs_config = field::required((entry.schema)(), compat).next().is_some();
    let config = if needs_config { config } else { json!({ "anyOf": [config, { "type": "null" }] }) };
    let mut then = json!({ "properties": { "config": config } });
    if needs_config {
        then["required"] = json!(["config"]);
    }
    json!({ "if": { "properties": { "name": { "const": entry.name } }, "required": ["name"] }, "then": then })
}

/// What a plugin's `config` may hold.
pub(super) fn config(entry: &'static Entry, compat: Compat) -> Value {
    let mut schema = field::record((entry.schema)(), compat, Texts::Expanded);
    schema["title"] = format!("config of {}", entry.name).into();
    let whose =
        if entry.extension { "A plugin of this gateway; Kong has none of this name." } else { "A plugin of Kong's." };
    schema["description"] = whose.into();
    schema
}
