//! Reads one record of a tree by its table ([`schema`](super::schema)): types, rules, defaults. Every error is reported,
//! in our words with its place and in Kong's with its path, and reading goes on.
//!
//! Knows no entity and no plugin; `document.rs` does.

mod fill;
pub(super) mod record;
mod rules;
mod value;
mod words;

use super::document::Read;
use super::expand::{Problem, expand};
use super::mask;
use super::report::{Diagnostic, KongError, Report, Span, Step};
use super::schema::{Field, Kind};
use super::tree::{NodeId, Raw, Tree};
use super::value::Checked;
use crate::entity::Compat;
use crate::world::World;
use std::borrow::Cow;
use words::{Said, Spare};

/// Whose field it is, for messages.
#[derive(Clone, Debug)]
pub(super) struct Owner<'a> {
    /// E.g. `service`.
    pub noun: &'static str,
    /// Its name and where that is written.
    pub name: Option<(&'a str, Span)>,
    /// How many steps of the path lead to it.
    pub depth: usize,
}

/// What reading a record gave.
#[derive(Debug)]
pub(super) struct Fields {
    /// All fields, defaults filled in. One that failed is there as it was written.
    pub checked: Checked,
    /// The fields that failed.
    pub bad: Vec<&'static str>,
}

/// Reads records.
pub(super) struct Checker<'a> {
    /// The document.
    pub tree: &'a Tree,
    /// For variables and files.
    pub world: World<'a>,
    /// What turns up beside the records.
    pub read: &'a mut Read,
    /// Whose rules.
    pub compat: Compat,
    /// Where errors go.
    pub report: &'a mut Report,
    /// Where we are, as Kong counts.
    pub path: &'a mut Vec<Step>,
    /// Whose fields these are.
    pub owner: Owner<'a>,
    /// Set where texts are code, in which `$` is no variable.
    pub verbatim: bool,
    /// Set while a value is looked at that lacks a variable: further errors are only its consequence.
    pub tainted: bool,
}

// === impl Checker ===

impl<'a> Checker<'a> {
    /// A text with its variables put in, and whether there were any.
    fn expanded(&mut self, text: &'a str, span: Span) -> (Cow<'a, str>, bool) {
        if self.verbatim {
            return (Cow::Borrowed(text), false);
        }
        match expand(text, self.world) {
            Ok(None) => (Cow::Borrowed(text), false),
            Ok(Some(value)) => {
                if let Some(path) = value.file {
                    self.report.extension(span, "Kong has no vault `file`");
                    self.read.texts.insert(span, path);
                }
                (Cow::Owned(value.text), true)
            }
            Err(problem) => {
                self.problem(problem, span);
                self.tainted = true;
                (Cow::Borrowed(text), false)
            }
        }
    }

    fn problem(&mut self, problem: Problem, span: Span) {
        // The parts of a `url` stand at one place, and each lacks its variable.
        let known = |found: &Diagnostic| found.code == UNSET && found.span == span;
        if !self.report.found.iter().rev().take(4).any(known) {
            let field = self.described();
            self.report.push(unset(problem, span, &field));
        }
    }

    /// Reports that a value is of the wrong kind.
    pub(super) fn mistyped(&mut self, kind: Kind, raw: &Raw, span: Span, kong: &str) {
        let text = if let Raw::Text(text) = raw { text } else { "" };
        if !self.not_put_in(text, span, kong) {
            let said = words::mistyped(kind, self.field_name(), raw);
            self.say("wrong-type", span, said, kong);
        }
    }

    /// Reports that a value cannot be this one. `written` is how it is written, as text.
    pub(super) fn invalid(&mut self, field: &Field, span: Span, written: &str, kong: &str) {
        if !self.not_put_in(written, span, kong) {
            let spare = match self.path.last() {
                Some(Step::Entry(_)) => Spare::Entry,
                _ if field.required => Spare::Nothing,
                _ => Spare::Field,
            };
            let said = words::invalid(kong, self.field_name(), written, spare);
            self.say("invalid-value", span, said, kong);
        }
    }

    /// A bare `$NAME` is only text where that is fine; where it is not, the variable is what is missing. The same with
    /// `{{ NAME }}`, which somebody's template engine was to fill in.
    fn not_put_in(&mut self, written: &str, span: Span, kong: &str) -> bool {
        let variable = words::unset(written).filter(|name| (self.world.env)(name).is_none() && !written.contains("${"));
        let found = match (variable, words::template(written)) {
            (Some(name), _) => unset(Problem::Unset(name.to_owned()), span, &self.entry_described()),
            (None, Some(template)) => {
                let message = format!("`{template}` is a template that nobody filled in");
                let found = Diagnostic::error("unfilled-template", span, message);
                let label = format!("this is {}", self.entry_described());
                found.label(label).help("fill it in, or write `${NAME}`, which the gateway takes from its environment")
            }
            (None, None) => return false,
        };
        self.push(found, kong);
        true
    }

