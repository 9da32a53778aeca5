#![allow(clippy::unwrap_used)]
use super::*;

const MOST: usize = 1000;

/// A field, as the decoder gives it.
fn field(name: &str, value: &str) -> (Field, usize) {
    let understood = match name {
        ":method" => Field::Method(value.parse().unwrap()),
        ":scheme" => Field::Scheme(value.parse().unwrap()),
        ":authority" => Field::Authority(value.parse().unwrap()),
        ":path" => Field::Path(value.parse().unwrap()),
        ":status" => Field::Malformed,
        _ => Field::Plain(name.parse().unwrap(), value.parse().unwrap()),
    };
    (understood, name.len() + value.len() + 32)
}

fn draft(fields: &[(&str, &str)]) -> Judged<Draft> {
    let mut draft = Draft::new(HeaderMap::new(), MOST);
    for (name, value) in fields {
        let (field, size) = field(name, value);
        draft.take(field, size)?;
    }
    Ok(draft)
}

const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "a.test:8"), (":path", "/p?q")];

fn with(more: &[(&str, &str)]) -> Judged<Option<Asked>> {
    draft(&[&GET[..], more].concat())?.request(1, false)
}

fn request(asked: Judged<Option<Asked>>) -> Asked {
    asked.unwrap().expect("too large")
}

#[test]
fn a_head_becomes_a_request() {
    let (request, length) = request(with(&[("accept", "*/*"), ("cookie", "a"), ("cookie", "b"), ("te", "trailers")]));
    assert_eq!((request.method(), request.version(), length), (&Method::GET, Version::HTTP_2, None));
    assert_eq!(request.uri(), "https://a.test:8/p?q");
    assert_eq!(request.headers().get_all("cookie").iter().count(), 2);
}

#[test]
fn targets_have_their_forms() {
    for (fields, uri) in [
        (&[(":method", "OPTIONS"), (":scheme", "http"), (":path", "*")][..], "*"),
        (&[(":method", "GET"), (":scheme", "http"), (":path", "/a"), ("host", "b")], "/a"),
        (&[(":method", "CONNECT"), (":authority", "b:1")], "b:1"),
    ] {
        assert_eq!(request(draft(fields).unwrap().request(1, true)).0.uri(), uri);
    }
}

#[test]
fn what_is_malformed_ends_its_stream() {
    let malformed = Fault::Stream(1, Reason::PROTOCOL_ERROR);
    for fields in [
        &[][..],
        &GET[1..],
        &[GET[0], GET[2], GET[3]],
        &GET[..3],
        &[(":method", "CONNECT"), (":authority", "b:1"), (":scheme", "http"), (":path", "/")],
        &[&GET[..], &[(":path", "/again")]].concat(),
        &[&GET[..], &[("accept", "*/*"), (":path", "/late")]].concat(),
        &[&[("accept", "*/*")], &GET[..]].concat(),
        &[&GET[..], &[(":status", "200")]].concat(),
        &[&GET[..], &[("connection", "close")]].concat(),
        &[&GET[..], &[("keep-alive", "5")]].concat(),
        &[&GET[..], &[("proxy-connection", "close")]].concat(),
        &[&GET[..], &[("transfer-encoding", "chunked")]].concat(),
        &[&GET[..], &[("upgrade", "h2c")]].concat(),
        &[&GET[..], &[("te", "gzip")]].concat(),
        &[&GET[..], &[("content-length", "1"), ("content-length", "2")]].concat(),
        &[&GET[..], &[("content-length", "-1")]].concat(),
        &[&GET[..], &[("content-length", "99999999999999999999")]].concat(),
    ] {
        assert_eq!(draft(fields).unwrap().request(1, false).unwrap_err(), malformed, "{fields:?}");
    }
}

#[test]
fn lengths_agree_and_are_none_without_a_body() {
    let (two, length) = request(with(&[("content-length", "7"), ("content-length", "7")]));
    assert_eq!((length, two.headers().get_all("content-length").iter().count()), (Some(7), 2));
    let fields = [&GET[..], &[("content-length", "7")]].concat();
    assert_eq!(draft(&fields).unwrap().request(3, true).unwrap_err(), Fault::Stream(3, Reason::PROTOCOL_ERROR));
    let fields = [&GET[..], &[("content-length", "0")]].concat();
    assert_eq!(request(draft(&fields).unwrap().request(3, true)).1, Some(0));
}

#[test]
fn what_is_too_large_is_told_and_what_is_far_too_large_not_read() {
    let value = "y".repeat(MOST);
    assert!(with(&[("x", &value)]).unwrap().is_none());
    // Nothing else counts then.
    assert!(with(&[("x", &value), ("connection", "close")]).unwrap().is_none());
    let many: Vec<_> = (0..4).map(|_| ("x", value.as_str())).collect();
    assert!(matches!(with(&many).unwrap_err(), Fault::Connection(Reason::ENHANCE_YOUR_CALM, _)));
}

#[test]
fn trailers_have_no_pseudo_fields() {
    assert_eq!(draft(&[("grpc-status", "0")]).unwrap().trailers(1).unwrap()["grpc-status"], "0");
    for wrong in [(":path", "/"), ("connection", "close"), (":status", "200")] {
        let malformed = Fault::Stream(1, Reason::PROTOCOL_ERROR);
        assert_eq!(draft(&[wrong]).unwrap().trailers(1).unwrap_err(), malformed, "{wrong:?}");
    }
}
