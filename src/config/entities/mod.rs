//! The entities of a Kong file: their fields, rules and defaults (`kong/declarative.md` §4), one table per group.
//!
//! Facts only. What is read with them is decided in `document.rs`; what is not supported yet in `unsupported.rs`.

mod certificate;
mod common;
mod consumer;
mod plugin;
mod route;
mod route_rules;
mod service;
pub(super) mod text;
mod upstream;

pub(super) use plugin::RECORD as PLUGIN;

use super::check::article;
use super::ids;
use super::schema::{Field, Kind, Record, Since};
use crate::entity::Compat;
use foldhash::HashMap;
use std::sync::LazyLock;
use uuid::Uuid;

/// One kind of entity.
#[derive(Debug)]
pub(super) struct EntityType {
    /// The key of its list, e.g. `services`.
    pub name: &'static str,
    /// What to call one of them.
    pub noun: &'static str,
    /// Its fields.
    pub record: &'static Record,
    /// The field that others may refer to it by, besides its id.
    pub key: Option<&'static str>,
    /// Whether that field is unique in the whole file; if not, its parent counts too.
    pub unique: bool,
    /// The fields that its id is made of if there is no key (in Kong 3: in any case).
    pub cache_key: &'static [&'static str],
    /// Which compatibility has it.
    pub since: Since,
}

/// A kind that may be written inside of another, and the field that the other stands for.
pub(super) type Child = (&'static EntityType, &'static str);

/// Every kind, parents before children, in the order in which Kong processes them.
pub(super) static ALL: &[EntityType] = &[
    certificate::CERTIFICATES,
    certificate::CA_CERTIFICATES,
    certificate::VAULTS_BETA,
    certificate::VAULTS,
    consumer::CONSUMERS,
    service::SERVICES,
    upstream::UPSTREAMS,
    route::ROUTES,
    certificate::SNIS,
    upstream::TARGETS,
    plugin::PLUGINS,
    consumer::ACLS,
    consumer::BASICAUTH,
    consumer::HMACAUTH,
    consumer::JWT,
    consumer::KEYAUTH,
    consumer::OAUTH2,
];

/// What is known of each kind besides. Found once: every entity of a document asks for it.
static KNOWN: LazyLock<HashMap<(&str, Compat), Known>> = LazyLock::new(|| {
    let both = |kind: &'static EntityType| [Compat::Kong2, Compat::Kong3].map(|compat| (kind, compat));
    ALL.iter().flat_map(both).map(|(kind, compat)| ((kind.name, compat), Known::of(kind, compat))).collect()
});

/// What follows from the tables for a kind.
struct Known {
    children: Vec<Child>,
    /// Keys that are no fields: those of the children, and those that nobody reads.
    elsewhere: Vec<&'static str>,
    namespace: Uuid,
}

/// What to say of a list or a field that only Kong Enterprise has.
pub(super) const ENTERPRISE: &str = "only Kong Enterprise has this";

/// Fields of consumers and plugins that only Kong Enterprise has: groups of consumers, models and what plugins share.
const ENTERPRISE_FIELDS: &[&str] = &["consumer_group", "groups", "model", "ordering", "partials"];

/// Who has a field of this name, those first of which people write most.
pub(super) fn whose(field: &str) -> Option<String> {
    if ENTERPRISE_FIELDS.contains(&field) {
        return Some(ENTERPRISE.to_owned());
    }
    let first = ["services", "routes", "plugins", "upstreams", "consumers"];
    let field = if field == "url" { "host" } else { field };
    let has = |kind: &&EntityType| kind.record.fields.iter().any(|known| known.name == field);
    let of = |name: &str| ALL.iter().find(|kind| kind.name == name);
    let noun = first.into_iter().filter_map(of).chain(ALL).find(has)?.noun;
    Some(format!("this is a field of {} {noun}", article(noun)))
}

// === impl Known ===

impl Known {
    fn of(kind: &'static EntityType, compat: Compat) -> Self {
        let children: Vec<_> = kind.find_children(compat).collect();
        let elsewhere = children.iter().map(|(child, _)| child.name).chain(["_comment", "_ignore"]).collect();
        Self { children, elsewhere, namespace: ids::namespace(kind.name) }
    }
}

// === impl EntityType ===

impl EntityType {
    /// The field to call it by in messages. A credential's key is a secret.
    #[must_use]
    pub(crate) fn label(&self) -> Option<&'static str> {
        match self.key {
            Some("key") => None,
            key => key,
        }
    }

    /// The field that people write first.
    pub(super) fn first_field(&self) -> &'static str {
        let has = |name: &&&str| self.record.fields.iter().any(|field| field.name == **name);
        let known = ["name", "username", "target", "group", "key", "cert"];
        known.iter().find(has).copied().unwrap_or("id")
    }

    /// The kinds that may be written inside of this one, and the field that this one stands for.
    pub(super) fn children(&self, compat: Compat) -> &'static [Child] {
        KNOWN.get(&(self.name, compat)).map_or(&[], |known| &known.children)
    }

    /// Keys that are not read with its fields: nested entities, and what nobody reads.
    pub(super) fn elsewhere(&self, compat: Compat) -> &'static [&'static str] {
        KNOWN.get(&(self.name, compat)).map_or(&[], |known| &known.elsewhere)
    }

    /// What the ids of its entities are made in; see [`ids`].
    pub(super) fn namespace(&self, compat: Compat) -> Uuid {
        KNOWN.get(&(self.name, compat)).map_or_else(|| ids::namespace(self.name), |known| known.namespace)
    }

    fn find_children(&self, compat: Compat) -> impl Iterator<Item = Child> {
        let parent = self.name;
        let known = ALL.iter().filter(move |kind| kind.since.knows(compat));
        known.filter_map(move |kind| kind.foreigns().find(|(_, to)| *to == parent).map(|(field, _)| (kind, field)))
    }

    /// Its references: the field and the kind referred to.
    pub(super) fn foreigns(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let fields: &'static [Field] = self.record.fields;
        fields.iter().filter_map(|field| match field.kind {
            Kind::Foreign(to) => Some((field.name, to)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_follow_from_references() {
        let of = |name| {
            let kind = ALL.iter().find(|kind| kind.name == name);
            kind.into_iter()
                .flat_map(|k| k.children(Compat::Kong2))
                .map(|(k, field)| (k.name, *field))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("services"), [("routes", "service"), ("plugins", "service")]);
        assert_eq!(of("upstreams"), [("targets", "upstream")]);
        assert_eq!(of("routes"), [("plugins", "route")]);
        let certificates =
            [("services", "client_certificate"), ("upstreams", "client_certificate"), ("snis", "certificate")];
        assert_eq!(of("certificates"), certificates);
        assert!(of("consumers").contains(&("keyauth_credentials", "consumer")));
    }

    #[test]
    fn every_reference_leads_to_a_kind_that_comes_before() {
        for (at, kind) in ALL.iter().enumerate() {
            for (field, to) in kind.foreigns() {
                assert!(ALL[..at].iter().any(|earlier| earlier.name == to), "{}.{field}", kind.name);
            }
        }
    }
}
