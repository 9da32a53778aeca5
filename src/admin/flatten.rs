//! `flatten_errors`: what is wrong with a document, entity by entity, with the entity as it was sent (Kong 3,
//! `kong/db/errors.lua`). Pure.

use crate::config::kong_table::{ENTITY, Table};
use crate::config::report::{KongError, Report, Severity, Source, Step};
use crate::config::{one, plain};
use crate::entity::Compat;
use serde_json::{Map, Value, json};

/// An entity, and what is wrong with it.
struct Faults<'a> {
    /// The way to it.
    path: &'a [Step],
    errors: Vec<Value>,
}

/// Records of entities, and what belongs to none.
pub(super) fn flatten(report: &Report, source: &Source) -> (Vec<Value>, Table) {
    let document = plain(source).unwrap_or_default();
    let found = report.found.iter().filter(|found| found.severity == Severity::Error);
    let (mut all, mut rest): (Vec<Faults<'_>>, Table) = (Vec::new(), Table::default());
    for error in found.filter_map(|found| found.kong.as_ref()).chain(&report.asides) {
        let (path, below) = error.path.split_at(depth(&error.path));
        if at(&document, path).is_none_or(|_| path.is_empty()) {
            rest.put(&error.path, &error.message);
            continue;
        }
        let told = told(below, error);
        match all.iter_mut().find(|faults| faults.path == path) {
            Some(faults) if faults.errors.contains(&told) => {}
            Some(faults) => faults.errors.push(told),
            None => all.push(Faults { path, errors: vec![told] }),
        }
    }
    rest.add_ours(report);
    (all.iter().map(|faults| faults.record(&document)).collect(), rest)
}

/// How many steps lead to the innermost entity.
fn depth(path: &[Step]) -> usize {
    let entity = |pair: &&[Step]| match pair {
        [Step::Key(kind), Step::Entry(_)] => is_kind(kind),
        _ => false,
    };
    2 * path.chunks(2).take_while(entity).count()
}

fn is_kind(name: &str) -> bool {
    [Compat::Kong2, Compat::Kong3].into_iter().any(|compat| one::is_kind(name, compat))
}

fn at<'a>(document: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get(&**key),
        Step::Entry(at) => value.get(*at),
    })
}

fn told(below: &[Step], error: &KongError) -> Value {
    match below {
        [] => json!({ "type": "entity", "message": error.message }),
        [Step::Key(key), ..] if &**key == ENTITY => json!({ "type": "entity", "message": error.message }),
        below => {
            let steps = below.iter().map(|step| match step {
                Step::Key(key) => key.to_string(),
                Step::Entry(at) => (at + 1).to_string(),
            });
            json!({ "type": "field", "field": steps.collect::<Vec<_>>().join("."), "message": error.message })
        }
    }
}

// === impl Faults ===

impl Faults<'_> {
    fn record(&self, document: &Value) -> Value {
        let entity = at(document, self.path).and_then(Value::as_object).map(alone).unwrap_or_default();
        let kind = self.path.iter().rev().find_map(Step::key).unwrap_or_default();
        let mut record = json!({ "entity_type": kind.strip_suffix('s').unwrap_or(kind), "errors": self.errors });
        for (name, field) in [("entity_id", "id"), ("entity_name", "name"), ("entity_tags", "tags")] {
            if let Some(value) = entity.get(field) {
                record[name] = value.clone();
            }
        }
        record["entity"] = Value::Object(entity);
        record
    }
}

/// An entity without those within it.
fn alone(entity: &Map<String, Value>) -> Map<String, Value> {
    let holds = |value: &Value| value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    let own = entity.iter().filter(|(name, value)| !(is_kind(name) && holds(value)));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
