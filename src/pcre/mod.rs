//! Perl-compatible regular expressions over bytes, as Kong's `ngx.re` runs them, safe against slow patterns.
//!
//! A pattern whose meaning is the same in both engines runs on the `regex` crate, in linear time; any other on PCRE2
//! with a limit on its steps. No match is the answer where that limit is hit, as in Kong. Must not know what the
//! expressions are for.

mod error;
mod shared;

use std::sync::OnceLock;

/// How many steps PCRE2 may take in one match: OpenResty's `lua_regex_match_limit` in Kong.
const LIMIT: &str = "(*LIMIT_MATCH=100000)";

/// A compiled expression.
#[derive(Debug)]
pub struct Pcre {
    engine: Engine,
    names: Box<[Option<Box<str>>]>,
}

/// One group of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// Where, as byte offsets into the subject; `None` if it took no part.
    pub range: Option<(usize, usize)>,
}

#[derive(Debug)]
enum Engine {
    /// Means the same on both.
    Linear(regex::bytes::Regex),
    /// Means the same on both, unless the subject ends in a line feed: Perl's `$` matches before it, too.
    Dollar { linear: regex::bytes::Regex, text: Box<str>, exact: OnceLock<Option<pcre2::bytes::Regex>> },
    /// PCRE2 alone.
    Backtracking(pcre2::bytes::Regex),
}

/// The engine for one subject.
enum Chosen<'a> {
    Linear(&'a regex::bytes::Regex),
    Backtracking(&'a pcre2::bytes::Regex),
    Broken,
}

// === impl Pcre ===

impl Pcre {
    /// Compiles an expression that may match anywhere.
    ///
    /// # Errors
    /// What PCRE says about it, in the words of Kong 2's PCRE (`kong/declarative.md`, `invalid regex`).
    pub fn new(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, pattern).map_err(|e| error::words(&e, pattern))
    }

    /// Compiles an expression that must match from the first byte on.
    ///
    /// # Errors
    /// What PCRE says about it, in the words of Kong 2's PCRE (`kong/declarative.md`, `invalid regex`).
    pub fn anchored(pattern: &str) -> Result<Self, String> {
        let (verbs, rest) = split_verbs(pattern);
        let built = Self::compile(pattern, &format!("{verbs}\\A(?:{rest})")).or_else(|_| {
            backtracking(pattern)?;
            // Good in itself, so a comment at its end swallowed the bracket.
            Self::compile(pattern, &format!("{verbs}\\A(?:{rest}\n)"))
        });
        built.map_err(|e| error::words(&e, pattern))
    }

    /// `pattern` is what was written, `text` what is run.
    fn compile(pattern: &str, text: &str) -> Result<Self, pcre2::Error> {
        let engine = match linear(pattern, text) {
            Some(engine) => engine,
            None => Engine::Backtracking(backtracking(text)?),
        };
        Ok(Self { names: names(&engine), engine })
    }

    /// Whether it matches. An expression that runs into the engine's limits does not.
    #[must_use]
    pub fn is_match(&self, subject: &[u8]) -> bool {
        match self.engine.choose(subject) {
            Chosen::Linear(regex) => regex.is_match(subject),
            Chosen::Backtracking(regex) => regex.is_match(subject).unwrap_or(false),
            Chosen::Broken => false,
        }
    }

    /// How many bytes it matches at the start of the subject; `None` if it does not match there.
    #[must_use]
    pub fn match_len(&self, subject: &[u8]) -> Option<usize> {
        let (start, end) = match self.engine.choose(subject) {
            Chosen::Linear(regex) => regex.find(subject).map(|m| (m.start(), m.end()))?,
            Chosen::Backtracking(regex) => regex.find(subject).ok()?.map(|m| (m.start(), m.end()))?,
            Chosen::Broken => return None,
        };
        (start == 0).then_some(end)
    }

    /// All groups of the first match, number 0 the whole match.
    #[must_use]
    pub fn captures(&self, subject: &[u8]) -> Option<Vec<Capture>> {
        match self.engine.choose(subject) {
            Chosen::Linear(regex) => {
                let mut slots = regex.capture_locations();
                regex.captures_read(&mut slots, subject)?;
                Some(self.named(|index| slots.get(index)))
            }
            Chosen::Backtracking(regex) => {
                let mut slots = regex.capture_locations();
                regex.captures_read(&mut slots, subject).ok()??;
                Some(self.named(|index| slots.get(index)))
            }
            Chosen::Broken => None,
        }
    }

    /// The groups of the first match that begins at `start` or later; what is before may still be looked at.
    ///
    /// # Errors
    /// PCRE's number when it gives up, e.g. when the match takes too many steps.
    pub fn captures_at(&self, subject: &[u8], start: usize) -> Result<Option<Vec<Capture>>, String> {
        if start > subject.len() {
            return Ok(None);
        }
        match self.engine.choose(subject) {
            Chosen::Linear(regex) => {
                let mut slots = regex.capture_locations();
                let found = regex.captures_read_at(&mut slots, subject, start);
                Ok(found.map(|_| self.named(|index| slots.get(index))))
            }
            Chosen::Backtracking(regex) => {
                let mut slots = regex.capture_locations();
                let found = regex.captures_read_at(&mut slots, subject, start);
                let found = found.map_err(|error| format!("pcre_exec() failed: {}", error.code()))?;
                Ok(found.map(|_| self.named(|index| slots.get(index))))
            }
            Chosen::Broken => Err("pcre_exec() failed".to_owned()),
        }
    }

    fn named(&self, range: impl Fn(usize) -> Option<(usize, usize)>) -> Vec<Capture> {
        let names = self.names.iter().enumerate();
        names.map(|(index, name)| Capture { name: name.clone(), range: range(index) }).collect()
    }

    /// How many groups it has, not counting the whole match.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.names.len().saturating_sub(1)
    }

    /// Whether it runs in time linear to the subject, whatever the subject.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        matches!(self.engine, Engine::Linear(_))
    }
}

