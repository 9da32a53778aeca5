#![allow(clippy::unwrap_used)]

use super::Cors;
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::testing::{access, build, context, lines, plugin, request};
use crate::plugin::{Ctx, Plugin};
use http::{HeaderValue, Request, Response, header};
use serde_json::{Value as Json, json};

const ALL_METHODS: &str = "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT";

/// The answer's headers after a request that an upstream answered with `upstream`.
fn answered(cors: &Cors, req: &mut Request<Body>, cx: &mut Ctx, upstream: &[(&'static str, &'static str)]) -> Vec<String> {
    for name in cors.keeps() {
        for value in req.headers().get_all(name) {
            cx.kept.push(name.clone(), value.clone());
        }
    }
    let mut res = access(cors, req, cx).unwrap_or_else(|| {
        let mut res = Response::new(Body::Empty);
        for (name, value) in upstream {
            res.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        res
    });
    cors.response(&mut res, cx);
    lines(res.headers())
}

fn get(config: &Json, origin: Option<&str>) -> Vec<String> {
    let mut req = request("GET", "/", &[], "");
    if let Some(origin) = origin {
        req.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
    }
    answered(&plugin(config), &mut req, &mut context(Compat::Kong2), &[])
}

fn preflight(config: &Json, more: &[(&str, &str)]) -> Vec<String> {
    let mut headers = vec![("origin", "http://app.test"), ("access-control-request-method", "PUT")];
    headers.extend(more);
    let mut req = request("OPTIONS", "/", &headers, "");
    answered(&plugin(config), &mut req, &mut context(Compat::Kong2), &[])
}

/// The origin that is allowed, if one is.
fn allowed(config: &Json, origin: &str) -> Option<String> {
    let lines = get(config, Some(origin));
    assert!(lines.contains(&"vary: Origin".to_owned()), "{lines:?}");
    lines.iter().find_map(|line| line.strip_prefix("access-control-allow-origin: ")).map(str::to_owned)
}

#[test]
fn everyone_is_allowed_by_default() {
    for config in [json!({}), json!({ "origins": [] }), json!({ "origins": ["*"] })] {
        for origin in [None, Some("http://app.test"), Some("")] {
            assert_eq!(get(&config, origin), ["access-control-allow-origin: *"]);
        }
        assert_eq!(preflight(&config, &[]), [ALL_METHODS, "access-control-allow-origin: *"]);
        assert_eq!(plugin::<Cors>(&config).keeps().len(), 0);
    }
}

#[test]
fn with_credentials_everyone_gets_their_own_origin() {
    for config in [json!({ "credentials": true }), json!({ "origins": ["*"], "credentials": true })] {
        assert_eq!(get(&config, None), ["access-control-allow-origin: *"]);
        for origin in ["http://evil.test", "null", "chrome-extension://abc"] {
            let own = format!("access-control-allow-origin: {origin}");
            let expected = ["access-control-allow-credentials: true", &own, "vary: Origin"];
            assert_eq!(get(&config, Some(origin)), expected);
        }
    }
}

#[test]
fn one_plain_origin_is_sent_to_whoever_asks() {
    for entry in ["http://app.test", "app.test", "http://app.test:8080"] {
        let fixed = format!("access-control-allow-origin: {entry}");
        for origin in [None, Some("http://evil.test"), Some("null")] {
            assert_eq!(get(&json!({ "origins": [entry] }), origin), [&*fixed, "vary: Origin"]);
        }
    }
}

#[test]
fn several_plain_origins_are_compared_whole() {
    let two = json!({ "origins": ["http://app.test", "https://bar.test:1234"] });
    let cases = [
        ("http://app.test", Some("http://app.test")),
        ("http://app.test:80", Some("http://app.test")),
        ("http://app.test/", Some("http://app.test")),
        ("https://bar.test:1234", Some("https://bar.test:1234")),
        ("https://bar.test", None),
        ("http://bar.test:1234", None),
        ("HTTP://APP.TEST", None),
        ("app.test", None),
        ("null", None),
    ];
    for (origin, expected) in cases {
        assert_eq!(allowed(&two, origin).as_deref(), expected, "{origin}");
    }
    assert_eq!(get(&two, None), ["vary: Origin"]);
    let hosts = json!({ "origins": ["app.test", "bar.test"] });
    assert_eq!(allowed(&hosts, "http://app.test"), None);
    assert_eq!(allowed(&hosts, "app.test").as_deref(), Some("app.test"));
}

#[test]
fn expressions_are_anchored_at_both_ends() {
    let cases = [
        (r"app\.test", "https://app.test:8000", true),
        (r"app\.test", "http://APP.test", false),
        (r"app\.test", "http://evilapp.test", false),
        (r"app\.test", "http://app.test.evil.test", false),
        (r"(.*[./])?app\.test", "https://a.b.app.test:9", true),
        (r"(.*[./])?app\.test", "http://evilapp.test", false),
        (r"(.*[./])?app\.test:8000", "https://x.app.test:8000", true),
        (r"(.*[./])?app\.test:8000", "http://app.test:80001", false),
        (r"^http://(.*[.])?app\.test(:(80|90))?$", "http://app.test:90", true),
        (r"^http://(.*[.])?app\.test(:(80|90))?$", "http://z.app.test", true),
        (r"^http://(.*[.])?app\.test(:(80|90))?$", "http://app.test:91", false),
        (r"https?://.*\.app\.test", "https://x.app.test", true),
        (r"https?://.*\.app\.test", "http://x.app.test:81", false),
        (r"https?://.*\.app\.test", "https://app.test", false),
    ];
    for (entry, origin, expected) in cases {
        let found = allowed(&json!({ "origins": [entry] }), origin);
        assert_eq!(found.as_deref(), expected.then_some(origin), "{entry} {origin}");
    }
}

#[test]
fn a_star_among_others_never_matches_in_kong_2_and_always_in_kong_3() {
    let config = json!({ "origins": ["*", "http://app.test"] });
    assert_eq!(allowed(&config, "http://evil.test"), None);
    let (cors, report) = build::<Cors>(&config, Compat::Kong3);
    assert_eq!(report.found, []);
    let mut req = request("GET", "/", &[("origin", "http://evil.test")], "");
    let lines = answered(&cors.unwrap(), &mut req, &mut context(Compat::Kong3), &[]);
    assert_eq!(lines, ["access-control-allow-origin: *", "vary: Origin"]);
}

#[test]
fn credentials_are_allowed_even_to_those_that_are_not() {
    let config = json!({ "origins": ["http://a.test", "http://b.test"], "credentials": true });
    assert_eq!(get(&config, Some("http://evil.test")), ["access-control-allow-credentials: true", "vary: Origin"]);
}

#[test]
fn a_preflight_is_answered_at_once() {
    let config = json!({
        "origins": ["http://app.test", "http://b.test"],
        "methods": ["GET", "PATCH"],
        "headers": ["authorization", "apikey"],
        "exposed_headers": ["Content-Range"],
        "credentials": true,
        "max_age": 1.5,
    });
    let expected = [
        "access-control-allow-credentials: true",
        "access-control-allow-headers: authorization,apikey",
        "access-control-allow-methods: GET,PATCH",
        "access-control-allow-origin: http://app.test",
        "access-control-max-age: 1.5",
        "vary: Origin",
    ];
    assert_eq!(preflight(&config, &[("access-control-request-headers", "x-a")]), expected);
}

#[test]
fn a_preflight_is_told_the_headers_that_it_asked_for() {
    let lines = preflight(&json!({}), &[("access-control-request-headers", "authorization, X-Thing")]);
    assert!(lines.contains(&"access-control-allow-headers: authorization, X-Thing".to_owned()));
}

#[test]
fn an_options_request_without_request_method_is_none_of_our_business() {
    let mut req = request("OPTIONS", "/", &[("origin", "http://app.test")], "");
    assert!(access(&plugin::<Cors>(&json!({})), &mut req, &mut context(Compat::Kong2)).is_none());
}

#[test]
fn a_continued_preflight_is_left_to_the_upstream() {
    let config = json!({ "origins": ["http://app.test"], "credentials": true, "preflight_continue": true });
    assert_eq!(preflight(&config, &[]), [""; 0]);
    assert_eq!(get(&config, None).len(), 3);
}

#[test]
fn the_upstreams_own_marks_are_replaced_or_added_to() {
    let upstream = [
        ("access-control-allow-origin", "http://upstream.test"),
        ("access-control-allow-origin", "http://second.test"),
        ("access-control-allow-credentials", "maybe"),
        ("access-control-expose-headers", "X-Up"),
        ("vary", "Accept-Encoding"),
    ];
    let config = json!({ "origins": ["http://a.test", "http://b.test"], "exposed_headers": ["X-E"] });
    let mut req = request("GET", "/", &[("origin", "http://evil.test")], "");
    let lines = answered(&plugin(&config), &mut req, &mut context(Compat::Kong2), &upstream);
    let expected = [
        "access-control-allow-credentials: maybe",
        "access-control-expose-headers: X-E",
        "vary: Accept-Encoding",
        "vary: Origin",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn private_networks_are_allowed_to_those_that_ask() {
    let config = json!({ "private_network": true });
    let asked = [("access-control-request-private-network", "true")];
    assert!(preflight(&config, &asked).contains(&"access-control-allow-private-network: true".to_owned()));
    assert_eq!(preflight(&config, &[]).len(), 2);
    assert_eq!(preflight(&json!({}), &asked).len(), 2);
}

#[test]
fn a_list_that_no_header_can_hold_is_refused() {
    let (cors, report) = build::<Cors>(&json!({ "exposed_headers": ["a\nb"] }), Compat::Kong2);
    assert!(cors.is_none());
    assert_eq!(report.found[0].code, "bad-header-value");
}
