//! `add_header`: what clients are told, as `security-headers`.

use super::super::document::{Entry, Node, Plugin};
use super::notes::Notes;
use super::tree::{Directive, Scope};
use super::value::{Value, translate};

/// Headers of answers. Two that are alike are one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    hsts: Option<Hsts>,
    headers: Vec<String>,
}

/// `Strict-Transport-Security` in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hsts {
    max_age: u64,
    include_subdomains: bool,
    preload: bool,
}

/// The longest `max-age` that the plugin takes.
const OLDEST: u64 = 2_147_483_647;

/// Reads what holds in a scope.
pub(super) fn answer(scope: &Scope<'_>, server_name: &str, notes: &mut Notes) -> Answer {
    let mut answer = Answer::default();
    for directive in scope.all("add_header") {
        let (Some(name), Some(value)) = (directive.arg(0), directive.arg(1)) else {
            notes.lost(directive, "it has no name and value");
            continue;
        };
        match translate(value, server_name) {
            Value::Fixed(value) => answer.add(name, &value, directive, notes),
            Value::Template(_) | Value::Unknown(_) => notes.lost(directive, "headers of answers have fixed values"),
        }
    }
    answer
}

// === impl Answer ===

impl Answer {
    fn add(&mut self, name: &str, value: &str, directive: &Directive, notes: &mut Notes) {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) || value.contains(|c: char| c.is_control() || !c.is_ascii()) {
            notes.lost(directive, "this is no header");
            return;
        }
        if value.is_empty() {
            return; // nginx adds none then.
        }
        if directive.arg(2) != Some("always") {
            notes.differs(directive, "nginx leaves it out of error answers (it is not `always`); here it is on all");
        }
        let hsts = name.eq_ignore_ascii_case("strict-transport-security").then(|| hsts(value)).flatten();
        match hsts {
            Some(hsts) => self.hsts = Some(hsts),
            None => self.headers.push(format!("{name}: {value}")),
        }
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The plugin.
    pub(super) fn plugin(&self) -> Plugin {
        let mut config = vec![Entry::new("preset", Node::text("none"))];
        config.extend(self.hsts.as_ref().map(|hsts| Entry::new("hsts", hsts.node())));
        if !self.headers.is_empty() {
            config.push(Entry::new("headers", Node::texts(self.headers.iter().cloned())));
        }
        Plugin { name: "security-headers", config }
    }
}

fn hsts(value: &str) -> Option<Hsts> {
    let mut found = Hsts::default();
    let mut seen = false;
    for part in value.split(';').map(|part| part.trim().to_ascii_lowercase()).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("max-age", age)) => {
                found.max_age = age.trim_matches('"').parse().ok().filter(|age| *age <= OLDEST)?;
                seen = true;
            }
            None if part == "includesubdomains" => found.include_subdomains = true,
            None if part == "preload" => found.preload = true,
            _ => return None,
        }
    }
    seen.then_some(found)
}

// === impl Hsts ===

impl Hsts {
    fn node(&self) -> Node {
        let mut map = vec![Entry::new("enabled", Node::Bool(true)), Entry::new("max_age", Node::Int(self.max_age))];
        map.extend(self.include_subdomains.then(|| Entry::new("include_subdomains", Node::Bool(true))));
        map.extend(self.preload.then(|| Entry::new("preload", Node::Bool(true))));
        Node::Map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_transport_security() {
        let all = Hsts { max_age: 31_536_000, include_subdomains: true, preload: true };
        assert_eq!(hsts("max-age=31536000; includeSubDomains; preload"), Some(all));
        assert_eq!(hsts("max-age=0"), Some(Hsts::default()));
        assert_eq!((hsts("includeSubDomains"), hsts("max-age=x"), hsts("max-age=1; x")), (None, None, None));
    }
}
