//! What was not carried over exactly, and why: collected while translating, told where it would have stood.

use super::super::note::{Kind, Note};
use super::tree::{At, Directive, Owner};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Everything that is to be told.
#[derive(Default)]
pub(super) struct Notes {
    /// The files' names, by number.
    pub(super) names: Vec<Arc<str>>,
    found: Vec<(Owner, At, Note)>,
    by_owner: HashMap<Owner, Vec<usize>>,
    seen: HashSet<(At, String)>,
    covered: BTreeMap<&'static str, Vec<String>>,
}

// === impl Notes ===

impl Notes {
    /// The directive is not in the result.
    pub(super) fn lost(&mut self, directive: &Directive, reason: &str) {
        self.push(Kind::Lost, directive, reason);
    }

    /// It is, but something is not as in nginx.
    pub(super) fn differs(&mut self, directive: &Directive, reason: &str) {
        self.push(Kind::Differs, directive, reason);
    }

    /// The gateway has no need of it.
    pub(super) fn covered(&mut self, directive: &Directive, reason: &'static str) {
        let text = format!("{} {}", directive.name, self.place(directive.at));
        let list = self.covered.entry(reason).or_default();
        if !list.contains(&text) {
            list.push(text);
        }
    }

    /// `FILE:LINE`.
    pub(super) fn place(&self, at: At) -> String {
        format!("{}:{}", self.names.get(at.file).map_or("", |name| &**name), at.line)
    }

    fn push(&mut self, kind: Kind, directive: &Directive, reason: &str) {
        if !self.seen.insert((directive.at, reason.to_owned())) {
            return;
        }
        let (place, shown, reason) = (self.place(directive.at), directive.shown(), reason.to_owned());
        self.by_owner.entry(directive.owner).or_default().push(self.found.len());
        self.found.push((directive.owner, directive.at, Note { kind, place, directive: shown, reason }));
    }

    /// What belongs to a part, as lines of comment.
    pub(super) fn of(&self, owner: Owner) -> Vec<String> {
        let own = self.by_owner.get(&owner).into_iter().flatten();
        let mut own: Vec<_> = own.filter_map(|number| self.found.get(*number)).collect();
        own.sort_by_key(|(_, at, _)| (at.file, at.span.start()));
        own.into_iter().map(|(_, _, note)| note.line()).collect()
    }

    /// What belongs to no part that has a place of its own, as lines of comment.
    pub(super) fn unplaced(&self, placed: &HashSet<Owner>) -> Vec<String> {
        let mut rest: Vec<_> = self.found.iter().filter(|(owner, _, _)| !placed.contains(owner)).collect();
        rest.sort_by_key(|(_, at, _)| (at.file, at.span.start()));
        rest.into_iter().map(|(_, _, note)| note.line()).collect()
    }

    /// Everything, in the order of the files.
    pub(super) fn all(&self) -> Vec<Note> {
        let mut all: Vec<_> = self.found.iter().collect();
        all.sort_by_key(|(_, at, _)| (at.file, at.span.start()));
        all.into_iter().map(|(_, _, note)| note.clone()).collect()
    }

    /// What the gateway has no need of, a line of comment for each reason.
    pub(super) fn needless(&self) -> Vec<String> {
        self.covered.iter().map(|(reason, all)| format!("{reason}: {}", all.join(", "))).collect()
    }
}
