//! What is wrong with a configuration: plain data, collected, never printed here.
//!
//! Reading goes on after an error; a function that reports returns `None`, which means "already reported".

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A piece of text that was read: a file, standard input, or a document inside a setting.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to call it in messages, usually the path as given.
    pub name: Arc<str>,
    /// The text, without a byte order mark.
    pub text: Arc<str>,
}

/// A place in a [`Source`]: byte offsets, end exclusive. Small, for every value has one; no document is longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    start: u32,
    end: u32,
}

/// Whether a configuration can run with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// The key of a value. Nearly all are names of fields, which stand in our tables.
pub type Key = Cow<'static, str>;

/// One step from the top of the document to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The value of this key.
    Key(Key),
    /// The entry with this number, counted from 0.
    Entry(usize),
}

/// The same error in Kong's words: where in its nested table it stands, and the leaf text (`kong/declarative.md` §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KongError {
    /// From the document's top; may end in `@entity`.
    pub path: Vec<Step>,
    /// E.g. `required field missing`.
    pub message: String,
}

/// A second place that explains the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words, lower case, no full stop.
    pub text: String,
}

/// Whether a character may be more or less often in a text as written, where lines are folded or indented.
#[must_use]
pub const fn is_blank(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}'
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable and greppable: `unknown-field`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence about the user's object, lower case, no full stop.
    pub message: String,
    /// The place it is about.
    pub span: Span,
    /// What to write under that place, if more than the message is to be said.
    pub label: Option<String>,
    /// Other places.
    pub others: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// Kong's own words for it, if Kong refuses it too.
    pub kong: Option<KongError>,
    /// Which part of the text at that place it is about. None is left when reading is over: the place is the part's then.
    pub inside: Option<Inside>,
}

/// A part of a text, in characters that are no blanks: those are the same however the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// How many come before.
    pub before: usize,
    /// How many it has.
    pub length: usize,
}

/// The code of what Kong does not have.
pub const NOT_PORTABLE: &str = "not-portable";

/// How much a document holds, for people; also when it is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Its services.
    pub services: usize,
    /// Its routes.
    pub routes: usize,
    /// Its plugins.
    pub plugins: usize,
}

/// Everything found in one run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How much there was to look at.
    pub size: Size,
    /// In the order in which they were found; [`Report::sorted`] sorts by place.
    pub found: Vec<Diagnostic>,
    /// What Kong says besides when it refuses the file: consequences of what was found, not worth a place of their own.
    pub asides: Vec<KongError>,
    /// What Kong does not have and would refuse, or not do: no fault here.
    pub extensions: Vec<Diagnostic>,
}

// === impl Source ===

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Bytes as they were read: a byte order mark is dropped.
    ///
    /// # Errors
    /// The place of the first byte that is not UTF-8.
    pub fn from_bytes(name: impl Into<Arc<str>>, bytes: &[u8]) -> Result<Self, usize> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => Err(error.valid_up_to()),
        }
    }

    /// Line and column of a byte, both counted from 1; the column in characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |nl| nl + 1);
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
    }
}

// === impl Span ===

impl Span {
    /// From the first byte to one past the last. Saturates, far behind [`MAX_TEXT`](super::MAX_TEXT).
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: short(start), end: short(end) }
    }

    /// First byte.
    #[must_use]
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// One past the last byte.
    #[must_use]
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// All its bytes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start()..self.end()
    }
}

// === impl Step ===

impl Step {
    /// The key, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Entry(_) => None,
        }
    }
}

// === impl Diagnostic ===

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let (label, others, help, kong, inside) = (None, Vec::new(), None, None, None);
        Self { code, severity: Severity::Error, message: message.into(), span, label, others, help, kong, inside }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Words under the underline.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Another place that matters.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// It is about this part of the text at its place.
    #[must_use]
    pub fn inside(mut self, text: &str, part: Range<usize>) -> Self {
        let count = |part: Option<&str>| part.unwrap_or_default().chars().filter(|c| !is_blank(*c)).count();
        self.inside = Some(Inside { before: count(text.get(..part.start)), length: count(text.get(part)) });
        self
    }

    /// Kong's words for it.
    #[must_use]
    pub fn kong(mut self, path: Vec<Step>, message: impl Into<String>) -> Self {
        self.kong = Some(KongError { path, message: message.into() });
        self
    }
}

// === impl Report ===

impl Report {
    /// Takes for consequences what was found from `first` on and is such.
    pub(super) fn set_aside(&mut self, first: usize, is_such: impl Fn(&Diagnostic) -> bool) {
        let told: Vec<_> = self.found.drain(first..).collect();
        let (aside, kept): (Vec<_>, Vec<_>) = told.into_iter().partition(is_such);
        self.found.extend(kept);
        self.asides.extend(aside.into_iter().filter_map(|found| found.kong));
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Notes that something is understood here and not by Kong.
    pub fn extension(&mut self, span: Span, message: impl Into<String>) {
        self.extensions.push(Diagnostic::error(NOT_PORTABLE, span, message));
    }

    /// Whether anything keeps the configuration from running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether Kong would refuse it, too.
    #[must_use]
    pub fn has_kong_errors(&self) -> bool {
        !self.asides.is_empty()
            || self.found.iter().any(|found| found.severity == Severity::Error && found.kong.is_some())
    }

    /// Drops warnings of these codes: whoever names them knows.
    pub fn allow(&mut self, codes: &[String]) {
        let allowed = |found: &Diagnostic| codes.iter().any(|code| code == found.code);
        self.found.retain(|found| found.severity == Severity::Error || !allowed(found));
    }

    /// How many of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|d| d.severity == severity).count()
    }

    /// By place, then errors first.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.found.iter().collect();
        all.sort_by(|a, b| (a.span.start, a.severity, a.code).cmp(&(b.span.start, b.severity, b.code)));
        all
    }
}
