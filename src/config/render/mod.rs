//! Reports as text, one file per format. Pure: whether there are colours and how wide the terminal is are arguments.
//!
//! Whatever is shown of a document has its secrets starred, in every format.

mod github;
mod human;
mod json;
mod sarif;
mod short;

pub use github::github;
pub use human::human;
pub use json::json;
pub use sarif::sarif;
pub use short::short;

use super::mask::Masks;
use super::report::{Diagnostic, Report, Severity, Source, Span};
use std::borrow::Cow;
use std::cell::OnceCell;

/// Characters of a message that are shown.
const MOST: usize = 600;

/// One file of a run.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// Its text; empty if it could not be read.
    pub source: &'a Source,
    /// What was found.
    pub report: &'a Report,
    /// What comes of it.
    pub verdict: Verdict,
}

/// What comes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It can be served.
    Valid,
    /// It is refused.
    Invalid,
    /// It could not be read.
    Unreadable,
}

/// Line and column of both ends of a place, from 1, columns in characters. The end is one past the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: (usize, usize),
    end: (usize, usize),
}

/// A text and where its lines begin.
struct Text<'a> {
    source: &'a Source,
    starts: Vec<usize>,
    masked: OnceCell<String>,
    masks: Masks,
}

// === impl Verdict ===

impl Verdict {
    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unreadable => "unreadable",
        }
    }
}

// === impl Text ===

impl<'a> Text<'a> {
    fn of(source: &'a Source) -> Self {
        let breaks = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { source, starts, masked: OnceCell::new(), masks: Masks::default() }
    }

    /// The whole text with its secrets starred; a secret may begin before what is shown.
    fn masked(&self) -> &str {
        self.masked.get_or_init(|| self.masks.mask(&self.source.text))
    }

    /// A text of ours that may quote the document: secrets starred, control characters made visible, not endless.
    fn said(&self, text: &str) -> String {
        self.masks.mask(&cut(text)).chars().map(visible).collect()
    }

    /// The number of a byte's line, from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn start_of(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.source.text.len())
    }

    /// Where a line ends, without its line end.
    fn end_of(&self, line: usize) -> usize {
        self.starts.get(line + 1).map_or(self.source.text.len(), |next| next - 1)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let at = floor(&self.source.text, at);
        let line = self.line(at);
        (line + 1, self.source.text[self.starts[line]..at].chars().count() + 1)
    }

    fn range(&self, span: Span) -> Range {
        Range {
            start: self.position(span.start()),
            end: self.position(ceil(&self.source.text, span.end().max(span.start()))),
        }
    }
}

/// In the order of the document. What an alias mentions again is told once.
fn distinct(report: &Report) -> impl Iterator<Item = &Diagnostic> {
    let mut all = report.sorted();
    all.dedup_by(|a, b| (a.code, a.span, &a.message) == (b.code, b.span, &b.message));
    all.into_iter()
}

fn severity(found: &Diagnostic) -> &'static str {
    match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn visible(c: char) -> Cow<'static, str> {
    match c {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        // Directions of writing hide what is written (CVE-2021-42574).
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            c.escape_unicode().to_string().into()
        }
        c if c.is_control() => c.escape_unicode().to_string().into(),
        c => c.to_string().into(),
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match (text.char_indices().nth(MOST), text.char_indices().rev().nth(MOST / 10)) {
        (Some((end, _)), Some((from, _))) if end < from => Cow::Owned(format!("{}…{}", &text[..end], &text[from..])),
        _ => Cow::Borrowed(text),
    }
}

/// The nearest character border at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The nearest character border at or behind a byte.
fn ceil(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_characters() {
        let source = Source::new("k.yml", "a: 1\ngrößé: 中 x\n");
        let text = Text::of(&source);
        let start = source.text.find('中').unwrap_or_default();
        assert_eq!(text.range(Span::new(start, start + 3)), Range { start: (2, 8), end: (2, 9) });
        assert_eq!(text.position(10_000), (3, 1));
    }

    #[test]
    fn what_is_quoted_cannot_play_tricks() {
        let source = Source::new("k.yml", "");
        let text = Text::of(&source);
        assert_eq!(text.said("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        assert_eq!(text.said("invalid value: http://u:geheim@h/"), "invalid value: http://u:******@h/");
        let long = text.said(&"x".repeat(100_000));
        assert!(long.chars().count() < 700 && long.contains('…'));
    }
}
