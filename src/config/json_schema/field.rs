//! One field, and a record of them.

use crate::config::schema::{Default, EntityCheck, Field, Kind, Record, Rule};
use crate::entity::Compat;
use serde_json::{Map, Value, json};

/// What a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// Itself, or a variable in place of anything.
    Expanded,
    /// Itself only.
    Verbatim,
}

/// A text that stands for what nobody can know yet (`config/expand.rs`).
const VARIABLE: &str = r"\$|^\{vault://";

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12.
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// A mapping with known keys.
pub(super) fn record(record: &'static Record, compat: Compat, texts: Texts) -> Value {
    let properties: Map<_, _> =
        record.fields(compat).map(|field| (field.name.into(), value(field, compat, texts))).collect();
    let required: Vec<_> = required(record, compat).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    for check in record.checks {
        if let EntityCheck::AtLeastOneOf(names) = check {
            let names = names.iter().flat_map(|path| names_of(record, compat, path));
            schema["anyOf"] = names.map(|name| json!({ "required": [name] })).collect();
        }
    }
    schema
}

/// By which names the field may be written that a check means: older ones count as well. Kong names the fields of a
/// plugin's `config` from outside.
fn names_of(record: &'static Record, compat: Compat, path: &'static str) -> impl Iterator<Item = &'static str> {
    let name = path.strip_prefix("config.").unwrap_or(path);
    record.fields(compat).filter(move |field| field.target() == name).map(|field| field.name)
}

/// The fields that must be written. References are left out: an entity around this one may stand for one.
pub(super) fn required(record: &'static Record, compat: Compat) -> impl Iterator<Item = &'static str> {
    let must = |field: &&Field| {
        field.required && matches!(field.default, Default::None) && !matches!(field.kind, Kind::Foreign(_))
    };
    record.fields(compat).filter(must).map(|field| field.name)
}

/// What a field may hold.
pub(super) fn value(field: &'static Field, compat: Compat, texts: Texts) -> Value {
    let mut schema = kind(field, compat, texts);
    if !field.required {
        nullable(&mut schema);
    }
    if let Some(default) = default(field.default) {
        schema["default"] = default;
    }
    if field.flavored {
        schema["description"] = "Only with the setting `router_flavor` at `expressions`.".into();
    }
    if field.extension {
        schema["description"] = "A field of this gateway; Kong refuses it.".into();
    }
    schema
}

/// Nothing is as good as not written: `paths:` while one types.
fn nullable(schema: &mut Value) {
    let with_null = match schema.get("type") {
        Some(Value::String(one)) => json!([one, "null"]),
        Some(Value::Array(some)) => some.iter().cloned().chain([json!("null")]).collect(),
        _ => {
            if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
                choices.push(json!({ "type": "null" }));
            }
            return;
        }
    };
    schema["type"] = with_null;
}

fn kind(field: &'static Field, compat: Compat, texts: Texts) -> Value {
    let below = |of: &'static Field| value(of, compat, texts);
    match field.kind {
        Kind::String => text(field.rules, texts),
        Kind::Integer => scalar("integer", field.rules, texts),
        Kind::Number => scalar("number", field.rules, texts),
        Kind::Boolean => scalar("boolean", field.rules, texts),
        Kind::Array(of) | Kind::Set(of) => {
            with_length(json!({ "type": "array", "items": below(of) }), "Items", field.rules)
        }
        Kind::Map(key, of) => {
            json!({ "type": "object", "propertyNames": text(key.rules, Texts::Verbatim), "additionalProperties": below(of) })
        }
        Kind::Record(of) => record(of, compat, texts),
        Kind::Foreign(of) => json!({ "type": "string", "description": format!("Name or id of one of the `{of}`.") }),
        Kind::Any => json!({}),
    }
}

/// A text. Rules that a pattern can say; the others are `gateway check`'s.
fn text(rules: &[Rule], texts: Texts) -> Value {
    let choices = rules.iter().find_map(|rule| if let Rule::OneOf(names) = rule { Some(*names) } else { None });
    let or_variable = |pattern: String| match texts {
        Texts::Expanded => format!("{pattern}|{VARIABLE}"),
        Texts::Verbatim => pattern,
    };
    let mut schema = match choices {
        Some(names) if texts == Texts::Expanded => {
            return json!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": VARIABLE }] });
        }
        Some(names) => json!({ "enum": names }),
        None => json!({ "type": "string" }),
    };
    for rule in rules {
        match rule {
            Rule::StartsWith(start) => schema["pattern"] = or_variable(format!("^{}", regex::escape(start))).into(),
            Rule::Uuid => schema["pattern"] = or_variable(UUID.to_owned()).into(),
            _ => {}
        }
    }
    if !rules.iter().any(|rule| matches!(rule, Rule::MayBeEmpty)) {
        schema["minLength"] = 1.into();
    }
    with_length(schema, "Length", rules)
}

fn with_length(mut schema: Value, of: &str, rules: &[Rule]) -> Value {
    for rule in rules {
        match rule {
            Rule::MinLen(n) => schema[format!("min{of}")] = (*n).into(),
            Rule::Len(n) => {
                schema[format!("min{of}")] = (*n).into();
                schema[format!("max{of}")] = (*n).into();
            }
            _ => {}
        }
    }
    schema
}

/// A number or a truth, or a variable that brings one. Bounds concern numbers, and the pattern concerns texts.
fn scalar(name: &str, rules: &[Rule], texts: Texts) -> Value {
    let choices = rules.iter().find_map(|rule| if let Rule::OneOf(names) = rule { Some(*names) } else { None });
    if let Some(names) = choices {
        let numbers: Vec<Value> = names.iter().filter_map(|name| name.parse().ok()).collect();
        return json!({ "anyOf": [{ "enum": numbers }, { "type": "string", "pattern": VARIABLE }] });
    }
    let mut schema = match texts {
        Texts::Expanded => json!({ "type": [name, "string"], "pattern": VARIABLE }),
        Texts::Verbatim => json!({ "type": name }),
    };
    for rule in rules {
        match rule {
            Rule::Between(low, high) => {
                schema["minimum"] = number(*low);
                schema["maximum"] = number(*high);
            }
            Rule::Greater(low) => schema["exclusiveMinimum"] = number(*low),
            _ => {}
        }
    }
    schema
}

/// Whole numbers without a point.
fn number(n: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)] // bounds are small, and exact as floats
    let whole = n as i64;
    #[allow(clippy::cast_precision_loss, clippy::float_cmp)]
    if whole as f64 == n { whole.into() } else { n.into() }
}

fn default(default: Default) -> Option<Value> {
    match default {
        Default::None => None,
        Default::Str(text) => Some(text.into()),
        Default::Int(n) => Some(n.into()),
        Default::Num(n) => Some(number(n)),
        Default::Bool(b) => Some(b.into()),
        Default::Strs(texts) => Some(texts.into()),
        Default::Ints(numbers) => Some(numbers.into()),
    }
}
