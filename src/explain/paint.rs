//! Colours on terminals, and lines no longer than a terminal is wide. Pure.

use std::borrow::Cow;

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

// === impl Paint ===

impl Paint {
    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> Cow<'_, str> {
        self.wrap("1", text)
    }

    /// What comes in.
    #[must_use]
    pub fn green(self, text: &str) -> Cow<'_, str> {
        self.wrap("32", text)
    }

    /// What goes, or is refused.
    #[must_use]
    pub fn red(self, text: &str) -> Cow<'_, str> {
        self.wrap("31", text)
    }

    /// What matters less.
    #[must_use]
    pub fn dim(self, text: &str) -> Cow<'_, str> {
        self.wrap("2", text)
    }

    fn wrap<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m").into() } else { text.into() }
    }
}

/// The text in lines of at most `width` characters, broken at blanks; a word that is longer stays whole. Lines after the
/// first begin with `indent` blanks; `used` characters stand before the first.
#[must_use]
pub(super) fn folded(text: &str, used: usize, indent: usize, width: usize) -> String {
    let (mut out, mut column) = (String::with_capacity(text.len()), used);
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        let first = at == 0;
        if !first && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(folded("aa bb cc", 2, 4, 8), "aa bb\n    cc");
        assert_eq!(folded("a-very-long-word b", 0, 2, 8), "a-very-long-word\n  b");
        assert_eq!(folded("", 0, 2, 8), "");
    }

    #[test]
    fn colours_are_there_or_not() {
        assert_eq!(Paint(false).red("x"), "x");
        assert_eq!(Paint(true).red("x"), "\x1b[31mx\x1b[0m");
    }
}
