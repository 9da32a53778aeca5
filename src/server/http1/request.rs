//! A request's head, understood (RFC 9112 §2 to §6). Pure.
//!
//! A head whose end two readers could see in different places is refused (§11.2). What is HTTP and still not wanted, such
//! as a second `Host`, is refused later, in Kong's words (`proxy/inspect.rs`).

use crate::http1::Malformed;
use crate::http1::chunks::Chunks;
use crate::http1::fields::{Part, Place, fill, number, range, said, within, words};
use crate::http1::names::{Names, Shared};
use crate::http1::reading::Reading;
use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use std::mem::MaybeUninit;

/// Nearly all heads have no more fields; those that do cost two allocations.
const FEW: usize = 64;
/// Longest target.
const TARGET: usize = 65_534;
/// HTTP/2 without having agreed on it; no answer of ours would be understood.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much of a head is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes.
    pub size: usize,
    /// Fields.
    pub fields: usize,
}

/// A request without its body. It has one place from which it is taken: to hand it on would be to copy it.
#[derive(Debug, Default)]
pub struct Head {
    /// The request line and the fields.
    pub request: Request<()>,
    /// Where its body ends.
    pub reading: Reading,
    /// Whether the client waits with its body until it is asked for it.
    pub expects: bool,
    /// What the answer depends on.
    pub asked: Asked,
}

/// What an answer's framing depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The client's version.
    pub version: Version,
    /// Whether HEAD was asked.
    pub head: bool,
    /// Whether the client takes trailers.
    pub trailers: bool,
    /// Whether another request may follow.
    pub keeps: bool,
}

/// A head that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it is answered with; `None` for a client that would not understand.
    pub status: Option<u16>,
    /// Why; the text is for the log.
    pub why: &'static str,
}

/// Takes heads off a buffer as they become whole. A head that comes in pieces is looked at once, not at every piece.
#[derive(Debug)]
pub struct Heads {
    limits: Limits,
    names: Shared,
    /// Bytes in which there is no end.
    seen: usize,
    /// Bytes of blank lines in front of it.
    blank: usize,
}

/// A request line, and where in the buffer its parts are.
struct Line {
    size: usize,
    method: Method,
    version: Version,
    target: Part,
    count: usize,
}

/// What the fields say of the message.
#[derive(Default)]
struct Said {
    length: Option<u64>,
    lengths: usize,
    coded: bool,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects: bool,
    trailers: bool,
}

// === impl Heads ===

impl Heads {
    /// Nothing has come yet. `names` are those that were read over other connections.
    #[must_use]
    pub fn new(limits: Limits, names: Shared) -> Self {
        Self { limits, names, seen: 0, blank: 0 }
    }

    /// Takes the next head; `false` as long as it is not whole. The map that it is put into is empty, and may have room.
    ///
    /// # Errors
    /// When it is malformed, too large, or its body has no certain end.
    pub fn take(&mut self, buf: &mut BytesMut, head: &mut Head) -> Result<bool, Refused> {
        self.blank += skip_blank_lines(buf);
        if buf.is_empty() || self.seen > 0 && !has_end(buf, self.seen) {
            return self.wait(buf);
        }
        if !take(buf, self.limits, head, &mut self.names.borrow_mut())? {
            return self.wait(buf);
        }
        (self.seen, self.blank) = (0, 0);
        Ok(true)
    }

    fn wait(&mut self, buf: &BytesMut) -> Result<bool, Refused> {
        self.seen = buf.len();
        if self.blank + buf.len() >= self.limits.size { Err(Refused::TOO_LARGE) } else { Ok(false) }
    }
}

/// RFC 9112 §2.2: blank lines in front of a request are no part of it. How many bytes they were.
fn skip_blank_lines(buf: &mut BytesMut) -> usize {
    let before = buf.len();
    loop {
        let blank = match &buf[..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return before - buf.len(),
        };
        buf.advance(blank);
    }
}

/// Whether a blank line ends after the first `seen` bytes. A line ends with LF, as far as this parser cares.
fn has_end(buf: &[u8], seen: usize) -> bool {
    let rest = buf.get(seen.saturating_sub(2)..).unwrap_or_default();
    let ends =
        |(at, b): (usize, &u8)| *b == b'\n' && matches!(rest.get(at + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..]));
    rest.iter().enumerate().any(ends)
}

fn take(buf: &mut BytesMut, limits: Limits, head: &mut Head, names: &mut Names) -> Result<bool, Refused> {
    let mut fields = [const { MaybeUninit::uninit() }; FEW];
    let mut places = [Place::default(); FEW];
    let few = limits.fields.min(FEW);
    match line(buf, &mut fields[..few], &mut places) {
        Err(httparse::Error::TooManyHeaders) if limits.fields > FEW => take_long(buf, limits, head, names),
        parsed => understand(buf, parsed, &places, limits, head, names),
    }
}

/// The same for a head with many fields.
#[cold]
fn take_long(buf: &mut BytesMut, limits: Limits, head: &mut Head, names: &mut Names) -> Result<bool, Refused> {
    // No head within the limit has more.
    let most = limits.fields.min(limits.size);
    let mut fields = vec![MaybeUninit::uninit(); most];
    let mut places = vec![Place::default(); most];
    let parsed = line(buf, &mut fields, &mut places);
    understand(buf, parsed, &places, limits, head, names)
}

