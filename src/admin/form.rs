//! What a body says, in each form that Kong takes: JSON, a form, and parts of a form (`kong/api/api_helpers.lua`). Pure.

use crate::plugin::payload::multipart;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// Arguments of a form that are read.
const MOST: usize = 1000;
/// Fields within fields that a name may lead through; one that leads further is the name of a single field.
const DEPTH: usize = 16;

/// What was sent.
#[derive(Debug)]
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// Fields by name.
    Fields(Map<String, Value>),
    /// A text in JSON that is no object, or anything of another type.
    Other,
}

/// A body that says to be JSON and is none.
#[derive(Debug)]
pub(super) struct Broken;

/// Reads it.
pub(super) fn read(asked: &Request<Bytes>) -> Result<Sent, Broken> {
    let body = asked.body();
    if body.is_empty() {
        return Ok(Sent::Nothing);
    }
    let Some(header) = asked.headers().get(CONTENT_TYPE) else { return Ok(Sent::Other) };
    let lower = header.to_str().unwrap_or_default().to_ascii_lowercase();
    let fields = match lower.split(';').next().unwrap_or_default().trim() {
        "application/json" => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Some(fields),
            Ok(_) => None,
            Err(_) => return Err(Broken),
        },
        "application/x-www-form-urlencoded" => {
            let pairs = form_urlencoded::parse(body).take(MOST);
            Some(nested(pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))))
        }
        "multipart/form-data" => multipart::read(body, header).map(|(parts, _)| {
            let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
            let named = parts.iter().filter_map(|part| Some((part.name.clone()?, text(&part.content))));
            nested(named.take(MOST))
        }),
        _ => None,
    };
    Ok(fields.map_or(Sent::Other, Sent::Fields))
}

/// `config.max_age=5` is a field within a field, `tags[]=a` and a name that repeats make a list.
fn nested(pairs: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in pairs {
        let (path, entry) = match name.split_once('[') {
            Some((path, _)) => (path, true),
            None => (&*name, false),
        };
        let steps: Vec<_> = if path.matches('.').count() < DEPTH { path.split('.').collect() } else { vec![path] };
        put(&mut fields, &steps, entry, value);
    }
    fields
}

fn put(fields: &mut Map<String, Value>, steps: &[&str], entry: bool, value: String) {
    let Some((first, rest)) = steps.split_first() else { return };
    if !rest.is_empty() {
        let within = fields.entry(*first).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(within) = within {
            put(within, rest, entry, value);
        }
        return;
    }
    let there = fields.entry(*first).or_insert_with(|| if entry { Value::Array(Vec::new()) } else { Value::Null });
    match there {
        Value::Null => *there = value.into(),
        Value::Array(items) => items.push(value.into()),
        one => *one = vec![one.take(), value.into()].into(),
    }
}

/// Texts of a form as what the fields of a schema are (`/schemas`): numbers, truths, lists of one.
pub(super) fn typed(fields: &mut Map<String, Value>, schema: &Value) {
    let known = schema["fields"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    for (name, field) in known {
        let Some(value) = fields.get_mut(name) else { continue };
        if let (Some("array" | "set"), Value::String(_)) = (field["type"].as_str(), &*value) {
            *value = vec![value.take()].into();
        }
        match value {
            Value::Object(within) => typed(within, field),
            Value::Array(items) => items.iter_mut().for_each(|item| convert(item, &field["elements"])),
            value => convert(value, field),
        }
    }
}

fn convert(value: &mut Value, field: &Value) {
    let Value::String(text) = &*value else { return };
    let converted = match field["type"].as_str() {
        Some("integer" | "number") => serde_json::from_str(text).ok().filter(Value::is_number),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn sent(kind: &str, body: &'static str) -> Result<Sent, Broken> {
        read(&Request::builder().header(CONTENT_TYPE, kind).body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    fn fields(kind: &str, body: &'static str) -> Value {
        match sent(kind, body) {
            Ok(Sent::Fields(fields)) => Value::Object(fields),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_gives_fields() {
        assert_eq!(fields("application/json; charset=utf-8", r#"{"a":1}"#), json!({ "a": 1 }));
        let form = fields("application/x-www-form-urlencoded", "name=x&config.a.b=1&tags[]=t&p=1&p=2&h%5B1%5D=y");
        let want = json!({ "name": "x", "config": { "a": { "b": "1" } }, "tags": ["t"], "p": ["1", "2"], "h": ["y"] });
        assert_eq!(form, want);
        let deep = format!("a{}=1", ".a".repeat(1_000_000));
        assert!(
            matches!(sent("application/x-www-form-urlencoded", deep.leak()), Ok(Sent::Fields(one)) if one.len() == 1)
        );
        let parts = "--B\r\nContent-Disposition: form-data; name=\"config\"; filename=\"k\"\r\n\r\na: 1\n\r\n--B--\r\n";
        assert_eq!(fields("multipart/form-data; boundary=B", parts), json!({ "config": "a: 1\n" }));
    }

    proptest::proptest! {
        #[test]
        fn every_body_is_read_or_refused(
            body in "(config|tags|a|[.=&%+;:{}\"0-9\\[\\] -]|\r\n|--B){0,30}", kind in 0..3_usize,
        ) {
            let kind = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"][kind];
            if let Ok(Sent::Fields(mut fields)) = sent(kind, body.leak()) {
                typed(&mut fields, &json!({ "fields": [{ "a": { "type": "integer" } }, { "tags": { "type": "set" } }] }));
            }
        }
    }

    #[test]
    fn other_bodies_are_no_fields() {
        assert!(matches!(sent("text/yaml", "a: 1"), Ok(Sent::Other)));
        assert!(matches!(sent("application/json", "[1]"), Ok(Sent::Other)));
        assert!(matches!(sent("application/json", ""), Ok(Sent::Nothing)));
        assert!(matches!(sent("multipart/form-data", "x"), Ok(Sent::Other)));
        assert!(sent("application/json", "{").is_err());
    }

    #[test]
    fn texts_become_what_the_schema_says() {
        let schema = json!({ "fields": [
            { "n": { "type": "integer" } }, { "b": { "type": "boolean" } }, { "s": { "type": "set" } },
            { "c": { "type": "record", "fields": [{ "l": { "type": "array", "elements": { "type": "number" } } }] } },
        ] });
        let mut fields =
            json!({ "n": "5", "b": "true", "s": "x", "c": { "l": ["1", "y"] } }).as_object().cloned().unwrap();
        typed(&mut fields, &schema);
        assert_eq!(Value::Object(fields), json!({ "n": 5, "b": true, "s": ["x"], "c": { "l": [1, "y"] } }));
    }
}
