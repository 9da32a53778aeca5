//! The JSON Schema of a Kong file, for editors: draft 7, which the language servers of YAML take. Made from the tables that
//! the reader reads with, so that they never differ.
//!
//! A schema says what each value may be. Rules that are functions, and whatever concerns several entities, are left to
//! `gateway check`: what it accepts the schema accepts, but not the other way round.

mod entity;
mod field;
mod section;

use super::entities::{self, EntityType};
use super::header;
use super::plugins::{self, Status};
use super::unsupported;
use crate::entity::Compat;
use crate::plugin::{Entry, TABLE};
use crate::settings::Plugins;
use serde_json::{Map, Value, json};

/// What a schema begins with.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema for one compatibility, or for both: then `_format_version` decides.
#[must_use]
pub fn schema(compat: Option<Compat>) -> Value {
    let which = compat.map_or_else(|| vec![Compat::Kong2, Compat::Kong3], |one| vec![one]);
    let definitions: Map<_, _> = which.into_iter().flat_map(definitions).collect();
    let mut root = match compat {
        Some(one) => json!({ "$ref": reference(one, FILE) }),
        None => json!({
            "if": { "properties": { "_format_version": { "const": "3.0" } }, "required": ["_format_version"] },
            "then": { "$ref": reference(Compat::Kong3, FILE) },
            "else": { "$ref": reference(Compat::Kong2, FILE) },
        }),
    };
    root["$schema"] = DRAFT.into();
    root["title"] = "Kong's declarative configuration, as this gateway reads it".into();
    root["definitions"] = definitions.into();
    // Draft 7 looks at nothing beside a `$ref`.
    if compat.is_some() {
        let file = root.as_object_mut().and_then(|root| root.remove("$ref"));
        root["allOf"] = json!([{ "$ref": file }]);
    }
    root
}

/// The definition of a whole file.
const FILE: &str = "file";

/// What a definition is called: entities by the key of their list.
fn definition(compat: Compat, name: &str) -> String {
    match compat {
        Compat::Kong2 => format!("{name}-2"),
        Compat::Kong3 => format!("{name}-3"),
    }
}

fn reference(compat: Compat, name: &str) -> String {
    format!("#/definitions/{}", definition(compat, name))
}

fn definitions(compat: Compat) -> Vec<(String, Value)> {
    let kinds = kinds(compat).map(|kind| (definition(compat, kind.name), entity::entity(kind, compat)));
    let plugins = here(compat).map(|entry| (definition(compat, &config(entry.name)), entity::config(entry, compat)));
    let file = [(definition(compat, FILE), file(compat))];
    file.into_iter().chain(kinds).chain(plugins).collect()
}

/// The name of the definition of a plugin's `config`.
fn config(plugin: &str) -> String {
    format!("config-of-{plugin}")
}

fn kinds(compat: Compat) -> impl Iterator<Item = &'static EntityType> {
    entities::ALL.iter().filter(move |kind| kind.since.knows(compat))
}

/// The plugins that run here.
fn here(compat: Compat) -> impl Iterator<Item = &'static Entry> {
    let all = Plugins::Bundled(Vec::new());
    TABLE.iter().filter(move |entry| matches!(plugins::status(entry.name, &all, compat, TABLE), Status::Here(_)))
}

/// Header, settings, and a list for every kind of entity.
fn file(compat: Compat) -> Value {
    let mut file = field::record(&header::RECORD, compat, field::Texts::Verbatim);
    file["properties"]["_format_version"] = json!({ "enum": header::versions(compat) });
    file["properties"][super::section::KEY] = section::settings();
    for kind in kinds(compat) {
        file["properties"][kind.name] = entity::list(kind, compat, false);
    }
    for name in unsupported::lists(compat) {
        file["properties"][name] = json!({ "type": ["array", "null"], "maxItems": 0, "description": "This gateway does not support these yet." });
    }
    file
}

#[cfg(test)]
mod tests;
