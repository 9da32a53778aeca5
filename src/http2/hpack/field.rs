//! A client's fields, understood as far as HTTP can.

use super::table::{self, OVERHEAD};
use crate::http1::names::Names;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method};

/// A field of a header block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `:method`
    Method(Method),
    /// `:scheme`
    Scheme(Scheme),
    /// `:authority`
    Authority(Authority),
    /// `:path`
    Path(PathAndQuery),
    /// A pseudo-field that no request has, or a name or a value that is none of HTTP's: of whoever reads the message an error
    /// of its stream (RFC 9113 §8.1.1), not of the connection; it has its place in the table all the same.
    Malformed,
    /// Any other.
    Plain(HeaderName, HeaderValue),
}

/// Its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `:method`
    Method,
    /// `:scheme`
    Scheme,
    /// `:authority`
    Authority,
    /// `:path`
    Path,
    /// None that a request has, of so many bytes.
    Malformed(usize),
    /// Any other.
    Plain(HeaderName),
}

/// What a table has of a field.
pub(super) struct Entry {
    /// Only its name if it is malformed: a later one may have the same, and a better value.
    field: Result<Field, Name>,
    size: usize,
}

// === impl Name ===

impl Name {
    /// What a name means. Upper case is malformed (RFC 9113 §8.2.1).
    pub(super) fn read(bytes: &[u8], names: &mut Names) -> Self {
        match bytes {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            _ if bytes.iter().any(u8::is_ascii_uppercase) => Self::Malformed(bytes.len()),
            _ => names.read(bytes).map_or(Self::Malformed(bytes.len()), Self::Plain),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Method => ":method".len(),
            Self::Scheme => ":scheme".len(),
            Self::Authority => ":authority".len(),
            Self::Path => ":path".len(),
            Self::Malformed(size) => *size,
            Self::Plain(name) => name.as_str().len(),
        }
    }

    /// The field of that value, which is copied: nothing keeps the buffer that it was read from. Only the name again if it
    /// may have no such value.
    fn with(self, value: &[u8], sensitive: bool) -> Result<Field, Self> {
        let field = match &self {
            Self::Method => Method::from_bytes(value).ok().map(Field::Method),
            Self::Scheme => Scheme::try_from(value).ok().map(Field::Scheme),
            Self::Authority => Authority::try_from(value).ok().map(Field::Authority),
            Self::Path => PathAndQuery::try_from(value).ok().map(Field::Path),
            Self::Malformed(_) => None,
            Self::Plain(name) => plain(name, value, sensitive),
        };
        field.ok_or(self)
    }
}

fn plain(name: &HeaderName, value: &[u8], sensitive: bool) -> Option<Field> {
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(sensitive);
    Some(Field::Plain(name.clone(), value))
}

// === impl Entry ===

impl Entry {
    /// What a field is understood as. A sensitive one must not get into any table (RFC 7541 §7.1.3).
    pub(super) fn new(name: Name, value: &[u8], sensitive: bool) -> Self {
        let size = name.len() + value.len() + OVERHEAD;
        Self { field: name.with(value, sensitive), size }
    }

    /// One that was understood before; `bytes` are those of its name and its value.
    pub(super) const fn known(field: Result<Field, Name>, bytes: usize) -> Self {
        Self { field, size: bytes + OVERHEAD }
    }

    /// The field.
    pub(super) fn field(&self) -> Field {
        self.field.as_ref().map_or(Field::Malformed, Field::clone)
    }

    /// The same, of one that is not kept.
    pub(super) fn into_field(self) -> Field {
        self.field.unwrap_or(Field::Malformed)
    }

    /// Its name.
    pub(super) fn name(&self) -> Name {
        match &self.field {
            Ok(Field::Method(_)) => Name::Method,
            Ok(Field::Scheme(_)) => Name::Scheme,
            Ok(Field::Authority(_)) => Name::Authority,
            Ok(Field::Path(_)) => Name::Path,
            Ok(Field::Plain(name, _)) => Name::Plain(name.clone()),
            Err(name) => name.clone(),
            // No entry says so.
            Ok(Field::Malformed) => Name::Malformed(0),
        }
    }
}

impl table::Entry for Entry {
    fn size(&self) -> usize {
        self.size
    }
}
