//! A request's head as an upstream gets it, and how its body is framed (RFC 9112 §3, §6). Pure.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body::Body;

/// How a request's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// A piece that ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

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
}

/// Writes a head. The fields that frame a body are this function's: whatever the map says, they tell the truth.
pub fn write(out: &mut Vec<u8>, method: &Method, target: &Uri, headers: &HeaderMap, framing: Framing) {
    let target = target.path_and_query().map_or("/", |target| target.as_str());
    for part in [method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut framed = false;
    for (name, value) in headers {
        if *name == header::CONTENT_LENGTH {
            if !std::mem::replace(&mut framed, true) {
                length(out, framing);
            }
        } else if *name != header::TRANSFER_ENCODING {
            field(out, name, value);
        }
    }
    match framing {
        Framing::Length(_) if !framed => length(out, framing),
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::Length(_) => {}
    }
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn length(out: &mut Vec<u8>, framing: Framing) {
    let size = match framing {
        Framing::None => 0,
        Framing::Length(size) => size,
        Framing::Chunked => return,
    };
    out.extend_from_slice(format!("content-length: {size}\r\n").as_bytes());
}

/// The line in front of a chunk.
pub fn chunk_size(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(format!("{size:x}\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::{Empty, Full};

    fn written(pairs: &[(&'static str, &'static str)], framing: Framing) -> String {
        let headers =
            pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect::<HeaderMap>();
        let mut out = Vec::new();
        write(&mut out, &Method::POST, &Uri::from_static("/a?b"), &headers, framing);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_one_framing_whatever_the_map_says() {
        let liar = [("host", "a"), ("content-length", "7"), ("transfer-encoding", "gzip"), ("x", "1")];
        let head = |lines: &str| format!("POST /a?b HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(written(&liar, Framing::None), head("host: a\r\ncontent-length: 0\r\nx: 1\r\n"));
        assert_eq!(written(&liar, Framing::Length(3)), head("host: a\r\ncontent-length: 3\r\nx: 1\r\n"));
        assert_eq!(written(&liar, Framing::Chunked), head("host: a\r\nx: 1\r\ntransfer-encoding: chunked\r\n"));
        assert_eq!(written(&[], Framing::Length(3)), head("content-length: 3\r\n"));
        assert_eq!(written(&[], Framing::None), head(""));
    }

    #[test]
    fn the_body_itself_says_how_large_it_is() {
        let said = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static("7"))]);
        assert_eq!(Framing::of(&said, &Empty::<&[u8]>::new()), Framing::None);
        assert_eq!(Framing::of(&said, &Full::new(&b"abc"[..])), Framing::Length(3));
    }
}
