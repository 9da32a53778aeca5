//! A request's head as an upstream gets it (RFC 9112 §3, §6). Pure.

use crate::http1::fields;
use crate::http1::sending::{Framing, content_length};
use http::header;
use http::request::Parts;

/// Writes a head; `more` writes lines that are not in the map. The fields that frame a body are this function's: whatever
/// the map says, they tell the truth.
pub fn write(out: &mut Vec<u8>, parts: &Parts, more: impl FnOnce(&mut Vec<u8>), framing: Framing) {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    for part in [parts.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut framed = false;
    for (name, value) in &parts.headers {
        if *name == header::CONTENT_LENGTH {
            if !std::mem::replace(&mut framed, true) {
                length(out, framing);
            }
        } else if *name != header::TRANSFER_ENCODING {
            fields::write(out, name, value);
        }
    }
    more(out);
    match framing {
        Framing::Length(_) if !framed => length(out, framing),
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::Length(_) | Framing::UntilClose => {}
    }
    out.extend_from_slice(b"\r\n");
}

fn length(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::None => content_length(out, 0),
        Framing::Length(size) => content_length(out, size),
        Framing::Chunked | Framing::UntilClose => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::{HeaderName, HeaderValue, Request};

    fn written(pairs: &[(&'static str, &'static str)], framing: Framing) -> String {
        let mut parts = Request::post("/a?b").body(()).unwrap().into_parts().0;
        parts.headers.extend(pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))));
        let mut out = Vec::new();
        write(&mut out, &parts, |out| out.extend_from_slice(b"more: 1\r\n"), framing);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_one_framing_whatever_the_map_says() {
        let liar = [("host", "a"), ("content-length", "7"), ("transfer-encoding", "gzip"), ("x", "1")];
        let head = |lines: &str| format!("POST /a?b HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(written(&liar, Framing::None), head("host: a\r\ncontent-length: 0\r\nx: 1\r\nmore: 1\r\n"));
        assert_eq!(written(&liar, Framing::Length(3)), head("host: a\r\ncontent-length: 3\r\nx: 1\r\nmore: 1\r\n"));
        assert_eq!(
            written(&liar, Framing::Chunked),
            head("host: a\r\nx: 1\r\nmore: 1\r\ntransfer-encoding: chunked\r\n")
        );
        assert_eq!(written(&[], Framing::Length(3)), head("more: 1\r\ncontent-length: 3\r\n"));
        assert_eq!(written(&[], Framing::None), head("more: 1\r\n"));
    }
}
