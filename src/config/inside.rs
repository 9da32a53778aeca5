//! Where in a document a part of a text is written: in block scalars, in quotes with escapes, on folded lines.
//!
//! Characters that are no blanks are the same on both sides and in the same order, but for escapes. So they are counted.

use super::report::{Inside, Report, Span, is_blank};

/// Gives what is about a part of a text the place of that part.
pub(super) fn settle(report: &mut Report, document: &str) {
    for found in &mut report.found {
        if let Some(inside) = found.inside.take() {
            found.span = place(document, found.span, inside).unwrap_or(found.span);
        }
    }
}

/// The place of a part of the text that is written at `span`; what is behind its end is its last character.
fn place(document: &str, span: Span, inside: Inside) -> Option<Span> {
    let written = document.get(span.start()..)?;
    let end = span.end().saturating_sub(span.start());
    let mut characters = Characters::new(written, end);
    let mut last = None;
    let first = loop {
        match characters.next() {
            Some(found) if characters.passed > inside.before => break found,
            Some(found) => last = Some(found),
            None => break last?,
        }
    };
    let mut place = first;
    for next in characters.take(inside.length.saturating_sub(1)) {
        // A mark spans no lines.
        if next.start() != place.end() {
            break;
        }
        place = Span::new(place.start(), next.end());
    }
    Some(Span::new(span.start() + place.start(), span.start() + place.end()))
}

/// What follows anchor and tag, and the first line of a block that has them.
fn content(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with(['&', '!']) {
        rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    }
    match rest.split_once('\n') {
        Some((first, block)) if rest.len() < text.len() && first.starts_with(['|', '>']) => block,
        _ => rest,
    }
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
}

/// The characters of a written text that are no blanks, each with its place.
struct Characters<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    style: Style,
    /// How many were given.
    passed: usize,
}

// === impl Characters ===

impl<'a> Characters<'a> {
    fn new(text: &'a str, end: usize) -> Self {
        let begin = text.len() - content(text).len();
        let style = match text[begin..].bytes().next() {
            Some(b'\'') => Style::Single,
            Some(b'"') => Style::Double,
            _ => Style::Plain,
        };
        let end = end.min(text.len());
        // The closing quote is none of them.
        let (at, end) = if style == Style::Plain { (begin, end) } else { (begin + 1, end.saturating_sub(1)) };
        Self { text, at, end, style, passed: 0 }
    }

    /// How long the next character is as written, and whether it is no blank.
    fn step(&self, rest: &str) -> Option<(usize, bool)> {
        let first = rest.chars().next()?;
        Some(match (self.style, first) {
            (Style::Double, '\\') => escape(&rest[1..]),
            (Style::Single, '\'') => (2, true),
            _ => (first.len_utf8(), !is_blank(first)),
        })
    }
}

impl Iterator for Characters<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while self.at < self.end {
            let start = self.at;
            let (length, counts) = self.step(self.text.get(start..self.end)?)?;
            self.at = (start + length).min(self.end);
            if counts {
                self.passed += 1;
                return Some(Span::new(start, self.at));
            }
        }
        None
    }
}

/// Length of an escape whose backslash was seen, and whether it stands for what is no blank.
fn escape(rest: &str) -> (usize, bool) {
    let Some(kind) = rest.chars().next() else { return (1, false) };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return (1 + kind.len_utf8(), !matches!(kind, 'n' | 't' | 'r' | 'v' | 'f' | ' ' | '\t' | '\n' | '\r')),
    };
    let code = rest.get(1..=digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    // The first half of a pair counts with the second.
    let counts =
        code.is_none_or(|code| !(0xd800..0xdc00).contains(&code) && !char::from_u32(code).is_some_and(is_blank));
    (2 + digits, counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::report::Diagnostic;

    /// What is marked in a document whose text from `from` on means `text`, when the part is about `part`.
    #[track_caller]
    fn marked<'a>(document: &'a str, from: &str, text: &str, part: &str) -> &'a str {
        let (start, at) = (document.find(from).unwrap(), text.find(part).unwrap());
        let found =
            Diagnostic::error("x", Span::new(start, document.trim_end().len()), "").inside(text, at..at + part.len());
        let mut report = Report::default();
        report.push(found);
        settle(&mut report, document);
        let span = report.found[0].span;
        assert_eq!(report.found[0].inside, None);
        &document[span.range()]
    }

    #[test]
    fn parts_are_found_in_every_style() {
        let text = "if a then\n  é = = 'b'\nend\n";
        assert_eq!(marked("- |\n  if a then\n    é = = 'b'\n  end\n", "if", text, "= 'b"), "=");
        assert_eq!(marked("- |\n  if a then\n    é = = 'b'\n  end\n", "if", text, "'b'"), "'b'");
        assert_eq!(marked("- \"if a then\\n  é = = 'b'\\nend\\n\"", "\"", text, "'b'"), "'b'");
        assert_eq!(marked("- \"if a\\x20then\\n  \\u00e9 = =\\\n   \\ 'b'\\nend\\n\"", "\"", text, "'b'"), "'b'");
        assert_eq!(marked("- 'if a then\n\n  é = = ''b''\n\n  end\n  '", "'", text, "b"), "b");
        assert_eq!(marked("- 'é ''b'' c'", "'", "é 'b' c", "'b'"), "''b''");
        assert_eq!(marked("- >\n  one two\n  three\n", "one", "one two three\n", "three"), "three");
        assert_eq!(marked("- &a !!str |2-\n  a\n  b\n", "&a", "a\nb", "b"), "b");
        assert_eq!(marked("- &a 'a b'", "&a", "a b", "b"), "b");
        assert_eq!(marked("- one two\n  three", "one", "one two three", "three"), "three");
    }

    #[test]
    fn what_is_behind_the_end_is_the_last_character() {
        let found = Diagnostic::error("x", Span::new(2, 8), "").inside("abcdef", 6..6);
        assert_eq!(place("- abcdef", found.span, found.inside.unwrap()), Some(Span::new(7, 8)));
        assert_eq!(place("", Span::new(0, 0), Inside { before: 3, length: 1 }), None);
    }
}
