//! Which location wins, in the gateway's terms. nginx: exact, then the longest prefix if it is marked `^~`, then the
//! first expression that fits, then the longest prefix. The gateway: expressions by `regex_priority`, then the longest
//! prefix. So what beats expressions in nginx becomes an expression itself.

use super::server::{Location, Pattern};

/// A route's path and its place among expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// A prefix, or an expression after `~`.
    pub(super) text: String,
    /// `regex_priority`.
    pub(super) priority: u64,
}

/// Prefixes of a server by length, and how many expressions it has.
pub(super) struct Order {
    prefixes: Vec<(String, bool)>,
    regexes: u64,
}

// === impl Path ===

impl Path {
    /// All paths.
    pub(super) fn whole() -> Self {
        Self { text: "/".to_owned(), priority: 0 }
    }
}

// === impl Order ===

impl Order {
    pub(super) fn new(locations: &[Location<'_>]) -> Self {
        let prefix = |location: &Location<'_>| match &location.pattern {
            Pattern::Prefix { path, first } => Some((path.clone(), *first)),
            _ => None,
        };
        let mut prefixes: Vec<_> = locations.iter().filter_map(prefix).collect();
        prefixes.sort_by_key(|(path, _)| path.len());
        let regexes = locations.iter().filter(|location| matches!(location.pattern, Pattern::Regex { .. })).count();
        Self { prefixes, regexes: regexes as u64 }
    }

    /// The paths for all locations, in their order. An error says why there is none.
    pub(super) fn paths(&self, locations: &[Location<'_>]) -> Vec<Result<Path, String>> {
        let ranks = self.ranks(locations);
        locations.iter().zip(ranks).map(|(location, rank)| self.path(location, rank)).collect()
    }

    /// The path that is exactly this, before everything else.
    pub(super) fn exact(&self, path: &str) -> Path {
        Path { text: format!("~{}$", quote(path)), priority: self.top() }
    }

    /// Whether something takes a path, and only or also that path.
    pub(super) fn has(&self, locations: &[Location<'_>], wanted: &str) -> bool {
        locations.iter().any(|location| match &location.pattern {
            Pattern::Exact(path) | Pattern::Prefix { path, .. } => path == wanted,
            Pattern::Regex { .. } => false,
        })
    }

    /// Priorities of expressions: the first in the file is the highest; one inside a prefix goes before those outside.
    fn ranks(&self, locations: &[Location<'_>]) -> Vec<u64> {
        let regex = |location: &Location<'_>| matches!(location.pattern, Pattern::Regex { .. });
        let mut order: Vec<usize> = (0..locations.len()).filter(|at| regex(&locations[*at])).collect();
        order.sort_by_key(|at| std::cmp::Reverse(locations[*at].inside.as_ref().map_or(0, String::len)));
        let mut ranks = vec![0; locations.len()];
        for (place, at) in order.iter().enumerate() {
            ranks[*at] = self.regexes - 1 - place as u64;
        }
        ranks
    }

    /// Above all expressions of the file stand the marked prefixes, the longest first, and above those what is exact.
    fn top(&self) -> u64 {
        if self.regexes == 0 { 0 } else { self.regexes + self.prefixes.len() as u64 }
    }

    fn path(&self, location: &Location<'_>, rank: u64) -> Result<Path, String> {
        match &location.pattern {
            Pattern::Exact(path) => Ok(self.exact(path)),
            Pattern::Prefix { path, first: true } if self.regexes > 0 => {
                let longer = self.longer(path);
                let place = self.prefixes.iter().position(|(other, _)| other == path).unwrap_or_default();
                Ok(Path { text: format!("~{}{longer}", quote(path)), priority: self.regexes + place as u64 })
            }
            Pattern::Prefix { path, .. } => Ok(Path { text: path.clone(), priority: 0 }),
            Pattern::Regex { text, fold } => {
                let text = self.expression(text, *fold, location.inside.as_deref())?;
                Ok(Path { text, priority: rank })
            }
        }
    }

    /// Keeps a prefix from taking what a longer one, which may leave it to expressions, takes in nginx.
    fn longer(&self, path: &str) -> String {
        let rest = |other: &(String, bool)| other.0.strip_prefix(path).filter(|rest| !rest.is_empty()).map(quote);
        let longer: Vec<String> = self.prefixes.iter().filter_map(rest).collect();
        if longer.is_empty() { String::new() } else { format!("(?!{})", longer.join("|")) }
    }

    /// nginx looks for an expression anywhere in the path, the gateway from its beginning.
    fn expression(&self, text: &str, fold: bool, inside: Option<&str>) -> Result<String, String> {
        let case = if fold { "(?i)" } else { "" };
        let anchored = text.strip_prefix("^/").filter(|rest| !rest.contains('|') && !quantified(rest));
        let pattern = match (anchored, inside) {
            (Some(rest), None) => format!("/{case}{rest}"),
            (None, None) => format!("/?(?s:.*){case}(?:{text})"),
            (_, Some(prefix)) => {
                let longer = self.longer(prefix);
                format!("/?\\A(?={}{longer})(?s:.*){case}(?:{text})", quote(prefix))
            }
        };
        if pattern.contains("//") || pattern.contains("${") {
            return Err("the gateway's expressions hold no `//` and no `${`".to_owned());
        }
        crate::pcre::check(&pattern).map_err(|error| format!("the expression is not understood: {error}"))?;
        Ok(format!("~{pattern}"))
    }
}

/// Whether the slash before this text is itself counted: `^/?`.
fn quantified(rest: &str) -> bool {
    rest.starts_with(['?', '*', '+', '{'])
}

/// A text as an expression that matches it alone.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if ".$()*+?[]^{|}\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
