//! What a check says, and what of the answer it understands. Pure.

use crate::health::checks::Active;
use http::HeaderValue;
use http::header::{HOST, USER_AGENT};

/// Most bytes of a status line.
const MOST: usize = 1024;

/// What was read so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Enough.
    Status(u16),
    /// Enough, and it is no HTTP.
    Nonsense,
    /// Not enough.
    More,
}

/// The request, after which the server closes. Headers of the configuration go before ours.
pub(super) fn text(active: &Active, host: &HeaderValue) -> Vec<u8> {
    let mut text = format!("GET {} HTTP/1.1\r\n", active.path).into_bytes();
    let agent = HeaderValue::from_static(concat!("gateway-health-check/", env!("CARGO_PKG_VERSION")));
    for (name, value) in [(HOST, host), (USER_AGENT, &agent)] {
        if !active.headers.iter().any(|(own, _)| *own == name) {
            line(&mut text, name.as_str(), value);
        }
    }
    active.headers.iter().for_each(|(name, value)| line(&mut text, name.as_str(), value));
    text.extend_from_slice(b"connection: close\r\n\r\n");
    text
}

fn line(text: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value.as_bytes());
    text.extend_from_slice(b"\r\n");
}

/// What the beginning of an answer says.
pub(super) fn read(bytes: &[u8]) -> Read {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < MOST { Read::More } else { Read::Nonsense };
    };
    status(&bytes[..end]).map_or(Read::Nonsense, Read::Status)
}

fn status(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let digits = rest.trim_start().get(..3)?;
    let status: u16 = digits.parse().ok()?;
    (version.starts_with("HTTP/1.") && status >= 100).then_some(status)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::health::checks::{Kind, Limits};
    use std::time::Duration;

    fn active(headers: &[(&'static str, &'static str)]) -> Active {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        Active {
            kind: Kind::Http,
            timeout: Duration::from_secs(1),
            concurrency: 1,
            path: "/health".into(),
            sni: None,
            verify: true,
            headers: headers.collect(),
            healthy_every: Duration::ZERO,
            unhealthy_every: Duration::ZERO,
            limits: Limits::default(),
        }
    }

    fn said(headers: &[(&'static str, &'static str)]) -> String {
        String::from_utf8(text(&active(headers), &HeaderValue::from_static("a.test:8000"))).unwrap()
    }

    #[test]
    fn what_is_asked() {
        let text = said(&[("x-a", "1"), ("x-a", "2")]);
        assert!(
            text.starts_with("GET /health HTTP/1.1\r\nhost: a.test:8000\r\nuser-agent: gateway-health-check/"),
            "{text}"
        );
        assert!(text.ends_with("\r\nx-a: 1\r\nx-a: 2\r\nconnection: close\r\n\r\n"), "{text}");
        let own = said(&[("host", "b"), ("user-agent", "me")]);
        assert_eq!(own, "GET /health HTTP/1.1\r\nhost: b\r\nuser-agent: me\r\nconnection: close\r\n\r\n");
    }

    #[test]
    fn what_is_understood() {
        for (bytes, wanted) in [
            (&b""[..], Read::More),
            (b"HTTP/1.1 200", Read::More),
            (b"HTTP/1.1 200 OK\r\n", Read::Status(200)),
            (b"HTTP/1.0 503\n", Read::Status(503)),
            (b"HTTP/1.1 20\r\n", Read::Nonsense),
            (b"SSH-2.0-x\r\n", Read::Nonsense),
            (b"HTTP/1.1 099 no\r\n", Read::Nonsense),
            (b"\xff\xfe\n", Read::Nonsense),
            (&[b'x'; MOST], Read::Nonsense),
        ] {
            assert_eq!(read(bytes), wanted, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
