//! What stands at the top of a file beside the lists of entities: the format version and keys with an underscore.

use super::check::record::Around;
use super::check::{Checker, Owner};
use super::document::Read;
use super::entities;
use super::report::{Diagnostic, Report, Span, Step};
use super::schema::{Default, Field, Record, Since};
use super::section;
use super::syntax;
use super::tree::{NodeId, Raw, Tree};
use super::unsupported;
use crate::entity::Compat;
use crate::world::World;

/// The keys with an underscore.
pub(super) static RECORD: Record = Record {
    fields: &[
        Field::string("_format_version").required(),
        Field::boolean("_transform").default(Default::Bool(true)),
        Field::string("_comment"),
        Field::array("_ignore", &ANY),
        // decK's own; Kong's tools write them and nothing depends on them.
        Field::any("_info"),
        Field::any("_workspace"),
        Field::any("_konnect"),
        Field::any("_plugin_configs").since(Since::Kong3),
        Field::any(section::KEY),
    ],
    checks: &[],
};

static ANY: Field = Field::any("");

/// The format versions with the behaviour of a compatibility.
pub(super) const fn versions(compat: Compat) -> &'static [&'static str] {
    match compat {
        Compat::Kong2 => &["1.1", "2.1"],
        Compat::Kong3 => &["3.0"],
    }
}

/// Whose behaviour a document asks for.
pub(super) fn compat(tree: &Tree, root: NodeId) -> Compat {
    match tree.text(root, "_format_version") {
        Some((version, _)) if versions(Compat::Kong3).contains(&version) => Compat::Kong3,
        _ => Compat::Kong2,
    }
}

/// Whether passwords are written as Kong stores them.
pub(super) fn is_hashed(tree: &Tree, root: NodeId) -> bool {
    tree.get(root, "_transform").is_some_and(|pair| matches!(tree.node(pair.value).raw, Raw::Bool(false)))
}

/// Checks the header and that every other key is a list of something known.
pub(super) fn check(tree: &Tree, root: NodeId, compat: Compat, report: &mut Report) {
    let node = tree.node(root);
    if !matches!(node.raw, Raw::Map(_)) {
        let message = match node.raw {
            Raw::Null => "the document is empty".to_owned(),
            _ => format!("the document is {}, and should be a mapping", node.raw.kind()),
        };
        let help = syntax::no_document(match &node.raw {
            Raw::Text(text) => text,
            _ => "",
        });
        let kong = "failed parsing declarative configuration: expected an object";
        report.push(Diagnostic::error("wrong-type", first_line(node.span), message).help(help).kong(Vec::new(), kong));
        return;
    }
    for pair in tree.pairs(root) {
        unsupported::list(&pair.key, pair.key_span, &tree.node(pair.value).raw, compat, report);
    }
    let kinds = entities::ALL.iter().filter(|kind| kind.since.knows(compat)).map(|kind| kind.name);
    let known: Vec<_> = kinds.chain(unsupported::lists(compat)).collect();
    let owner = Owner { noun: "file", name: None, depth: 0 };
    let (world, read, path) = (World::EMPTY, &mut Read::default(), &mut Vec::new());
    let mut checker = Checker { tree, world, read, compat, report, path, owner, verbatim: true, tainted: false };
    checker.record(root, &RECORD, Around { elsewhere: &known, whose: enterprise, ..Around::NOTHING });
    if tree.get(root, "_format_version").is_some() {
        let unknown = report.found.iter_mut().filter(|found| found.code == "unknown-field" && found.label.is_none());
        unknown.for_each(|found| found.help = Some(AT_THE_TOP.to_owned()));
    }
    report.found.extend(version_error(tree, root));
}

/// For those who write something else there.
const AT_THE_TOP: &str =
    "at the top are `services`, `routes`, `plugins`, `consumers`, `upstreams`, `certificates` and Kong's other lists";

/// What a document is that is none of Kong's, once all of it was read. Nothing else is told of it.
pub(super) fn foreign(tree: &Tree, root: NodeId, report: &mut Report) {
    let Some(what) = other_document(tree, root).filter(|_| report.found.iter().any(is_missing)) else { return };
    report.set_aside(0, |found| !is_missing(found));
    report.found.truncate(1);
    report.found.iter_mut().for_each(|found| found.help = Some(what.to_owned()));
}

fn is_missing(found: &Diagnostic) -> bool {
    found.code == "missing-field" && found.message.starts_with("`_format_version` of this file")
}

/// Format 3.0 is accepted where Kong 2.8 refuses it: there is one program for both.
fn version_error(tree: &Tree, root: NodeId) -> Option<Diagnostic> {
    let (version, place) = tree.text(root, "_format_version")?;
    if [Compat::Kong2, Compat::Kong3].iter().any(|compat| versions(*compat).contains(&version)) {
        return None;
    }
    let found = Diagnostic::error("invalid-value", place, format!("there is no format version `{version}`"));
    let path = vec![Step::Key("_format_version".into())];
    let found = match version.contains(['“', '”', '‘', '’', '„']) {
        true => found.label("these are no quotes to YAML; write `\"2.1\"`"),
        false => found.label("1.1, 2.1 and 3.0 are known"),
    };
    Some(found.kong(path, "expected one of: 1.1, 2.1"))
}

/// Lists of Kong Enterprise, which decK writes.
fn enterprise(list: &str) -> Option<String> {
    let lists =
        ["ai_models", "consumer_groups", "document_objects", "licenses", "partials", "rbac_roles", "service_packages"];
    lists.contains(&list).then(|| entities::ENTERPRISE.to_owned())
}

/// What a document is that is none of Kong's.
fn other_document(tree: &Tree, root: NodeId) -> Option<&'static str> {
    let has = |key| tree.get(root, key).is_some();
    let mapping = |key| tree.get(root, key).is_some_and(|pair| matches!(tree.node(pair.value).raw, Raw::Map(_)));
    match () {
        () if has("_format_version") => None,
        () if has("apiVersion") && has("kind") => Some("this is a Kubernetes resource, not a Kong file"),
        () if mapping("services") && (has("version") || has("networks") || has("volumes")) => {
            Some("this looks like a compose file, not a Kong file")
        }
        () if has("data") && has("next") => {
            Some("this looks like an answer of Kong's Admin API; `deck gateway dump` writes files")
        }
        () => None,
    }
}

fn first_line(span: Span) -> Span {
    Span::new(span.start(), span.end().min(span.start() + 1))
}
