//! What a request must be before anything else looks at it: the checks that nginx makes in front of Kong
//! (`kong/proxying.md` §1, §10; `kong/routing.md` §1). Pure.

use super::failure::Failure;
use super::seen::Seen;
use crate::settings::Settings;
use http::{HeaderMap, HeaderValue, Method, Version, header, request::Parts};

/// The checks in nginx's order; `seen` is what the head has.
///
/// # Errors
/// The failure that answers the request.
pub fn inspect(parts: &Parts, seen: &Seen, settings: &Settings) -> Result<(), Failure> {
    check_method(&parts.method)?;
    check_sizes(parts, seen, settings)?;
    check_framing(parts, seen)?;
    check_host(parts, seen)?;
    check_length(&parts.headers, seen, settings)
}

/// nginx knows upper-case methods only, and refuses TRACE. CONNECT asks for a tunnel, which a gateway does not dig; Kong
/// passes it on as any other method.
fn check_method(method: &Method) -> Result<(), Failure> {
    if matches!(*method, Method::TRACE | Method::CONNECT) {
        return Err(Failure::MethodNotAllowed);
    }
    let upper = method.as_str().bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-'));
    if upper { Ok(()) } else { Err(Failure::BadRequest("the method is not in upper case")) }
}

/// The request line and each header line fit one buffer; all lines together fit all buffers.
fn check_sizes(parts: &Parts, seen: &Seen, settings: &Settings) -> Result<(), Failure> {
    // "METHOD target HTTP/1.1\r\n"
    let line = parts.method.as_str().len() + target_len(parts) + 12;
    if line > settings.header_line {
        return Err(Failure::UriTooLong);
    }
    let fit = seen.longest <= settings.header_line && seen.fields <= settings.header_count;
    if fit && line + seen.bytes <= settings.header_total { Ok(()) } else { Err(Failure::HeaderTooLarge) }
}

fn target_len(parts: &Parts) -> usize {
    parts.uri.path().len() + parts.uri.query().map_or(0, |query| query.len() + 1)
}

/// RFC 9112 §6.1, §6.3: one framing, and one that this gateway and its upstreams understand alike.
fn check_framing(parts: &Parts, seen: &Seen) -> Result<(), Failure> {
    if seen.lengths > 1 || seen.authorizations > 1 {
        return Err(Failure::BadRequest("a header that may stand only once is repeated"));
    }
    if seen.codings == 0 {
        return Ok(());
    }
    let coding = parts.headers.get(header::TRANSFER_ENCODING).map_or(&b""[..], HeaderValue::as_bytes);
    if seen.codings > 1 || !coding.eq_ignore_ascii_case(b"chunked") {
        return Err(Failure::NotImplemented);
    }
    if seen.lengths > 0 || parts.version == Version::HTTP_10 {
        return Err(Failure::BadRequest("transfer-encoding is not alone, or not allowed in this version"));
    }
    Ok(())
}

/// RFC 9112 §3.2: exactly one Host; HTTP/1.0 may have none. HTTP/2 may not have none either, by nginx's rule.
fn check_host(parts: &Parts, seen: &Seen) -> Result<(), Failure> {
    match parts.headers.get(header::HOST) {
        Some(_) if seen.hosts > 1 => Err(Failure::BadRequest("there are two Host headers")),
        Some(host) if !is_host(host.as_bytes()) => Err(Failure::BadRequest("the Host header is no host")),
        None if parts.version >= Version::HTTP_11 => Err(Failure::BadRequest("there is no Host header")),
        _ => Ok(()),
    }
}

/// RFC 9110 §7.2 by exclusion: nothing that could end a header, a path or a name.
fn is_host(host: &[u8]) -> bool {
    let bad = |b: &u8| *b <= b' ' || *b == 0x7f || matches!(b, b'/' | b'\\' | b'?' | b'#' | b'@' | b'"' | b'<' | b'>');
    !host.is_empty() && !host.iter().any(bad)
}

/// A declared body that is too large is refused before it is read.
fn check_length(headers: &HeaderMap, seen: &Seen, settings: &Settings) -> Result<(), Failure> {
    if seen.lengths == 0 {
        return Ok(());
    }
    let value = headers.get(header::CONTENT_LENGTH);
    let length = value.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let length = length.ok_or(Failure::BadRequest("content-length is no number"))?;
    let limit = settings.client_max_body_size;
    if limit > 0 && length > limit { Err(Failure::BodyTooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::Request;

    fn verdict(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Result<(), Failure> {
        let builder = Request::builder().uri("/").header("host", "a");
        let (parts, ()) = build(builder).body(()).unwrap().into_parts();
        inspect(&parts, &Seen::of(&parts.headers), &Settings { client_max_body_size: 10, ..Settings::default() })
    }

    #[test]
    fn plain_requests_pass() {
        assert_eq!(verdict(|b| b), Ok(()));
        assert_eq!(verdict(|b| b.method("M-SEARCH").header("content-length", "10")), Ok(()));
        assert_eq!(verdict(|b| b.header("transfer-encoding", "Chunked")), Ok(()));
    }

    #[test]
    fn methods_hosts_and_framing_are_checked() {
        assert!(matches!(verdict(|b| b.method("get")), Err(Failure::BadRequest(_))));
        assert_eq!(verdict(|b| b.method("TRACE")), Err(Failure::MethodNotAllowed));
        assert!(matches!(verdict(|b| b.header("host", "b")), Err(Failure::BadRequest(_))));
        assert_eq!(verdict(|b| b.header("transfer-encoding", "gzip, chunked")), Err(Failure::NotImplemented));
        let both = verdict(|b| b.header("transfer-encoding", "chunked").header("content-length", "1"));
        assert!(matches!(both, Err(Failure::BadRequest(_))));
    }

    #[test]
    fn sizes_are_limited() {
        assert_eq!(verdict(|b| b.header("content-length", "11")), Err(Failure::BodyTooLarge));
        assert_eq!(verdict(|b| b.uri(format!("/{}", "a".repeat(8192)))), Err(Failure::UriTooLong));
        assert_eq!(verdict(|b| b.header("x", "a".repeat(8192))), Err(Failure::HeaderTooLarge));
        let many = verdict(|b| (0..5).fold(b, |b, _| b.header("x", "a".repeat(8000))));
        assert_eq!(many, Err(Failure::HeaderTooLarge));
    }
}
