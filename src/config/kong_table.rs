//! Errors as Kong nests them: in a table like the document's own, with its words where the fault is
//! (`kong/declarative.md` §8; `kong/db/errors.lua`). Printed by `kong_print.rs`, and sent by the Admin API.

use super::report::{Report, Severity, Step};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt::Write;

/// The table, or one within it.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order in which they were found.
    pub(super) children: Vec<(Step, Table)>,
    index: HashMap<Step, usize>,
    /// Kong's words, if it is about this place itself.
    pub(super) message: Option<String>,
}

/// The key of what is wrong with an entity as a whole.
pub const ENTITY: &str = "@entity";

/// Errors of ours that are told one by one.
const MOST: usize = 10;

// === impl Table ===

impl Table {
    /// All that Kong says of a document.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let errors = report.found.iter().filter(|found| found.severity == Severity::Error);
        let mut table = Self::default();
        for error in errors.filter_map(|found| found.kong.as_ref()).chain(&report.asides) {
            table.put(&error.path, &error.message);
        }
        table
    }

    /// What keeps a document from being served: Kong's words, and ours of what Kong does not know, which are about no place.
    #[must_use]
    pub fn refusal(report: &Report) -> Self {
        let mut table = Self::of(report);
        table.add_ours(report);
        table
    }

    /// Adds what Kong has no words for, such as a variable that is not set.
    pub fn add_ours(&mut self, report: &Report) {
        let ours = report.found.iter().filter(|found| found.severity == Severity::Error && found.kong.is_none());
        let ours: Vec<_> = ours.map(|found| &*found.message).collect();
        if !ours.is_empty() {
            let more = ours.len().saturating_sub(MOST);
            let more = if more == 0 { String::new() } else { format!("; and {more} more") };
            self.put(&[], &format!("{}{more}", ours[..ours.len().min(MOST)].join("; ")));
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.children.is_empty() && self.message.is_none()
    }

    /// Adds what is wrong at a place. The first that is said of it counts.
    pub fn put(&mut self, path: &[Step], message: &str) {
        let mut at = self;
        for step in path {
            let next = at.children.len();
            let index = *at.index.entry(step.clone()).or_insert(next);
            if index == next {
                at.children.push((step.clone(), Self::default()));
            }
            at = &mut at.children[index].1;
        }
        if path.last().and_then(Step::key) == Some(ENTITY) {
            at.number(message);
        } else {
            at.message.get_or_insert_with(|| message.to_owned());
        }
    }

    /// Under `@entity` errors are numbered, and each is told once.
    fn number(&mut self, message: &str) {
        let known = self.children.iter().any(|(_, child)| child.message.as_deref() == Some(message));
        if !known {
            let child = Self { message: Some(message.to_owned()), ..Self::default() };
            self.children.push((Step::Entry(self.children.len()), child));
        }
    }

    /// The table as the Admin API sends it (`fields`). What is about no place is its `error`.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields: Map<_, _> = self.children.iter().map(|(step, child)| (key(step), child.json())).collect();
        if let Some(message) = &self.message {
            fields.insert("error".to_owned(), message.as_str().into());
        }
        fields
    }

    /// A list where all are entries; Lua has nothing where nothing is wrong.
    fn json(&self) -> Value {
        if let (Some(message), true) = (&self.message, self.children.is_empty()) {
            return message.as_str().into();
        }
        let place = |(step, child): &(Step, Self)| match step {
            Step::Entry(at) => Some((*at, child.json())),
            Step::Key(_) => None,
        };
        let Some(entries) = self.children.iter().map(place).collect::<Option<Vec<_>>>() else {
            return Value::Object(self.fields());
        };
        let length = entries.iter().map(|(at, _)| at + 1).max().unwrap_or_default();
        let mut list = vec![Value::Null; length];
        entries.into_iter().for_each(|(at, value)| list[at] = value);
        Value::Array(list)
    }
}

fn key(step: &Step) -> String {
    match step {
        Step::Key(key) => key.to_string(),
        Step::Entry(at) => (at + 1).to_string(),
    }
}

/// A value as Kong prints it in a message: `{services={{name="required field missing"}}}` (Penlight's `pretty.write`).
#[must_use]
pub fn lua(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{}={}", lua_key(name), lua(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("{{{}}}", lua_items(items)),
        Value::String(text) => quoted(text),
        Value::Null => "nil".to_owned(),
        other => other.to_string(),
    }
}

/// After a hole, entries are told by their number.
fn lua_items(items: &[Value]) -> String {
    let mut hole = false;
    let mut told = Vec::new();
    for (at, item) in items.iter().enumerate() {
        hole |= item.is_null();
        if !item.is_null() {
            told.push(if hole { format!("[{}]={}", at + 1, lua(item)) } else { lua(item) });
        }
    }
    told.join(",")
}

fn lua_key(name: &str) -> String {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let word = first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { name.to_owned() } else { format!("[{}]", quoted(name)) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\{:03}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(errors: &[(&[Step], &str)]) -> Table {
        let mut table = Table::default();
        errors.iter().for_each(|(path, message)| table.put(path, message));
        table
    }

    fn key(name: &'static str) -> Step {
        Step::Key(name.into())
    }

    #[test]
    fn entries_make_lists_with_holes_and_keys_make_objects() {
        let second = |more: &[Step]| [&[key("services"), Step::Entry(1)], more].concat();
        let (name, whole) = (second(&[key("name")]), second(&[key(ENTITY)]));
        let table = table(&[(&name, "required field missing"), (&whole, "a \"b\""), (&whole, "a \"b\"")]);
        let fields = Value::Object(table.fields());
        assert_eq!(fields, json!({ "services": [null, { "name": "required field missing", "@entity": ["a \"b\""] }] }));
        let text = r#"{services={[2]={["@entity"]={"a \"b\""},name="required field missing"}}}"#;
        assert_eq!(lua(&fields), text);
    }

    #[test]
    fn what_is_about_no_place_is_an_error() {
        assert_eq!(Value::Object(table(&[(&[], "no")]).fields()), json!({ "error": "no" }));
    }
}
