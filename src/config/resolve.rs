//! Drafts to a [`Model`]: ids, references, duplicates (`kong/declarative.md` §3, §5, §6).
//!
//! Kong looks at references twice: a nested entity that names a parent of its own fails the first time, and passes the
//! second time if that parent exists and nothing else is wrong. Its words differ accordingly; ours do not.

use super::check::article;
use super::document::{Document, Draft, aside, json};
use super::entities::{self, EntityType};
use super::ids;
use super::model::{Entity, Model, Table};
use super::nearest::nearest;
use super::report::{Diagnostic, Report, Span, Step};
use super::value::{Checked, Value};
use crate::courtesy::breathe;
use crate::entity::Compat;
use foldhash::{HashMap, HashMapExt};
use uuid::Uuid;

/// Where entities of a kind are found by what a reference says.
#[derive(Default)]
struct Names<'a> {
    by_key: HashMap<&'a str, usize>,
    by_id: HashMap<Uuid, usize>,
}

/// A reference that leads nowhere.
struct Lost<'a> {
    draft: usize,
    field: &'static str,
    to: &'static str,
    value: &'a Checked,
}

/// How many lost references get a suggestion: each costs a look at every name.
const SUGGESTIONS: usize = 50;

struct Resolver<'a> {
    drafts: &'a [Draft],
    ids: &'a [Uuid],
    /// Of the kinds that a reference was looked up in.
    names: HashMap<&'static str, Names<'a>>,
    report: &'a mut Report,
    lost: Vec<Lost<'a>>,
    /// What Kong says of references that it forgives if nothing else is wrong.
    forgiven: Vec<super::report::KongError>,
    /// Whether Kong looks a second time in any case.
    twice: bool,
}

/// Resolves a document. What is wrong is in the report; the model is of use only if it has no errors.
pub(super) fn resolve(document: Document, report: &mut Report) -> Model {
    let compat = document.compat;
    let wrong_before = report.has_kong_errors();
    let ids = all_ids(&document.drafts, compat);
    let links = {
        let (names, lost, forgiven) = (HashMap::new(), Vec::new(), Vec::new());
        let drafts = &document.drafts;
        let twice = wrong_before || drafts.iter().any(|draft| draft.kind.name == "basicauth_credentials");
        let mut resolver = Resolver { drafts, ids: &ids, names, report, lost, forgiven, twice };
        let links = (0..drafts.len()).map(|at| resolver.links(at)).collect::<Vec<_>>();
        resolver.finish(wrong_before);
        links
    };
    Model { compat, read: document.read, tables: tables(document.drafts, &ids, links, compat, report) }
}

fn all_ids(drafts: &[Draft], compat: Compat) -> Vec<Uuid> {
    let mut ids: Vec<(Uuid, bool)> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        breathe();
        let parent = draft.parent.map(|(at, _)| ids[at]);
        ids.push(ids::id(draft, parent, compat));
    }
    ids.into_iter().map(|(id, _)| id).collect()
}

fn key(draft: &Draft) -> Option<&str> {
    draft.fields.str(draft.kind.key?)
}

// === impl Names ===

impl<'a> Names<'a> {
    /// Of all entities of a kind.
    fn of(kind: &str, drafts: &'a [Draft], ids: &[Uuid]) -> Self {
        let mut names = Self::default();
        for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.kind.name == kind) {
            if let Some(key) = key(draft) {
                names.by_key.insert(key, at);
            }
            names.by_id.insert(ids[at], at);
        }
        names
    }

    fn find(&self, text: &str) -> Option<usize> {
        self.by_key.get(text).or_else(|| self.by_id.get(&written_id(text)?)).copied()
    }
}

