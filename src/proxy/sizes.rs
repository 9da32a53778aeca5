//! How many bytes a head has on the wire, as HTTP/1 writes it: nginx counts HTTP/2 its own way, and nobody adds both up.

use http::Request;
use http::header::{self, HeaderMap};

/// A request: its head, and the body that its head announces.
pub(super) fn request<B>(req: &Request<B>) -> u64 {
    let target = req.uri().path_and_query().map_or(1, |target| target.as_str().len());
    // Two blanks, the version and a line's end.
    let line = req.method().as_str().len() + target + 12;
    let length = req.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    (line + lines(req.headers())) as u64 + length.unwrap_or(0)
}

/// An answer's head.
pub(super) fn answer(headers: &HeaderMap) -> u64 {
    // `HTTP/1.1 200 OK` and a line's end.
    (17 + lines(headers)) as u64
}

fn lines(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn as_long_as_written() {
        let written = "POST /a?b HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello";
        let req = http::Request::post("/a?b").header("host", "h").header("content-length", "5").body(()).unwrap();
        assert_eq!(request(&req), written.len() as u64);
        let res = http::Response::builder().header("a", "b").body(()).unwrap();
        assert_eq!(answer(res.headers()), "HTTP/1.1 200 OK\r\na: b\r\n\r\n".len() as u64);
    }
}
