//! Which location wins, in the gateway's terms.
//!
//! nginx (`ngx_http_core_find_location`): what is exact; else the longest prefix of a level, then what is nested in it,
//! then the level's expressions in the order of the file unless the prefix is marked `^~`, then the prefix itself. The
//! gateway: expressions by `regex_priority`, then the longest prefix. So an expression says itself where it is not tried:
//! within marked prefixes, and outside of the location that it is nested in.

use super::server::{Location, Pattern};
use std::collections::HashSet;

/// A route's path and its place among expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// A prefix, or an expression after `~`.
    pub(super) text: String,
    /// `regex_priority`.
    pub(super) priority: u64,
}

/// What is known of a server's locations as a whole.
pub(super) struct Order<'l> {
    locations: &'l [Location<'l>],
    /// Locations within each, and at the end those within none.
    nested: Vec<Vec<usize>>,
    /// Expressions, the first to be tried first.
    ranked: Vec<usize>,
    written: HashSet<&'l str>,
}

// === impl Path ===

impl Path {
    /// All paths.
    pub(super) fn whole() -> Self {
        Self { text: "/".to_owned(), priority: 0 }
    }
}

// === impl Order ===

impl<'l> Order<'l> {
    pub(super) fn new(locations: &'l [Location<'l>]) -> Self {
        let mut nested = vec![Vec::new(); locations.len() + 1];
        for (number, location) in locations.iter().enumerate() {
            nested[location.outer.unwrap_or(locations.len())].push(number);
        }
        let written = locations.iter().filter_map(|location| location.pattern.path()).collect();
        let mut order = Self { locations, nested, ranked: Vec::new(), written };
        order.rank(locations.len());
        order
    }

    /// The paths for all locations, in their order. An error says why there is none.
    pub(super) fn paths(&self) -> Vec<Result<Path, String>> {
        let mut priorities = vec![0; self.locations.len()];
        for (place, number) in self.ranked.iter().rev().enumerate() {
            priorities[*number] = place as u64;
        }
        priorities.into_iter().enumerate().map(|(number, priority)| self.path(number, priority)).collect()
    }

    /// The path that is exactly this, before everything else.
    pub(super) fn exact(&self, path: &str) -> Path {
        Path { text: format!("~{}$", quote(path)), priority: self.ranked.len() as u64 }
    }

    /// Whether a location has just this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.written.contains(path)
    }

    /// Whether a location takes what no other does.
    pub(super) fn has_rest(&self) -> bool {
        self.locations.iter().any(|location| matches!(&location.pattern, Pattern::Prefix { path, .. } if path == "/"))
    }

    /// Ranks a level's expressions, and first those of what is nested in it.
    fn rank(&mut self, level: usize) {
        let own = self.nested[level].clone();
        own.iter().for_each(|number| self.rank(*number));
        self.ranked.extend(own.into_iter().filter(|number| self.locations[*number].pattern.path().is_none()));
    }

    fn path(&self, number: usize, priority: u64) -> Result<Path, String> {
        match &self.locations[number].pattern {
            Pattern::Exact(path) => Ok(self.exact(path)),
            Pattern::Prefix { path, .. } if self.is_hidden(number, path) => {
                Err("a longer location beside the one round it takes its requests, in nginx as well".to_owned())
            }
            Pattern::Prefix { path, .. } => Ok(Path { text: path.clone(), priority: 0 }),
            Pattern::Regex { text, fold } => Ok(Path { text: self.expression(number, text, *fold)?, priority }),
        }
    }

    /// Prefixes of a level, and whether they are marked.
    fn prefixes(&self, level: Option<usize>) -> impl Iterator<Item = (&str, bool)> {
        let own = &self.nested[level.unwrap_or(self.locations.len())];
        own.iter().filter_map(|number| match &self.locations[*number].pattern {
            Pattern::Prefix { path, first } => Some((path.as_str(), *first)),
            _ => None,
        })
    }

    /// Whether a prefix is nested in one that nginx never looks into for it.
    fn is_hidden(&self, number: usize, path: &str) -> bool {
        let outer = self.round(number).find_map(|outer| Some((outer, self.locations[outer].pattern.path()?)));
        outer.is_some_and(|(outer, round)| {
            let mut beside = self.prefixes(self.locations[outer].outer);
            beside.any(|(other, _)| other.len() > round.len() && path.starts_with(other))
        })
    }

    /// The locations round one, from the inside.
    fn round(&self, number: usize) -> impl Iterator<Item = usize> {
        let up = |number: &usize| self.locations[*number].outer;
        std::iter::successors(up(&number), up)
    }

    /// What keeps a prefix from reaching into longer ones of its level.
    fn longer(&self, path: &str, level: Option<usize>) -> String {
        let behind = |(other, _): (&str, bool)| other.strip_prefix(path).filter(|rest| !rest.is_empty()).map(quote);
        let rest: Vec<String> = self.prefixes(level).filter_map(behind).collect();
        if rest.is_empty() { String::new() } else { format!("(?!{})", rest.join("|")) }
    }

    /// Where an expression is tried at all; empty for everywhere.
    fn guard(&self, number: usize) -> String {
        let inside = self.round(number).find_map(|outer| Some((outer, self.locations[outer].pattern.path()?)));
        let mut guard = inside.map_or_else(String::new, |(outer, path)| {
            format!("(?={}{})", quote(path), self.longer(path, self.locations[outer].outer))
        });
        let level = self.locations[number].outer;
        for (path, _) in self.prefixes(level).filter(|(_, first)| *first) {
            guard.push_str(&format!("(?!{}{})", quote(path), self.longer(path, level)));
        }
        guard
    }

    /// nginx looks for an expression anywhere in the path, the gateway from its beginning.
    fn expression(&self, number: usize, text: &str, fold: bool) -> Result<String, String> {
        let case = if fold { "(?i)" } else { "" };
        let guard = self.guard(number);
        let anchored = text.strip_prefix("^/").filter(|rest| !rest.contains('|') && !quantified(rest));
        let pattern = match anchored {
            Some(rest) if guard.is_empty() => format!("/{case}{rest}"),
            _ if guard.is_empty() => format!("/?(?s:.*){case}(?:{text})"),
            _ => format!("/?\\A{guard}(?s:.*){case}(?:{text})"),
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
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if ".$()*+?[]^{|}\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
