//! Lines and columns to bytes and back. The YAML parser counts lines and characters; its byte counts cannot be used.

use super::report::Span;

/// A text's line starts, and where the last question was, since questions come in order.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    last: (usize, usize, usize),
}

impl<'a> Lines<'a> {
    /// Finds the lines: they end with CR, LF or both.
    pub(super) fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        for line in text.split_inclusive('\n') {
            let (from, to) = (starts.last().copied().unwrap_or_default(), line.len());
            let ends = line.match_indices('\r').map(|(at, _)| at + 1).chain(line.ends_with('\n').then_some(to));
            starts.extend(ends.filter(|end| !line[*end..].starts_with('\n')).map(|end| from + end));
        }
        Self { text, starts, last: (0, 0, 0) }
    }

    /// The byte of a line (from 1) and a column (from 0, in characters).
    pub(super) fn byte(&mut self, line: usize, column: usize) -> usize {
        let Some(&start) = self.starts.get(line.saturating_sub(1)) else { return self.text.len() };
        let (seen, from) = match self.last {
            (l, c, byte) if l == line && c <= column => (c, byte),
            _ => (0, start),
        };
        let skipped = characters(&self.text[from..], column - seen);
        self.last = (line, column, from + skipped);
        from + skipped
    }

    /// Line and column of a byte, both from 1.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..at.min(self.text.len())).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The character at a byte; nothing at the end of the text.
    pub(super) fn character(&self, at: usize) -> Span {
        let length = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        Span::new(at, at + length)
    }

    /// One past a closing bracket, if there is one at that byte.
    pub(super) fn after_bracket(&self, at: usize) -> Option<usize> {
        matches!(self.text.as_bytes().get(at), Some(b']' | b'}')).then_some(at + 1)
    }

    /// The same place without blanks and line ends at its end.
    pub(super) fn trimmed(&self, place: Span) -> Span {
        let inside = self.text.get(place.range()).unwrap_or_default();
        match inside.trim_end().len() {
            0 => place,
            length => Span::new(place.start(), place.start() + length),
        }
    }

    /// The same place up to the quote that closes the text: the parser counts a comment behind it in.
    pub(super) fn quoted(&self, place: Span) -> Span {
        let inside = self.text.get(place.range()).unwrap_or_default();
        closing_quote(inside).map_or(place, |length| Span::new(place.start(), place.start() + length))
    }
}

/// The length of so many characters at the beginning of a text.
fn characters(text: &str, count: usize) -> usize {
    match text.as_bytes().get(..count) {
        Some(bytes) if bytes.is_ascii() => count,
        _ => text.char_indices().nth(count).map_or(text.len(), |(at, _)| at),
    }
}

/// One past the quote that closes a text in quotes.
fn closing_quote(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        let doubled = c == '\'' && rest.peek().is_some_and(|(_, next)| *next == '\'');
        match c {
            '\\' if quote == '"' => drop(rest.next()),
            _ if c != quote => {}
            _ if doubled => drop(rest.next()),
            _ => return Some(at + 1),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_lines_may_end_in_any_way() {
        let text = "aé: b\r\nc\rd\n";
        let mut lines = Lines::new(text);
        assert_eq!(lines.byte(1, 2), 3);
        assert_eq!(lines.byte(1, 4), 5);
        assert_eq!(lines.byte(2, 0), 8);
        assert_eq!(lines.byte(3, 0), 10);
        assert_eq!(lines.byte(9, 0), text.len());
        assert_eq!(lines.position(5), (1, 5));
        assert_eq!(lines.position(10), (3, 1));
        assert_eq!(lines.trimmed(Span::new(0, 8)), Span::new(0, 6));
    }

    #[test]
    fn a_comment_is_no_part_of_a_text_in_quotes() {
        for (text, length) in [("'a' # b", 3), ("'a''b'# c", 6), (r#""a\"b" # "c""#, 6), ("\"a", 2), ("a 'b' c", 7)] {
            let whole = Span::new(0, text.len());
            assert_eq!(Lines::new(text).quoted(whole), Span::new(0, length), "{text}");
        }
    }
}
