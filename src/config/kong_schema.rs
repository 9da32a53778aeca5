//! The tables of fields as Kong's Admin API shows its own (`/schemas`, `kong/db/schema/init.lua`).

use super::entities::{self, EntityType};
use super::schema::{Default, EntityCheck, Field, Kind, Record, Rule};
use crate::entity::Compat;
use crate::plugin::{Entry, TABLE};
use crate::settings::RouterFlavor;
use serde_json::{Map, Value, json};

/// What Kong's schemas say besides: patterns of Lua, which are code here. The kind, or nothing for all; the field; the
/// text that joins its description.
const BESIDES: &[(&str, &str, &str)] = &[
    ("", "created_at", r#"{"auto":true,"timestamp":true}"#),
    ("", "id", r#"{"auto":true}"#),
    ("", "tags", r#"{"elements":{"required":true}}"#),
    ("", "updated_at", r#"{"auto":true,"timestamp":true}"#),
    ("routes", "headers", HEADERS),
    ("routes", "hosts", HOSTS),
    ("routes", "methods", r#"{"elements":{"match":"^%u+$"}}"#),
    ("routes", "paths", r#"{"elements":{"match_none":[{"err":"must not have empty segments","pattern":"//"}]}}"#),
    ("routes", "protocols", PROTOCOLS),
    ("services", "path", r#"{"match_none":[{"err":"must not have empty segments","pattern":"//"}]}"#),
    ("services", "tls_verify_depth", r#"{"default":null}"#),
];

const HEADERS: &str = r#"{"keys":{"match_none":[{"pattern":"^[Hh][Oo][Ss][Tt]$",
    "err":"cannot contain 'host' header, which must be specified in the 'hosts' attribute"}]}}"#;
const HOSTS: &str = r#"{"elements":{
    "match_all":[{"err":"invalid wildcard: must have at most one wildcard","pattern":"^[^*]*%*?[^*]*$"}],
    "match_any":{"err":"invalid wildcard: must be placed at leftmost or rightmost label",
        "patterns":["^%*%.","%.%*$","^[^*]*$"]}}}"#;
const PROTOCOLS: &str = r#"{"len_min":1,
    "mutually_exclusive_subsets":[["http","https"],["tcp","tls","udp"],["tls_passthrough"],["grpc","grpcs"]],
    "elements":{"one_of":["grpc","grpcs","http","https","tcp","tls","tls_passthrough","udp"]}}"#;

/// Protocols that plugins may ask for (`typedefs.protocols_http`).
const HTTP: &[&str] = &["grpc", "grpcs", "http", "https"];

/// Whose schemas.
#[derive(Clone, Copy, Debug)]
pub struct Schemas {
    /// As whose.
    pub compat: Compat,
    /// What routes may ask by.
    pub flavor: RouterFlavor,
}

// === impl Schemas ===

impl Schemas {
    /// Of a kind of entity, by the key of its list.
    #[must_use]
    pub fn entity(self, name: &str) -> Option<Value> {
        let kind = entities::ALL.iter().find(|kind| kind.name == name && kind.since.knows(self.compat))?;
        Some(self.described(kind.record, Some(kind)))
    }

    /// Of a plugin, with what only some plugins may be bound to.
    #[must_use]
    pub fn plugin(self, name: &str) -> Option<Value> {
        let entry = entry(name)?;
        let mut config = self.described((entry.schema)(), None);
        config["type"] = "record".into();
        config["required"] = true.into();
        let nobody = json!({ "consumer": { "type": "foreign", "reference": "consumers", "eq": null } });
        let element = json!({ "type": "string", "one_of": HTTP });
        let protocols = json!({ "type": "set", "required": true, "default": HTTP, "elements": element });
        let bound = (!entry.consumer_scope).then_some(nobody);
        let rest = [json!({ "protocols": protocols }), json!({ "config": config })];
        Some(json!({ "fields": bound.into_iter().chain(rest).collect::<Vec<_>>() }))
    }

    /// Of a plugin's `config` alone.
    #[must_use]
    pub fn config(self, name: &str) -> Option<Value> {
        entry(name).map(|entry| self.described((entry.schema)(), None))
    }

    fn described(self, record: &'static Record, kind: Option<&EntityType>) -> Value {
        let known =
            |field: &&Field| field.alias.is_none() && (self.flavor == RouterFlavor::Expressions || !field.flavored);
        let fields = record.fields(self.compat).filter(known);
        let fields: Vec<_> = fields.map(|field| json!({ field.name: self.field(field, kind) })).collect();
        let mut described = json!({ "fields": fields });
        let checks: Vec<_> = record.checks.iter().filter_map(check).collect();
        if kind.is_none() && !checks.is_empty() {
            described["entity_checks"] = checks.into();
        }
        described
    }

    fn field(self, field: &'static Field, kind: Option<&EntityType>) -> Value {
        let mut told = self.shape(field);
        if field.required {
            told["required"] = true.into();
        }
        if let Some(value) = default(field) {
            told["default"] = value;
        }
        field.rules.iter().for_each(|rule| tell(&mut told, rule, field.kind));
        let Some(kind) = kind else { return told };
        if kind.key == Some(field.name) && kind.unique {
            told["unique"] = true.into();
        }
        let besides = BESIDES.iter().filter(|row| row.1 == field.name && (row.0.is_empty() || row.0 == kind.name));
        for more in besides.filter_map(|row| serde_json::from_str(row.2).ok()) {
            join(&mut told, more);
        }
        told
    }

    /// Its type, and what it is made of.
    fn shape(self, field: &'static Field) -> Value {
        match field.kind {
            Kind::String => json!({ "type": "string" }),
            Kind::Integer => json!({ "type": "integer" }),
            Kind::Number => json!({ "type": "number" }),
            Kind::Boolean => json!({ "type": "boolean" }),
            Kind::Array(of) => json!({ "type": "array", "elements": self.field(of, None) }),
            Kind::Set(of) => json!({ "type": "set", "elements": self.field(of, None) }),
            Kind::Map(key, value) => {
                json!({ "type": "map", "keys": self.field(key, None), "values": self.field(value, None) })
            }
            Kind::Record(of) => {
                let mut told = self.described(of, None);
                told["type"] = "record".into();
                told
            }
            Kind::Foreign(to) => json!({ "type": "foreign", "reference": to }),
            Kind::Any => json!({ "type": "record", "fields": [] }),
        }
    }
}

fn entry(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

fn default(field: &Field) -> Option<Value> {
    Some(match field.default {
        Default::None => return None,
        Default::Str(text) => text.into(),
        Default::Int(number) => number.into(),
        Default::Num(number) => json!(number),
        Default::Bool(truth) => truth.into(),
        Default::Strs(texts) => json!(texts),
        Default::Ints(numbers) => json!(numbers),
    })
}

/// A rule that is no code.
fn tell(told: &mut Value, rule: &Rule, kind: Kind) {
    match *rule {
        Rule::Between(least, most) => told["between"] = json!([number(least), number(most)]),
        Rule::Greater(than) => told["gt"] = number(than),
        Rule::OneOf(texts) => told["one_of"] = texts.iter().map(|text| choice(text, kind)).collect(),
        Rule::StartsWith(start) => told["starts_with"] = start.into(),
        Rule::MinLen(least) => told["len_min"] = least.into(),
        Rule::Len(length) => told["len_eq"] = length.into(),
        Rule::Uuid => told["uuid"] = true.into(),
        Rule::MayBeEmpty => told["len_min"] = 0.into(),
        Rule::Text(_) | Rule::Code(_) | Rule::Value(_) => {}
    }
}

fn choice(text: &str, kind: Kind) -> Value {
    let number = || text.parse::<i64>().ok().map(Value::from);
    matches!(kind, Kind::Integer | Kind::Number).then(number).flatten().unwrap_or_else(|| text.into())
}

/// A whole number without a fraction.
fn number(number: f64) -> Value {
    // Bounds are below 2^53, so nothing is cut off.
    #[allow(clippy::cast_possible_truncation)]
    let whole = number as i64;
    if number.fract() == 0.0 { whole.into() } else { json!(number) }
}

fn check(check: &EntityCheck) -> Option<Value> {
    Some(match check {
        EntityCheck::AtLeastOneOf(names) => json!({ "at_least_one_of": names }),
        EntityCheck::ExactlyOneOf(names) => json!({ "only_one_of": names }),
        EntityCheck::OnlyOneOf(names) => json!({ "mutually_exclusive": names }),
        EntityCheck::AllOrNone(names) => json!({ "mutually_required": names }),
        EntityCheck::Distinct(names) => json!({ "distinct": names }),
        EntityCheck::Custom(_) | EntityCheck::Timed(_) => return None,
    })
}

/// Adds what the second says to the first.
fn join(one: &mut Value, other: Map<String, Value>) {
    for (key, value) in other {
        match value {
            Value::Object(within) if one[&key].is_object() => join(&mut one[&key], within),
            value => one[&key] = value,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OURS: Schemas = Schemas { compat: Compat::Kong2, flavor: RouterFlavor::TraditionalCompatible };

    #[test]
    fn what_joins_is_json() {
        for (_, field, text) in BESIDES {
            assert!(serde_json::from_str::<Map<String, Value>>(text).is_ok(), "{field}");
        }
    }

    #[test]
    fn every_kind_and_every_plugin_has_one_for_both() {
        for compat in [Compat::Kong2, Compat::Kong3] {
            let schemas = Schemas { compat, ..OURS };
            for kind in entities::ALL.iter().filter(|kind| kind.since.knows(compat)) {
                assert!(schemas.entity(kind.name).unwrap()["fields"].is_array(), "{}", kind.name);
            }
            for entry in TABLE {
                assert!(schemas.plugin(entry.name).unwrap()["fields"].is_array(), "{}", entry.name);
            }
        }
        assert_eq!((OURS.entity("nope"), OURS.plugin("nope"), OURS.config("nope")), (None, None, None));
    }

    #[test]
    fn bounds_and_choices_are_numbers_where_the_field_is() {
        let routes = OURS.entity("routes").unwrap().to_string();
        assert!(routes.contains(r#""one_of":[426,301,302,307,308]"#), "{routes}");
        let services = OURS.entity("services").unwrap().to_string();
        assert!(services.contains(r#""between":[0,65535]"#), "{services}");
    }
}