/// An id, if it is written as Kong writes ids.
fn written_id(text: &str) -> Option<Uuid> {
    let id: Uuid = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

// === impl Resolver ===

impl<'a> Resolver<'a> {
    /// What the references of an entity mean.
    fn links(&mut self, at: usize) -> Vec<(&'static str, Uuid)> {
        breathe();
        let draft = &self.drafts[at];
        let mut links: Vec<(&'static str, Uuid)> = Vec::with_capacity(usize::from(draft.parent.is_some()));
        for (field, to) in draft.kind.foreigns() {
            let stands_for = draft.parent.filter(|(_, stands_for)| *stands_for == field);
            if let Some(value) = draft.fields.get(field) {
                self.written(at, field, to, value, stands_for.is_some(), &mut links);
            }
            if let Some((parent, _)) = stands_for {
                links.push((field, self.ids[parent]));
            }
        }
        links
    }

    /// A reference that is written. In a nested entity Kong frowns at it, and the parent counts in spite of it.
    fn written(
        &mut self,
        at: usize,
        field: &'static str,
        to: &'static str,
        value: &'a Checked,
        parent_counts: bool,
        links: &mut Vec<(&'static str, Uuid)>,
    ) {
        let draft = &self.drafts[at];
        if draft.parent.is_some() {
            self.twice = true;
            self.forgiven.push(aside(&draft.path, field, &[], "value must be null"));
        }
        match value.as_str().and_then(|text| self.find(to, text)) {
            Some(found) if !parent_counts => links.push((field, self.ids[found])),
            Some(found) => self.warn_of_parent(at, field, value, found),
            None => self.lost.push(Lost { draft: at, field, to, value }),
        }
    }

    fn find(&mut self, kind: &'static str, text: &str) -> Option<usize> {
        self.names(kind).find(text)
    }

    fn names(&mut self, kind: &'static str) -> &Names<'a> {
        self.names.entry(kind).or_insert_with(|| Names::of(kind, self.drafts, self.ids))
    }

    fn warn_of_parent(&mut self, at: usize, field: &str, value: &Checked, found: usize) {
        let parent = self.drafts[at].parent.map(|(parent, _)| parent);
        if parent != Some(found) {
            let whose = whose(&self.drafts[at]);
            let message = format!("`{field}` of {whose} has no effect: the {field} that it is written in counts");
            self.report.push(Diagnostic::warning("no-effect", value.span, message));
        }
    }

    /// Tells what leads nowhere, in the words that Kong has for the case.
    fn finish(&mut self, wrong_before: bool) {
        let objects = self.lost.iter().any(|lost| lost.value.as_str().is_none());
        let twice = self.twice || objects;
        if wrong_before || (twice && !self.lost.is_empty()) {
            self.report.asides.append(&mut self.forgiven);
        }
        let mut ordinals: HashMap<(&'static str, String), usize> = HashMap::new();
        for (n, lost) in std::mem::take(&mut self.lost).into_iter().enumerate() {
            let found = self.told(&lost, n < SUGGESTIONS);
            let draft = &self.drafts[lost.draft];
            let by_object = lost.value.get("id").is_some();
            if twice && !by_object {
                self.second_look(&lost, found);
            } else {
                let at = key(draft).map_or_else(|| self.ids[lost.draft].to_string(), str::to_owned);
                let ordinal = ordinals.entry((draft.kind.name, at.clone())).or_default();
                let path = vec![Step::Key(draft.kind.name.into()), Step::Key(at.into()), Step::Entry(*ordinal)];
                *ordinal += 1;
                let words = format!(
                    "invalid reference '{}: {}' (no such entry in '{}')",
                    lost.field,
                    quoted(lost.value),
                    lost.to
                );
                self.report.push(found.kong(path, words));
            }
        }
    }

    fn second_look(&mut self, lost: &Lost<'_>, found: Diagnostic) {
        let draft = &self.drafts[lost.draft];
        let error = aside(&draft.path, lost.field, &["id"], "missing primary key");
        if draft.kind.name == "basicauth_credentials" && draft.fields.str("password").is_some() {
            let words = "all or none of these fields must be set: 'password', 'consumer.id'";
            self.report.asides.push(aside(&draft.path, "@entity", &[], words));
        }
        // Where Kong frowned at the first look its words are among those already.
        let words =
            if draft.parent.is_some() { aside(&draft.path, lost.field, &[], "value must be null") } else { error };
        self.report.push(found.kong(words.path, words.message));
    }

    fn told(&mut self, lost: &Lost<'_>, suggest: bool) -> Diagnostic {
        let draft = &self.drafts[lost.draft];
        let whose = whose(draft);
        let span = lost.value.span;
        let Some(text) = lost.value.as_str() else {
            let message = format!("`{}` of {whose} must be a name or id, as text", lost.field);
            let found = Diagnostic::error("wrong-type", span, message);
            return match lost.value.str("name").or(lost.value.str("id")) {
                Some(name) => found.help(format!("write `{}: {name}`", lost.field)),
                None => found,
            };
        };
        let message = format!("{whose} refers to {} `{text}`, which does not exist", noun(lost.to));
        let found = Diagnostic::error(code(lost.to), span, message);
        let names = suggest.then(|| self.names(lost.to));
        let keys = names.into_iter().flat_map(|names| names.by_key.keys().copied());
        let mut keys: Vec<&str> = keys.collect();
        keys.sort_unstable();
        match nearest(text, keys).and_then(|near| Some((near, self.find(lost.to, near)?))) {
            Some((near, at)) => {
                found.also(self.drafts[at].place, "nearest name").help(format!("write `{}: {near}`", lost.field))
            }
            None => found.label(format!("no {} has this {}", noun(lost.to), called(lost.to))),
        }
    }
}

/// "route `users`", or "a route".
fn whose(draft: &Draft) -> String {
    let label = if draft.kind.name == "plugins" { Some("name") } else { draft.kind.label() };
    match label.and_then(|label| draft.fields.str(label)) {
        Some(name) => format!("{} `{name}`", draft.kind.noun),
        None => format!("{} {}", article(draft.kind.noun), draft.kind.noun),
    }
}

fn noun(list: &str) -> &'static str {
    entities::ALL.iter().find(|kind| kind.name == list).map_or("entity", |kind| kind.noun)
}

/// What a reference can say.
fn called(list: &str) -> &'static str {
    let kind = entities::ALL.iter().find(|kind| kind.name == list);
    if kind.is_some_and(|kind| kind.key.is_none()) { "id" } else { "name or id" }
}

fn code(kind: &str) -> &'static str {
    match kind {
        "services" => "no-such-service",
        "routes" => "no-such-route",
        "consumers" => "no-such-consumer",
        "upstreams" => "no-such-upstream",
        "certificates" => "no-such-certificate",
        _ => "no-such-entity",
    }
}

fn quoted(value: &Checked) -> String {
    match &value.value {
        Value::Str(text) => text.to_string(),
        other => json(other),
    }
}

/// Kong 2 keeps the last of those that share an id; Kong 3 refuses them.
fn tables(
    drafts: Vec<Draft>,
    ids: &[Uuid],
    links: Vec<Vec<(&'static str, Uuid)>>,
    compat: Compat,
    report: &mut Report,
) -> HashMap<&'static str, Table> {
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    drafts.iter().for_each(|draft| *counts.entry(draft.kind.name).or_default() += 1);
    let tables = counts.into_iter().map(|(kind, count)| (kind, Table::with_capacity(count)));
    let mut tables: HashMap<&'static str, Table> = tables.collect();
    for ((draft, id), links) in drafts.into_iter().zip(ids).zip(links) {
        breathe();
        let key = key(&draft).map(Into::into);
        let (kind, place) = (draft.kind, draft.place);
        let Draft { fields, plugin, path, .. } = draft;
        let entity = Entity { id: *id, key, fields, plugin, links, path, place };
        let table = tables.entry(kind.name).or_default();
        if let Some(first) = table.by_id(*id) {
            report.push(Twice::of(kind, &entity, first.place).told(compat));
        }
        table.put(entity);
    }
    tables
}

/// A plugin and what it is bound to.
fn bound(name: &str, links: &[(&'static str, Uuid)]) -> String {
    let fields: Vec<_> = links.iter().map(|(field, _)| *field).collect();
    match fields.is_empty() {
        true => format!("`{name}` is for all requests"),
        false => format!("`{name}` is for the same {}", fields.join(" and ")),
    }
}

/// An entity that shares its id with an earlier one.
struct Twice<'a> {
    kind: &'static EntityType,
    key: Option<&'a str>,
    /// The plugin and what it is bound to, if it is one.
    plugin: Option<String>,
    id: Uuid,
    place: Span,
    first: Span,
    /// Whether the id is written, not made.
    written: bool,
}

// === impl Twice ===

impl<'a> Twice<'a> {
    fn of(kind: &'static EntityType, entity: &'a Entity, first: Span) -> Self {
        let plugin = entity.fields.str("name").filter(|_| kind.name == "plugins");
        let (key, written) = (entity.key.as_deref(), entity.fields.get("id").is_some());
        let plugin = plugin.map(|name| bound(name, &entity.links));
        Self { kind, key, plugin, id: entity.id, place: entity.place, first, written }
    }

    fn told(&self, compat: Compat) -> Diagnostic {
        let message = format!("another {} {}", self.kind.noun, self.same());
        if compat == Compat::Kong2 {
            let found = Diagnostic::warning("duplicate", self.place, format!("{message}; this one replaces it"));
            return found.also(self.first, "replaced");
        }
        let name = self.key.map_or_else(|| self.id.to_string(), str::to_owned);
        let set = match (self.written, self.kind.key) {
            (false, Some(field)) => format!("{field} set to '{name}'"),
            _ => format!("primary key set to '{}'", self.id),
        };
        let words = format!("uniqueness violation: '{}' entity with {set} already declared", self.kind.name);
        let path = vec![Step::Key(self.kind.name.into()), Step::Key(name.into()), Step::Entry(0)];
        let found = Diagnostic::error("duplicate", self.place, message).also(self.first, "first declared here");
        found.kong(path, words)
    }

    fn same(&self) -> String {
        match (self.written, &self.plugin, self.kind.label().zip(self.key)) {
            (true, ..) => format!("has the id `{}`", self.id),
            (_, Some(plugin), _) => plugin.clone(),
            (_, _, Some((label, key))) => format!("has the {label} `{key}`"),
            _ => match self.kind.key {
                Some(key) => format!("has the same `{key}`"),
                None => format!("has the same {}", self.kind.cache_key.join(" and ")),
            },
        }
    }
}