// === impl Engine ===

impl Engine {
    fn choose(&self, subject: &[u8]) -> Chosen<'_> {
        match self {
            Self::Linear(regex) => Chosen::Linear(regex),
            Self::Dollar { text, exact, .. } if subject.ends_with(b"\n") => {
                let regex = exact.get_or_init(|| backtracking(text).ok());
                regex.as_ref().map_or(Chosen::Broken, Chosen::Backtracking)
            }
            Self::Dollar { linear, .. } => Chosen::Linear(linear),
            Self::Backtracking(regex) => Chosen::Backtracking(regex),
        }
    }
}

/// Checks an expression, for `invalid regex: '…' (PCRE returned: …)`.
///
/// # Errors
/// What stands after `PCRE returned:`.
pub fn check(pattern: &str) -> Result<(), String> {
    Pcre::new(pattern).map(|_| ())
}

/// Bytes that every match starts with, as far as they are plain to see: for an index. May be shorter than it could.
#[must_use]
pub fn literal_prefix(pattern: &str) -> Vec<u8> {
    shared::literal_prefix(pattern)
}

/// The linear engine, where it means what PCRE means and can build the pattern at all.
fn linear(pattern: &str, text: &str) -> Option<Engine> {
    let shared = shared::scan(pattern)?;
    let linear = regex::bytes::RegexBuilder::new(text).unicode(false).build().ok()?;
    Some(if shared.dollar {
        Engine::Dollar { linear, text: text.into(), exact: OnceLock::new() }
    } else {
        Engine::Linear(linear)
    })
}

fn backtracking(text: &str) -> Result<pcre2::bytes::Regex, pcre2::Error> {
    pcre2::bytes::RegexBuilder::new().jit_if_available(true).build(&format!("{LIMIT}{text}"))
}

fn names(engine: &Engine) -> Box<[Option<Box<str>>]> {
    match engine {
        Engine::Linear(regex) | Engine::Dollar { linear: regex, .. } => {
            regex.capture_names().map(|name| name.map(Into::into)).collect()
        }
        Engine::Backtracking(regex) => {
            regex.capture_names().iter().map(|name| name.as_deref().map(Into::into)).collect()
        }
    }
}

/// `(*VERB)`s must stay in front of everything.
fn split_verbs(pattern: &str) -> (&str, &str) {
    let mut end = 0;
    while pattern[end..].starts_with("(*") {
        match pattern[end..].find(')') {
            Some(close) => end += close + 1,
            None => break,
        }
    }
    pattern.split_at(end)
}

#[cfg(test)]
mod tests;
