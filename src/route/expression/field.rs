//! What of a request an expression may look at: the fields, their names and their types, and their values (Kong's
//! `kong/router/fields.lua`). Pure.

use crate::entity::Compat;
use crate::route::Query;
use crate::route::host::Authority;
use http::HeaderName;
use std::borrow::Cow;
use std::net::IpAddr;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(Text),
    Number(Number),
    Address(Address),
}

/// One with texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Method,
    /// Without the port.
    Host,
    Path,
    /// `http` or `https`, by the listener.
    Protocol,
    Sni,
    /// Segments from one to another, which is included, counted from 0.
    Segments(usize, usize),
    /// By its name with underscores, and with hyphens.
    Header(Box<str>, HeaderName),
    Argument(Box<str>),
}

/// One with a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Segments,
    SourcePort,
    Port,
}

/// One with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Source,
    Destination,
}

/// Why a name is no field's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoField {
    Unknown,
    /// `http.path.segments.…`.
    Segments,
    /// `http.headers.` or `http.queries.` without a name.
    Nameless,
}

/// Names that are whole.
pub(super) const NAMES: [&str; 12] = [
    "http.method",
    "http.host",
    "http.path",
    "http.path.segments.len",
    "net.protocol",
    "net.port",
    "net.src.ip",
    "net.src.port",
    "net.dst.ip",
    "net.dst.port",
    "tls.sni",
    "http.path.segments.0",
];
const SEGMENTS: &str = "http.path.segments.";
const HEADERS: &str = "http.headers.";
const QUERIES: &str = "http.queries.";

// === impl Field ===

impl Field {
    /// The field of a name.
    pub(super) fn named(name: &str) -> Result<Self, NoField> {
        Ok(match name {
            "http.method" => Self::Text(Text::Method),
            "http.host" => Self::Text(Text::Host),
            "http.path" => Self::Text(Text::Path),
            "net.protocol" => Self::Text(Text::Protocol),
            "tls.sni" => Self::Text(Text::Sni),
            "http.path.segments.len" => Self::Number(Number::Segments),
            // The older name.
            "net.port" | "net.dst.port" => Self::Number(Number::Port),
            "net.src.port" => Self::Number(Number::SourcePort),
            "net.src.ip" => Self::Address(Address::Source),
            "net.dst.ip" => Self::Address(Address::Destination),
            _ => return of_family(name),
        })
    }

    /// What its values are, for messages.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Address(_) => "an address",
        }
    }
}

fn of_family(name: &str) -> Result<Field, NoField> {
    if let Some(range) = name.strip_prefix(SEGMENTS) {
        return segments(range).map(|(from, to)| Field::Text(Text::Segments(from, to))).ok_or(NoField::Segments);
    }
    if let Some(name) = name.strip_prefix(QUERIES) {
        return if name.is_empty() { Err(NoField::Nameless) } else { Ok(Field::Text(Text::Argument(name.into()))) };
    }
    let name = name.strip_prefix(HEADERS).ok_or(NoField::Unknown)?.to_ascii_lowercase();
    let header = HeaderName::from_bytes(name.replace('_', "-").as_bytes()).map_err(|_| NoField::Nameless)?;
    Ok(Field::Text(Text::Header(name.into(), header)))
}

/// `N`, or `N_M` where M is the larger one, without leading zeros.
fn segments(range: &str) -> Option<(usize, usize)> {
    let number = |text: &str| {
        let plain = text == "0" || !text.starts_with('0');
        text.parse::<usize>().ok().filter(|_| plain && text.bytes().all(|b| b.is_ascii_digit()))
    };
    match range.split_once('_') {
        None => number(range).map(|at| (at, at)),
        Some((from, to)) => Some((number(from)?, number(to)?)).filter(|(from, to)| from < to),
    }
}

// === impl Text ===

impl Text {
    /// Shows every value to `visit` until it says no. Whether there was one, and it never did.
    pub(super) fn all(&self, query: &Query<'_>, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        match self {
            Self::Header(raw, name) => headers(query, raw, name, visit),
            Self::Argument(name) => arguments(query, name, visit),
            _ => self.one(query).is_some_and(|value| visit(&value)),
        }
    }

    fn one<'q>(&self, query: &Query<'q>) -> Option<Cow<'q, [u8]>> {
        let plain = |text: &'q [u8]| Some(Cow::Borrowed(text));
        match self {
            Self::Method => plain(query.method.as_bytes()),
            Self::Host => plain(authority(query)?.bare),
            Self::Path => plain(query.path),
            Self::Protocol => plain(if query.tls { b"https" } else { b"http" }),
            Self::Sni => plain(query.sni?.as_bytes()),
            Self::Segments(from, to) => between(query.path, *from, *to),
            Self::Header(..) | Self::Argument(_) => None,
        }
    }
}

/// As Kong 3 takes a host apart.
fn authority<'q>(query: &Query<'q>) -> Option<Authority<'q>> {
    query.host.map(|host| Authority::read(host, Compat::Kong3))
}

/// A header with underscores in its very name goes before the one that is meant by them.
fn headers(query: &Query<'_>, raw: &str, name: &HeaderName, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let all = |values: http::header::GetAll<'_, http::HeaderValue>, visit: &mut dyn FnMut(&[u8]) -> bool| {
        values.iter().all(|value| visit(value.as_bytes()))
    };
    if query.headers.contains_key(raw) {
        return all(query.headers.get_all(raw), visit);
    }
    query.headers.contains_key(name) && all(query.headers.get_all(name), visit)
}

/// An argument without `=` is empty.
fn arguments(query: &Query<'_>, name: &str, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut any = false;
    let pairs = form_urlencoded::parse(query.query.unwrap_or_default());
    let mut values = pairs.filter(|(other, _)| other == name);
    values.all(|(_, value)| {
        any = true;
        visit(value.as_bytes())
    }) && any
}

/// The segments of a path; the slash at its end begins none.
fn split(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1);
    let none = end == 0;
    path[..end].split(|b| *b == b'/').filter(move |_| !none)
}

fn between(path: &[u8], from: usize, to: usize) -> Option<Cow<'_, [u8]>> {
    if from == to {
        return split(path).nth(from).map(Cow::Borrowed);
    }
    let some: Vec<&[u8]> = split(path).skip(from).take(to - from + 1).collect();
    (some.len() == to - from + 1).then(|| Cow::Owned(some.join(&b'/')))
}

// === impl Number ===

impl Number {
    pub(super) fn of(self, query: &Query<'_>) -> Option<i64> {
        match self {
            Self::Segments => i64::try_from(split(query.path).count()).ok(),
            Self::SourcePort => query.ends.client_port.map(i64::from),
            Self::Port => Some(port(query)),
        }
    }
}

/// The one in the host counts, else the one that the client reached, as for a route's `hosts` in Kong 3.
fn port(query: &Query<'_>) -> i64 {
    let written = authority(query).and_then(|authority| std::str::from_utf8(authority.port?).ok()?.parse().ok());
    written.unwrap_or_else(|| i64::from(query.port))
}

// === impl Address ===

impl Address {
    pub(super) fn of(self, query: &Query<'_>) -> Option<IpAddr> {
        match self {
            Self::Source => query.ends.client,
            Self::Destination => query.ends.server,
        }
    }
}
