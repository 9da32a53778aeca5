//! The fields of a head: found in a buffer, put into a map without a copy of their values, and written. Pure.

use super::Malformed;
use super::names::Names;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::ops::Range;

/// Room for the fields that a gateway adds to most answers, so that a map need not grow for them: `Via`, two latencies, and
/// what CORS says. Much more would make every map of HTTP/2 grow that was a request's before.
const ADDED: usize = 5;

const MALFORMED: Malformed = Malformed("a field is malformed");

/// Where a part of a buffer is, whose head ends within what a `u32` can say: from and to.
pub type Part = (u32, u32);

/// Where a field is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    name: Part,
    value: Part,
}

// === impl Place ===

impl Place {
    /// That of a field of this buffer.
    #[must_use]
    pub fn of(buf: &[u8], field: &httparse::Header<'_>) -> Self {
        Self { name: within(buf, field.name.as_bytes()), value: within(buf, field.value) }
    }
}

/// Where a part of a buffer is.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn within(buf: &[u8], part: &[u8]) -> Part {
    let start = part.as_ptr().addr().wrapping_sub(buf.as_ptr().addr());
    (start as u32, start.wrapping_add(part.len()) as u32)
}

/// The same, to take it out.
#[must_use]
pub const fn range((from, to): Part) -> Range<usize> {
    from as usize..to as usize
}

/// Puts fields into a map: values are parts of the one buffer, not copies. `look` sees each of them before.
///
/// # Errors
/// When one is malformed, or there are more than a map takes; or what `look` says.
pub fn fill<E: From<Malformed>>(
    headers: &mut HeaderMap,
    bytes: &Bytes,
    fields: &[Place],
    names: &mut Names,
    mut look: impl FnMut(&HeaderName, &HeaderValue) -> Result<(), E>,
) -> Result<(), E> {
    headers.try_reserve(fields.len() + ADDED).map_err(|_| Malformed("there are too many fields"))?;
    for Place { name, value } in fields {
        let name = bytes.get(range(*name)).and_then(|name| names.read(name)).ok_or(MALFORMED)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice(range(*value))).map_err(|_| MALFORMED)?;
        look(&name, &value)?;
        headers.try_append(name, value).map_err(|_| Malformed("there are too many fields"))?;
    }
    Ok(())
}

/// The entries of a list (RFC 9110 §5.6.1).
pub fn words(value: &HeaderValue) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii)
}

/// What a `Content-Length` says: digits and nothing else.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    let digit = |size: u64, b: &u8| size.checked_mul(10)?.checked_add(u64::from(b.wrapping_sub(b'0')));
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0, digit)
}

/// What is wrong with a head.
#[must_use]
pub const fn said(error: httparse::Error) -> Malformed {
    Malformed(match error {
        httparse::Error::HeaderName => "a field's name is malformed",
        httparse::Error::HeaderValue => "a field's value is malformed",
        httparse::Error::NewLine => "a line does not end as it should",
        httparse::Error::Status => "the status is malformed",
        httparse::Error::Token => "a token is malformed",
        httparse::Error::TooManyHeaders => "there are too many fields",
        httparse::Error::Version => "it is not HTTP/1",
    })
}

/// Writes a field's line.
pub fn write(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}
