//! The chunked transfer coding, taken apart (RFC 9112 §7.1). Pure.
//!
//! Lines end with CRLF and nothing less: whoever reads a bare LF otherwise would see other messages than this gateway.

use super::{FIELDS, Malformed};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Most bytes of chunk extensions in one body, and of its trailer section.
const MOST: usize = 16 * 1024;
/// Digits of the largest size, and of one that is written with a few zeros in front.
const DIGITS: usize = 16;

/// How far a chunked body has come.
#[derive(Debug, Default)]
pub struct Chunks {
    state: State,
    /// Bytes of size lines that are not size.
    extra: usize,
    trailers: Option<HeaderMap>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// A line with the next chunk's size comes.
    #[default]
    Size,
    /// So many bytes of a chunk come.
    Data(u64),
    /// The end of a chunk's last line comes.
    DataEnd,
    /// The trailer section comes.
    Trailers,
    /// All was read.
    Over,
}

/// What the bytes at hand are.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Too few to tell.
    More,
    /// A piece of the body.
    Data(Bytes),
    /// Its trailers.
    Trailers(HeaderMap),
    /// Its end.
    End,
}

// === impl Chunks ===

impl Chunks {
    /// Takes the next piece off the front.
    ///
    /// # Errors
    /// When it is not chunked as it should be, or its extensions or trailers are too large.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Step, Malformed> {
        self.advance(buf)?;
        match self.state {
            State::Data(left) if !buf.is_empty() => Ok(Step::Data(self.take(left, buf))),
            State::Over => Ok(self.trailers.take().map_or(Step::End, Step::Trailers)),
            _ => Ok(Step::More),
        }
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over && self.trailers.is_none()
    }

    fn take(&mut self, left: u64, buf: &mut BytesMut) -> Bytes {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let piece = buf.split_to(size).freeze();
        let left = left - size as u64;
        self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
        // The end may be at hand as well, and a body whose end is known is ended in one write. A fault is told next time.
        let _ = self.advance(buf);
        piece
    }

    /// Goes on to the next byte of data, or to the end, as far as the bytes reach.
    fn advance(&mut self, buf: &mut BytesMut) -> Result<(), Malformed> {
        loop {
            let next = match self.state {
                State::Size => self.size(buf)?,
                State::DataEnd => data_end(buf)?,
                State::Trailers => self.trailers(buf)?,
                State::Data(_) | State::Over => None,
            };
            match next {
                Some(state) => self.state = state,
                None => return Ok(()),
            }
        }
    }

    fn size(&mut self, buf: &mut BytesMut) -> Result<Option<State>, Malformed> {
        let Some(end) = buf.iter().position(|b| *b == b'\n') else {
            let long = self.extra + buf.len() > MOST + DIGITS;
            return if long { Err(Malformed("a chunk's size line is too long")) } else { Ok(None) };
        };
        let (size, extra) = size_line(&buf[..end])?;
        self.extra += extra;
        if self.extra > MOST {
            return Err(Malformed("chunk extensions are too long"));
        }
        buf.advance(end + 1);
        Ok(Some(if size == 0 { State::Trailers } else { State::Data(size) }))
    }

    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Option<State>, Malformed> {
        if buf.starts_with(b"\r\n") {
            buf.advance(2);
            return Ok(Some(State::Over));
        }
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let parsed = httparse::parse_headers(buf, &mut fields).map_err(|_| Malformed("the trailers are malformed"))?;
        let size = match parsed {
            httparse::Status::Partial => buf.len(),
            httparse::Status::Complete((size, _)) => size,
        };
        if size > MOST {
            return Err(Malformed("the trailers are too long"));
        }
        if has_bare_end(&buf[..size]) {
            return Err(Malformed("a trailer's line has no CR"));
        }
        let httparse::Status::Complete((size, fields)) = parsed else { return Ok(None) };
        self.trailers = Some(fields.iter().map(owned).collect::<Result<_, _>>()?);
        buf.advance(size);
        Ok(Some(State::Over))
    }
}

/// Whether a line ends with LF alone, which httparse takes.
fn has_bare_end(lines: &[u8]) -> bool {
    lines.starts_with(b"\n") || lines.windows(2).any(|pair| matches!(pair, [before, b'\n'] if *before != b'\r'))
}

fn owned(field: &httparse::Header<'_>) -> Result<(HeaderName, HeaderValue), Malformed> {
    let name = HeaderName::from_bytes(field.name.as_bytes());
    let value = HeaderValue::from_bytes(field.value);
    name.ok().zip(value.ok()).ok_or(Malformed("a trailer is malformed"))
}

/// A size line without its LF: the size, and how many bytes are not its digits.
fn size_line(line: &[u8]) -> Result<(u64, usize), Malformed> {
    let line = line.strip_suffix(b"\r").ok_or(Malformed("a chunk's size line has no CR"))?;
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (text, rest) = line.split_at(digits);
    let size = text.iter().try_fold(0u64, |size, b| push_digit(size, *b)).filter(|_| digits > 0);
    let size = size.ok_or(Malformed("a chunk's size is no number, or too large"))?;
    let after = rest.iter().find(|b| !matches!(b, b' ' | b'\t'));
    if rest.contains(&b'\r') || after.is_some_and(|b| *b != b';') {
        return Err(Malformed("a chunk's size is followed by what is no extension"));
    }
    Ok((size, line.len().saturating_sub(DIGITS)))
}

fn push_digit(size: u64, digit: u8) -> Option<u64> {
    let value = char::from(digit).to_digit(16)?;
    size.checked_mul(16)?.checked_add(u64::from(value))
}

fn data_end(buf: &mut BytesMut) -> Result<Option<State>, Malformed> {
    if buf.len() >= 2 && buf.starts_with(b"\r\n") {
        buf.advance(2);
        return Ok(Some(State::Size));
    }
    let good = buf.len() < 2 && b"\r".starts_with(&buf[..]);
    if good { Ok(None) } else { Err(Malformed("a chunk is longer than its size")) }
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
