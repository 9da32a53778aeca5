//! Where a key is looked for, and how it is taken away.

use crate::args;
use crate::body::Body;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::plugin::Ctx;
use crate::plugin::payload::{self, Field, Payload};
use http::{HeaderMap, HeaderName, Request};
use std::borrow::Cow;
use std::fmt;

/// The names by which a key is looked for, and the places.
#[derive(Debug)]
pub(super) struct Search {
    names: Box<[Name]>,
    header: bool,
    query: bool,
    body: bool,
    secrets: Box<[Box<str>]>,
}

/// What a key is called.
#[derive(Debug)]
pub(super) struct Name {
    /// As a header: Lua also finds `x-key` by `x_key`.
    headers: [HeaderName; 2],
    /// As an argument or a field: letter case counts.
    text: Box<str>,
}

/// What was found.
pub(super) enum Found<'a, 'r> {
    /// Nothing.
    Nothing,
    /// Several keys of one name.
    Twice,
    /// A text, by this name.
    Key(Cow<'r, [u8]>, &'a Name),
}

// === impl Search ===

impl Search {
    pub(super) fn read(config: &Checked) -> Self {
        let names: Box<[Name]> = config.strs("key_names").filter_map(Name::new).collect();
        let [header, query, body] = ["key_in_header", "key_in_query", "key_in_body"].map(|place| config.bool(place));
        let secrets = names.iter().flat_map(|name| name.headers.each_ref()).map(|name| name.as_str().into()).collect();
        Self { names, header, query, body, secrets }
    }

    /// What a key may be called, in lower case.
    pub(super) fn secrets(&self) -> &[Box<str>] {
        &self.secrets
    }

    /// Whether the body must be read.
    pub(super) fn needs_body(&self, req: &Request<Body>) -> bool {
        self.body && payload::kind(req.headers()).is_some()
    }

    /// Looks for each name in the header, the query and the body. The first text ends the search, an empty one as well.
    pub(super) fn run<'a, 'r>(
        &'a self,
        req: &'r Request<Body>,
        cx: &'r Ctx,
        body: Option<&'r Payload>,
    ) -> Found<'a, 'r> {
        for name in &self.names {
            match self.look(name, req, cx, body) {
                Some(Field::Text(key)) => return Found::Key(key, name),
                Some(Field::Many) => return Found::Twice,
                Some(Field::Other) | None => {}
            }
        }
        Found::Nothing
    }

    fn look<'r>(
        &self,
        name: &Name,
        req: &'r Request<Body>,
        cx: &'r Ctx,
        body: Option<&'r Payload>,
    ) -> Option<Field<'r>> {
        let header = if self.header { name.in_headers(req.headers()) } else { None };
        let query = || if self.query { name.in_query(cx.query_of(req)) } else { None };
        header.or_else(query).or_else(|| body?.get(&name.text))
    }
}

/// For people: `header or argument apikey`.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [(self.header, "header"), (self.query, "argument"), (self.body, "field of the body")];
        let places: Vec<_> = places.iter().filter(|(is_one, _)| *is_one).map(|(_, place)| *place).collect();
        let names: Vec<_> = self.names.iter().map(|name| format!("`{}`", name.text)).collect();
        write!(f, "{} {}", places.join(" or "), names.join(" or "))
    }
}

// === impl Name ===

impl Name {
    fn new(text: &str) -> Option<Self> {
        let headers = [HeaderName::try_from(text).ok()?, HeaderName::try_from(text.replace('_', "-")).ok()?];
        Some(Self { headers, text: text.into() })
    }

    fn in_headers<'r>(&self, headers: &'r HeaderMap) -> Option<Field<'r>> {
        let lines = |name| Field::one(headers.get_all(name).iter().map(|line| Some(line.as_bytes().into())));
        self.headers.iter().find_map(lines)
    }

    fn in_query<'r>(&self, query: &'r str) -> Option<Field<'r>> {
        Field::one(args::values(query.as_bytes(), self.text.as_bytes()))
    }

    /// Takes what has this name out of a request, wherever it is. Kong 2 writes the query anew then, in its own order.
    pub(super) fn hide(&self, body: Option<Payload>, req: &mut Request<Body>, cx: &mut Ctx) {
        self.headers.iter().for_each(|name| _ = req.headers_mut().remove(name));
        self.hide_in_query(req, cx);
        if let Some(mut body) = body
            && body.remove(&self.text)
        {
            payload::put(body.encode(), req);
        }
    }

    fn hide_in_query(&self, req: &Request<Body>, cx: &mut Ctx) {
        let query = cx.query_of(req);
        if cx.compat == Compat::Kong2 && !query.is_empty() {
            let mut args = cx.args(req);
            args.remove(self.text.as_bytes());
            cx.set_args(&args, req);
        } else if self.in_query(query).is_some() {
            cx.query = Some(args::without(query, self.text.as_bytes()));
        }
    }
}
