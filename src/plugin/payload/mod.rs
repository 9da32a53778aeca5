//! Bodies with named fields: what plugins look for in a request's body, take out and put in.

pub(in crate::plugin) mod json;
pub(crate) mod multipart;

use crate::args::Args;
use crate::body::Body;
use crate::entity::Compat;
use http::{HeaderMap, HeaderValue, Request, header};
use json::{Lists, Table};
use multipart::Part;
use serde_json::Value;
use std::borrow::Cow;

/// A kind of body that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugin) enum Kind {
    Json,
    Multipart,
    Form,
}

/// In the order in which they are looked for.
const KINDS: [(&str, Kind); 3] = [
    ("application/json", Kind::Json),
    ("multipart/form-data", Kind::Multipart),
    ("application/x-www-form-urlencoded", Kind::Form),
];

/// The kind that the `Content-Type` holds somewhere, in whatever letter case.
pub(in crate::plugin) fn kind(headers: &HeaderMap) -> Option<Kind> {
    let sent = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let holds = |name: &str| sent.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name.as_bytes()));
    KINDS.iter().find(|(name, _)| holds(name)).map(|(_, kind)| *kind)
}

/// A body that was read.
#[derive(Debug)]
pub(in crate::plugin) enum Payload {
    Json(Table),
    Form(Args),
    /// With the boundary between the parts.
    Multipart(Vec<Part>, Box<str>),
}

/// What a field holds.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::plugin) enum Field<'a> {
    /// One text.
    Text(Cow<'a, [u8]>),
    /// Several values, or a list or object.
    Many,
    /// Something else: a number, a truth, or a name alone.
    Other,
}

/// Replaces a request's body.
pub(in crate::plugin) fn put(bytes: Vec<u8>, req: &mut Request<Body>) {
    req.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    *req.body_mut() = Body::full(bytes);
}

// === impl Payload ===

impl Payload {
    /// Reads a body by its `Content-Type`. `None` when it is of no such kind, or not what it says.
    pub(in crate::plugin) fn read(body: &[u8], headers: &HeaderMap, compat: Compat) -> Option<Self> {
        match kind(headers)? {
            Kind::Json => Table::new(serde_json::from_slice(body).ok()?, Lists::of_requests(compat)).map(Self::Json),
            Kind::Form => Some(Self::Form(Args::parse(body))),
            Kind::Multipart => {
                let (parts, boundary) = multipart::read(body, headers.get(header::CONTENT_TYPE)?)?;
                Some(Self::Multipart(parts, boundary.into()))
            }
        }
    }

    /// The field of a name.
    pub(in crate::plugin) fn get(&self, name: &str) -> Option<Field<'_>> {
        match self {
            Self::Json(table) => table.get(name).map(Field::of_json),
            Self::Form(args) => {
                Field::one(args.get(name.as_bytes())?.iter().map(|value| Some(value.as_deref()?.into())))
            }
            Self::Multipart(parts, _) => {
                Field::one(parts.iter().filter(|part| part.is(name)).map(|part| Some((&*part.content).into())))
            }
        }
    }

    /// Takes a field out. Says whether it was there.
    pub(in crate::plugin) fn remove(&mut self, name: &str) -> bool {
        match self {
            Self::Json(table) => table.remove(name).is_some(),
            Self::Form(args) => args.remove(name.as_bytes()).is_some(),
            Self::Multipart(parts, _) => parts.extract_if(.., |part| part.is(name)).count() > 0,
        }
    }

    /// As a body of the same kind.
    pub(in crate::plugin) fn encode(&mut self) -> Vec<u8> {
        match self {
            Self::Json(table) => table.encode().into_bytes(),
            Self::Form(args) => args.encode().into_bytes(),
            Self::Multipart(parts, boundary) => multipart::encode(parts, boundary),
        }
    }
}

// === impl Field ===

impl<'a> Field<'a> {
    /// The field that some values of one name make; `None` is a name alone.
    pub(in crate::plugin) fn one(mut values: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Self> {
        let first = values.next()?;
        Some(match (first, values.next()) {
            (_, Some(_)) => Self::Many,
            (Some(text), None) => Self::Text(text),
            (None, None) => Self::Other,
        })
    }

    fn of_json(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.as_bytes().into()),
            Value::Array(_) | Value::Object(_) => Self::Many,
            _ => Self::Other,
        }
    }
}
