//! YAML to a [`Tree`]: events of saphyr's parser, with lyaml's ideas of scalars and merge keys.
//!
//! Stops at the first syntax error, as every YAML parser must; everything else is only noted.

use super::lines::Lines;
use super::report::{Diagnostic, Report, Span};
use super::tree::{MAX_DEPTH, MAX_EXPANSION, NodeId, Pair, Raw, TooMuch, Tree};
use super::{scalar, syntax};
use foldhash::{HashMap, HashMapExt, HashSet};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};
use std::borrow::Cow;
use std::sync::Arc;

/// Why reading ended. The words are in the report.
struct Stop;

/// A collection that is not closed yet.
enum Open {
    List(Vec<NodeId>),
    Map(Mapping),
}

/// Pairs that are compared one by one: an index of its own costs a mapping more.
const MANY: usize = 32;

/// A mapping that is not closed yet.
#[derive(Default)]
struct Mapping {
    pairs: Vec<Pair>,
    /// Positions of those that a merge key brought: a written key replaces them without a word.
    merged: HashSet<usize>,
    /// Positions by key, once there are [`MANY`] pairs.
    index: HashMap<Arc<str>, usize>,
    key: Option<(Arc<str>, Span)>,
}

/// An [`Open`] with its beginning and its anchor (0 is none).
struct Frame {
    open: Open,
    start: usize,
    end: usize,
    anchor: usize,
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    tree: Tree,
    report: &'a mut Report,
    frames: Vec<Frame>,
    anchors: HashMap<usize, NodeId>,
    root: Option<NodeId>,
}

/// Reads the first document of a text. `None`: reported.
pub(super) fn read(text: &str, report: &mut Report) -> Option<(Tree, NodeId)> {
    let (anchors, frames) = (HashMap::new(), Vec::new());
    let mut reader =
        Reader { text, lines: Lines::new(text), tree: Tree::default(), report, frames, anchors, root: None };
    reader.run(Parser::new_from_str(text)).ok()?;
    let root = match reader.root {
        Some(root) => root,
        None => reader.tree.push(Raw::Null, reader.lines.character(0)),
    };
    Some((reader.tree, root))
}

// === impl Reader ===

