//! A chunk of a configuration: its text, checked when it is loaded and compiled once by each worker.

use super::vm;
use crate::settings::UntrustedLua;
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
    /// The line in the chunk, from 1.
    pub line: usize,
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
    vm::compile(source).map_err(|kong| Syntax::read(source, kong))
}

// === impl Syntax ===

impl Syntax {
    /// Takes LuaJIT's message apart: `[string "…"]:LINE: MESSAGE`.
    fn read(source: &str, kong: String) -> Self {
        let after = kong.split_once("]:").map_or(&*kong, |(_, after)| after);
        let (line, message) = after.split_once(": ").unwrap_or(("1", after));
        let (last, message) = (source.lines().count().max(1), message.to_owned());
        Self { line: line.parse().map_or(1, |line: usize| line.clamp(1, last)), message, kong }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_no_lua_is_told_with_its_line() {
        let wrong = check("if x then").unwrap_err();
        assert_eq!(wrong.kong, "[string \"if x then\"]:1: 'end' expected near '<eof>'");
        assert_eq!((wrong.line, &*wrong.message), (1, "'end' expected near '<eof>'"));
        assert_eq!(check("\nlocal a = = 1\n").unwrap_err().line, 2);
        assert_eq!(check("return 1 --]:7: x"), Ok(()));
        assert!(check("\u{1b}LJ\u{2}").is_err());
    }
}
