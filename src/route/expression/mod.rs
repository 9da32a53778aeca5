//! Kong's expression language: what a route's `expression` says of a request (Kong's documentation, "Expressions router";
//! the grammar and the rules of types are those of its ATC router). Pure; must not know routes.
//!
//! A text is read once and then evaluated without allocating, but for `lower()`, query arguments and ranges of segments.
//! As in Kong, `||` binds tighter than `&&`: `a && b || c` is `a && (b || c)`.

mod build;
mod eval;
mod fault;
mod field;
mod lex;
mod parse;
mod test;
#[cfg(test)]
mod tests;

pub use eval::Hit;
pub use fault::Fault;

use super::Query;
use test::Test;

/// Most bytes of an expression.
pub const MAX_TEXT: usize = 64 << 10;
/// Most parentheses within each other.
const MAX_DEPTH: usize = 64;

/// An expression, ready to be asked.
#[derive(Clone, Debug)]
pub struct Expression(Node);

/// A part of one.
#[derive(Clone, Debug)]
enum Node {
    /// `&&`: all of them. Never empty.
    All(Box<[Node]>),
    /// `||`: one of them. Never empty.
    Any(Box<[Node]>),
    /// `!( … )`.
    Not(Box<Node>),
    /// One comparison.
    Test(Test),
}

// === impl Expression ===

impl Expression {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_TEXT {
            let message = format!("{} bytes are too long; {MAX_TEXT} are allowed", text.len());
            return Err(Fault::at(0..text.len(), message));
        }
        parse::parse(text).map(Self)
    }

    /// Whether a request is as it says, and what of its path that was by.
    #[must_use]
    pub fn ask(&self, query: &Query<'_>) -> Option<Hit> {
        let mut hit = Hit::default();
        self.0.is_true(query, &mut hit).then_some(hit)
    }

    /// Texts of which one stands at the beginning of every path that it accepts; the empty one says nothing.
    #[must_use]
    pub fn prefixes(&self) -> Vec<&[u8]> {
        self.0.prefixes().unwrap_or_else(|| vec![b""])
    }
}

// === impl Node ===

impl Node {
    /// `None`: it may accept any path.
    fn prefixes(&self) -> Option<Vec<&[u8]>> {
        match self {
            Self::Test(test) => test.prefix().map(|prefix| vec![prefix]),
            // Any of them would do; few are better than many.
            Self::All(nodes) => nodes.iter().filter_map(Self::prefixes).min_by_key(Vec::len),
            Self::Any(nodes) => {
                let each: Option<Vec<_>> = nodes.iter().map(Self::prefixes).collect();
                each.map(|each| each.concat())
            }
            Self::Not(_) => None,
        }
    }
}
