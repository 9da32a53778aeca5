//! An answer's head as a client gets it, and how its body is framed (RFC 9112 §4, §6, §9.3). Pure.

use super::request::Asked;
use crate::http1::fields::{self, words};
use crate::http1::sending::{Framing, content_length};
use crate::server::answer::has_body;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use http_body::Body;
use hyper::ext::ReasonPhrase;

/// What follows a head.
#[derive(Debug)]
pub struct Plan {
    /// How the body is sent.
    pub framing: Framing,
    /// Whether another request may follow.
    pub keeps: bool,
    /// The trailers that may follow the body.
    pub trailers: Vec<HeaderName>,
}

/// Fields that no trailer section may hold: they would change what was understood of the head (RFC 9110 §6.5.1).
const NO_TRAILERS: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::HOST,
    header::MAX_FORWARDS,
    header::SET_COOKIE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::TE,
];

// === impl Plan ===

impl Plan {
    /// For this answer to what was asked.
    #[must_use]
    pub fn of(asked: Asked, head: &Parts, body: &impl Body) -> Self {
        let framing = match Framing::of(&head.headers, body) {
            _ if !has_body(asked.head, head.status) => Framing::None,
            Framing::Chunked if asked.version == Version::HTTP_10 => Framing::UntilClose,
            framing => framing,
        };
        let says = |word: &str| head.headers.get_all(header::CONNECTION).iter().any(|value| has_word(value, word));
        let stays = !says("close") && (asked.version == Version::HTTP_11 || says("keep-alive"));
        let keeps = asked.keeps && stays && framing != Framing::UntilClose;
        let trailers = if framing == Framing::Chunked && asked.trailers { trailers(&head.headers) } else { Vec::new() };
        Self { framing, keeps, trailers }
    }

    /// Writes the head. The fields that frame a body, and what becomes of the connection, are this function's: whatever the
    /// map says, they tell the truth.
    pub fn write(&self, out: &mut Vec<u8>, asked: Asked, head: &Parts) {
        status_line(out, asked.version, head);
        let (mut framed, mut joined, mut announced) = (false, false, false);
        let plain = self.keeps && head.headers.keys_len() == head.headers.len();
        for (name, value) in &head.headers {
            match *name {
                header::CONTENT_LENGTH if !std::mem::replace(&mut framed, true) => {
                    self.length(out, asked, head.status, Some(value));
                }
                header::CONNECTION if !std::mem::replace(&mut joined, true) => match plain {
                    true => fields::write(out, name, value),
                    false => self.connection(out, asked, &head.headers),
                },
                header::TRAILER if self.framing == Framing::Chunked && !std::mem::replace(&mut announced, true) => {
                    list(out, name, head.headers.get_all(name).iter().map(HeaderValue::as_bytes));
                }
                header::CONTENT_LENGTH | header::CONNECTION | header::TRAILER | header::TRANSFER_ENCODING => {}
                _ => fields::write(out, name, value),
            }
        }
        if !framed {
            self.length(out, asked, head.status, None);
        }
        if !joined {
            self.connection(out, asked, &head.headers);
        }
        if self.framing == Framing::Chunked {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// An answer to HEAD says what the one to GET would.
    fn length(&self, out: &mut Vec<u8>, asked: Asked, status: StatusCode, told: Option<&HeaderValue>) {
        match (self.framing, told) {
            (Framing::Length(size), _) => content_length(out, size),
            (Framing::None, Some(told)) if asked.head => fields::write(out, &header::CONTENT_LENGTH, told),
            (Framing::None, _) if has_body(asked.head, status) => content_length(out, 0),
            _ => {}
        }
    }

    /// What the map says, unless it ends here; then that.
    fn connection(&self, out: &mut Vec<u8>, asked: Asked, headers: &HeaderMap) {
        let values = || headers.get_all(header::CONNECTION).iter();
        let told = self.keeps || asked.version == Version::HTTP_10 || values().any(|value| has_word(value, "close"));
        let values = values().map(HeaderValue::as_bytes);
        let values = values.filter(|value| self.keeps || !value.eq_ignore_ascii_case(b"keep-alive"));
        list(out, &header::CONNECTION, values.chain((!told).then_some(&b"close"[..])));
    }

    /// Writes the end of a chunked body, and what is allowed of its trailers.
    pub fn end(&mut self, out: &mut Vec<u8>, trailers: &HeaderMap) {
        if self.framing != Framing::Chunked {
            return;
        }
        out.extend_from_slice(b"0\r\n");
        for (name, value) in trailers.iter().filter(|(name, _)| self.trailers.contains(name)) {
            fields::write(out, name, value);
        }
        out.extend_from_slice(b"\r\n");
        self.framing = Framing::None;
    }
}

fn status_line(out: &mut Vec<u8>, version: Version, head: &Parts) {
    out.extend_from_slice(if version == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    let reason = head.extensions.get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
    let usual = || head.status.canonical_reason().unwrap_or("<none>").as_bytes();
    out.extend_from_slice(reason.unwrap_or_else(usual));
    out.extend_from_slice(b"\r\n");
}

/// Writes values as one line; nothing if there are none.
fn list<'a>(out: &mut Vec<u8>, name: &HeaderName, mut values: impl Iterator<Item = &'a [u8]>) {
    let Some(first) = values.next() else { return };
    for part in [name.as_str().as_bytes(), b": ", first] {
        out.extend_from_slice(part);
    }
    for value in values {
        out.extend_from_slice(b", ");
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\r\n");
}

/// What an answer announces as trailers, as far as they may be some.
fn trailers(headers: &HeaderMap) -> Vec<HeaderName> {
    let names = headers.get_all(header::TRAILER).iter().flat_map(words);
    let names = names.filter_map(|name| HeaderName::from_bytes(name).ok());
    names.filter(|name| !NO_TRAILERS.contains(name)).collect()
}

fn has_word(value: &HeaderValue, word: &str) -> bool {
    words(value).any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
