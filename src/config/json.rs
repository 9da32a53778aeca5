//! JSON to a [`Tree`]. `serde_json` says whether the text is JSON at all; here it is walked again for the places.

use super::lines::Lines;
use super::report::{Diagnostic, Report, Span};
use super::tree::{NodeId, Pair, Raw, Tree};
use foldhash::{HashMap, HashMapExt};
use serde::de::IgnoredAny;
use std::sync::Arc;

/// Walks a text that is known to be JSON, not nested deeper than `serde_json` allows (128).
struct Walk<'a> {
    text: &'a str,
    at: usize,
    tree: Tree,
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Reads a text. `None`: reported.
pub(super) fn read(text: &str, report: &mut Report) -> Option<(Tree, NodeId)> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        report.push(syntax(text, &error));
        return None;
    }
    let mut walk = Walk { text, at: 0, tree: Tree::default() };
    let root = walk.value()?;
    Some((walk.tree, root))
}

fn syntax(text: &str, error: &serde_json::Error) -> Diagnostic {
    let start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (start + error.column().saturating_sub(1)).min(text.len());
    let words = error.to_string();
    let message = words.split(" at line ").next().unwrap_or(&words).to_owned();
    let kong =
        format!("failed parsing declarative configuration: Expected valid JSON but {message} at character {}", at + 1);
    super::syntax::json(text, Lines::new(text).character(at), &message).kong(Vec::new(), kong)
}

// === impl Walk ===

impl Walk<'_> {
    fn value(&mut self) -> Option<NodeId> {
        self.blanks();
        let start = self.at;
        let raw = match self.peek()? {
            b'{' => self.map()?,
            b'[' => self.list()?,
            b'"' => Raw::Text(self.string()?.into()),
            _ => self.word()?,
        };
        Some(self.tree.push(raw, Span::new(start, self.at)))
    }

    fn map(&mut self) -> Option<Raw> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut index = HashMap::new();
        self.at += 1;
        while self.next_is_element(b'}')? {
            let start = self.at;
            let key = self.string()?;
            let key = self.tree.key(&key);
            let key_span = Span::new(start, self.at);
            self.blanks();
            self.at += 1; // the colon
            let pair = Pair { key: Arc::clone(&key), key_span, value: self.value()? };
            match index.get(&key) {
                Some(&at) => pairs[at] = pair,
                None => {
                    index.insert(key, pairs.len());
                    pairs.push(pair);
                }
            }
        }
        Some(Raw::Map(pairs.into()))
    }

    fn list(&mut self) -> Option<Raw> {
        let mut items = Vec::new();
        self.at += 1;
        while self.next_is_element(b']')? {
            items.push(self.value()?);
        }
        Some(Raw::List(items.into()))
    }

    /// Skips to the next element of a collection, or past its end.
    fn next_is_element(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        if self.peek()? == b',' {
            self.at += 1;
            self.blanks();
        }
        let more = self.peek()? != end;
        self.at += usize::from(!more);
        Some(more)
    }

    fn string(&mut self) -> Option<String> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut end = 1;
        while *rest.get(end)? != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        let written = self.text.get(self.at..=self.at + end)?;
        self.at += end + 1;
        serde_json::from_str(written).ok()
    }

    fn word(&mut self) -> Option<Raw> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(rest.len());
        self.at += end;
        match &rest[..end] {
            "null" => Some(Raw::Null),
            "true" => Some(Raw::Bool(true)),
            "false" => Some(Raw::Bool(false)),
            number => number.parse().map(Raw::Int).or_else(|_| number.parse().map(Raw::Num)).ok(),
        }
    }

    fn blanks(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places() {
        let text = " {\"a\": [1, 2.5, \"\\u00e9\\\"\"], \"b\": {}, \"a\": null}";
        let (tree, root) = read(text, &mut Report::default()).unwrap();
        assert_eq!(tree.node(root).span, Span::new(1, text.len()));
        assert_eq!(tree.pairs(root).len(), 2);
        let last = tree.get(root, "a").unwrap();
        assert_eq!(tree.node(last.value).raw, Raw::Null);
        assert_eq!(&text[last.key_span.range()], "\"a\"");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let mut report = Report::default();
        assert!(read("{\"a\": 1,\n x}", &mut report).is_none());
        assert_eq!(report.found[0].span.start(), 10);
        assert!(!is_json("_format_version: 1"));
        assert!(is_json("[]"));
    }

    #[test]
    fn depth_is_bounded() {
        let text = "[".repeat(100_000);
        assert!(read(&text, &mut Report::default()).is_none());
    }
}
