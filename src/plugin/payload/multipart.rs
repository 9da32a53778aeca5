//! The parts of a `multipart/form-data` body (RFC 7578).

use http::HeaderValue;

/// A part: its header lines, each with its line end, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: Option<String>,
    head: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

const LINE: &[u8] = b"\r\n";

/// The parts and the boundary between them; `None` for a body that cannot be read.
pub(crate) fn read<'a>(body: &[u8], content_type: &'a HeaderValue) -> Option<(Vec<Part>, &'a str)> {
    let boundary = boundary(content_type.to_str().ok()?)?;
    Some((if body.is_empty() { Vec::new() } else { parse(body, boundary)? }, boundary))
}

/// As a body.
pub(crate) fn encode(parts: &[Part], boundary: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        for piece in [b"--", boundary.as_bytes(), LINE, &part.head, LINE, &part.content, LINE] {
            out.extend_from_slice(piece);
        }
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

// === impl Part ===

impl Part {
    pub(crate) fn simple(name: &str, content: &[u8]) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"\r\n");
        Self { name: Some(name.to_owned()), head: head.into_bytes(), content: content.to_vec() }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

// === reading ===

fn boundary(content_type: &str) -> Option<&str> {
    parameter(content_type, "boundary").filter(|text| !text.is_empty())
}

/// A parameter's value, quoted or not, by its name in whatever letter case.
fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut quoted = false;
    let outside = |c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    };
    line.split(outside).skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The parts between delimiters. `None` without an opening and a closing one.
fn parse(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("\r\n--{boundary}");
    let start = body.starts_with(&delimiter.as_bytes()[2..]).then_some(0);
    let start = start.or_else(|| find(body, delimiter.as_bytes()).map(|at| at + 2))?;
    let mut rest = &body[start + delimiter.len() - 2..];
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let section = &rest[find(rest, LINE)?..];
        let end = LINE.len() + find(&section[LINE.len()..], delimiter.as_bytes())?;
        parts.push(part(&section[..end])?);
        rest = &section[end + delimiter.len()..];
    }
    Some(parts)
}

/// A section begins with the line end of its delimiter, which a part without headers needs.
fn part(section: &[u8]) -> Option<Part> {
    let blank = find(section, b"\r\n\r\n")?;
    let head = &section[LINE.len()..blank + LINE.len()];
    Some(Part { name: name(head), head: head.to_vec(), content: section[blank + 4..].to_vec() })
}

fn name(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let line = text.split("\r\n").find(is_disposition)?;
    parameter(line, "name").map(str::to_owned)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// What bodies are made of.
    const PIECES: &[&str] =
        &["--", "B", "\r\n", "\n", "\r", ":", ";", "=", "\"", "Content-Disposition: form-data", "name=", "a", " ", "é"];

    fn kind(boundary: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            written in prop::collection::vec(("[a-z.:; =-]{0,8}", prop::collection::vec(prop::sample::select(PIECES), 0..8)), 0..5),
        ) {
            let parts: Vec<_> = written.iter().map(|(name, content)| Part::simple(name, content.concat().as_bytes())).collect();
            let kind = kind("no-such-piece");
            let (read, boundary) = read(&encode(&parts, "no-such-piece"), &kind).unwrap();
            prop_assert_eq!(boundary, "no-such-piece");
            let of = |parts: &[Part]| parts.iter().map(|part| (part.name.clone(), part.content.clone())).collect::<Vec<_>>();
            prop_assert_eq!(of(&read), of(&parts));
        }

        #[test]
        fn no_body_makes_it_panic(
            kinds in prop::collection::vec(prop::sample::select(PIECES), 0..6), pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        ) {
            let header = HeaderValue::from_str(&format!("x;boundary={}", kinds.concat().replace(['\r', '\n'], "")));
            for header in [kind("B"), header.unwrap()] {
                if let Some((parts, boundary)) = read(pieces.concat().as_bytes(), &header) {
                    prop_assert!(parts.len() <= pieces.len() && !boundary.is_empty());
                }
            }
        }
    }
}
