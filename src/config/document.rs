//! Walks a document: every entity, at the top or nested, is read by its table and becomes a [`Draft`].
//!
//! References stay as written; who they mean is found out in `resolve.rs`.

mod plugin;

use super::check::record::Around;
use super::check::{Checker, Fields, Owner, article, unset};
use super::entities::{self, EntityType};
use super::expand::expand;
use super::plugins::Built;
use super::report::{Diagnostic, Key, KongError, Report, Size, Span, Step};
use super::tree::{NodeId, Pair, Raw, Tree};
use super::unsupported;
use super::value::{Checked, Value};
use super::{blank, header, shorthand};
use crate::courtesy::breathe;
use crate::entity::Compat;
use crate::health::Boards;
use crate::live::LiveFile;
use crate::plugin::Entry;
use crate::settings::{Plugins, RouterFlavor, Settings};
use crate::world::World;
use http::Extensions;
use ipnet::IpNet;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// An entity as read.
pub(super) struct Draft {
    /// What kind.
    pub kind: &'static EntityType,
    /// Its fields.
    pub fields: Checked,
    /// What a plugin entity builds.
    pub plugin: Option<Built>,
    /// The entity it is written in, and the field which that stands for.
    pub parent: Option<(usize, &'static str)>,
    /// Kong's path to it.
    pub path: Vec<Step>,
    /// Where its key (name, username, …) is written, or else all of it.
    pub place: Span,
}

/// What was read.
pub(super) struct Document {
    /// Whose rules.
    pub compat: Compat,
    /// Parents before their children, in the order of the file within each list.
    pub drafts: Vec<Draft>,
    /// What turned up beside them.
    pub read: Read,
}

/// What turned up while the document was read, beside its entities.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Texts that are a file's content, by the place of the reference.
    pub texts: HashMap<Span, PathBuf>,
    /// Files that plugins want to be told of.
    pub live: Vec<LiveFile>,
    /// When that was: seconds since the epoch.
    pub loaded: i64,
    /// Whether passwords are written as Kong stores them (`_transform: false`).
    pub hashed: bool,
    /// Whether routes may have an `expression` (`router_flavor`).
    pub expressions: bool,
    /// What plugins share, see [`crate::plugin::Build::shared`].
    pub shared: Extensions,
}

/// What the walk works with.
pub(super) struct Walker<'a> {
    tree: Tree,
    world: World<'a>,
    enabled: &'a Plugins,
    table: &'static [Entry],
    /// What plugins of the configuration before this one shared.
    before: &'a Extensions,
    report: &'a mut Report,
    compat: Compat,
    /// Whether the environment fills in credentials.
    filled: bool,
    path: Vec<Step>,
    drafts: Vec<Draft>,
    read: Read,
}

