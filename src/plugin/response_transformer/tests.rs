#![allow(clippy::unwrap_used)]

use super::ResponseTransformer;
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::Plugin;
use crate::plugin::testing::{build, context, lines, text};
use bytes::Bytes;
use http::{HeaderName, Response};
use http_body::Body as _;
use serde_json::{Value as Json, json};

const JSON: (&str, &str) = ("content-type", "application/json");

fn answer(config: &Json, compat: Compat, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let (plugin, report) = build::<ResponseTransformer>(config, compat);
    assert_eq!(report.found, []);
    let mut res = Response::new(Body::full(Bytes::copy_from_slice(body.as_bytes())));
    for (name, value) in headers {
        res.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    plugin.unwrap().response(&mut res, &mut context(compat));
    res
}

fn headers(config: &Json, before: &[(&str, &str)]) -> Vec<String> {
    lines(answer(config, Compat::Kong2, before, "").headers())
}

/// A JSON body after the plugin.
fn body(config: &Json, compat: Compat, before: &str) -> String {
    text(answer(config, compat, &[JSON], before).into_body())
}

#[test]
fn headers_change_in_kongs_order() {
    let config = json!({
        "remove": { "headers": ["x-r", "x-value:other"] },
        "rename": { "headers": ["x-old:X-New", "x-none:x-lost"] },
        "replace": { "headers": ["x-up: 2", "x-none:1"] },
        "add": { "headers": ["x-up:no", "x_add:1"] },
        "append": { "headers": ["x-add:2", "x-empty:"] },
    });
    let before = [("x-r", "1"), ("x-r", "2"), ("x-value", "v"), ("x-old", "a"), ("x-old", "b"), ("x-up", "1")];
    assert_eq!(headers(&config, &before), ["x-add: 1", "x-add: 2", "x-new: a", "x-new: b", "x-up: 2"]);
}

#[test]
fn what_is_there_is_what_came() {
    let came = [("x-up", "1")];
    let removed = json!({ "remove": { "headers": ["x-up"] }, "add": { "headers": ["x-up:again"] } });
    assert!(headers(&removed, &came).is_empty());
    let replaced = json!({ "remove": { "headers": ["x-up"] }, "replace": { "headers": ["x-up:2"] } });
    assert_eq!(headers(&replaced, &came), ["x-up: 2"]);
    let renamed = json!({ "rename": { "headers": ["x-up:x-new"] }, "add": { "headers": ["x-new:a"] } });
    assert_eq!(headers(&renamed, &came), ["x-new: a"]);
}

#[test]
fn there_is_one_content_type() {
    let config = json!({ "append": { "headers": ["Content-Type:text/html"] } });
    assert_eq!(headers(&config, &[JSON]), ["content-type: text/html"]);
}

#[test]
fn members_change_in_kongs_order() {
    let config = json!({
        "remove": { "json": ["r"] },
        "replace": { "json": ["a:R", "none:x"] },
        "add": { "json": ["z:1", "a:no"] },
        "append": { "json": ["z:2", "list:x"] },
    });
    let after: Json = serde_json::from_str(&body(&config, Compat::Kong2, r#"{"a":1,"r":2,"list":[],"o":{}}"#)).unwrap();
    assert_eq!(after, json!({ "a": "R", "z": ["1", "2"], "list": ["x"], "o": {} }));
}

#[test]
fn members_have_types() {
    let config = json!({ "add": {
        "json": ["num:1.50", "yes:true", "no:1", "txt:5", "bad:abc", "untyped:7"],
        "json_types": ["number", "boolean", "boolean", "string", "number"],
    }});
    let after: Json = serde_json::from_str(&body(&config, Compat::Kong2, r#"{"no":false,"yes":null}"#)).unwrap();
    assert_eq!(after, json!({ "num": 1.5, "yes": null, "no": false, "txt": "5", "untyped": "7" }));
}

#[test]
fn only_kong_3_renames_members() {
    let config = json!({ "rename": { "json": ["a:b", "none:c"] } });
    assert_eq!(body(&config, Compat::Kong3, r#"{"a":false,"c":1}"#), r#"{"b":false,"c":1}"#);
}

#[test]
fn a_list_stays_one() {
    let config = json!({ "add": { "json": ["a:1"] } });
    for compat in [Compat::Kong2, Compat::Kong3] {
        assert_eq!(body(&config, compat, "[1, 2.0]"), "[1,2]");
    }
}

#[test]
fn what_is_no_json_goes_on_as_it_is() {
    let config = json!({ "add": { "json": ["a:1"] } });
    for odd in ["{\"a\":", "5", "\"text\"", "null", " ", "{} x"] {
        for compat in [Compat::Kong2, Compat::Kong3] {
            assert_eq!(body(&config, compat, odd), odd);
        }
    }
}

#[test]
fn the_type_decides_what_json_is() {
    let config = json!({ "add": { "json": ["a:1"] } });
    let cases = [
        ("application/json; charset=utf-8", true, true),
        ("Application/JSON", true, true),
        ("text/plain, application/json", true, true),
        ("application/json-seq", true, false),
        ("application/problem+json", false, false),
        ("text/plain", false, false),
    ];
    for (kind, kong2, kong3) in cases {
        for (compat, expected) in [(Compat::Kong2, kong2), (Compat::Kong3, kong3)] {
            let res = answer(&config, compat, &[("content-type", kind), ("content-length", "2")], "{}");
            assert_eq!(res.headers().contains_key("content-length"), !expected, "{kind}");
            assert_eq!(text(res.into_body()) == "{\"a\":\"1\"}", expected, "{kind} {compat:?}");
        }
    }
}

#[test]
fn a_packed_body_or_none_is_left_alone() {
    let config = json!({ "add": { "json": ["a:1"] } });
    let packed = answer(&config, Compat::Kong2, &[JSON, ("content-encoding", "gzip"), ("content-length", "2")], "{}");
    assert!(packed.headers().contains_key("content-length"));
    assert_eq!(text(packed.into_body()), "{}");
    let none = answer(&config, Compat::Kong2, &[JSON, ("content-length", "9")], "");
    assert!(none.body().is_end_stream() && !none.headers().contains_key("content-length"));
}

#[test]
fn a_body_that_is_too_long_keeps_its_length() {
    let config = json!({ "add": { "json": ["a:1"] } });
    let long = format!("[\"{}\"]", "a".repeat(super::MOST));
    let res = answer(&config, Compat::Kong2, &[JSON], &long);
    assert_eq!(res.body().size_hint().exact(), Some(long.len() as u64));
}

#[test]
fn headers_that_cannot_be_set_are_told_of() {
    let codes = |config: Json| {
        let (plugin, report) = build::<ResponseTransformer>(&config, Compat::Kong2);
        (plugin.is_some(), report.found.iter().map(|found| found.code).collect::<Vec<_>>())
    };
    let framing = json!({ "add": { "headers": ["Content-Length:5"] }, "rename": { "headers": ["x:transfer-encoding"] } });
    assert_eq!(codes(framing), (true, vec!["no-effect", "no-effect"]));
    assert_eq!(codes(json!({ "add": { "headers": ["x:a\nb"] } })), (false, vec!["bad-header-value"]));
    assert_eq!(codes(json!({ "append": { "headers": ["x y:a", "z z:b"] } })), (false, vec!["bad-header-value"; 2]));
    assert_eq!(codes(json!({ "rename": { "headers": ["x:y z"] } })), (false, vec!["bad-header-value"]));
}

#[test]
fn a_remark_names_no_values() {
    let config = json!({
        "remove": { "headers": ["server"], "json": ["id"] },
        "add": { "headers": ["x-key:secret"], "json": ["k:secret"] },
    });
    let (plugin, _) = build::<ResponseTransformer>(&config, Compat::Kong2);
    let expected = "removes server, adds x-key; in a JSON body removes id, adds k";
    assert_eq!(plugin.unwrap().remark().as_deref(), Some(expected));
    let (plugin, _) = build::<ResponseTransformer>(&json!({}), Compat::Kong2);
    assert_eq!(plugin.unwrap().remark(), None);
}
