//! An answer's head as a client gets it (RFC 9113 §8.2.2, §8.3.2). Pure.

use super::hpack::Encoder;
use super::request::is_of_connection;
use super::write;
use crate::http1::fields::{number, words};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Writes a head. `length` is that of the body, where it is known, whatever the head says; `end` says whether no body
/// follows.
pub fn head(out: &mut Vec<u8>, encoder: &mut Encoder, stream: u32, head: &Parts, length: Option<u64>, end: bool) {
    let told = head.headers.get(header::CONTENT_LENGTH).and_then(|told| number(told.as_bytes()));
    let length = length.filter(|length| told != Some(*length));
    write::headers(out, stream, end, |out| {
        encoder.begin(out);
        encoder.status(out, head.status);
        fields(out, encoder, &head.headers, length.is_some());
        if let Some(length) = length {
            encoder.field(out, &header::CONTENT_LENGTH, &HeaderValue::from(length));
        }
    });
}

/// Writes an answer that is nothing but a status.
pub fn status(out: &mut Vec<u8>, encoder: &mut Encoder, stream: u32, status: StatusCode) {
    write::headers(out, stream, true, |out| {
        encoder.begin(out);
        encoder.status(out, status);
    });
}

/// Writes trailers, which end the stream.
pub fn trailers(out: &mut Vec<u8>, encoder: &mut Encoder, stream: u32, trailers: &HeaderMap) {
    write::headers(out, stream, true, |out| {
        encoder.begin(out);
        fields(out, encoder, trailers, false);
    });
}

fn fields(out: &mut Vec<u8>, encoder: &mut Encoder, fields: &HeaderMap, measured: bool) {
    let joined = fields.contains_key(header::CONNECTION);
    for (name, value) in fields {
        let stays = match *name {
            header::TE => false,
            header::CONTENT_LENGTH => !measured,
            ref name => !(is_of_connection(name) || joined && is_named(fields, name)),
        };
        if stays {
            encoder.field(out, name, value);
        }
    }
}

/// Whether `Connection` names this field: it is meant for the next neighbour only.
#[cold]
fn is_named(fields: &HeaderMap, name: &HeaderName) -> bool {
    let mut words = fields.get_all(header::CONNECTION).iter().flat_map(words);
    words.any(|word| word.eq_ignore_ascii_case(name.as_str().as_bytes()))
}
