//! `/config`: the whole configuration as one document, to be read and to be replaced (`kong/api/routes/config.lua`). Pure.

use super::answer::Now;
use super::form::{self, Sent};
use super::reply::{Or, document, message, ok};
use super::{flatten, refuse};
use crate::config::export;
use crate::config::kong_table::{self, Table};
use crate::config::listing::digest;
use crate::config::report::Source;
use crate::server::posted::Refusal;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

/// What the log and messages call it.
const NAME: &str = "the posted configuration";

/// A configuration that is to take the place of the one that is served.
#[derive(Debug)]
pub(super) struct Offer {
    /// The document.
    pub(super) source: Source,
    /// Whether errors are to be told entity by entity as well.
    flatten: bool,
}

impl Offer {
    /// One of a text.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self { source: Source::new(NAME, text), flatten: false }
    }
}

/// All of it, as a document.
pub(super) fn whole(secrets: bool, now: &Now<'_>) -> Response<Bytes> {
    let listing = now.snapshot.listing.as_deref();
    let text = listing.map(|listing| export::yaml(listing, now.snapshot.compat, secrets)).unwrap_or_default();
    ok(&json!({ "config": text }))
}

/// The configuration in a request, or the answer if there is none, or none that is new.
pub(super) fn offer(asked: &Request<Bytes>, now: &Now<'_>) -> Or<Offer> {
    if now.stopping {
        return Err(message(StatusCode::SERVICE_UNAVAILABLE, "Kong currently exiting").into());
    }
    let fields = match form::read(asked) {
        Ok(Sent::Fields(fields)) => fields,
        Ok(_) => Map::new(),
        Err(form::Broken) => return Err(refuse::json().into()),
    };
    let text = match fields.get("config") {
        Some(Value::String(text)) if !fields.contains_key("_format_version") => Bytes::copy_from_slice(text.as_bytes()),
        _ => asked.body().clone(),
    };
    if text.is_empty() {
        return Err(message(StatusCode::BAD_REQUEST, "expected a declarative configuration").into());
    }
    let source = Source::from_bytes(NAME, &text).map_err(not_text)?;
    let told = |name: &str| truth(fields.get(name)) || in_query(asked, name);
    let hash = now.snapshot.listing.as_ref().map(|listing| listing.hash);
    if told("check_hash") && hash == Some(digest(&source.text)) {
        return Err(refuse::bodiless(StatusCode::NOT_MODIFIED).into());
    }
    Ok(Offer { source, flatten: told("flatten_errors") })
}

fn not_text(at: usize) -> Box<Response<Bytes>> {
    let mut table = Table::default();
    table.put(&[], &format!("failed parsing declarative configuration: not UTF-8 (byte {at})"));
    invalid(table.fields(), None).into()
}

fn in_query(asked: &Request<Bytes>, name: &str) -> bool {
    let query = asked.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == name && truth(Some(&(*value).into())))
}

fn truth(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => text == "1" || text.eq_ignore_ascii_case("true"),
        Some(value) => *value == json!(true) || *value == json!(1),
        None => false,
    }
}

/// It is served: its entities by kind and id, without fields that hold nothing.
pub(super) fn served(snapshot: &Snapshot, secrets: bool) -> Response<Bytes> {
    let mut kinds = Map::new();
    for (kind, items) in snapshot.listing.iter().flat_map(|listing| &listing.kinds) {
        let item = |item: &crate::listing::Item| (item.id.to_string(), without_nulls(item.document(secrets)));
        if !items.is_empty() {
            kinds.insert((*kind).to_owned(), Value::Object(items.iter().map(item).collect()));
        }
    }
    document(StatusCode::CREATED, &Value::Object(kinds))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let told = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// It is not.
pub(super) fn refused(refusal: &Refusal, offer: &Offer) -> Response<Bytes> {
    if !refusal.report.has_errors() {
        let mut table = Table::default();
        table.put(&[], &refusal.lines.join("; "));
        return invalid(table.fields(), None);
    }
    if !offer.flatten {
        return invalid(Table::refusal(&refusal.report).fields(), None);
    }
    let (entities, rest) = flatten::flatten(&refusal.report, &offer.source);
    invalid(rest.fields(), Some(entities))
}

fn invalid(fields: Map<String, Value>, flattened: Option<Vec<Value>>) -> Response<Bytes> {
    let fields = Value::Object(fields);
    let message = format!("declarative config is invalid: {}", kong_table::lua(&fields));
    let mut body =
        json!({ "code": 14, "name": "invalid declarative configuration", "message": message, "fields": fields });
    if let Some(flattened) = flattened {
        body["flattened_errors"] = flattened.into();
    }
    document(StatusCode::BAD_REQUEST, &body)
}
