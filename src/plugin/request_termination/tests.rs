#![allow(clippy::unwrap_used)]

use super::RequestTermination;
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::testing::{access, build, context, lines, plugin, request, text};
use http::Response;
use serde_json::{Value as Json, json};

const JSON: &str = "content-type: application/json; charset=utf-8";

fn send(config: &Json, target: &str, headers: &[(&str, &str)]) -> Option<Response<Body>> {
    let mut req = request("POST", target, headers, "{\"a\":1}");
    access(&plugin::<RequestTermination>(config), &mut req, &mut context(Compat::Kong2))
}

/// Status, header lines and body.
fn answer(config: &Json, headers: &[(&str, &str)]) -> (u16, Vec<String>, String) {
    let res = send(config, "/", headers).unwrap();
    (res.status().as_u16(), lines(res.headers()), text(res.into_body()))
}

#[test]
fn a_message_is_compact_json_whatever_is_asked_for() {
    let cases = [
        (json!({ "status_code": 503 }), 503, "Service unavailable"),
        (json!({ "status_code": 401 }), 401, "Unauthorized"),
        (json!({ "status_code": 404 }), 404, "Not found"),
        (json!({ "status_code": 405 }), 405, "Method not allowed"),
        (json!({ "status_code": 500 }), 500, "An unexpected error occurred"),
        (json!({ "status_code": 502 }), 502, "Bad Gateway"),
        (json!({ "status_code": 403, "message": "Access denied" }), 403, "Access denied"),
        (json!({ "status_code": 200, "message": "a/b café" }), 200, "a/b café"),
    ];
    for (config, status, message) in cases {
        let expected = (status, vec![JSON.to_owned()], format!("{{\"message\":\"{message}\"}}"));
        assert_eq!(answer(&config, &[("accept", "text/html")]), expected);
    }
}

#[test]
fn without_words_the_status_decides() {
    let (status, headers, page) = answer(&json!({ "status_code": 403 }), &[]);
    assert_eq!((status, headers), (403, vec!["content-type: text/html".to_owned()]));
    assert!(page.contains("<h1>403 Forbidden</h1>"));
    assert_eq!(answer(&json!({ "status_code": 301 }), &[]).2.len(), 134);
    for status in [204, 418, 599] {
        assert_eq!(answer(&json!({ "status_code": status }), &[]), (status, Vec::new(), String::new()));
    }
    let (status, _, error) = answer(&json!({ "status_code": 413 }), &[("accept", "application/json")]);
    assert_eq!((status, &*error), (413, "{\n  \"message\":\"Payload too large\"\n}"));
}

#[test]
fn a_body_goes_out_as_written_with_its_type_or_none() {
    let typed = json!({ "status_code": 503, "body": "<h1>down</h1>", "content_type": "text/html" });
    let expected = (503, vec!["content-type: text/html".to_owned()], "<h1>down</h1>".to_owned());
    assert_eq!(answer(&typed, &[]), expected);
    let untyped = json!({ "status_code": 503, "body": "just text" });
    assert_eq!(answer(&untyped, &[]), (503, Vec::new(), "just text".to_owned()));
}

#[test]
fn a_trigger_is_a_header_or_an_argument() {
    let config = json!({ "status_code": 503, "trigger": "x-stop", "message": "stopped" });
    let cases = [
        ("/", vec![], false),
        ("/?x-stop=1", vec![], true),
        ("/?a&x%2dstop", vec![], true),
        ("/?X-Stop=1", vec![], false),
        ("/", vec![("X-STOP", "")], true),
        ("/?", vec![("x-stopped", "1")], false),
    ];
    for (target, headers, stops) in cases {
        assert_eq!(send(&config, target, &headers).is_some(), stops, "{target} {headers:?}");
    }
    let config = json!({ "status_code": 503, "trigger": "x_stop" });
    assert!(send(&config, "/", &[("x-stop", "1")]).is_some());
}

#[test]
fn echo_shows_the_request() {
    let config = json!({ "status_code": 200, "echo": true, "message": "m" });
    let headers = [("host", "Gw.Test:8000"), ("content-type", "application/json"), ("x", "1"), ("x", "2")];
    let res = send(&config, "/p/q?a=1&a&b=%20", &headers).unwrap();
    assert_eq!((res.status().as_u16(), lines(res.headers())), (200, vec![JSON.to_owned()]));
    let echo: Json = serde_json::from_str(&text(res.into_body())).unwrap();
    let expected = json!({
        "message": "m",
        "request": {
            "scheme": "http",
            "host": "gw.test",
            "headers": { "host": "Gw.Test:8000", "content-type": "application/json", "x": ["1", "2"] },
            "query": { "a": ["1", true], "b": " " },
            "body": { "a": 1 },
            "raw_body": "{\"a\":1}",
            "method": "POST",
            "path": "/p/q",
        },
    });
    assert_eq!(echo, expected);
}

#[test]
fn echo_waits_for_its_trigger() {
    let config = json!({ "status_code": 503, "echo": true, "trigger": "dbg" });
    assert!(send(&config, "/", &[]).is_none());
    assert!(send(&config, "/?dbg", &[]).is_some());
}

#[test]
fn a_type_that_no_header_can_hold_is_refused() {
    let config = json!({ "body": "b", "content_type": "a\nb" });
    let (termination, report) = build::<RequestTermination>(&config, Compat::Kong2);
    assert!(termination.is_none());
    assert_eq!(report.found[0].code, "bad-header-value");
}
