//! What Kong has and this gateway has not, yet: the one list. Plugins are in `plugins.rs`.
//!
//! A field is told only where it is set to something that would matter; nothing is ignored in silence.

use super::check::Fields;
use super::entities::EntityType;
use super::report::{Diagnostic, Report, Span};
use super::schema::Since;
use super::tree::Raw;
use super::value::{Checked, Value};
use crate::entity::Compat;

/// A field of an entity, and when it matters.
struct Field {
    entity: &'static str,
    path: &'static str,
    matters: fn(&Checked) -> bool,
    what: &'static str,
    help: &'static str,
}

const FIELDS: &[Field] = &[
    field("services", "protocol", no_http, "a service that speaks anything but http and https", ""),
    field("routes", "protocols", any_no_http, "a route for anything but http, https and grpc", ""),
    field("routes", "sources", set, "routing by source address", ""),
    field("routes", "destinations", set, "routing by destination address", ""),
    field("upstreams", "use_srv_name", truth, "`use_srv_name`", ""),
    field("upstreams", "healthchecks.active", asks_by_grpc, "a health check by gRPC", BY_GRPC),
    field("vaults", "name", other_vault, "any vault but `env`", VAULTS),
    field("vaults_beta", "name", other_vault, "any vault but `env`", VAULTS),
];

const BY_GRPC: &str = "`type: tcp` asks whether the target takes connections, `type: http` asks for a page";
const VAULTS: &str = "`{vault://env/NAME}` and `{vault://file/PATH}` need no entry here";

/// Lists of entities that are known and not supported.
const LISTS: &[(&str, Since)] = &[
    ("workspaces", Since::Always),
    ("clustering_data_planes", Since::Always),
    ("parameters", Since::Always),
    ("oauth2_authorization_codes", Since::Always),
    ("oauth2_tokens", Since::Always),
    ("sessions", Since::Always),
    ("ratelimiting_metrics", Since::Always),
    ("acme_storage", Since::Always),
    ("key_sets", Since::Kong3),
    ("keys", Since::Kong3),
    ("filter_chains", Since::Kong3),
];

const fn field(
    entity: &'static str,
    path: &'static str,
    matters: fn(&Checked) -> bool,
    what: &'static str,
    help: &'static str,
) -> Field {
    Field { entity, path, matters, what, help }
}

/// Reports the fields of an entity that would matter. `place` is its name's, or all of it.
pub(super) fn report(kind: &EntityType, fields: &Fields, place: Span, report: &mut Report) {
    for row in FIELDS.iter().filter(|row| row.entity == kind.name) {
        let first = row.path.split('.').next().unwrap_or_default();
        let found = row.path.split('.').try_fold(&fields.checked, |at, key| at.get(key));
        let Some(value) = found.filter(|value| !fields.bad.contains(&first) && (row.matters)(value)) else { continue };
        report.push(told(row, kind, value, fields.checked.span, place));
    }
}

fn told(row: &Field, kind: &EntityType, value: &Checked, whole: Span, place: Span) -> Diagnostic {
    let span = if value.span == whole { place } else { value.span };
    let found = Diagnostic::error(CODE, span, format!("{} is not supported yet", row.what));
    let apart = place.end() <= span.start() || span.end() <= place.start();
    let found = if apart { found.also(place, format!("in this {}", kind.noun)) } else { found };
    if row.help.is_empty() { found } else { found.help(row.help) }
}

const CODE: &str = "unsupported-field";

/// The keys of lists that are not supported.
pub(super) fn lists(compat: Compat) -> impl Iterator<Item = &'static str> {
    LISTS.iter().filter(move |(_, since)| since.knows(compat)).map(|(name, _)| *name)
}

/// Reports a list that is not supported, unless it is empty.
pub(super) fn list(key: &str, span: Span, raw: &Raw, compat: Compat, report: &mut Report) {
    let empty = match raw {
        Raw::Null => true,
        Raw::List(items) => items.is_empty(),
        Raw::Map(pairs) => pairs.is_empty(),
        _ => false,
    };
    if !empty && lists(compat).any(|name| name == key) {
        report.push(Diagnostic::error(CODE, span, format!("`{key}` are not supported yet")));
    }
}

fn set(value: &Checked) -> bool {
    !matches!(&value.value, Value::List(items) if items.is_empty())
}

fn truth(value: &Checked) -> bool {
    value.value == Value::Bool(true)
}

fn positive(value: &Checked) -> bool {
    value.as_num().is_some_and(|n| n > 0.0)
}

fn is_http(name: &str) -> bool {
    matches!(name, "http" | "https")
}

fn no_http(value: &Checked) -> bool {
    value.as_str().is_some_and(|name| !is_http(name))
}

/// A gRPC route is served as Kong serves it in front of an http service: gRPC over HTTP/2 passes, all else is told so.
fn any_no_http(value: &Checked) -> bool {
    let Value::List(items) = &value.value else { return false };
    let has = |wanted: &str| items.iter().any(|item| item.as_str() == Some(wanted));
    let only_grpcs = has("grpcs") && !has("grpc");
    only_grpcs || items.iter().filter_map(Checked::as_str).any(|name| !is_http(name) && !name.starts_with("grpc"))
}

/// Checks by gRPC that an interval turns on.
fn asks_by_grpc(active: &Checked) -> bool {
    let every = |state: &str| active.get(state).and_then(|of| of.get("interval")).is_some_and(positive);
    matches!(active.str("type"), Some("grpc" | "grpcs")) && (every("healthy") || every("unhealthy"))
}

fn other_vault(value: &Checked) -> bool {
    value.as_str().is_some_and(|name| name != "env")
}
