//! `_gateway`: the settings, from their own table.

use crate::config::section::ELSEWHERE;
use crate::settings::ignored::IGNORED;
use crate::settings::table::{KEYS, Key};
use serde_json::{Map, Value, json};

/// What the section may hold.
pub(super) fn settings() -> Value {
    let usable = KEYS.iter().filter(|key| !ELSEWHERE.contains(&key.name));
    let own =
        usable.flat_map(|key| key.also.iter().chain([&key.name]).map(move |name| ((*name).to_owned(), setting(key))));
    let ignored = IGNORED.iter().filter(|row| !row.key.ends_with('_'));
    let ignored = ignored.map(|row| (row.key.to_owned(), nothing(row.reason)));
    let properties: Map<_, _> = ignored.chain(own).collect();
    let prefixes = IGNORED.iter().filter(|row| row.key.ends_with('_'));
    let prefixes: Vec<_> = prefixes.map(|row| row.key).collect();
    let patterns = json!({ format!("^({})", prefixes.join("|")): { } });
    json!({
        "type": ["object", "null"],
        "description": "Settings of this gateway; Kong refuses the key.",
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": false,
    })
}

fn setting(key: &Key) -> Value {
    let mut schema = json!({
        "type": ["string", "number", "boolean", "array", "null"],
        "items": { "type": ["string", "number", "boolean"] },
        "description": key.doc,
    });
    if !key.default.is_empty() {
        schema["default"] = key.default.into();
    }
    schema
}

fn nothing(reason: &str) -> Value {
    json!({ "description": format!("Changes nothing here: {reason}.") })
}
