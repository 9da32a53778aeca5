//! Who may come in: `auth_basic`, and what the gateway has nothing for. Where a door's lock can't be carried over, the
//! door stays shut: a route that lets everybody in is never what comes of it.

use super::super::document::{Entry, Node, Plugin};
use super::certificates::is_file;
use super::notes::Notes;
use super::tree::Scope;
use super::value::{Value, is_itself, translate};

/// Why a location lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shut {
    /// The status.
    pub(super) status: u16,
    /// What clients are told.
    pub(super) message: &'static str,
}

const FORBIDDEN: Shut = Shut { status: 403, message: "Forbidden" };

/// Whether a location lets nobody in, in nginx or for want of the means.
pub(super) fn shut(scope: &Scope<'_>, notes: &mut Notes) -> Option<Shut> {
    if scope.own_named("internal").is_some() {
        return Some(Shut { status: 404, message: "Not Found" });
    }
    let rules = scope.either(["allow", "deny"]);
    match rules.first() {
        Some(first) if first.name == "deny" && first.says(&["all"]) => return Some(FORBIDDEN),
        Some(first) if first.name == "allow" && first.says(&["all"]) => {}
        Some(_) => {
            for rule in &rules {
                notes.lost(rule, "the gateway has no lists of addresses yet, so what it guards is refused to all");
            }
            return Some(FORBIDDEN);
        }
        None => {}
    }
    let mut found = None;
    for name in ["auth_request", "auth_jwt", "limit_except"] {
        let own = if name == "limit_except" { scope.own_named(name) } else { scope.last(name) };
        if let Some(directive) = own.filter(|directive| !directive.says(&["off"])) {
            notes.lost(directive, "the gateway has nothing like it, so what it guards is refused to all");
            found = Some(FORBIDDEN);
        }
    }
    found
}

/// The plugin that asks for a password. `absolute` makes a path absolute as nginx does.
///
/// # Errors
/// When there is a lock that can't be carried over.
pub(super) fn password(
    scope: &Scope<'_>,
    absolute: &dyn Fn(&str) -> String,
    notes: &mut Notes,
) -> Result<Option<Plugin>, Shut> {
    let Some(realm) = scope.last("auth_basic") else { return Ok(None) };
    let text = realm.arg(0).unwrap_or_default();
    if text == "off" {
        return Ok(None);
    }
    let Some(file) = scope.last("auth_basic_user_file") else {
        notes.lost(realm, "without auth_basic_user_file it asks for nothing, in nginx as well");
        return Ok(None);
    };
    let path = file.arg(0).unwrap_or_default();
    if !is_file(path) {
        notes.lost(file, "the file has no fixed name, so what it guards is refused to all");
        return Err(FORBIDDEN);
    }
    let mut config = vec![Entry::new("file", Node::text(absolute(path)))];
    match translate(text, "") {
        Value::Fixed(realm) if !realm.is_empty() && is_itself(text) && !text.contains(char::is_control) => {
            config.push(Entry::new("realm", Node::text(realm)));
        }
        _ => notes.differs(realm, "the realm is `restricted` here"),
    }
    Ok(Some(Plugin { name: "htpasswd", config }))
}
