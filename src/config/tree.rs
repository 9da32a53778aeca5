//! A document as written: nodes with places. One table; an alias is a second mention of a node, never a copy.
//!
//! Knows neither YAML nor Kong. What an alias would cost if it were copied is counted, so that a small text cannot
//! ask for a huge tree.

use super::report::Span;
use crate::courtesy::{breathe, free};
use foldhash::HashSet;
use serde_json::Value;
use std::sync::Arc;

/// Levels of nesting that a document may have. Kong's files need nine.
pub(super) const MAX_DEPTH: usize = 128;
/// Nodes that aliases and merge keys may add, all together.
pub(super) const MAX_EXPANSION: u32 = 1_000_000;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// A whole document.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Every key once: a document has a few, and thousands of each.
    keys: HashSet<Arc<str>>,
    added: u32,
}

/// A value and its place.
#[derive(Debug)]
pub(super) struct Node {
    /// The value.
    pub raw: Raw,
    /// Its place; of an alias, the place of what it names.
    pub span: Span,
    /// Nodes below and including this one, aliases counted as if they were copies.
    weight: u32,
}

/// A value as written, with Kong's idea of what a plain scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// `null`, `~` or nothing.
    Null,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Num(f64),
    /// Text.
    Text(Box<str>),
    /// A list.
    List(Box<[NodeId]>),
    /// A mapping; keys are unique.
    Map(Box<[Pair]>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// The key. What is no text is written as one.
    pub key: Arc<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: NodeId,
}

/// Aliases or merge keys ask for more than [`MAX_EXPANSION`] nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

// === impl Tree ===

impl Drop for Tree {
    fn drop(&mut self) {
        free(std::mem::take(&mut self.nodes));
    }
}

impl Tree {
    /// Adds a node.
    pub(super) fn push(&mut self, raw: Raw, span: Span) -> NodeId {
        breathe();
        let below: u32 = match &raw {
            Raw::List(items) => items.iter().map(|id| self.node(*id).weight).fold(0, u32::saturating_add),
            Raw::Map(pairs) => pairs.iter().map(|p| self.node(p.value).weight).fold(0, u32::saturating_add),
            _ => 0,
        };
        self.nodes.push(Node { raw, span, weight: below.saturating_add(1) });
        NodeId(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// A text as a key.
    pub(super) fn key(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(text) {
            return Arc::clone(known);
        }
        let key: Arc<str> = text.into();
        self.keys.insert(Arc::clone(&key));
        key
    }

    /// Notes that a node is mentioned once more.
    ///
    /// # Errors
    /// If all such mentions together ask for too much.
    pub(super) fn mention(&mut self, id: NodeId) -> Result<NodeId, TooMuch> {
        self.added = self.added.saturating_add(self.node(id).weight);
        if self.added > MAX_EXPANSION { Err(TooMuch) } else { Ok(id) }
    }

    /// The node of a number.
    ///
    /// # Panics
    /// If the number is another tree's.
    #[must_use]
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A node as JSON.
    #[must_use]
    pub(super) fn json(&self, id: NodeId) -> Value {
        match &self.node(id).raw {
            Raw::Null => Value::Null,
            Raw::Bool(truth) => (*truth).into(),
            Raw::Int(number) => (*number).into(),
            Raw::Num(number) => (*number).into(),
            Raw::Text(text) => (&**text).into(),
            Raw::List(items) => items.iter().map(|item| self.json(*item)).collect(),
            Raw::Map(pairs) => pairs.iter().map(|pair| (pair.key.to_string(), self.json(pair.value))).collect(),
        }
    }

    /// The value of a key, if the node is a mapping that has it.
    #[must_use]
    pub(super) fn get(&self, id: NodeId, key: &str) -> Option<&Pair> {
        self.pairs(id).iter().find(|pair| &*pair.key == key)
    }

    /// The pairs of a mapping; none of anything else.
    #[must_use]
    pub(super) fn pairs(&self, id: NodeId) -> &[Pair] {
        match &self.node(id).raw {
            Raw::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// The entries of a list; none of anything else.
    #[must_use]
    pub(super) fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).raw {
            Raw::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a key's value, if it is one.
    #[must_use]
    pub(super) fn text(&self, id: NodeId, key: &str) -> Option<(&str, Span)> {
        let node = self.node(self.get(id, key)?.value);
        match &node.raw {
            Raw::Text(text) => Some((text, node.span)),
            _ => None,
        }
    }
}

// === impl Raw ===

impl Raw {
    /// What it is, for messages.
    #[must_use]
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Num(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_refused_after_twenty_times() {
        let mut tree = Tree::default();
        let mut id = tree.push(Raw::Null, Span::default());
        let mut rounds = 0;
        while tree.mention(id).is_ok() && tree.mention(id).is_ok() {
            id = tree.push(Raw::List([id, id].into()), Span::default());
            rounds += 1;
        }
        assert!((10..25).contains(&rounds), "{rounds}");
    }
}
