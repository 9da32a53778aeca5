//! A request's head, made of the fields of a header block (RFC 9113 §8.2, §8.3). Pure.
//!
//! What no HTTP/2 server may take is malformed, and ends its stream. What is HTTP and still not wanted, such as a second
//! `Host`, is refused later, in Kong's words (`proxy/inspect.rs`).

use super::hpack::{Broken, Field};
use super::{Fault, Judged, Reason};
use crate::http1::fields::number;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};

/// A list of fields that is so many times too large is not read on, not even to keep the table right.
const FAR_TOO_LARGE: usize = 4;

/// What a block said so far: a head, or trailers.
#[derive(Debug, Default)]
pub struct Draft {
    pseudo: Pseudo,
    headers: HeaderMap,
    /// What it counts, with what is not kept of it.
    size: usize,
    most: usize,
    /// What is wrong with it.
    wrong: Option<Wrong>,
    length: Option<u64>,
}

/// The request line of HTTP/2.
#[derive(Debug, Default)]
struct Pseudo {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
}

/// A request, and how long its head says that its body is.
pub type Asked = (Request<()>, Option<u64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Malformed,
    TooLarge,
}

// === impl Draft ===

impl Draft {
    /// An empty one, for fields that count `most` (§6.5.2) altogether. The map is empty, and may have room.
    #[must_use]
    pub fn new(headers: HeaderMap, most: usize) -> Self {
        Self { headers, most, ..Self::default() }
    }

    /// The next field, and what it counts.
    ///
    /// # Errors
    /// When it is far too much; all else that is wrong is told at the end, when the table is right.
    pub fn take(&mut self, field: Field, size: usize) -> Judged<()> {
        self.size = self.size.saturating_add(size);
        if self.size > self.most.saturating_mul(FAR_TOO_LARGE) {
            return Err(Fault::calm("a head is far too large"));
        }
        if self.size > self.most {
            self.wrong.get_or_insert(Wrong::TooLarge);
        }
        if self.wrong.is_none()
            && let Err(wrong) = self.keep(field)
        {
            self.wrong = Some(wrong);
        }
        Ok(())
    }

    fn keep(&mut self, field: Field) -> Result<(), Wrong> {
        match field {
            Field::Plain(name, value) => self.plain(name, value),
            _ if !self.headers.is_empty() => Err(Wrong::Malformed),
            Field::Method(method) => once(&mut self.pseudo.method, method),
            Field::Scheme(scheme) => once(&mut self.pseudo.scheme, scheme),
            Field::Authority(authority) => once(&mut self.pseudo.authority, authority),
            Field::Path(path) => once(&mut self.pseudo.path, path),
            Field::Malformed => Err(Wrong::Malformed),
        }
    }

    fn plain(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Wrong> {
        match name {
            header::CONTENT_LENGTH => return self.length(value),
            header::TE if value != "trailers" => return Err(Wrong::Malformed),
            ref name if is_of_connection(name) => return Err(Wrong::Malformed),
            _ => {}
        }
        self.append(name, value)
    }

    /// All of them must say the same; that there are several is not for this place to mind.
    fn length(&mut self, value: HeaderValue) -> Result<(), Wrong> {
        let size = number(value.as_bytes()).ok_or(Wrong::Malformed)?;
        if self.length.replace(size).is_some_and(|before| before != size) {
            return Err(Wrong::Malformed);
        }
        self.append(header::CONTENT_LENGTH, value)
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Wrong> {
        self.headers.try_append(name, value).map(drop).map_err(|_| Wrong::TooLarge)
    }

    /// The request of a stream, after its last field; `end` says whether no body follows. `None` for one whose client is to
    /// be told that its head is too large.
    ///
    /// # Errors
    /// When it is malformed (§8.1.1).
    pub fn request(self, stream: u32, end: bool) -> Judged<Option<Asked>> {
        let malformed = Fault::Stream(stream, Reason::PROTOCOL_ERROR);
        match self.wrong {
            Some(Wrong::TooLarge) => return Ok(None),
            Some(Wrong::Malformed) => return Err(malformed),
            None if end && self.length.is_some_and(|length| length > 0) => return Err(malformed),
            None => {}
        }
        let (method, uri) = self.pseudo.settle().ok_or(malformed)?;
        let mut request = Request::new(());
        (*request.method_mut(), *request.uri_mut(), *request.version_mut()) = (method, uri, Version::HTTP_2);
        *request.headers_mut() = self.headers;
        Ok(Some((request, self.length)))
    }

    /// The trailers of a stream, after their last field.
    ///
    /// # Errors
    /// When they are malformed: they have no pseudo-fields (§8.1).
    pub fn trailers(self, stream: u32) -> Judged<HeaderMap> {
        let plain = self.wrong.is_none() && self.pseudo.is_empty();
        if plain { Ok(self.headers) } else { Err(Fault::Stream(stream, Reason::PROTOCOL_ERROR)) }
    }
}

/// Fields that speak of a connection, which HTTP/2 does by other means (§8.2.2).
pub(super) fn is_of_connection(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE)
        || *name == "keep-alive"
        || *name == "proxy-connection"
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Wrong> {
    if place.replace(value).is_none() { Ok(()) } else { Err(Wrong::Malformed) }
}

// === impl Pseudo ===

impl Pseudo {
    fn is_empty(&self) -> bool {
        self.method.is_none() && self.scheme.is_none() && self.authority.is_none() && self.path.is_none()
    }

    /// The method and the target (§8.3.1, §8.5). A target without an authority is a path, as over HTTP/1.1.
    fn settle(self) -> Option<(Method, Uri)> {
        let mut parts = Parts::default();
        let method = self.method?;
        match (method == Method::CONNECT, self.scheme, self.path) {
            (true, None, None) => {}
            (false, Some(scheme), Some(path)) => {
                parts.scheme = self.authority.is_some().then_some(scheme);
                parts.path_and_query = Some(path);
            }
            _ => return None,
        }
        parts.authority = self.authority;
        Uri::from_parts(parts).ok().map(|uri| (method, uri))
    }
}

impl From<Broken> for Fault {
    fn from(Broken(why): Broken) -> Self {
        Self::Connection(Reason::COMPRESSION_ERROR, why)
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
