//! Asks an expression about a request (ATC's `src/interpreter.rs`). Pure.
//!
//! What the path was matched by is noted as comparisons come true, and kept where the whole of an `&&` then does not: so
//! does Kong.

use super::Node;
use crate::pcre::Capture;
use crate::route::Query;
use regex::bytes::Regex;

/// What an expression took of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// How many bytes of the path the last comparison of `http.path` that came true took: all by `==`, those of the text by
    /// `^=` and `=^`, those of the match by `~`. They are counted from the path's beginning, wherever they stood.
    pub prefix: Option<usize>,
    /// Groups of all regular expressions that matched, number 0 the whole match; ranges are of `texts`.
    captures: Vec<Capture>,
    texts: Vec<u8>,
}

// === impl Node ===

impl Node {
    pub(super) fn is_true(&self, query: &Query<'_>, hit: &mut Hit) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.is_true(query, hit)),
            Self::Any(nodes) => nodes.iter().any(|node| node.is_true(query, hit)),
            Self::Not(node) => !node.is_true(query, hit),
            Self::Test(test) => test.is_true(query, hit),
        }
    }
}

// === impl Hit ===

impl Hit {
    /// Tries a regular expression, and notes its groups. How many bytes it matched.
    pub(super) fn read(&mut self, regex: &Regex, value: &[u8]) -> Option<usize> {
        if regex.captures_len() < 2 {
            return regex.find(value).map(|found| found.len());
        }
        let found = regex.captures(value)?;
        for (number, name) in regex.capture_names().enumerate() {
            if self.captures.len() == number {
                self.captures.push(Capture { name: None, range: None });
            }
            let Some(group) = found.get(number) else { continue };
            let start = self.texts.len();
            self.texts.extend_from_slice(group.as_bytes());
            self.captures[number] = Capture { name: name.map(Into::into), range: Some((start, self.texts.len())) };
        }
        Some(found.get_match().len())
    }

    /// The groups and the text that their ranges are of. Kong has none where the first one took no part.
    pub(in crate::route) fn groups(self) -> (Vec<Capture>, Vec<u8>) {
        match self.captures.get(1) {
            Some(first) if first.range.is_some() => (self.captures, self.texts),
            _ => (Vec::new(), Vec::new()),
        }
    }
}
