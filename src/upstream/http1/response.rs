//! An answer's head, understood (RFC 9112 §4, §5, §6.3, §9.3). Pure.

use crate::http1::chunks::Chunks;
use crate::http1::fields::{Place, fill, number, said, words};
use crate::http1::names::Names;
use crate::http1::reading::Reading;
use crate::http1::{FIELDS, Malformed};
use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use hyper::ext::ReasonPhrase;

/// An answer's head, without its fields.
#[derive(Debug)]
pub struct Head {
    /// Its status.
    pub status: StatusCode,
    /// Its version.
    pub version: Version,
    /// What it calls the status, if that is not what everybody calls it.
    pub reason: Option<ReasonPhrase>,
    /// Where its body ends.
    pub reading: Reading,
    /// Whether another request may follow on the same connection.
    pub keeps: bool,
}

/// The first line, and how many bytes and fields there are.
struct Lines {
    size: usize,
    count: usize,
    status: StatusCode,
    version: Version,
    reason: Option<ReasonPhrase>,
}

/// What is there of the fields that say where the message ends; a look at each costs less than looking for them.
#[derive(Default)]
struct Seen {
    coding: bool,
    connection: bool,
}

/// Takes a head off the front and puts its fields into an empty map; `None` as long as it is not whole. Interim answers
/// (1xx but 101) are skipped. `to_head` is whether HEAD was asked.
///
/// # Errors
/// When it is malformed, or longer than `limit`.
pub fn take(
    buf: &mut BytesMut,
    limit: usize,
    to_head: bool,
    headers: &mut HeaderMap,
    names: &mut Names,
) -> Result<Option<Head>, Malformed> {
    if buf.is_empty() {
        return Ok(None);
    }
    let mut places = [Place::default(); FIELDS];
    while let Some(lines) = lines(buf, limit, &mut places)? {
        if lines.status.is_informational() && lines.status != StatusCode::SWITCHING_PROTOCOLS {
            buf.advance(lines.size);
            continue;
        }
        let bytes = buf.split_to(lines.size).freeze();
        let fields = places.get(..lines.count).unwrap_or_default();
        let mut seen = Seen::default();
        fill(headers, &bytes, fields, names, |name, _| {
            seen.note(name);
            Ok::<_, Malformed>(())
        })?;
        let Lines { status, version, reason, .. } = lines;
        let reading = if has_body(status, to_head) { reading(version, &seen, headers)? } else { Reading::Over };
        let keeps = if seen.connection { keeps(version, headers) } else { version == Version::HTTP_11 };
        return Ok(Some(Head { status, version, reason, reading, keeps }));
    }
    Ok(None)
}

fn lines(buf: &[u8], limit: usize, places: &mut [Place; FIELDS]) -> Result<Option<Lines>, Malformed> {
    let mut fields = [const { std::mem::MaybeUninit::uninit() }; FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let size = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut parsed, buf, &mut fields)
        .map_err(said)?;
    let httparse::Status::Complete(size) = size else {
        return if buf.len() > limit { Err(TOO_LARGE) } else { Ok(None) };
    };
    if size > limit.min(u32::MAX as usize) {
        return Err(TOO_LARGE);
    }
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed("a status is none"))?;
    let version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    for (place, field) in places.iter_mut().zip(parsed.headers.iter()) {
        *place = Place::of(buf, field);
    }
    let reason = parsed.reason.filter(|reason| Some(*reason) != status.canonical_reason());
    let reason = reason.and_then(|reason| ReasonPhrase::try_from(reason.as_bytes()).ok());
    Ok(Some(Lines { size, count: parsed.headers.len(), status, version, reason }))
}

const TOO_LARGE: Malformed = Malformed("the answer's head is too large");

/// RFC 9112 §6.3.
fn has_body(status: StatusCode, to_head: bool) -> bool {
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    !to_head && !bodiless && status != StatusCode::SWITCHING_PROTOCOLS
}

fn reading(version: Version, seen: &Seen, headers: &mut HeaderMap) -> Result<Reading, Malformed> {
    let coding = seen.coding.then(|| headers.get_all(header::TRANSFER_ENCODING).iter().next_back()).flatten();
    let Some(last) = coding else {
        return Ok(length(headers)?.map_or(Reading::UntilClose, Reading::length));
    };
    if version == Version::HTTP_10 {
        return Err(Malformed("HTTP/1.0 knows no transfer-encoding"));
    }
    let chunked = words(last).next_back().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
    // Both would be two framings for whoever is asked next (RFC 9112 §6.1).
    headers.remove(header::CONTENT_LENGTH);
    Ok(if chunked { Reading::Chunked(Box::<Chunks>::default()) } else { Reading::UntilClose })
}

/// The one length that all lines, and all entries of them, agree on.
fn length(headers: &mut HeaderMap) -> Result<Option<u64>, Malformed> {
    let said = || headers.get_all(header::CONTENT_LENGTH).iter().flat_map(words).map(number);
    let Some(first) = said().next() else { return Ok(None) };
    let size = first.ok_or(Malformed("content-length is no number"))?;
    if said().nth(1).is_none() {
        return Ok(Some(size));
    }
    if said().any(|entry| entry != Some(size)) {
        return Err(Malformed("there are two lengths"));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    Ok(Some(size))
}

// === impl Seen ===

impl Seen {
    fn note(&mut self, name: &HeaderName) {
        self.coding |= *name == header::TRANSFER_ENCODING;
        self.connection |= *name == header::CONNECTION;
    }
}

/// RFC 9112 §9.3.
fn keeps(version: Version, headers: &HeaderMap) -> bool {
    let says =
        |word: &[u8]| headers.get_all(header::CONNECTION).iter().flat_map(words).any(|w| w.eq_ignore_ascii_case(word));
    !says(b"close") && (version == Version::HTTP_11 || says(b"keep-alive"))
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
