//! One entity as the Admin API is sent it, checked like one in a document. Kong checks what it cannot store, too
//! (`kong/operations.md` §8).

use super::entities;
use super::kong_table::{ENTITY, Table};
use super::report::{Report, Severity, Step};
use super::{document, header, json};
use crate::entity::Compat;
use crate::settings::Settings;
use crate::world::World;
use http::Extensions;
use serde_json::{Map, Value, json};
use std::time::SystemTime;

/// How much of an entity is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The fields that are to be changed.
    Part,
}

/// What is wrong with an entity of a kind (`services`), in Kong's words and by its fields. Nothing is read for it: no
/// variable, no file. That what it refers to exists is not looked at.
#[must_use]
pub fn check(
    kind: &str,
    entity: &Map<String, Value>,
    extent: Extent,
    compat: Compat,
    settings: &Settings,
    now: SystemTime,
) -> Table {
    let version = header::versions(compat).last().copied().unwrap_or_default();
    let text = json!({ "_format_version": version, kind: [entity] }).to_string();
    let mut report = Report::default();
    if let Some((tree, root)) = json::read(&text, &mut report) {
        let world = World { now, ..World::EMPTY };
        document::read(tree, root, world, settings, crate::plugin::TABLE, &Extensions::new(), &mut report);
    }
    faults(entity, extent, report)
}

fn faults(entity: &Map<String, Value>, extent: Extent, mut report: Report) -> Table {
    let counts = |path: &[Step]| match path.first() {
        Some(Step::Key(field)) if extent == Extent::Part => entity.contains_key(&**field),
        _ => true,
    };
    let mut table = Table::default();
    for found in report.found.iter().filter(|found| found.severity == Severity::Error) {
        match &found.kong {
            Some(kong) => report.asides.push(kong.clone()),
            None if found.code == "unset-variable" => {}
            None => table.put(&[Step::Key(ENTITY.into())], &found.message),
        }
    }
    for error in &report.asides {
        let path = error.path.get(2..).unwrap_or_default();
        if counts(path) {
            table.put(path, &error.message);
        }
    }
    table
}

/// Whether there is such a kind.
#[must_use]
pub fn is_kind(name: &str, compat: Compat) -> bool {
    entities::ALL.iter().any(|kind| kind.name == name && kind.since.knows(compat))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(kind: &str, entity: Value, extent: Extent) -> Value {
        let entity = entity.as_object().cloned().unwrap_or_default();
        let now = SystemTime::UNIX_EPOCH;
        Value::Object(check(kind, &entity, extent, Compat::Kong2, &Settings::default(), now).fields())
    }

    #[test]
    fn an_entity_is_checked_by_its_table() {
        let url = fields("services", json!({ "url": "nope" }), Extent::Whole);
        assert_eq!(url, json!({ "host": "required field missing", "path": "should start with: /" }));
        let cors = json!({ "name": "cors", "config": { "max_age": "x" } });
        assert_eq!(fields("plugins", cors, Extent::Whole), json!({ "config": { "max_age": "expected a number" } }));
        let known = json!({ "paths": ["/x"], "service": { "id": "38e32a5e-676e-53e6-bb3f-d0670a7a511f" } });
        assert_eq!(fields("routes", known, Extent::Whole), json!({}));
        let unknown = fields("plugins", json!({ "name": "x" }), Extent::Whole);
        assert!(unknown["name"].as_str().is_some_and(|words| words.starts_with("plugin 'x' not enabled")), "{unknown}");
    }

    #[test]
    fn what_kong_makes_by_itself_may_be_missing() {
        let consumer = json!({ "consumer": "anon" });
        assert_eq!(fields("keyauth_credentials", consumer, Extent::Whole), json!({}));
    }

    #[test]
    fn of_a_change_only_what_is_written_counts() {
        assert_eq!(fields("services", json!({ "retries": 1 }), Extent::Part), json!({}));
        let wrong = fields("services", json!({ "retries": -1 }), Extent::Part);
        assert_eq!(wrong, json!({ "retries": "value should be between 0 and 32767" }));
    }

    #[test]
    fn variables_are_text_as_they_are_to_kong() {
        let entity = json!({ "name": "a", "host": "${HOST}" });
        assert_eq!(fields("services", entity, Extent::Whole), json!({ "host": "invalid value: ${HOST}" }));
    }
}
