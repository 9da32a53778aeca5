//! A plugin in a document: which one it is, what its `config` says, and what it may be bound to.

use super::{Draft, Walker};
use crate::config::check::record::Around;
use crate::config::entities::{self, EntityType};
use crate::config::plugins::{self, Status};
use crate::config::report::{Diagnostic, Span, Step};
use crate::config::tree::{NodeId, Raw, Tree};
use crate::plugin::Entry;

// === impl Walker ===

impl Walker<'_> {
    /// Reads a plugin.
    pub(super) fn plugin(&mut self, kind: &'static EntityType, id: NodeId, parent: Option<(usize, &'static str)>) {
        let Some((name, place)) = self.plugin_name(id) else { return };
        let status = plugins::status(&name, self.enabled, self.compat, self.table);
        match status {
            Status::Unknown => return self.not_enabled(&name, place),
            Status::Unsupported => {
                let message = format!("`{name}` is a Kong plugin that this gateway does not support yet");
                let found = Diagnostic::error("unsupported-plugin", place, message);
                self.report.push(found.help("docs/plugins.md lists those that it has"));
            }
            Status::Foreign => {
                let message = format!("`{name}` is no plugin of Kong's own, and this gateway runs no other");
                self.report.push(Diagnostic::error("unsupported-plugin", place, message));
            }
            Status::Here(_) => {}
        }
        let entry = if let Status::Here(entry) = status { Some(entry) } else { None };
        let config = entry.map(|entry| (entry.schema)());
        let (elsewhere, whose) = (kind.elsewhere(self.compat), entities::whose);
        let (nested, before) = (parent.is_some(), self.before);
        let (mut checker, drafts) = self.checker("plugin", Some("name"), id, false);
        let fields = checker.record(id, &entities::PLUGIN, Around { elsewhere, nested, config, whose });
        let Some(entry) = entry else { return self.keep(kind, id, fields, None, parent) };
        let (tree, config) = (checker.tree, checker.tree.get(id, "config").map(|pair| pair.value));
        let plugin = plugins::build(&mut checker, entry, config, before, &|| standing(tree, drafts, id, parent));
        self.keep(kind, id, fields, plugin, parent);
        self.scope(entry, place, parent);
        if entry.extension {
            self.report.extension(place, format!("plugin `{name}` is this gateway's, not Kong's"));
        }
    }

    /// A plugin without a name is not looked at any further.
    fn plugin_name(&mut self, id: NodeId) -> Option<(String, Span)> {
        if let Some((name, place)) = self.tree.text(id, "name") {
            return Some((name.to_owned(), place));
        }
        let node = self.tree.node(id);
        let name = self.tree.get(id, "name").map(|pair| self.tree.node(pair.value));
        let name = name.filter(|name| name.raw != Raw::Null);
        let (found, words) = match name {
            Some(name) => {
                let message = format!("`name` of a plugin must be text, not {}", name.raw.kind());
                (Diagnostic::error("wrong-type", name.span, message), "expected a string")
            }
            None => {
                let found = Diagnostic::error("missing-field", node.span, "`name` of a plugin is missing");
                (found.label("has no `name`"), "required field missing")
            }
        };
        let path = self.path.iter().cloned().chain([Step::Key("name".into())]).collect();
        self.report.push(found.kong(path, words));
        None
    }

    fn not_enabled(&mut self, name: &str, place: Span) {
        let words = format!("plugin '{name}' not enabled; add it to the 'plugins' configuration property");
        let path = self.path.iter().cloned().chain([Step::Key("name".into())]).collect();
        let found = plugins::not_enabled(name, place, self.compat, self.table);
        self.report.push(found.kong(path, words));
    }

    /// Some plugins cannot be bound to every kind of entity: an error where it is said, no effect where it follows.
    fn scope(&mut self, entry: &Entry, place: Span, parent: Option<(usize, &'static str)>) {
        let kinds = [("consumer", entry.consumer_scope), ("service", entry.route_scope), ("route", entry.route_scope)];
        for (kind, _) in kinds.into_iter().filter(|(_, allowed)| !allowed) {
            let Some(draft) = self.drafts.last() else { return };
            if let Some(bound) = draft.fields.get(kind).filter(|_| parent.is_none()) {
                let message = format!("plugin `{}` cannot be bound to a {kind}", entry.name);
                let path = self.path.iter().cloned().chain([Step::Key(kind.into())]).collect();
                self.report
                    .push(Diagnostic::error("invalid-value", bound.span, message).kong(path, "value must be null"));
            } else if parent.is_some_and(|(_, field)| field == kind) {
                let message = format!("plugin `{}` has no effect on a single {kind}", entry.name);
                self.report.push(Diagnostic::warning("no-effect", place, message));
            }
        }
    }
}

/// What a plugin is bound to, by names: the same in the next document, whatever else comes or goes there. An entity
/// without a name is told by its place.
fn standing(tree: &Tree, drafts: &[Draft], id: NodeId, parent: Option<(usize, &'static str)>) -> String {
    let within = parent.and_then(|(at, field)| {
        let draft = drafts.get(at)?;
        let name = draft.kind.label().and_then(|label| draft.fields.str(label));
        Some(format!("{field} {};", name.map_or_else(|| format!("{:?}", draft.path), str::to_owned)))
    });
    let bound = ["route", "service", "consumer"].into_iter();
    let bound = bound.filter_map(|field| Some(format!("{field} {};", tree.text(id, field)?.0)));
    within.into_iter().chain(bound).collect()
}