/// Reads a document with the plugins of a table, which may go on with what those `before` shared. Never fails: what is
/// wrong is in the report.
pub(super) fn read(
    tree: Tree,
    root: NodeId,
    world: World<'_>,
    settings: &Settings,
    table: &'static [Entry],
    before: &Extensions,
    report: &mut Report,
) -> Document {
    let compat = header::compat(&tree, root);
    header::check(&tree, root, compat, report);
    let filled = blank::is_filled_in(&tree, root, world);
    let (path, drafts, mut read) = (Vec::new(), Vec::new(), Read::default());
    read.loaded = seconds(world.now);
    read.hashed = header::is_hashed(&tree, root);
    read.expressions = settings.router_flavor == RouterFlavor::Expressions;
    read.shared.insert(Arc::clone(&settings.untrusted_lua));
    read.shared.insert(Arc::<[IpNet]>::from(&*settings.trusted_ips));
    read.shared.insert(Boards::after(before.get()));
    let enabled = &settings.plugins;
    let mut walker = Walker { tree, world, enabled, table, before, report, compat, filled, path, drafts, read };
    walker.top(root);
    header::foreign(&walker.tree, root, walker.report);
    Document { compat, drafts: walker.drafts, read: walker.read }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

// === impl Document ===

impl Document {
    /// How much there is of what people count.
    pub(super) fn size(&self) -> Size {
        let count = |list: &str| self.drafts.iter().filter(|draft| draft.kind.name == list).count();
        Size { services: count("services"), routes: count("routes"), plugins: count("plugins") }
    }
}

// === impl Walker ===

impl Walker<'_> {
    /// All lists of the document, parents before children.
    fn top(&mut self, root: NodeId) {
        let compat = self.compat;
        for kind in entities::ALL.iter().filter(|kind| kind.since.knows(compat)) {
            if let Some(list) = self.tree.get(root, kind.name).map(|pair| pair.value) {
                self.list(kind, list, None);
            }
        }
    }

    fn list(&mut self, kind: &'static EntityType, list: NodeId, parent: Option<(usize, &'static str)>) {
        self.path.push(Step::Key(kind.name.into()));
        let node = self.tree.node(list);
        match &node.raw {
            Raw::Null | Raw::List(_) => {}
            Raw::Map(pairs) if pairs.is_empty() => {}
            other => {
                let message = format!("`{}` must be a list, not {}", kind.name, other.kind());
                let found = Diagnostic::error("wrong-type", node.span, message);
                let found = found.label(format!("with `- ` before each {}", kind.noun));
                self.report.push(found.kong(self.path.clone(), "expected an array"));
            }
        }
        for n in 0.. {
            let Some(&item) = self.tree.items(list).get(n) else { break };
            self.path.push(Step::Entry(n));
            self.entity(kind, item, parent);
            self.path.pop();
        }
        self.path.pop();
    }

    fn entity(&mut self, kind: &'static EntityType, id: NodeId, parent: Option<(usize, &'static str)>) {
        breathe();
        let id = self.sni_text(kind, id);
        if !matches!(self.tree.node(id).raw, Raw::Map(_)) && !self.is_empty_list(id) {
            let node = self.tree.node(id);
            let message = format!("{} {} must be a mapping, not {}", article(kind.noun), kind.noun, node.raw.kind());
            let found = Diagnostic::error("wrong-type", node.span, message);
            let found = found.help(format!(
                "write `- {}: {}` and its other fields below it",
                kind.first_field(),
                text(&node.raw)
            ));
            self.report.push(found.kong(self.path.clone(), "expected a record"));
            return;
        }
        let id = self.credential(kind, id);
        let url = self.tree.text(id, "url").filter(|(text, _)| kind.name == "services" && !text.is_empty());
        let url = url.map(|(_, place)| place);
        let (id, tainted) = self.url(kind, id);
        if kind.name == "plugins" {
            self.plugin(kind, id, parent);
        } else {
            let before = self.report.found.len();
            let fields = self.fields(kind, id, parent.is_some(), tainted);
            match url {
                Some(place) => shorthand::retell(self.report, before, place),
                None => shorthand::without_url(self.report, before),
            }
            self.keep(kind, id, fields, None, parent);
        }
    }

    fn is_empty_list(&self, id: NodeId) -> bool {
        matches!(&self.tree.node(id).raw, Raw::List(items) if items.is_empty())
    }

    /// Kong 3 allows plain names for the server names in a certificate.
    fn sni_text(&mut self, kind: &EntityType, id: NodeId) -> NodeId {
        let node = self.tree.node(id);
        let plain = kind.name == "snis" && self.compat == Compat::Kong3 && matches!(node.raw, Raw::Text(_));
        if !plain {
            return id;
        }
        let span = node.span;
        let pair = Pair { key: self.tree.key("name"), key_span: span, value: id };
        self.tree.push(Raw::Map([pair].into()), span)
    }

    /// A credential as it is read; see [`blank`].
    fn credential(&mut self, kind: &EntityType, id: NodeId) -> NodeId {
        let (world, filled) = (self.world, self.filled);
        match kind.name {
            "keyauth_credentials" => blank::without_blank_key(&mut self.tree, id, filled, world, self.report),
            "basicauth_credentials" | "jwt_secrets" | "hmacauth_credentials" | "oauth2_credentials" if filled => {
                blank::tell_unset(&self.tree, id, kind.noun, self.report, world);
                id
            }
            _ => id,
        }
    }

    /// A service with its `url` taken apart, and whether that lacks a variable.
    fn url(&mut self, kind: &EntityType, id: NodeId) -> (NodeId, bool) {
        if kind.name != "services" || self.tree.get(id, "url").is_none() {
            return (id, false);
        }
        let Some((url, span)) = self.tree.text(id, "url").filter(|(url, _)| !url.is_empty()) else {
            return (id, false);
        };
        let expanded = expand(url, self.world);
        let url = expanded.as_ref().ok().cloned().flatten().map_or_else(|| url.to_owned(), |found| found.text);
        let tainted = expanded.is_err();
        if let Err(problem) = expanded {
            let whose = match self.tree.text(id, "name") {
                Some((name, _)) => format!("`url` of service `{name}`"),
                None => "`url` of a service".to_owned(),
            };
            self.report.push(unset(problem, span, &whose));
        }
        (shorthand::expand(&mut self.tree, id, &url, span), tainted)
    }

    fn fields(&mut self, kind: &'static EntityType, id: NodeId, nested: bool, tainted: bool) -> Option<Fields> {
        let (elsewhere, whose) = (kind.elsewhere(self.compat), entities::whose);
        let (mut checker, _) = self.checker(kind.noun, kind.label(), id, tainted);
        checker.record(id, kind.record, Around { elsewhere, nested, config: None, whose })
    }

    /// What reads an entity, and those that were read before.
    fn checker(&mut self, noun: &'static str, key: Option<&str>, id: NodeId, tainted: bool) -> (Checker<'_>, &[Draft]) {
        let name = key
            .and_then(|key| self.tree.text(id, key))
            // A variable, which may not be set, is no name to call anything by.
            .filter(|(text, _)| !text.is_empty() && !text.contains("${"));
        let owner = Owner { noun, name, depth: self.path.len() };
        let checker = Checker {
            tree: &self.tree,
            world: self.world,
            read: &mut self.read,
            compat: self.compat,
            report: self.report,
            path: &mut self.path,
            owner,
            verbatim: false,
            tainted,
        };
        (checker, &self.drafts)
    }

    fn keep(
        &mut self,
        kind: &'static EntityType,
        id: NodeId,
        fields: Option<Fields>,
        plugin: Option<Built>,
        parent: Option<(usize, &'static str)>,
    ) {
        let Some(fields) = fields else { return };
        let place = kind.key.or(Some("name")).and_then(|key| self.tree.text(id, key)).map(|(_, place)| place);
        let place = place.unwrap_or(fields.checked.span);
        unsupported::report(kind, &fields, place, self.report);
        let at = self.drafts.len();
        self.drafts.push(Draft { kind, fields: fields.checked, plugin, parent, path: self.path.clone(), place });
        for (child, field) in kind.children(self.compat) {
            if let Some(list) = self.tree.get(id, child.name).map(|pair| pair.value) {
                self.list(child, list, Some((at, *field)));
            }
        }
    }
}

/// A text as it may stand in a help; anything else as dots.
fn text(raw: &Raw) -> &str {
    match raw {
        Raw::Text(text) if text.len() < 60 && !text.contains(['\n', ' ', '#']) => text,
        _ => "…",
    }
}

/// What Kong says besides about references, since it looks at them twice; see `resolve.rs`.
pub(super) fn aside(path: &[Step], field: &str, below: &[&str], message: &str) -> KongError {
    let steps = [field].into_iter().chain(below.iter().copied()).map(|key| Step::Key(key.to_owned().into()));
    KongError { path: path.iter().cloned().chain(steps).collect(), message: message.to_owned() }
}

/// A value as JSON, as Kong quotes what should have been a text.
pub(super) fn json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Num(n) => n.to_string(),
        Value::Str(text) => serde_json::Value::from(&**text).to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(|item| json(&item.value)).collect::<Vec<_>>().join(",")),
        Value::Map(pairs) => {
            let pair = |(key, item): &(Key, Checked)| format!("\"{key}\":{}", json(&item.value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(","))
        }
    }
}