    fn say(&mut self, code: &'static str, span: Span, said: Said, kong: &str) {
        let message = match said.predicate.strip_prefix(':') {
            Some(words) => format!("{}:{words}", self.described()),
            None => format!("{} {}", self.entry_described(), said.predicate),
        };
        let (label, help) = (said.label, said.help);
        self.push(Diagnostic { label, help, ..Diagnostic::error(code, span, message) }, kong);
    }

    /// The same as [`Self::described`], but of an entry of a list: "a path of route `a`".
    pub(super) fn entry_described(&self) -> String {
        let below = self.path.get(self.owner.depth..).unwrap_or_default();
        match below {
            [.., Step::Entry(_)] if below.len() == 2 => match entry_noun(self.field_name()) {
                Some(noun) => format!("{noun} of {}", self.owner.described()),
                None => format!("an entry of {}", self.described()),
            },
            [_, .., Step::Entry(_)] => format!("an entry of {}", self.described()),
            _ => self.described(),
        }
    }

    /// The name of the field that we are at, or in a list of.
    fn field_name(&self) -> &str {
        self.path.iter().rev().find_map(Step::key).unwrap_or_default()
    }

    /// Reports an error of ours together with Kong's words for it, unless it is but the consequence of another.
    pub(super) fn push(&mut self, found: Diagnostic, kong: impl Into<String>) {
        if self.tainted {
            self.report.asides.push(KongError { path: self.path.clone(), message: kong.into() });
            return;
        }
        let found = found.kong(self.path.clone(), kong);
        let apart = |place: &Span| place.end() <= found.span.start() || found.span.end() <= place.start();
        let name = self.owner.name.as_ref().map(|(_, place)| *place).filter(apart);
        let label = format!("in this {}", self.owner.noun);
        self.report.push(match name {
            Some(place) => found.also(place, label),
            None => found,
        });
    }

    /// The field we are at and whose it is: "`config.origins` of plugin `cors`".
    pub(super) fn described(&self) -> String {
        let below = self.path.get(self.owner.depth..).unwrap_or_default();
        let keys: Vec<&str> = below.iter().filter_map(Step::key).collect();
        match keys.is_empty() {
            true => self.owner.described(),
            false => format!("`{}` of {}", keys.join("."), self.owner.described()),
        }
    }

    /// Works one step further down.
    pub(super) fn at<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let tainted = self.tainted;
        let done = work(self);
        self.tainted = tainted;
        self.path.pop();
        done
    }

    fn raw(&self, id: NodeId) -> (&'a Raw, Span) {
        let tree: &'a Tree = self.tree;
        let node = tree.node(id);
        (&node.raw, node.span)
    }
}

// === impl Owner ===

impl Owner<'_> {
    fn described(&self) -> String {
        match &self.name {
            Some((name, _)) => format!("{} `{name}`", self.noun),
            None if self.depth == 0 => format!("this {}", self.noun),
            None => format!("{} {}", article(self.noun), self.noun),
        }
    }
}

const UNSET: &str = "unset-variable";

/// The error for a variable that cannot be put in.
#[must_use]
pub(super) fn unset(problem: Problem, span: Span, field: &str) -> Diagnostic {
    match problem {
        Problem::Unset(name) => {
            let found = Diagnostic::error(UNSET, span, format!("the variable `{name}` is not set"));
            let help = match mask::names_secret(&name) {
                true => format!("set it in the environment of the gateway, or `{name}_FILE` to a file that holds it"),
                false => format!("set it in the environment of the gateway, or write `${{{name}:-default}}`"),
            };
            found.label(format!("{field} needs it")).help(help)
        }
        Problem::Twice(name) => {
            let message = format!("{field} needs the variable `{name}`, and both `{name}` and `{name}_FILE` are set");
            Diagnostic::error("ambiguous-variable", span, message).help("unset one of them")
        }
        Problem::Vault(name) => {
            let found =
                Diagnostic::error("unsupported-field", span, format!("the vault `{name}` is not supported yet"));
            found.label("only `env` and `file` are").help("write `{vault://env/NAME}` or `{vault://file/PATH}`")
        }
        Problem::File(path, reason) => {
            let message = format!("{field} needs the file {}, which cannot be read: {reason}", path.display());
            Diagnostic::error("unreadable-file", span, message)
        }
        Problem::NoKey(name, key) => {
            let message = format!(
                "{field} needs the key `{key}` of the variable `{name}`, which is no JSON object with that key"
            );
            Diagnostic::error(UNSET, span, message)
        }
    }
}

/// What to call one entry of a list.
fn entry_noun(list: &str) -> Option<&'static str> {
    Some(match list {
        "paths" => "a path",
        "hosts" => "a host",
        "methods" => "a method",
        "tags" => "a tag",
        "snis" => "an sni",
        "protocols" => "a protocol",
        _ => return None,
    })
}

/// `a` or `an`.
#[must_use]
pub(super) fn article(noun: &str) -> &'static str {
    // Letters that are spoken as vowels.
    let spelt = ["sni", "hmac-auth credential"].contains(&noun);
    if spelt || noun == "upstream" || noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
