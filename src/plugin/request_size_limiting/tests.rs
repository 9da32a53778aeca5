#![allow(clippy::unwrap_used)]

use super::RequestSizeLimiting;
use crate::body::{Body, BodyError};
use crate::entity::Compat;
use crate::plugin::testing::{access, context, plugin, request, text};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value as Json, json};

/// The answer to a request with these headers and a body of this length, told or not.
fn answer(config: &Json, headers: &[(&str, &str)], length: usize, compat: Compat) -> Option<(u16, String)> {
    let mut req = request("POST", "/", headers, "");
    if length > 0 {
        let piece = Ok::<_, BodyError>(Frame::data(Bytes::from(vec![b'x'; length])));
        *req.body_mut() = Body::boxed(StreamBody::new(futures_util::stream::iter([piece])));
    }
    let res = access(&plugin::<RequestSizeLimiting>(config), &mut req, &mut context(compat))?;
    Some((res.status().as_u16(), text(res.into_body())))
}

fn status(config: &Json, headers: &[(&str, &str)], length: usize) -> Option<u16> {
    answer(config, headers, length, Compat::Kong2).map(|(status, _)| status)
}

#[test]
fn a_length_that_is_told_is_believed() {
    let bytes = json!({ "allowed_payload_size": 10, "size_unit": "bytes" });
    assert_eq!(status(&bytes, &[("content-length", "10")], 0), None);
    let words = "{\n  \"message\":\"Request size limit exceeded\"\n}".to_owned();
    let refused = answer(&bytes, &[("content-length", "11")], 0, Compat::Kong2);
    assert_eq!(refused, Some((413, words)));
    assert_eq!(status(&bytes, &[("content-length", "11"), ("expect", " 100-Continue")], 0), Some(417));
    assert_eq!(status(&bytes, &[("content-length", "10"), ("expect", "100-continue")], 0), None);
    for (unit, size) in [("kilobytes", 1024), ("megabytes", 1_048_576)] {
        let config = json!({ "allowed_payload_size": 1, "size_unit": unit });
        assert_eq!(status(&config, &[("content-length", &size.to_string())], 0), None);
        assert_eq!(status(&config, &[("content-length", &(size + 1).to_string())], 0), Some(413));
    }
    assert_eq!(status(&json!({}), &[("content-length", "134217728")], 0), None);
    assert_eq!(status(&json!({}), &[("content-length", "134217729")], 0), Some(413));
    let odd = json!({ "allowed_payload_size": -1, "size_unit": "bytes" });
    assert_eq!(status(&odd, &[("content-length", "0")], 0), Some(413));
}

#[test]
fn kong_2_measures_what_fits_its_buffer() {
    let bytes = json!({ "allowed_payload_size": 10, "size_unit": "bytes" });
    for (length, expected) in [(0, None), (10, None), (11, Some(413)), (8192, Some(413)), (20_000, None)] {
        assert_eq!(status(&bytes, &[("transfer-encoding", "chunked")], length), expected, "{length}");
    }
}

#[test]
fn kong_3_leaves_the_limit_to_whoever_passes_the_body_on() {
    let limit = |size: i64, length| {
        let config = json!({ "allowed_payload_size": size, "size_unit": "kilobytes" });
        let mut req = request("POST", "/", &[], &"x".repeat(length));
        let mut cx = context(Compat::Kong3);
        assert!(access(&plugin::<RequestSizeLimiting>(&config), &mut req, &mut cx).is_none());
        cx.body_limit
    };
    assert_eq!((limit(2, 5), limit(2, 0), limit(-1, 5)), (Some(2048), None, Some(0)));
}

#[test]
fn a_length_may_be_required() {
    let config = json!({ "allowed_payload_size": 10, "size_unit": "bytes", "require_content_length": true });
    let words = "{\n  \"message\":\"A valid Content-Length header is required\"\n}".to_owned();
    assert_eq!(answer(&config, &[], 0, Compat::Kong2), Some((411, words)));
    assert_eq!(status(&config, &[("transfer-encoding", "Chunked")], 5), Some(411));
    assert_eq!(status(&config, &[("transfer-encoding", "chunked")], 5), None);
    assert_eq!(status(&config, &[("content-length", "5")], 0), None);
}
