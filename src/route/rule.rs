//! One route as the router sees it: what it asks of a request, read once (`kong/routing.md` §3). Must not know how
//! routes are ordered or found.

use super::Spec;
use super::host::{Key, Pattern};
use crate::entity::{Compat, RouteId};
use crate::pcre::Pcre;
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;

/// Which kinds of matcher a route has, most significant first (`kong/routing.md` §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kinds(pub(super) u8);

/// What a route asks, but for host and path, which the index answers.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: RouteId,
    pub(super) kinds: Kinds,
    pub(super) methods: Box<[Box<str>]>,
    pub(super) headers: Box<[Header]>,
    /// Its SNI patterns.
    pub(super) snis: Box<[Key]>,
    /// Its host patterns, sorted.
    pub(super) hosts: Box<[Key]>,
}

/// What a route asks of one header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: HeaderName,
    /// The number of its name, in the order in which the routes, best first, name them.
    pub(super) number: u32,
    values: Box<[Box<str>]>,
    patterns: Box<[Pcre]>,
}

/// A route's path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Path {
    /// A prefix in normal form.
    Plain(Box<[u8]>),
    /// An expression, anchored at the start.
    Regex(Box<str>),
}

// === impl Kinds ===

impl Kinds {
    pub(super) const HOST: Self = Self(16);
    pub(super) const HEADER: Self = Self(8);
    pub(super) const PATH: Self = Self(4);
    pub(super) const METHOD: Self = Self(2);
    pub(super) const SNI: Self = Self(1);

    pub(super) fn of(spec: &Spec) -> Self {
        let kinds = [
            (Self::HOST, spec.hosts.is_empty()),
            (Self::HEADER, spec.headers.is_empty()),
            (Self::PATH, spec.paths.is_empty()),
            (Self::METHOD, spec.methods.is_empty()),
            (Self::SNI, spec.snis.is_empty()),
        ];
        kinds.into_iter().filter(|(_, empty)| !empty).fold(Self(0), |all, (kind, _)| all.with(kind))
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// What people call them, most significant first.
    pub(super) fn names(self) -> Vec<&'static str> {
        let names = [
            (Self::HOST, "host"),
            (Self::HEADER, "headers"),
            (Self::PATH, "path"),
            (Self::METHOD, "method"),
            (Self::SNI, "server name"),
        ];
        names.into_iter().filter(|(kind, _)| self.has(*kind)).map(|(_, name)| name).collect()
    }
}

// === impl Rule ===

impl Rule {
    pub(super) fn accepts_method(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|listed| **listed == *method)
    }

    pub(super) fn accepts_headers(&self, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|header| header.accepts(headers))
    }

    pub(super) fn names_header(&self, number: u32) -> bool {
        self.headers.iter().any(|header| header.number == number)
    }
}

// === impl Header ===

impl Header {
    /// In Kong 2 a single value may be a pattern, as written; in Kong 3 any, in lower case. One that does not compile
    /// matches nothing: Kong finds out at the first request, and logs it.
    pub(super) fn read(name: &HeaderName, number: u32, values: &[String], compat: Compat) -> Self {
        let patterns = values.iter().filter_map(|value| value.strip_prefix("~*")).filter_map(|pattern| match compat {
            Compat::Kong2 if values.len() > 1 => None,
            Compat::Kong2 => Pcre::new(pattern).ok(),
            Compat::Kong3 => Pcre::new(&pattern.to_lowercase()).ok(),
        });
        let (name, patterns) = (name.clone(), patterns.collect());
        Self { name, number, values: values.iter().map(|value| value.as_str().into()).collect(), patterns }
    }

    pub(super) fn accepts(&self, headers: &HeaderMap) -> bool {
        headers.get_all(&self.name).iter().any(|value| self.accepts_value(value.as_bytes()))
    }

    fn accepts_value(&self, value: &[u8]) -> bool {
        if self.values.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(value)) {
            return true;
        }
        if self.patterns.is_empty() {
            return false;
        }
        let upper = value.iter().any(u8::is_ascii_uppercase);
        let value = if upper { Cow::Owned(value.to_ascii_lowercase()) } else { Cow::Borrowed(value) };
        self.patterns.iter().any(|pattern| pattern.is_match(&value))
    }
}

// === impl Path ===

impl Path {
    /// Kong 2 guesses by the characters; in Kong 3 an expression starts with `~`.
    pub(super) fn read(path: &str, compat: Compat) -> Self {
        match compat {
            Compat::Kong2 if is_plain(path) => {
                Self::Plain(super::normalize::normalize_route_path(path.as_bytes()).into_owned().into())
            }
            Compat::Kong2 => Self::Regex(unescape_regex(path).into()),
            Compat::Kong3 => match path.strip_prefix('~') {
                Some(regex) => Self::Regex(regex.into()),
                None => Self::Plain(path.as_bytes().into()),
            },
        }
    }

    pub(super) fn is_regex(&self) -> bool {
        matches!(self, Self::Regex(_))
    }
}

/// Kong 2's guess (`kong/routing.md` §3).
#[must_use]
pub fn is_plain(path: &str) -> bool {
    path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b'/' | b'%'))
}

/// An SNI, without the dot that may end a name.
pub(super) fn sni(text: &str) -> &str {
    text.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(text)
}

/// Kong 2 decodes escapes in an expression as it does in a path, and keeps it from becoming syntax.
fn unescape_regex(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let mut rest = regex;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits = escape.get(1..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                push_unescaped(&mut out, byte);
                rest = &escape[3..];
            }
            None => {
                out.push('%');
                rest = &escape[1..];
            }
        }
    }
    out + rest
}

fn push_unescaped(out: &mut String, byte: u8) {
    match byte {
        // Reserved: stays an escape, in upper case.
        b'!' | b'#'..=b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'[' | b']' => {
            out.push_str(&format!("%{byte:02X}"))
        }
        b'-' | b'.' | b'\\' | b'^' | b'{' | b'|' | b'}' => out.extend(['\\', char::from(byte)]),
        b' '..=b'~' => out.push(char::from(byte)),
        _ => out.push_str(&format!("\\x{byte:02x}")),
    }
}

/// Reads a route's hosts.
pub(super) fn patterns(spec: &Spec, compat: Compat) -> impl Iterator<Item = (&str, Pattern<'_>)> {
    spec.hosts.iter().map(move |host| (host.as_str(), Pattern::read(host, compat)))
}

/// Reads a route's paths.
pub(super) fn paths(spec: &Spec, compat: Compat) -> Vec<Path> {
    spec.paths.iter().map(|path| Path::read(path, compat)).collect()
}
