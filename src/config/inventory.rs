//! What a configuration is made of, by name, so that two can be compared: what a reload changed.
//!
//! No secret is kept: of an entity's fields only a hash, and credentials belong to their consumer.

use super::model::{Entity, Model};
use super::report::Step;
use super::value::{Checked, Value};
use crate::courtesy::breathe;
use foldhash::quality::FixedState;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher, Hash, Hasher};

/// The entities of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Inventory(BTreeMap<Label, u64>);

/// What one configuration has that another has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Only in the second.
    pub added: Vec<String>,
    /// In both, and not the same.
    pub changed: Vec<String>,
    /// Only in the first.
    pub removed: Vec<String>,
}

/// What an entity is called: kind first, so that like stands with like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    kind: usize,
    name: String,
}

/// The kinds that are told: their list, and what to call one of them.
const KINDS: &[(&str, &str)] = &[
    ("services", "service"),
    ("routes", "route"),
    ("plugins", "plugin"),
    ("consumers", "consumer"),
    ("upstreams", "upstream"),
    ("certificates", "certificate"),
    ("ca_certificates", "CA certificate"),
];

/// The kinds that are parts of another: the list, the field that names the whole, and its list.
const PARTS: &[(&str, &str, &str)] = &[
    ("snis", "certificate", "certificates"),
    ("targets", "upstream", "upstreams"),
    ("acls", "consumer", "consumers"),
    ("basicauth_credentials", "consumer", "consumers"),
    ("hmacauth_credentials", "consumer", "consumers"),
    ("jwt_secrets", "consumer", "consumers"),
    ("keyauth_credentials", "consumer", "consumers"),
    ("oauth2_credentials", "consumer", "consumers"),
];

/// The same in every configuration of a process, which is all that is compared.
const HASH: FixedState = FixedState::with_seed(0);

/// Names that are told of each sort of change.
const MOST: usize = 10;

// === impl Inventory ===

impl Inventory {
    /// Of a model.
    pub(super) fn of(model: &Model) -> Self {
        let mut all = BTreeMap::new();
        for (kind, (list, _)) in KINDS.iter().enumerate() {
            for entity in model.all(list) {
                count(&mut all, Label { kind, name: name(model, list, entity) }, entity);
            }
        }
        for (list, field, of) in PARTS {
            let Some(kind) = KINDS.iter().position(|(known, _)| known == of) else { continue };
            for part in model.all(list) {
                let Some(at) = model.position(of, part, field) else { continue };
                count(&mut all, Label { kind, name: name(model, of, &model.all(of)[at]) }, part);
            }
        }
        Self(all)
    }

    /// What became of it.
    #[must_use]
    pub fn changes(&self, to: &Self) -> Changes {
        let only = |these: &Self, those: &Self| {
            let gone = these.0.keys().inspect(|_| breathe()).filter(|label| !those.0.contains_key(label));
            gone.map(ToString::to_string).collect()
        };
        let differs = |(label, hash): &(&Label, &u64)| to.0.get(label).is_some_and(|other| other != *hash);
        Changes {
            added: only(to, self),
            changed: self.0.iter().inspect(|_| breathe()).filter(differs).map(|(label, _)| label.to_string()).collect(),
            removed: only(self, to),
        }
    }
}

/// What shares a label counts together, in whatever order it stands.
fn count(all: &mut BTreeMap<Label, u64>, label: Label, entity: &Entity) {
    let sum = all.entry(label).or_default();
    *sum = sum.wrapping_add(fingerprint(entity));
}

/// Whom it refers to counts, however that is written.
fn fingerprint(entity: &Entity) -> u64 {
    breathe();
    let fields = fields(&entity.fields).filter(|(key, _)| entity.link(key).is_none());
    let links = entity.links.iter().map(|link| HASH.hash_one(link));
    let config = entity.plugin.as_ref().map(|built| hashed(&built.config));
    HASH.hash_one((sum(fields), links.fold(0, u64::wrapping_add), config))
}

fn hashed(value: &Checked) -> u64 {
    let mut hash = HASH.build_hasher();
    feed(value, &mut hash);
    hash.finish()
}

/// Values alone: the same text in another place is no change.
fn feed(checked: &Checked, hash: &mut impl Hasher) {
    std::mem::discriminant(&checked.value).hash(hash);
    match &checked.value {
        Value::Null => {}
        Value::Bool(value) => value.hash(hash),
        Value::Int(value) => value.hash(hash),
        Value::Num(value) => value.to_bits().hash(hash),
        Value::Str(text) => text.hash(hash),
        Value::List(items) => {
            items.len().hash(hash);
            items.iter().for_each(|item| feed(item, hash));
        }
        Value::Map(_) => sum(fields(checked)).hash(hash),
    }
}

