//! How a body is sent, and its pieces on their way into a queue (RFC 9112 §6, §7.1). Pure.

use super::Malformed;
use super::queue::Queue;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body;
use std::io::Write;

/// How a body is framed, and what of it is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none, or no more.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Up to the end of the connection.
    UntilClose,
}

/// A piece that ends a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

// === impl Framing ===

impl Framing {
    /// By the body's own size; by what the head says of it only where that is unknown.
    #[must_use]
    pub fn of(headers: &HeaderMap, body: &impl Body) -> Self {
        if body.is_end_stream() {
            return Self::None;
        }
        let said = || headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        body.size_hint().exact().or_else(said).map_or(Self::Chunked, Self::Length)
    }

    /// So many bytes of a body with a length were sent, or are about to be.
    ///
    /// # Errors
    /// When that is more than was said.
    pub fn passed(&mut self, size: usize) -> Result<(), Malformed> {
        if let Self::Length(left) = self {
            *self = match left.checked_sub(size as u64).ok_or(Malformed("a body is longer than was said"))? {
                0 => Self::None,
                left => Self::Length(left),
            };
        }
        Ok(())
    }

    /// Puts the next piece, or the end, into a queue in which no piece waits.
    ///
    /// # Errors
    /// When the body is longer or shorter than it should be.
    pub fn load(&mut self, piece: Option<Bytes>, queue: &mut Queue) -> Result<(), Malformed> {
        match (&mut *self, piece) {
            (Self::Length(_), Some(piece)) => {
                self.passed(piece.len())?;
                queue.push(piece, b"");
            }
            (Self::Chunked, Some(piece)) if !piece.is_empty() => {
                chunk_size(queue.own(), piece.len());
                queue.push(piece, b"\r\n");
            }
            (Self::Chunked, None) => {
                queue.own().extend_from_slice(LAST_CHUNK);
                *self = Self::None;
            }
            (Self::UntilClose, Some(piece)) => queue.push(piece, b""),
            // Over HTTP/2 a body may turn out to be empty only when it ends.
            (Self::UntilClose | Self::Length(0), None) => *self = Self::None,
            (Self::Length(_), None) => return Err(Malformed("a body is shorter than was said")),
            (Self::Chunked, Some(_)) | (Self::None, _) => {}
        }
        Ok(())
    }
}

/// Writes the field that says how long a body is.
pub fn content_length(out: &mut Vec<u8>, size: u64) {
    out.extend_from_slice(b"content-length: ");
    decimal(out, size);
    out.extend_from_slice(b"\r\n");
}

fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Writes the line in front of a chunk.
fn chunk_size(out: &mut Vec<u8>, size: usize) {
    let _ = write!(out, "{size:x}\r\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;
    use http_body_util::{Empty, Full};

    fn sent(mut framing: Framing, pieces: &[Option<&'static str>]) -> Result<String, Malformed> {
        let mut queue = Queue::default();
        for piece in pieces {
            framing.load(piece.map(Bytes::from), &mut queue)?;
        }
        assert_eq!(framing, Framing::None);
        Ok(String::from_utf8(queue.left().to_vec()).unwrap())
    }

    #[test]
    fn the_body_itself_says_how_large_it_is() {
        let said = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static("7"))]);
        assert_eq!(Framing::of(&said, &Empty::<&[u8]>::new()), Framing::None);
        assert_eq!(Framing::of(&said, &Full::new(&b"abc"[..])), Framing::Length(3));
    }

    #[test]
    fn numbers_are_written_as_anybody_writes_them() {
        for number in [0, 7, 10, 1024, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn pieces_are_framed() {
        assert_eq!(sent(Framing::Length(4), &[Some("ab"), Some(""), Some("cd")]).unwrap(), "abcd");
        assert_eq!(sent(Framing::UntilClose, &[Some("ab"), None]).unwrap(), "ab");
        let chunks = [Some("0123456789abcdefg"), Some(""), Some("h"), None];
        assert_eq!(sent(Framing::Chunked, &chunks).unwrap(), "11\r\n0123456789abcdefg\r\n1\r\nh\r\n0\r\n\r\n");
        assert!(
            sent(Framing::Length(1), &[Some("ab")]).is_err() && sent(Framing::Length(3), &[Some("ab"), None]).is_err()
        );
    }
}
