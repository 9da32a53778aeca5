//! Credentials whose value is not there: a key left blank, or a variable that nobody set.
//!
//! Supabase's start script puts variables in with a shell, in which an unset one is nothing, and deletes the lines with
//! a key that are blank then. The same happens here in a file that the environment fills in. In a file of which it fills
//! in nothing, `$NAME` is text, as in Kong.

use super::check::unset;
use super::expand::{self, Problem, expand};
use super::report::{Diagnostic, Report, Span};
use super::tree::{NodeId, Pair, Raw, Tree};
use crate::world::World;

/// What holds credentials, at the top of a document.
const HOLDERS: [&str; 6] = [
    "consumers",
    "keyauth_credentials",
    "basicauth_credentials",
    "jwt_secrets",
    "hmacauth_credentials",
    "oauth2_credentials",
];

/// Why a key is blank.
#[derive(Debug, PartialEq, Eq)]
enum Blank {
    /// Nothing is written.
    Unwritten,
    /// What is written comes to nothing.
    Empty,
    /// This variable is not set.
    Unset(String),
}

/// Whether the environment fills in credentials of a document.
pub(super) fn is_filled_in(tree: &Tree, root: NodeId, world: World<'_>) -> bool {
    HOLDERS.iter().filter_map(|name| tree.get(root, name)).any(|pair| is_filled_below(tree, pair.value, world))
}

fn is_filled_below(tree: &Tree, id: NodeId, world: World<'_>) -> bool {
    match &tree.node(id).raw {
        Raw::Text(text) => matches!(expand(text, world), Ok(Some(_))),
        Raw::List(items) => items.iter().any(|item| is_filled_below(tree, *item, world)),
        Raw::Map(pairs) => pairs.iter().any(|pair| is_filled_below(tree, pair.value, world)),
        _ => false,
    }
}

/// A key-auth credential without a key that is blank, of which a warning is told: nobody can use it.
///
/// The verdict is Kong's, which makes up a key that nobody knows. A key that is written as an empty text is left to the
/// checks, which refuse it as Kong does.
pub(super) fn without_blank_key(
    tree: &mut Tree,
    id: NodeId,
    filled: bool,
    world: World<'_>,
    report: &mut Report,
) -> NodeId {
    let Some((blank, place)) = blank_key(tree, id, filled, world) else { return id };
    report.push(warning(&blank, place));
    let pairs = tree.pairs(id).iter().filter(|pair| &*pair.key != "key").cloned().collect::<Vec<Pair>>();
    let whole = tree.node(id).span;
    tree.push(Raw::Map(pairs.into()), whole)
}

fn blank_key(tree: &Tree, id: NodeId, filled: bool, world: World<'_>) -> Option<(Blank, Span)> {
    let node = tree.node(id);
    let Some(pair) = tree.get(id, "key") else {
        return matches!(node.raw, Raw::Map(_)).then_some((Blank::Unwritten, node.span));
    };
    let value = tree.node(pair.value);
    match &value.raw {
        Raw::Null => Some((Blank::Unwritten, pair.key_span)),
        Raw::Text(text) => match expand(text, world) {
            Ok(Some(expanded)) if expanded.text.is_empty() => Some((Blank::Empty, value.span)),
            Ok(None) if filled => Some((Blank::Unset(expand::bare_name(text)?.to_owned()), value.span)),
            _ => None,
        },
        _ => None,
    }
}

fn warning(blank: &Blank, place: Span) -> Diagnostic {
    let found = Diagnostic::warning("empty-key", place, "a key-auth credential without a key is left out")
        .help("give it a key, or delete the credential");
    match blank {
        Blank::Unwritten => found.label("no key is written"),
        Blank::Empty => found.label("this is empty"),
        Blank::Unset(name) => found.label(format!("the variable `{name}` is not set")),
    }
}

/// Tells of every text of a credential that is a variable nobody set: as it stands, everybody could know it.
pub(super) fn tell_unset(tree: &Tree, id: NodeId, noun: &str, report: &mut Report, world: World<'_>) {
    for pair in tree.pairs(id) {
        let value = tree.node(pair.value);
        let Raw::Text(text) = &value.raw else { continue };
        let name = expand::bare_name(text).filter(|_| expand(text, world) == Ok(None));
        if let Some(name) = name {
            let field = format!("`{}` of a {noun}", pair.key);
            report.push(unset(Problem::Unset(name.to_owned()), value.span, &field));
        }
    }
}