fn line<'a>(
    buf: &'a [u8],
    fields: &mut [MaybeUninit<httparse::Header<'a>>],
    places: &mut [Place],
) -> Result<Option<Line>, httparse::Error> {
    let mut parsed = httparse::Request::new(&mut []);
    let httparse::Status::Complete(size) = parsed.parse_with_uninit_headers(buf, fields)? else { return Ok(None) };
    for (place, field) in places.iter_mut().zip(parsed.headers.iter()) {
        *place = Place::of(buf, field);
    }
    let method = parsed.method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    Ok(Some(Line {
        size,
        method: method.ok_or(httparse::Error::Token)?,
        version: if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 },
        target: within(buf, parsed.path.unwrap_or_default().as_bytes()),
        count: parsed.headers.len(),
    }))
}

fn understand(
    buf: &mut BytesMut,
    parsed: Result<Option<Line>, httparse::Error>,
    places: &[Place],
    limits: Limits,
    head: &mut Head,
    names: &mut Names,
) -> Result<bool, Refused> {
    let Some(line) = parsed.map_err(|error| Refused::of(error, buf))? else { return Ok(false) };
    let Line { size, method, version, target, count } = line;
    if size > limits.size.min(u32::MAX as usize) {
        return Err(Refused::TOO_LARGE);
    }
    let target = range(target);
    if target.len() > TARGET {
        return Err(Refused::TARGET);
    }
    let bytes = buf.split_to(size).freeze();
    let uri = Uri::from_maybe_shared(bytes.slice(target)).map_err(|_| Malformed("the target is malformed"))?;
    let mut said = Said::default();
    let fields = places.get(..count).unwrap_or_default();
    let Head { request, reading, expects, asked } = head;
    fill(request.headers_mut(), &bytes, fields, names, |name, value| said.hear(name, value))?;
    *reading = said.settle(version, request.headers_mut())?;
    *asked = Asked { version, head: method == Method::HEAD, trailers: said.trailers, keeps: said.keeps(version) };
    *expects = said.expects && version == Version::HTTP_11 && !reading.is_over();
    (*request.method_mut(), *request.uri_mut(), *request.version_mut()) = (method, uri, version);
    Ok(true)
}

// === impl Said ===

impl Said {
    fn hear(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Refused> {
        match *name {
            header::CONTENT_LENGTH => return self.hear_length(value),
            header::TRANSFER_ENCODING => {
                self.coded = true;
                let last = words(value).next_back().filter(|_| value.to_str().is_ok());
                self.chunked = last.is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            }
            header::CONNECTION => {
                self.close |= words(value).any(|word| word.eq_ignore_ascii_case(b"close"));
                self.keep_alive |= words(value).any(|word| word.eq_ignore_ascii_case(b"keep-alive"));
            }
            header::EXPECT => self.expects = value.as_bytes().eq_ignore_ascii_case(b"100-continue"),
            header::TE => self.trailers |= words(value).any(|word| word.eq_ignore_ascii_case(b"trailers")),
            _ => {}
        }
        Ok(())
    }

    /// All lengths must be the same.
    fn hear_length(&mut self, value: &HeaderValue) -> Result<(), Refused> {
        let size = number(value.as_bytes()).ok_or(Malformed("content-length is no number"))?;
        if self.length.replace(size).is_some_and(|other| other != size) {
            return Err(Malformed("there are two lengths").into());
        }
        self.lengths += 1;
        Ok(())
    }

    /// Where the body ends (RFC 9112 §6.3). One framing is left in the map.
    fn settle(&self, version: Version, headers: &mut HeaderMap) -> Result<Reading, Refused> {
        if self.coded {
            if version == Version::HTTP_10 {
                return Err(Malformed("HTTP/1.0 knows no transfer-encoding").into());
            }
            if !self.chunked {
                return Err(Malformed("the last transfer-encoding is not chunked").into());
            }
            if self.lengths > 0 {
                headers.remove(header::CONTENT_LENGTH);
            }
            return Ok(Reading::Chunked(Box::<Chunks>::default()));
        }
        let Some(size) = self.length else { return Ok(Reading::Over) };
        if self.lengths > 1 {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        }
        Ok(Reading::length(size))
    }

    /// RFC 9112 §9.3, and §6.1 for a request with two framings.
    fn keeps(&self, version: Version) -> bool {
        let stays = !self.close && (version == Version::HTTP_11 || self.keep_alive);
        stays && !(self.coded && self.lengths > 0)
    }
}

// === impl Refused ===

impl Refused {
    const TOO_LARGE: Self = Self { status: Some(431), why: "the head is too large" };
    const TARGET: Self = Self { status: Some(414), why: "the target is too long" };

    fn of(error: httparse::Error, buf: &[u8]) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self { status: Some(431), why: "there are too many fields" },
            _ if buf.starts_with(PREFACE) => Self { status: None, why: "it is HTTP/2, which was not agreed on" },
            _ => said(error).into(),
        }
    }
}

impl From<Malformed> for Refused {
    fn from(Malformed(why): Malformed) -> Self {
        Self { status: Some(400), why }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
