#![allow(clippy::unwrap_used)]

use super::SecurityHeaders;
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::testing::{build, context, lines, plugin};
use crate::plugin::{Origin, Plugin};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};

/// The header lines of an answer that had these.
fn sent(config: &Json, https: bool, had: &[(&'static str, &'static str)]) -> Vec<String> {
    let mut res = Response::new(Body::Empty);
    for (name, value) in had {
        res.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    let mut cx = context(Compat::Kong2);
    cx.https = https;
    plugin::<SecurityHeaders>(config).response(&mut res, &mut cx);
    lines(res.headers())
}

const STANDARD: [&str; 3] = [
    "referrer-policy: strict-origin-when-cross-origin",
    "x-content-type-options: nosniff",
    "x-frame-options: SAMEORIGIN",
];
const HSTS: &str = "strict-transport-security: max-age=31536000";

#[test]
fn standard_is_four_headers_of_which_one_is_for_https() {
    assert_eq!(sent(&json!({}), false, &[]), STANDARD);
    let [referrer, sniff, frame] = STANDARD;
    assert_eq!(sent(&json!({ "preset": "standard" }), true, &[]), [referrer, HSTS, sniff, frame]);
}

#[test]
fn strict_adds_a_policy_for_nearly_everything() {
    let names = |line: &String| line.split(':').next().unwrap().to_owned();
    let sent = sent(&json!({ "preset": "strict" }), true, &[]);
    let expected = [
        "content-security-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
    ];
    assert_eq!(sent.iter().map(names).collect::<Vec<_>>(), expected);
    assert!(sent.contains(&"strict-transport-security: max-age=31536000; includeSubDomains".to_owned()));
    assert!(sent[0].contains("default-src 'self'") && sent[0].contains("frame-ancestors 'none'"));
}

#[test]
fn none_is_what_the_file_names() {
    assert_eq!(sent(&json!({ "preset": "none" }), true, &[]), [""; 0]);
    let config = json!({ "preset": "none", "headers": ["X-A: 1", "X-B: 2"], "hsts": { "max_age": 60 } });
    assert_eq!(sent(&config, true, &[]), ["strict-transport-security: max-age=60", "x-a: 1", "x-b: 2"]);
}

#[test]
fn what_an_answer_says_itself_stands() {
    let had = [("x-frame-options", "DENY"), ("content-security-policy", "script-src 'none'"), ("x-a", "")];
    let config = json!({ "preset": "strict", "headers": ["X-A: 1", "X-A: 2", "X-B: 1", "X-B: 2"] });
    let sent = sent(&config, false, &had);
    for line in ["x-frame-options: DENY", "content-security-policy: script-src 'none'", "x-a: ", "x-b: 1", "x-b: 2"] {
        assert!(sent.contains(&line.to_owned()), "{line} in {sent:?}");
    }
    for name in ["x-frame-options", "content-security-policy", "x-a"] {
        assert_eq!(sent.iter().filter(|line| line.starts_with(&format!("{name}:"))).count(), 1, "{name}");
    }
    let config = json!({});
    let own = ("strict-transport-security", "max-age=1");
    assert!(self::sent(&config, true, &[own]).contains(&"strict-transport-security: max-age=1".to_owned()));
}

#[test]
fn an_entry_replaces_the_presets_and_an_empty_one_removes_it() {
    let [referrer, sniff, _] = STANDARD;
    let config = json!({ "headers": ["x-frame-options: DENY"] });
    assert_eq!(sent(&config, false, &[]), [referrer, sniff, "x-frame-options: DENY"]);
    assert_eq!(sent(&json!({ "headers": ["X-Frame-Options:"] }), false, &[]), [referrer, sniff]);
}

#[test]
fn hsts_among_the_headers_is_hsts_too() {
    let config = json!({ "preset": "none", "headers": ["Strict-Transport-Security: max-age=9; preload"] });
    assert_eq!(sent(&config, true, &[]), ["strict-transport-security: max-age=9; preload"]);
    assert_eq!(sent(&config, false, &[]), [""; 0]);
    assert_eq!(sent(&json!({ "headers": ["Strict-Transport-Security:"] }), true, &[]), STANDARD);
}

#[test]
fn every_answer_has_them_but_one_that_ends_http() {
    let plugin = plugin::<SecurityHeaders>(&json!({}));
    for origin in [Origin::Upstream, Origin::Failed, Origin::Gateway] {
        for status in [200, 204, 301, 304, 404, 413, 502] {
            let (mut res, mut cx) = (Response::new(Body::Empty), context(Compat::Kong3));
            (*res.status_mut(), cx.origin) = (StatusCode::from_u16(status).unwrap(), origin);
            plugin.response(&mut res, &mut cx);
            assert_eq!(res.headers().len(), 3, "{origin:?} {status}");
        }
    }
    let mut res = Response::new(Body::Empty);
    *res.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    plugin.response(&mut res, &mut context(Compat::Kong2));
    assert_eq!(res.headers().len(), 0);
}

#[test]
fn what_changes_nothing_is_told() {
    for config in [json!({ "headers": ["X-Fram-Options:"] }), json!({ "hsts": { "preload": true } })] {
        let (plugin, report) = build::<SecurityHeaders>(&config, Compat::Kong2);
        assert!(plugin.is_some());
        assert_eq!(report.found.iter().map(|found| found.code).collect::<Vec<_>>(), ["no-effect"], "{config}");
    }
}