impl Reader<'_> {
    fn run<'i>(&mut self, mut parser: Parser<'i, StrInput<'i>>) -> Result<(), Stop> {
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| self.syntax(&error))?;
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                self.second_document(documents, span.start);
            }
            if documents <= 1 {
                self.event(event, span)?;
            }
        }
        Ok(())
    }

    fn second_document(&mut self, number: usize, at: Marker) {
        if number == 2 {
            let at = self.lines.byte(at.line(), at.col());
            let found = Diagnostic::warning("second-document", Span::new(at, at + 3), "only the first document counts");
            self.report.push(found.help("remove the second one, or give it a file of its own"));
        }
    }

    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> Result<(), Stop> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), place),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new()), anchor, place),
            Event::MappingStart(anchor, _) => self.open(Open::Map(Mapping::default()), anchor, place),
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            _ => Ok(()),
        }
    }

    fn place(&mut self, span: saphyr_parser::Span) -> Span {
        let start = self.lines.byte(span.start.line(), span.start.col());
        let end = self.lines.byte(span.end.line(), span.end.col());
        Span::new(start, end.max(start))
    }

    fn open(&mut self, open: Open, anchor: usize, place: Span) -> Result<(), Stop> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.stop("too-deep", place, format!("more than {MAX_DEPTH} levels of nesting")));
        }
        self.frames.push(Frame { open, start: place.start(), end: place.end(), anchor });
        Ok(())
    }

    fn close(&mut self, place: Span) -> Result<(), Stop> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let raw = match frame.open {
            Open::List(items) => Raw::List(items.into()),
            Open::Map(mapping) => Raw::Map(mapping.pairs.into()),
        };
        // A flow collection ends with its bracket; a block ends with its last child.
        let end = self.lines.after_bracket(place.start()).unwrap_or(frame.end);
        let place = if end > frame.start { Span::new(frame.start, end) } else { self.lines.character(frame.start) };
        let id = self.tree.push(raw, place);
        self.attach(id, frame.anchor)
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Span,
    ) -> Result<(), Stop> {
        let place = self.lines.quoted(self.lines.trimmed(place));
        let core = tag.filter(|tag| tag.is_yaml_core_schema());
        let is_key = self.wants_key();
        if is_key {
            let place = if text.is_empty() { self.lines.character(place.start()) } else { place };
            let key = self.tree.key(&text);
            self.key(key, place);
            if anchor == 0 && core.is_none() {
                return Ok(());
            }
        }
        let raw = match core {
            Some(tag) => match scalar::tagged(&tag.suffix, &text) {
                Some(raw) => raw,
                None => return Err(self.stop("syntax", place, format!("invalid '{tag}' value: '{text}'"))),
            },
            None => {
                let other = if style == ScalarStyle::Plain { scalar::other_than_text(&text) } else { None };
                other.unwrap_or_else(|| Raw::Text(text.into_owned().into()))
            }
        };
        let id = self.tree.push(raw, place);
        if !is_key {
            return self.attach(id, anchor);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { open: Open::Map(Mapping { key: None, .. }), .. }))
    }

    fn key(&mut self, text: Arc<str>, place: Span) {
        if let Some(Frame { open: Open::Map(mapping), .. }) = self.frames.last_mut() {
            mapping.key = Some((text, place));
        }
    }

    fn alias(&mut self, anchor: usize, place: Span) -> Result<(), Stop> {
        let Some(id) = self.anchors.get(&anchor).copied() else {
            return Err(self.stop("syntax", place, "the alias stands inside of what it names"));
        };
        if self.wants_key() {
            let Raw::Text(text) = &self.tree.node(id).raw else {
                return Err(self.stop("syntax", place, "a key must be text"));
            };
            let text = text.clone();
            let key = self.tree.key(&text);
            self.key(key, place);
            return Ok(());
        }
        let id = self.tree.mention(id).map_err(|too_much| self.too_much(too_much, place))?;
        self.extend(place.end());
        self.attach(id, 0)
    }

    fn extend(&mut self, end: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.end = frame.end.max(end);
        }
    }

    /// Puts a finished node where it belongs.
    fn attach(&mut self, id: NodeId, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let span = self.tree.node(id).span;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        frame.end = if frame.end > span.start() { frame.end } else { span.end() };
        match &mut frame.open {
            Open::List(items) => items.push(id),
            Open::Map(mapping) => match mapping.key.take() {
                Some((key, key_span)) if &*key == "<<" => return self.merge(id, key_span),
                Some((key, key_span)) => self.insert(Pair { key, key_span, value: id }),
                None => return Err(self.stop("syntax", span, "a key must be text")),
            },
        }
        Ok(())
    }

    fn insert(&mut self, pair: Pair) {
        let Some(Frame { open: Open::Map(mapping), .. }) = self.frames.last_mut() else { return };
        if let Some(first) = mapping.put(pair, false) {
            let message = format!("the key `{}` is written twice; the last one counts", first.1);
            let found = Diagnostic::warning("duplicate-key", first.2, message);
            self.report.push(found.also(first.0, "first written here"));
        }
    }

    fn merge(&mut self, id: NodeId, place: Span) -> Result<(), Stop> {
        let sources = match &self.tree.node(id).raw {
            Raw::Map(_) => vec![id],
            Raw::List(items) => items.to_vec(),
            other => {
                let message = format!("invalid '<<' merge: {} instead of a mapping", other.kind());
                return Err(self.stop("syntax", place, message));
            }
        };
        for source in sources {
            self.merge_one(source, place)?;
        }
        Ok(())
    }

    fn merge_one(&mut self, source: NodeId, place: Span) -> Result<(), Stop> {
        if !matches!(self.tree.node(source).raw, Raw::Map(_)) {
            return Err(self.stop("syntax", place, "invalid '<<' merge: a list element is no mapping"));
        }
        for pair in self.tree.pairs(source).to_vec() {
            self.tree.mention(pair.value).map_err(|too_much| self.too_much(too_much, place))?;
            if let Some(Frame { open: Open::Map(mapping), .. }) = self.frames.last_mut() {
                mapping.put(pair, true);
            }
        }
        Ok(())
    }

    fn too_much(&mut self, _: TooMuch, place: Span) -> Stop {
        let message = format!("aliases and merge keys make more than {MAX_EXPANSION} values of this document");
        self.stop("alias-bomb", place, message)
    }

    fn syntax(&mut self, error: &ScanError) -> Stop {
        let at = self.lines.byte(error.marker().line(), error.marker().col());
        self.stop("syntax", self.lines.character(at), error.info())
    }

    fn stop(&mut self, code: &'static str, place: Span, message: impl Into<String>) -> Stop {
        let message = message.into();
        let (line, column) = self.lines.position(place.start());
        let kong = format!("failed parsing declarative configuration: {line}:{column}: {message}");
        let found = match code {
            "syntax" => syntax::yaml(self.text, place, &message),
            _ => Diagnostic::error(code, place, message),
        };
        self.report.push(found.kong(Vec::new(), kong));
        Stop
    }
}

// === impl Mapping ===

impl Mapping {
    fn position(&self, key: &str) -> Option<usize> {
        if self.pairs.len() < MANY {
            return self.pairs.iter().position(|pair| &*pair.key == key);
        }
        self.index.get(key).copied()
    }

    /// Books the last pair in the index; all of them, where that begins.
    fn book(&mut self) {
        let last = self.pairs.len().saturating_sub(1);
        let from = match self.pairs.len() {
            0..MANY => return,
            MANY => 0,
            _ => last,
        };
        let unknown = self.pairs.iter().enumerate().skip(from);
        self.index.extend(unknown.map(|(at, pair)| (Arc::clone(&pair.key), at)));
    }

    /// Adds a pair. A written key replaces one of the same name; the first one is told then, unless it was merged.
    fn put(&mut self, pair: Pair, merged: bool) -> Option<(Span, Arc<str>, Span)> {
        let Some(at) = self.position(&pair.key) else {
            self.merged.extend(merged.then_some(self.pairs.len()));
            self.pairs.push(pair);
            self.book();
            return None;
        };
        if merged {
            return None;
        }
        let told = (self.pairs[at].key_span, Arc::clone(&pair.key), pair.key_span);
        self.pairs[at] = pair;
        (!self.merged.remove(&at)).then_some(told)
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
