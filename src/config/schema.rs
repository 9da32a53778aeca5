//! The table of fields: what an entity or a plugin's `config` may hold. One table serves the reader, its messages,
//! the defaults and (later) the JSON Schema for editors.
//!
//! Facts come from `kong/declarative.md` §4 and `kong/plugins.md`. Nothing here reads a document; `check.rs` does.

use super::value::Checked;
use crate::entity::Compat;
use std::ops::Range;
use std::time::SystemTime;

/// A mapping with known keys.
#[derive(Debug)]
pub struct Record {
    /// In the order in which documentation lists them.
    pub fields: &'static [Field],
    /// Rules about several fields at once; Kong reports them under `@entity`.
    pub checks: &'static [EntityCheck],
}

/// One key of a [`Record`], or (without a name) the elements of a list.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key. Empty for list elements and map values.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether null or absent (and without default) is an error: `required field missing`.
    pub required: bool,
    /// What stands there when nothing is written.
    pub default: Default,
    /// Tried in order; the first that fails is reported.
    pub rules: &'static [Rule],
    /// Which compatibility has it.
    pub since: Since,
    /// Whether only this gateway has it.
    pub extension: bool,
    /// Whether only routes of the flavor `expressions` have it (`router_flavor`).
    pub flavored: bool,
    /// Whose name Kong has for it today: what is written here is read as if it were written there.
    pub alias: Option<&'static str>,
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text, at least one character long unless [`Rule::MayBeEmpty`] is among the rules.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A list, order and repeats kept.
    Array(&'static Field),
    /// A list; repeats are dropped silently.
    Set(&'static Field),
    /// A mapping with free keys: the rules for a key, and for a value.
    Map(&'static Field, &'static Field),
    /// A mapping with known keys. If the whole record is absent its fields' defaults still apply.
    Record(&'static Record),
    /// The id or name of an entity of this kind, e.g. `services`.
    Foreign(&'static str),
    /// Anything at all, kept unread (`_ignore`).
    Any,
}

/// What stands in a field when nothing is written.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// Nothing.
    None,
    /// This text.
    Str(&'static str),
    /// This whole number.
    Int(i64),
    /// This number.
    Num(f64),
    /// This truth.
    Bool(bool),
    /// These texts.
    Strs(&'static [&'static str]),
    /// These whole numbers.
    Ints(&'static [i64]),
}

/// What is wrong with a text in a language of its own, where in it, and how Kong says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The place: bytes of the text.
    pub at: Range<usize>,
    /// The code of the error.
    pub code: &'static str,
    /// In our words: what follows the field's name.
    pub message: String,
    /// What to write under that place, if more is to be said.
    pub label: Option<Box<str>>,
    /// What to do.
    pub help: Option<Box<str>>,
    /// In Kong's.
    pub kong: String,
}

/// A condition on one value. Messages are Kong's (`kong/declarative.md` §7).
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// `value should be between A and B`.
    Between(f64, f64),
    /// `value must be greater than X`.
    Greater(f64),
    /// `expected one of: a, b`.
    OneOf(&'static [&'static str]),
    /// `should start with: X`.
    StartsWith(&'static str),
    /// `length must be at least N` (texts and lists).
    MinLen(usize),
    /// `length must be N` (texts and lists).
    Len(usize),
    /// `expected a valid UUID`.
    Uuid,
    /// Text of length 0 is fine here.
    MayBeEmpty,
    /// A test of a text; the error is Kong's message.
    Text(fn(&str) -> Result<(), String>),
    /// A test of a text in a language of its own.
    Code(fn(&str) -> Result<(), Wrong>),
    /// A test of any value; the error is Kong's message.
    Value(fn(&Checked) -> Result<(), String>),
}

/// A condition on several fields of one record. Fields may be given as a path (`redis.host`); in a plugin's `config`
/// a path may begin with `config.`, as Kong names the fields of those checks that belong to the whole plugin.
#[derive(Clone, Copy, Debug)]
pub enum EntityCheck {
    /// `at least one of these fields must be non-empty: 'a', 'b'`.
    AtLeastOneOf(&'static [&'static str]),
    /// `exactly one of these fields must be non-empty: 'a', 'b'`.
    ExactlyOneOf(&'static [&'static str]),
    /// `only one or none of these fields must be set: 'a', 'b'`.
    OnlyOneOf(&'static [&'static str]),
    /// `all or none of these fields must be set: 'a', 'b'`.
    AllOrNone(&'static [&'static str]),
    /// `values of these fields must be distinct: 'a', 'b'`.
    Distinct(&'static [&'static str]),
    /// Anything else: yields (where, Kong's message) for each thing wrong. Where is a field, `@entity`, or empty for
    /// the record itself. A field that failed a rule of its own stands there as it was written.
    Custom(fn(&Checked) -> Vec<(&'static str, String)>),
    /// The same, of something that depends on the time.
    Timed(fn(&Checked, SystemTime) -> Vec<(&'static str, String)>),
}

/// Which compatibility knows a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Both.
    Always,
    /// Only Kong 3.
    Kong3,
    /// Only Kong 2.8.
    Kong2Only,
}

// === impl Record ===

impl Record {
    /// How many of its fields have a default, in whatever compatibility.
    #[must_use]
    pub fn defaults(&self) -> usize {
        self.fields.iter().filter(|field| field.has_default()).count()
    }

    /// The fields that a compatibility knows.
    pub fn fields(&self, compat: Compat) -> impl Iterator<Item = &'static Field> + use<> {
        let fields: &'static [Field] = self.fields;
        fields.iter().filter(move |field| field.since.knows(compat))
    }
}

// === impl Wrong ===

impl Wrong {
    /// A program that is no Lua. `message` says why.
    #[must_use]
    pub fn lua(at: Range<usize>, message: &str, kong: String) -> Self {
        Self { at, code: "bad-lua", message: format!("is no Lua: {message}"), label: None, help: None, kong }
    }
}

// === impl Since ===

impl Since {
    /// Whether a compatibility has what is marked so.
    #[must_use]
    pub const fn knows(self, compat: Compat) -> bool {
        match self {
            Self::Always => true,
            Self::Kong3 => matches!(compat, Compat::Kong3),
            Self::Kong2Only => matches!(compat, Compat::Kong2),
        }
    }
}

// === impl Field ===

impl Field {
    /// Whether something stands there when nothing is written. In a record there always is: its own fields may have one.
    #[must_use]
    pub const fn has_default(&self) -> bool {
        !matches!(self.default, Default::None) || matches!(self.kind, Kind::Record(_))
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: false,
            default: Default::None,
            rules: &[],
            since: Since::Always,
            extension: false,
            flavored: false,
            alias: None,
        }
    }

    /// A text.
    #[must_use]
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, Kind::String)
    }

    /// A whole number.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Kind::Integer)
    }

    /// A number.
    #[must_use]
    pub const fn number(name: &'static str) -> Self {
        Self::new(name, Kind::Number)
    }

    /// True or false.
    #[must_use]
    pub const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    /// A list.
    #[must_use]
    pub const fn array(name: &'static str, of: &'static Self) -> Self {
        Self::new(name, Kind::Array(of))
    }

    /// A list without repeats.
    #[must_use]
    pub const fn set(name: &'static str, of: &'static Self) -> Self {
        Self::new(name, Kind::Set(of))
    }

    /// A mapping with free keys.
    #[must_use]
    pub const fn map(name: &'static str, key: &'static Self, value: &'static Self) -> Self {
        Self::new(name, Kind::Map(key, value))
    }

    /// A nested mapping with known keys.
    #[must_use]
    pub const fn record(name: &'static str, of: &'static Record) -> Self {
        Self::new(name, Kind::Record(of))
    }

    /// A reference to an entity.
    #[must_use]
    pub const fn foreign(name: &'static str, entity: &'static str) -> Self {
        Self::new(name, Kind::Foreign(entity))
    }

    /// Anything, unread.
    #[must_use]
    pub const fn any(name: &'static str) -> Self {
        Self::new(name, Kind::Any)
    }

    /// Must be there.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With a default.
    #[must_use]
    pub const fn default(mut self, value: Default) -> Self {
        self.default = value;
        self
    }

    /// With rules.
    #[must_use]
    pub const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    /// Known to this gateway and not to Kong.
    #[must_use]
    pub const fn extension(mut self) -> Self {
        self.extension = true;
        self
    }

    /// Known only with `router_flavor = expressions`.
    #[must_use]
    pub const fn flavored(mut self) -> Self {
        self.flavored = true;
        self
    }

    /// An older name of another field, before which it goes when both are written.
    #[must_use]
    pub const fn alias(mut self, of: &'static str) -> Self {
        self.alias = Some(of);
        self
    }

    /// The key under which its value is found.
    #[must_use]
    pub const fn target(&self) -> &'static str {
        match self.alias {
            Some(of) => of,
            None => self.name,
        }
    }

    /// Known to one compatibility only.
    #[must_use]
    pub const fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }
}

/// A rule: the name of a header (`kong/declarative.md` §7).
///
/// # Errors
/// Kong's words.
pub fn header_name(text: &str) -> Result<(), String> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Ok(());
    }
    Err(format!("bad header name '{text}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"))
}
