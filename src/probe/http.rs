//! The question, and what of an answer says that HTTP is spoken. A client library would say less about what is no HTTP.

use super::{Http, Trouble};
use http::HeaderValue;

/// Most bytes of an answer that are looked at.
pub(super) const MOST: usize = 16 << 10;

/// A request without a body, after which the server closes.
pub(super) fn request(method: &str, target: &str, host: &HeaderValue) -> Vec<u8> {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: ");
    let agent = concat!("\r\nUser-Agent: gateway-check/", env!("CARGO_PKG_VERSION"));
    [head.as_bytes(), host.as_bytes(), agent.as_bytes(), b"\r\nAccept: */*\r\nConnection: close\r\n\r\n"].concat()
}

/// Whether more has to be read before an answer is understood.
pub(super) fn wants_more(bytes: &[u8]) -> bool {
    let head = b"HTTP/1.";
    let started = bytes.starts_with(&head[..head.len().min(bytes.len())]);
    started && bytes.len() < MOST && !bytes.windows(4).any(|end| end == b"\r\n\r\n")
}

/// What an answer says.
///
/// # Errors
/// What it is instead.
pub(super) fn parse(bytes: &[u8]) -> Result<Http, Trouble> {
    // A TLS alert: record type 21, version 3.x (RFC 8446 §5.1).
    if bytes.starts_with(&[21, 3]) {
        return Err(Trouble::OnlyTls);
    }
    if bytes.is_empty() {
        return Err(Trouble::Closed);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(status).ok_or(Trouble::NoHttp)?;
    let server = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    let mut server = server.filter(|(name, _)| name.eq_ignore_ascii_case("server"));
    let server = server.next().map(|(_, value)| value.trim().chars().filter(|c| !c.is_control()).take(60).collect());
    // What nginx, Apache and Go's server say to plain HTTP on a TLS port.
    let marks = [
        "plain HTTP request was sent to HTTPS port",
        "speaking plain HTTP to an SSL-enabled",
        "HTTP request to an HTTPS server",
    ];
    if status == 400 && marks.iter().any(|mark| text.contains(mark)) {
        return Err(Trouble::OnlyTls);
    }
    Ok(Http { status, server })
}

fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let status = rest.get(..3)?.parse().ok()?;
    (version.starts_with("HTTP/1.") && (100..=999).contains(&status)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let http = |status, server: Option<&str>| Ok(Http { status, server: server.map(str::to_owned) });
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nserver: nginx\x1b[1m\r\n\r\nx"), http(200, Some("nginx[1m")));
        assert_eq!(parse(b"HTTP/1.0 404\r\nDate: x\r\n\r\nServer: body"), http(404, None));
        assert_eq!(parse(b"SSH-2.0-OpenSSH_9.6\r\n"), Err(Trouble::NoHttp));
        assert_eq!(parse(b"HTTP/1.1 2x0 OK\r\n"), Err(Trouble::NoHttp));
        assert_eq!(parse(b"HTTP/1.1 20\xc3\xa9\r\n"), Err(Trouble::NoHttp));
        assert_eq!(parse(b""), Err(Trouble::Closed));
        assert_eq!(parse(&[21, 3, 3, 0, 2, 2, 70]), Err(Trouble::OnlyTls));
        let go = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        assert_eq!(parse(go), Err(Trouble::OnlyTls));
    }

    #[test]
    fn reading_ends_where_all_is_known() {
        assert!(wants_more(b"") && wants_more(b"HTT") && wants_more(b"HTTP/1.1 200 OK\r\nA: b\r\n"));
        assert!(!wants_more(b"SSH") && !wants_more(b"HTTP/1.1 200 OK\r\n\r\n") && !wants_more(&[21, 3]));
    }

    #[test]
    fn the_question_concerns_nothing() {
        let text = request("OPTIONS", "*", &HeaderValue::from_static("rest:3000"));
        assert!(text.starts_with(b"OPTIONS * HTTP/1.1\r\nHost: rest:3000\r\nUser-Agent: gateway-check/"));
        assert!(text.ends_with(b"\r\nConnection: close\r\n\r\n"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_too_odd(bytes: Vec<u8>, tail: String) {
            let _ = parse(&bytes);
            let _ = parse(format!("HTTP/1.1 {tail}").as_bytes());
        }
    }
}
