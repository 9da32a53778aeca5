#![allow(clippy::unwrap_used)]
use super::*;
use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::{Empty, Full, StreamBody};

const ASKED: Asked = Asked { version: Version::HTTP_11, head: false, trailers: true, keeps: true };
const OLD: Asked = Asked { version: Version::HTTP_10, ..ASKED };
const HEAD: Asked = Asked { head: true, ..ASKED };

fn head(status: u16, pairs: &[(&'static str, &'static str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in pairs {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

/// The head as it is written, without the last line, and whether the connection stays.
fn written(asked: Asked, head: &Parts, body: &impl Body) -> (String, bool) {
    let plan = Plan::of(asked, head, body);
    let mut out = Vec::new();
    plan.write(&mut out, asked, head);
    (String::from_utf8(out).unwrap().strip_suffix("\r\n").unwrap().replace("\r\n", "|"), plan.keeps)
}

fn endless() -> impl Body {
    StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>())
}

fn three() -> impl Body {
    Full::new(Bytes::from_static(b"abc"))
}

fn none() -> impl Body {
    Empty::<Bytes>::new()
}

#[test]
fn a_head_is_one_framing_whatever_the_map_says() {
    let liar =
        head(200, &[("content-length", "7"), ("transfer-encoding", "gzip"), ("x", "1"), ("content-length", "8")]);
    let line = "HTTP/1.1 200 OK|";
    assert_eq!(written(ASKED, &liar, &three()).0, format!("{line}content-length: 3|x: 1|"));
    assert_eq!(written(ASKED, &liar, &none()).0, format!("{line}content-length: 0|x: 1|"));
    let open = head(200, &[("transfer-encoding", "gzip")]);
    assert_eq!(written(ASKED, &open, &endless()), (format!("{line}transfer-encoding: chunked|"), true));
    assert_eq!(written(OLD, &open, &endless()), ("HTTP/1.0 200 OK|".into(), false));
    assert_eq!(written(ASKED, &head(200, &[]), &three()).0, format!("{line}content-length: 3|"));
}

#[test]
fn answers_without_a_body_say_nothing_of_its_length() {
    for status in [204, 304] {
        let (text, keeps) = written(ASKED, &head(status, &[("content-length", "12"), ("trailer", "a")]), &none());
        assert!(!text.contains("length") && !text.contains("trailer") && keeps, "{text}");
    }
    assert!(!written(ASKED, &head(304, &[]), &three()).0.contains("length"));
    assert_eq!(
        written(HEAD, &head(200, &[("content-length", "12")]), &none()).0,
        "HTTP/1.1 200 OK|content-length: 12|"
    );
    assert_eq!(written(HEAD, &head(200, &[]), &none()).0, "HTTP/1.1 200 OK|");
    assert_eq!(
        written(ASKED, &head(101, &[("connection", "upgrade")]), &none()).0,
        "HTTP/1.1 101 Switching Protocols|connection: upgrade|"
    );
}

#[test]
fn the_connection_stays_where_both_sides_say_so() {
    let closing = Asked { keeps: false, ..ASKED };
    let says = |asked, value| written(asked, &head(200, &[("connection", value)]), &none());
    assert_eq!(says(ASKED, "keep-alive"), ("HTTP/1.1 200 OK|connection: keep-alive|content-length: 0|".into(), true));
    assert!(!says(ASKED, "x, Close").1 && !says(closing, "keep-alive").1);
    assert!(says(OLD, "keep-alive").1 && !written(OLD, &head(200, &[]), &none()).1);
    assert!(written(closing, &head(200, &[]), &none()).0.ends_with("|connection: close|"));
    assert!(says(closing, "close").0.contains("|connection: close|"));
    let two = head(200, &[("connection", "keep-alive"), ("a", "b"), ("connection", "x")]);
    assert!(written(ASKED, &two, &none()).0.contains("|connection: keep-alive, x|"));
}

#[test]
fn reasons_are_passed_on() {
    let mut parts = head(404, &[]);
    parts.extensions.insert(ReasonPhrase::from_static(b"Gone Fishing"));
    assert!(written(ASKED, &parts, &none()).0.starts_with("HTTP/1.1 404 Gone Fishing|"));
    assert!(written(ASKED, &head(299, &[]), &none()).0.starts_with("HTTP/1.1 299 <none>|"));
}

#[test]
fn trailers_are_those_that_were_announced() {
    let announced = head(200, &[("trailer", "X-Sum, content-length"), ("trailer", "y")]);
    let mut plan = Plan::of(ASKED, &announced, &endless());
    let fields = [("x-sum", "1"), ("content-length", "2"), ("other", "3")];
    let fields = fields.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let mut out = Vec::new();
    plan.end(&mut out, &HeaderMap::from_iter(fields.clone()));
    assert_eq!((&out[..], plan.framing), (&b"0\r\nx-sum: 1\r\n\r\n"[..], Framing::None));
    let mute = Asked { trailers: false, ..ASKED };
    let (mut plan, mut out) = (Plan::of(mute, &announced, &endless()), Vec::new());
    plan.end(&mut out, &HeaderMap::from_iter(fields));
    assert_eq!(out, b"0\r\n\r\n");
    assert!(written(ASKED, &announced, &endless()).0.contains("|trailer: X-Sum, content-length, y|"));
}