/// In whatever order the fields stand.
fn sum<'a>(fields: impl Iterator<Item = (&'a str, &'a Checked)>) -> u64 {
    fields.map(|(key, value)| HASH.hash_one((key, hashed(value)))).fold(0, u64::wrapping_add)
}

/// Those that hold something.
fn fields(checked: &Checked) -> impl Iterator<Item = (&str, &Checked)> {
    let pairs = if let Value::Map(pairs) = &checked.value { &pairs[..] } else { &[] };
    pairs.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (&**key, value))
}

/// A plugin is told with what it is bound to; what has no name by its place.
fn name(model: &Model, list: &str, entity: &Entity) -> String {
    if list != "plugins" {
        return entity.key.as_deref().map_or_else(|| place(&entity.path), |key| format!("`{key}`"));
    }
    let mut text = format!("`{}`", entity.fields.str("name").unwrap_or_default());
    for (field, kind) in [("route", "routes"), ("service", "services"), ("consumer", "consumers")] {
        if let Some(at) = model.position(kind, entity, field) {
            // Writing to a text cannot fail.
            let _ = write!(text, " of {field} {}", name(model, kind, &model.all(kind)[at]));
        }
    }
    text
}

/// `services[0].routes[1]`.
fn place(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Entry(at) => format!("[{at}]"),
    };
    path.iter().map(step).collect::<String>().trim_start_matches('.').to_owned()
}

// === impl Label ===

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = KINDS.get(self.kind).map_or("entity", |(_, noun)| noun);
        write!(f, "{noun} {}", self.name)
    }
}

// === impl Changes ===

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorts = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        let told = sorts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(verb, names)| {
            let more = names.len().saturating_sub(MOST);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("{verb} {}{more}", names[..names.len().min(MOST)].join(", "))
        });
        let told: Vec<_> = told.collect();
        f.write_str(if told.is_empty() { "nothing changed" } else { "" })?;
        f.write_str(&told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::Source;
    use crate::config::{Legacy, open};
    use crate::settings::Settings;
    use crate::settings::reading::Edge;
    use crate::world::World;

    fn inventory(text: &str) -> Inventory {
        let source = Source::new("k.yml", format!("_format_version: '2.1'\n{text}"));
        let opened = open(&source, World::EMPTY, Edge::NOTHING);
        let (made, report) = opened.compile_after(&Legacy::default(), World::EMPTY, &Settings::default());
        assert!(!report.has_errors(), "{report:?}");
        made.map(|(_, legacy)| legacy.inventory).unwrap_or_default()
    }

    fn changes(from: &str, to: &str) -> String {
        inventory(from).changes(&inventory(to)).to_string()
    }

    const A: &str = "services:\n- name: a\n  host: a.test\n  routes:\n  - {name: one, paths: [/one]}\n";

    #[test]
    fn every_sort_of_change_is_told_by_name() {
        let with = |more: &str| format!("{A}{more}");
        let b = with("- {name: b, host: b.test, plugins: [{name: cors}]}\n");
        assert_eq!(changes(A, &b), "added service `b`, plugin `cors` of service `b`");
        assert_eq!(changes(&b, A), "removed service `b`, plugin `cors` of service `b`");
        let other = b.replace("a.test", "c.test").replace("/one", "/1");
        assert_eq!(changes(&b, &other), "changed service `a`, route `one`");
        let all = "consumers: [{username: ann, keyauth_credentials: [{key: k1}]}]\nplugins: [{name: cors}]\n";
        let (one, two) = (with(all), with(&all.replace("k1", "k2")).replace("cors", "key-auth"));
        assert_eq!(changes(&one, &two), "added plugin `key-auth`; changed consumer `ann`; removed plugin `cors`");
        let targets = "upstreams: [{name: u, targets: [{target: '10.0.0.1:80'}, {target: '10.0.0.2:80'}]}]\n";
        assert_eq!(changes(&with(targets), &with(&targets.replace("0.2", "0.3"))), "changed upstream `u`");
    }

    #[test]
    fn how_and_where_it_is_written_is_no_change() {
        let other = "# a comment\nroutes:\n- paths:\n  - /one\n  name: one\n  service: a\nservices:\n\
                     - host: a.test\n  name: a\n";
        assert_eq!(changes(A, A), "nothing changed");
        assert_eq!(changes(A, &A.replace('\n', "\n\n")), "nothing changed");
        assert_eq!(changes(A, other), "nothing changed");
    }

    #[test]
    fn what_has_no_name_is_told_by_its_place() {
        let nameless = A.replace("name: one, ", "");
        assert_eq!(changes(&nameless, &nameless.replace("/one", "/1")), "changed route services[0].routes[0]");
    }

    #[test]
    fn of_many_only_some_are_named() {
        let many: String = (10..25).map(|n| format!("- {{name: s{n}, host: x.test}}\n")).collect();
        let told = changes(A, &format!("{A}{many}"));
        assert!(told.ends_with("service `s19` and 5 more"), "{told}");
    }
}
