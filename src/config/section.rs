//! `_gateway`: settings of the process, written in the document. An extension; Kong refuses the key.
//!
//! Whoever starts the process puts them below all other sources (`settings::sources`). Here they are read, and judged by
//! themselves, so that each error has its place.

use super::check::unset;
use super::expand::expand;
use super::nearest::nearest;
use super::report::{Diagnostic, Report, Span};
use super::tree::{NodeId, Pair, Raw, Tree};
use crate::settings::reading::Edge;
use crate::settings::sources::Sources;
use crate::settings::{self, ignored, table};
use crate::world::World;

/// The key.
pub(super) const KEY: &str = "_gateway";

/// Settings that choose the document, and so cannot stand in it.
pub(super) const ELSEWHERE: &[&str] = &["declarative_config", "declarative_config_string"];

/// A setting of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// Its value, as one would write it in an environment variable.
    pub value: String,
    /// Where the key stands.
    pub span: Span,
    /// The value, or the entries of its list, and where each stands.
    parts: Vec<(String, Span)>,
}

/// Reads the section, if there is one.
pub(super) fn read(tree: &Tree, root: NodeId, world: World<'_>, report: &mut Report) -> Vec<Setting> {
    let Some(pair) = tree.get(root, KEY) else { return Vec::new() };
    report.extension(pair.key_span, "`_gateway` holds settings of this gateway");
    match &tree.node(pair.value).raw {
        Raw::Null => Vec::new(),
        Raw::Map(pairs) => {
            let read = |pair: &Pair| {
                let parts = parts(tree, pair, world, report)?;
                let texts: Vec<_> = parts.iter().map(|(text, _)| text.as_str()).collect();
                let (key, value) = (pair.key.to_ascii_lowercase(), texts.join(", "));
                Some(Setting { key, value, span: pair.key_span, parts })
            };
            pairs.iter().filter_map(read).collect()
        }
        other => {
            let message = format!("`{KEY}` is {}, and should be a mapping of settings", other.kind());
            report.push(Diagnostic::error("wrong-type", pair.key_span, message));
            Vec::new()
        }
    }
}

/// A scalar, or a list of them. `None`: reported.
fn parts(tree: &Tree, pair: &Pair, world: World<'_>, report: &mut Report) -> Option<Vec<(String, Span)>> {
    let mut one = |id: NodeId| Some((scalar(tree, &pair.key, id, world, report)?, tree.node(id).span));
    match &tree.node(pair.value).raw {
        Raw::List(items) => items.iter().map(|item| one(*item)).collect(),
        _ => Some(vec![one(pair.value)?]),
    }
}

fn scalar(tree: &Tree, key: &str, id: NodeId, world: World<'_>, report: &mut Report) -> Option<String> {
    let node = tree.node(id);
    match &node.raw {
        Raw::Null => Some(String::new()),
        Raw::Bool(true) => Some("on".to_owned()),
        Raw::Bool(false) => Some("off".to_owned()),
        Raw::Int(n) => Some(n.to_string()),
        Raw::Num(n) => Some(n.to_string()),
        // A reference to the vault `env` is the settings' own, whatever the source.
        Raw::Text(text) if text.starts_with("{vault://env/") => Some(text.to_string()),
        Raw::Text(text) => {
            let expanded = expand(text, world);
            let expanded =
                expanded.map_err(|problem| report.push(unset(problem, node.span, &format!("setting `{key}`")))).ok()?;
            Some(expanded.map_or_else(|| text.to_string(), |found| found.text))
        }
        other => {
            let message =
                format!("`{key}` must be text, a number, true, false or a list of them, not {}", other.kind());
            report.push(Diagnostic::error("wrong-type", node.span, message));
            None
        }
    }
}

/// Judges the settings as if there were no other source.
pub(super) fn judge(settings: &[Setting], world: World<'_>, edge: Edge<'_>, report: &mut Report) {
    for setting in settings {
        report.found.extend(name_fault(setting));
    }
    let pairs: Vec<_> = settings.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect();
    let sources = Sources { flags: &[], env: world.env, names: &[], file: &[], document: &pairs };
    for message in settings::load(&sources, edge).err().unwrap_or_default() {
        report.push(Diagnostic::error("invalid-setting", blamed(&message, settings), message));
    }
}

/// What is wrong with a setting's name.
fn name_fault(setting: &Setting) -> Option<Diagnostic> {
    let (key, span) = (setting.key.as_str(), setting.span);
    if ELSEWHERE.contains(&key) {
        let message = format!("`{key}` names the file to read, and cannot stand in it");
        return Some(Diagnostic::error("invalid-setting", span, message));
    }
    if names().any(|name| name == key) {
        return None;
    }
    let reason = ignored::reason(key, &setting.value)?;
    if reason != ignored::UNKNOWN {
        return Some(Diagnostic::warning("no-effect", span, format!("setting `{key}` changes nothing: {reason}")));
    }
    let found = Diagnostic::error("unknown-field", span, format!("there is no setting `{key}`"));
    Some(match nearest(key, names()) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found,
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    table::KEYS.iter().flat_map(|key| key.also.iter().chain([&key.name])).copied()
}

/// The setting that a message is about: the longest key that it names. Of a list the entry that is quoted in it.
fn blamed(message: &str, settings: &[Setting]) -> Span {
    let named = settings.iter().filter(|setting| message.contains(&setting.key));
    let longest = named.max_by_key(|setting| setting.key.len()).or(settings.first());
    let Some(setting) = longest else { return Span::default() };
    let quoted = setting.parts.iter().find(|(text, _)| message.contains(&format!("'{text}'")));
    match (quoted, setting.parts.as_slice()) {
        (Some((_, place)), _) | (None, [(_, place)]) => *place,
        _ => setting.span,
    }
}
