//! What a template can look up in a request.
//!
//! Kong reads headers and arguments when a template first asks for them, and keeps them for the rest of the plugin's
//! run: later rules see them as they were then ([`Seen`]).

use super::value::{Of, Value};
use crate::args::Args;
use crate::plugin::Ctx;
use crate::lua::Session;
use crate::lua::template::Names;
use crate::plugin::context::Group;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use std::borrow::Cow;
use std::sync::OnceLock;

/// What templates of this run have looked at.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Seen {
    /// Whether headers were.
    headers: OnceLock<()>,
    /// The headers before they were changed, if they were looked at before.
    before: Option<HeaderMap>,
    /// The arguments.
    query: OnceLock<Args>,
}

/// What there is to look up.
#[derive(Debug)]
pub(in super::super) struct Env<'a> {
    headers: &'a HeaderMap,
    host: Option<&'a HeaderValue>,
    query: &'a str,
    captures: &'a [Group],
    session: &'a Session,
    seen: &'a Seen,
}

/// Something to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The first of these headers that is there.
    Header(Box<[HeaderName]>),
    /// An argument of the query.
    Query(Box<[u8]>),
    /// A named group of the route's regex path.
    Name(Box<[u8]>),
    /// A numbered one.
    Number(usize),
}

// === impl Lookup ===

impl Lookup {
    /// A header by a name in whatever case, and with `_` for `-`; but if there is one with `_`, it is that one.
    pub(super) fn header(name: &[u8]) -> Self {
        let dashed: Vec<u8> = name.iter().map(|&b| if b == b'_' { b'-' } else { b }).collect();
        let exact = (dashed != name && !name.iter().any(u8::is_ascii_uppercase)).then_some(name);
        let names = exact.into_iter().chain([&*dashed]);
        Self::Header(names.filter_map(|name| HeaderName::from_bytes(name).ok()).collect())
    }
}

// === impl Seen ===

impl Seen {
    /// Whether there is anything to remember.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.headers.get().is_none() && self.query.get().is_none()
    }

    /// To be called before headers are changed: later templates see those that earlier ones saw.
    pub(in super::super) fn keep_headers(&mut self, headers: &HeaderMap, host: Option<&HeaderValue>) {
        if self.headers.get().is_some() && self.before.is_none() {
            let before = self.before.insert(headers.clone());
            if let Some(host) = host {
                before.insert(header::HOST, host.clone());
            }
        }
    }

    /// The arguments as they were seen.
    pub(in super::super) fn query(&self) -> Option<&Args> {
        self.query.get()
    }
}

// === impl Env ===

impl<'a> Env<'a> {
    /// What a request holds now, or held when it was first seen.
    pub(in super::super) fn new<B>(req: &'a Request<B>, cx: &'a Ctx, seen: &'a Seen) -> Self {
        let (headers, host) = match &seen.before {
            Some(before) => (before, None),
            None => (req.headers(), cx.host.as_ref()),
        };
        Self { headers, host, query: cx.query_of(req), captures: &cx.captures, session: &cx.lua, seen }
    }

    pub(super) fn get(&self, lookup: &'a Lookup) -> Value<'a> {
        match lookup {
            Lookup::Header(names) => self.header(names),
            Lookup::Query(name) => self.argument(name),
            Lookup::Name(name) => {
                let named = |group: &&Group| group.name.as_ref().is_some_and(|n| n.as_bytes() == &**name);
                group(self.captures.iter().find(named))
            }
            Lookup::Number(number) => group(self.captures.get(*number)),
        }
    }

    fn header(&self, names: &'a [HeaderName]) -> Value<'a> {
        self.seen.headers.get_or_init(|| ());
        let Some(name) = names.iter().find(|name| self.headers.contains_key(*name)) else { return Value::Nil };
        if let (true, Some(host)) = (*name == header::HOST, self.host) {
            return text(host.as_bytes());
        }
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Value::Nil,
            (Some(value), None) => text(value.as_bytes()),
            _ => Value::List(Of::Headers, name.as_ref()),
        }
    }

    fn args(&self) -> &'a Args {
        self.seen.query.get_or_init(|| Args::parse(self.query.as_bytes()))
    }

    fn argument(&self, name: &'a [u8]) -> Value<'a> {
        match self.args().get(name) {
            None | Some([]) => Value::Nil,
            Some([None]) => Value::Bool(true),
            Some([Some(value)]) => text(value),
            Some(_) => Value::List(Of::Query, name),
        }
    }
}

impl Names for Env<'_> {
    fn headers(&self) -> Vec<(&str, Vec<&[u8]>)> {
        self.seen.headers.get_or_init(|| ());
        let values = |name: &HeaderName| match self.host.filter(|_| *name == header::HOST) {
            Some(host) => vec![host.as_bytes()],
            None => self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect(),
        };
        self.headers.keys().map(|name| (name.as_str(), values(name))).collect()
    }

    fn arguments(&self) -> &Args {
        self.args()
    }

    fn captures(&self) -> &[Group] {
        self.captures
    }

    fn session(&self) -> &Session {
        self.session
    }
}

/// A group that took no part is false, one that does not exist is nil.
fn group(group: Option<&Group>) -> Value<'_> {
    match group {
        None => Value::Nil,
        Some(Group { text: None, .. }) => Value::Bool(false),
        Some(Group { text: Some(matched), .. }) => text(matched),
    }
}

fn text(bytes: &[u8]) -> Value<'_> {
    Value::Text(Cow::Borrowed(bytes))
}
