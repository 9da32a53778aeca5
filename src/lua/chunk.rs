//! A chunk of a configuration: its text, checked when it is loaded and compiled once by each worker.

use super::vm;
use crate::settings::UntrustedLua;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// A chunk. Its functions live as long as it: when a configuration goes, workers forget what they compiled.
#[derive(Debug)]
pub struct Chunk {
    /// Tells it from every other of this process.
    pub(super) id: u64,
    pub(super) source: Box<str>,
    /// What messages call it: never its text, which may hold secrets.
    pub(super) label: Box<str>,
    pub(super) rules: Arc<UntrustedLua>,
    alive: Arc<()>,
}

/// What is wrong with a text that is no Lua.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// The place: bytes of the text. Behind its end where something is missing there.
    pub at: Range<usize>,
    /// What is wrong there, in LuaJIT's words.
    pub message: String,
    /// The same as Kong prints it, with the beginning of the text.
    pub kong: String,
}

// === impl Chunk ===

impl Chunk {
    /// A chunk whose text is Lua, as [`check`] says.
    #[must_use]
    pub fn new(source: &str, label: String, rules: Arc<UntrustedLua>) -> Self {
        Self { id: number(), source: source.into(), label: label.into(), rules, alive: Arc::default() }
    }

    /// Whether its text has one of these words, so that it may call a function with such a name.
    #[must_use]
    pub fn mentions(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.source.contains(word))
    }

    pub(super) fn lease(&self) -> Weak<()> {
        Arc::downgrade(&self.alive)
    }
}

/// A number that nothing else in this process has.
#[must_use]
pub fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Whether a text is Lua. It is not run.
///
/// # Errors
/// What is wrong with it.
pub fn check(source: &str) -> Result<(), Syntax> {
    vm::compile(source, source).map_err(|kong| Syntax::read(source, kong))
}

// === impl Syntax ===

impl Syntax {
    /// Takes LuaJIT's message apart: `[string "…"]:LINE: MESSAGE near 'TOKEN'`.
    pub(super) fn read(source: &str, kong: String) -> Self {
        let (line, message) = parted(&kong);
        let (message, token) = (message.to_owned(), token(message));
        let at = match token {
            None => lines(source, line),
            Some(END) => source.len()..source.len(),
            Some(token) => find(source, line, token, &message).unwrap_or_else(|| lines(source, line)),
        };
        Self { at, message, kong }
    }
}

/// What LuaJIT calls the end of a text.
const END: &str = "<eof>";

/// Line and message.
fn parted(kong: &str) -> (usize, &str) {
    let after = kong.split_once("]:").map_or(kong, |(_, after)| after);
    let (line, message) = after.split_once(": ").unwrap_or(("1", after));
    (line.parse().unwrap_or(1), message)
}

/// The word near which something is wrong.
fn token(message: &str) -> Option<&str> {
    message.split_once(" near '").and_then(|(_, rest)| rest.strip_suffix('\''))
}

/// A line, from 1, without the blanks around it.
fn lines(source: &str, number: usize) -> Range<usize> {
    let start: usize = source.split_inclusive('\n').take(number.saturating_sub(1)).map(str::len).sum();
    let line = source[start..].lines().next().unwrap_or_default();
    let start = start + line.len() - line.trim_start().len();
    start..start + line.trim().len()
}

/// The place of a word in a line: the first up to which the text is wrong in the same way.
fn find(source: &str, line: usize, token: &str, message: &str) -> Option<Range<usize>> {
    let line = lines(source, line);
    let places =
        source[line.clone()].match_indices(token).map(|(at, _)| line.start + at..line.start + at + token.len());
    let mut places = places.filter(|at| is_apart(source, at)).peekable();
    let first = places.peek().cloned();
    let same = |at: &Range<usize>| vm::compile(&source[..at.end], "").is_err_and(|kong| parted(&kong).1 == message);
    places.find(same).or(first)
}

/// Whether a word is not a part of a longer one.
fn is_apart(source: &str, at: &Range<usize>) -> bool {
    let kind = |c: char| match c {
        '=' | '~' | '<' | '>' => Some(true),
        '_' => Some(false),
        _ => c.is_alphanumeric().then_some(false),
    };
    let meets = |one: Option<char>, other: Option<char>| {
        one.and_then(kind).is_some_and(|one| other.and_then(kind) == Some(one))
    };
    let (before, word, after) = (&source[..at.start], &source[at.clone()], &source[at.end..]);
    !meets(before.chars().next_back(), word.chars().next()) && !meets(word.chars().next_back(), after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_no_lua_is_told_with_its_line() {
        let wrong = check("if x then").unwrap_err();
        assert_eq!(wrong.kong, "[string \"if x then\"]:1: 'end' expected near '<eof>'");
        assert_eq!((wrong.at, &*wrong.message), (9..9, "'end' expected near '<eof>'"));
        for (source, at) in [
            ("\nlocal a = = 1\n", 11..12),
            ("x = x == = x", 9..10),
            ("é é", 3..5),
            ("a = 'x\n b'", 4..6),
            ("goto gone", 0..9),
            ("local break", 6..11),
            ("return 1\nreturn 2", 9..15),
            ("for a = 1 2 do", 10..11),
        ] {
            assert_eq!(check(source).unwrap_err().at, at, "{source} {:?}", check(source));
        }
        assert_eq!(check("return 1 --]:7: x"), Ok(()));
        assert!(check("\u{1b}LJ\u{2}").is_err());
    }
}
