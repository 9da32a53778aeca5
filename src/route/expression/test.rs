//! One comparison, read: which field, how, with what. Pure.

use super::eval::Hit;
use super::field::{Address, Number, Text};
use crate::route::Query;
use ipnet::IpNet;
use regex::bytes::Regex;
use std::borrow::Cow;
use std::net::IpAddr;

/// A comparison.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Text(TextTest),
    Number(Number, NumberTest, i64),
    Address(Address, AddressTest),
}

/// Of a text.
#[derive(Clone, Debug)]
pub(super) struct TextTest {
    pub(super) field: Text,
    /// `lower()`.
    pub(super) lower: bool,
    /// `any()`: one value will do.
    pub(super) any: bool,
    pub(super) with: With,
}

/// What a text is compared with.
#[derive(Clone, Debug)]
pub(super) enum With {
    Equal(Box<[u8]>),
    Other(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Part(Box<[u8]>),
    Regex(Regex),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberTest {
    Equal,
    Other,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

/// What an address is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum AddressTest {
    Equal(IpAddr),
    Other(IpAddr),
    In(IpNet),
    NotIn(IpNet),
}

// === impl Test ===

impl Test {
    /// A field that is not there is as nothing says.
    pub(super) fn is_true(&self, query: &Query<'_>, hit: &mut Hit) -> bool {
        match self {
            Self::Text(test) => test.is_true(query, hit),
            Self::Number(field, how, than) => field.of(query).is_some_and(|number| how.is_true(number, *than)),
            Self::Address(field, how) => field.of(query).is_some_and(|address| how.is_true(address)),
        }
    }

    /// What every path that it accepts begins with, if it says so.
    pub(super) fn prefix(&self) -> Option<&[u8]> {
        match self {
            Self::Text(TextTest {
                field: Text::Path,
                lower: false,
                with: With::Equal(text) | With::Prefix(text),
                ..
            }) => Some(text),
            _ => None,
        }
    }
}

// === impl TextTest ===

impl TextTest {
    /// All values of the field have to be right, or with `any` one.
    fn is_true(&self, query: &Query<'_>, hit: &mut Hit) -> bool {
        if !self.any {
            return self.field.all(query, &mut |value| self.accepts(value, hit));
        }
        let mut found = false;
        self.field.all(query, &mut |value| {
            found = self.accepts(value, hit);
            !found
        });
        found
    }

    fn accepts(&self, value: &[u8], hit: &mut Hit) -> bool {
        let lowered = if self.lower { lower(value) } else { Cow::Borrowed(value) };
        let value = &*lowered;
        let (accepted, taken) = match &self.with {
            With::Equal(text) => (value == &**text, Some(text.len())),
            With::Other(text) => (value != &**text, None),
            With::Prefix(text) => (value.starts_with(text), Some(text.len())),
            With::Suffix(text) => (value.ends_with(text), Some(text.len())),
            With::Part(text) => (contains(value, text), None),
            With::Regex(regex) => match hit.read(regex, value) {
                Some(length) => (true, Some(length)),
                None => (false, None),
            },
        };
        if accepted && self.field == Text::Path {
            hit.prefix = taken.or(hit.prefix);
        }
        accepted
    }
}

/// As Unicode has it; only the letters of ASCII where the text is no UTF-8.
fn lower(value: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(value) {
        Ok(text) if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) => Cow::Borrowed(value),
        Ok(text) => Cow::Owned(text.to_lowercase().into_bytes()),
        Err(_) => Cow::Owned(value.to_ascii_lowercase()),
    }
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    part.is_empty() || value.windows(part.len()).any(|window| window == part)
}

// === impl NumberTest ===

impl NumberTest {
    fn is_true(self, number: i64, than: i64) -> bool {
        match self {
            Self::Equal => number == than,
            Self::Other => number != than,
            Self::Greater => number > than,
            Self::AtLeast => number >= than,
            Self::Less => number < than,
            Self::AtMost => number <= than,
        }
    }
}

// === impl AddressTest ===

impl AddressTest {
    /// Addresses of the other family are neither the same nor within.
    fn is_true(self, address: IpAddr) -> bool {
        match self {
            Self::Equal(other) => address == other,
            Self::Other(other) => address != other,
            Self::In(net) => net.contains(&address),
            Self::NotIn(net) => !net.contains(&address),
        }
    }
}
