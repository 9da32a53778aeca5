#![allow(clippy::unwrap_used)]

mod templates;

use super::RequestTransformer;
use crate::args::Args;
use crate::body::Body;
use crate::config::report::{Severity, Step};
use crate::entity::Compat;
use crate::plugin::testing::{access, block_on, build, context, lines, plugin, request, text};
use crate::plugin::{Ctx, Flow, Plugin};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn run(config: &Json, req: &mut Request<Body>) -> Ctx {
    let mut cx = context(Compat::Kong2);
    let answer = access(&plugin::<RequestTransformer>(config), req, &mut cx);
    assert!(answer.is_none(), "{answer:?}");
    cx
}

/// Headers after a change of headers.
fn headers(config: Json, sent: &[(&str, &str)]) -> Vec<String> {
    let mut req = request("GET", "/", sent, "");
    run(&config, &mut req);
    lines(req.headers())
}

/// The upstream's query after a change of the query.
fn query(config: &Json, target: &str) -> Option<String> {
    run(config, &mut request("GET", target, &[], "")).query
}

/// The upstream's body after a change of the body.
fn body(config: &Json, content_type: &str, sent: &str) -> String {
    let mut req = request("POST", "/", &[("content-type", content_type)], sent);
    run(config, &mut req);
    let length = req.headers().get("content-length").cloned();
    let text = text(std::mem::take(req.body_mut()));
    assert!(length.is_none_or(|length| length == text.len().to_string()));
    text
}

fn json_body(config: &Json, sent: &str) -> Json {
    serde_json::from_str(&body(config, "application/json", sent)).unwrap()
}

fn sorted(form: &str) -> Vec<&str> {
    let mut pairs: Vec<_> = form.split('&').collect();
    pairs.sort_unstable();
    pairs
}

// === headers ===

#[test]
fn the_seeds_job() {
    let config = json!({
        "remove": { "headers": ["Authorization", "authorization"] },
        "add": { "headers": ["Authorization: Bearer svc", "Content-Profile:graphql_public"] },
    });
    let sent = [("authorization", "Bearer a"), ("authorization", "Bearer b"), ("content-profile", "own")];
    assert_eq!(headers(config, &sent), ["authorization: Bearer svc", "content-profile: own"]);
}

#[test]
fn added_values_are_split_and_trimmed_as_headers_are() {
    let config = json!({ "add": { "headers": ["x-s: v2", "x-colon:a:b:c", "x-dbl::y", "x-empty:", "X-NEW:v"] } });
    let expected = ["x-colon: a:b:c", "x-dbl: y", "x-new: mine", "x-s: v2"];
    assert_eq!(headers(config, &[("x-new", "mine")]), expected);
}

#[test]
fn renaming_moves_all_values_and_replaces_the_new_name() {
    let config = || json!({ "rename": { "headers": ["X-Old:x-new"] } });
    assert_eq!(headers(config(), &[("x-old", "1"), ("x-old", "2")]), ["x-new: 1", "x-new: 2"]);
    assert_eq!(headers(config(), &[("x-old", "o"), ("x-new", "n")]), ["x-new: o"]);
    assert_eq!(headers(config(), &[("x-new", "n")]), ["x-new: n"]);
}

#[test]
fn replacing_needs_something_to_replace() {
    let config = || json!({ "replace": { "headers": ["x-a:new"] } });
    assert_eq!(headers(config(), &[("x-a", "1"), ("x-a", "2")]), ["x-a: new"]);
    assert_eq!(headers(config(), &[]), [""; 0]);
}

#[test]
fn appending_adds_a_line() {
    let config = json!({ "add": { "headers": ["x-z:1"] }, "append": { "headers": ["x-z:2", "x-z:3", "x-a:4"] } });
    assert_eq!(headers(config, &[("x-a", "0")]), ["x-a: 0", "x-a: 4", "x-z: 1", "x-z: 2", "x-z: 3"]);
}

#[test]
fn each_step_sees_the_ones_before() {
    let config = || {
        json!({
            "remove": { "headers": ["x-r"] },
            "rename": { "headers": ["x-o:x-n"] },
            "replace": { "headers": ["x-n:replaced"] },
            "add": { "headers": ["x-r:added", "x-n:added"] },
            "append": { "headers": ["x-n:appended"] },
        })
    };
    let present = ["x-n: appended", "x-n: replaced", "x-r: added"];
    assert_eq!(headers(config(), &[("x-r", "r"), ("x-o", "o")]), present);
    assert_eq!(headers(config(), &[]), ["x-n: added", "x-n: appended", "x-r: added"]);
}

#[test]
fn only_replace_touches_the_host() {
    let config = json!({
        "remove": { "headers": ["Host"] },
        "rename": { "headers": ["Host:x-h", "x-a:x-b"] },
        "add": { "headers": ["Host:added.test"] },
        "append": { "headers": ["Host:appended.test"] },
    });
    let mut req = request("GET", "/", &[("host", "gw.test")], "");
    assert_eq!(run(&config, &mut req).host, None);
    assert_eq!(lines(req.headers()), ["host: gw.test"]);
    let cx = run(&json!({ "replace": { "headers": ["Host:other.test:81"] } }), &mut req);
    assert_eq!(cx.host.unwrap(), "other.test:81");
    assert_eq!(lines(req.headers()), ["host: gw.test"]);
}

#[test]
fn renaming_to_host_sets_the_upstreams() {
    let mut req = request("GET", "/", &[("host", "gw.test"), ("x-host", "other.test")], "");
    let cx = run(&json!({ "rename": { "headers": ["x-host:Host"] } }), &mut req);
    assert_eq!((cx.host.unwrap(), lines(req.headers())), ("other.test".parse().unwrap(), vec!["host: gw.test".to_owned()]));
}

// === query ===

#[test]
fn query_lists_change_sort_and_encode() {
    let remove = json!({ "remove": { "querystring": ["a", "none"] } });
    let rename = json!({ "rename": { "querystring": ["old:new"] } });
    let replace = json!({ "replace": { "querystring": ["a:r", "c:r"] } });
    let add = json!({ "add": { "querystring": ["a:x", "n:1", "sp:a b", "sym:a&b=c/d?"] } });
    let append = json!({ "append": { "querystring": ["a:2", "b:1"] } });
    let cases = [
        (&remove, "/", ""),
        (&remove, "/?a=1&a=2&b=3", "b=3"),
        (&remove, "/?z=&a", "z="),
        (&rename, "/?a=1&a=2&b=3", "a=1&a=2&b=3"),
        (&rename, "/?old=1&new=2", "new=1"),
        (&rename, "/?new=2&x", "x"),
        (&rename, "/?z", "z"),
        (&rename, "/?c=%2F%3A&A=1", "A=1&c=%2F%3A"),
        (&rename, "/?caf%C3%A9=%E6%97%A5", "caf%C3%A9=%E6%97%A5"),
        (&replace, "/?a=1&a=2&b=3", "a=r&b=3"),
        (&replace, "/?z=&a", "a=r&z="),
        (&add, "/", "a=x&n=1&sp=a%20b&sym=a%26b%3Dc%2Fd%3F"),
        (&add, "/?b=%20x&a=y+z", "a=y%20z&b=%20x&n=1&sp=a%20b&sym=a%26b%3Dc%2Fd%3F"),
        (&append, "/", "a=2&b=1"),
        (&append, "/?b=%20x&a=y+z", "a=y%20z&a=2&b=%20x&b=1"),
        (&append, "/?z=&a", "a=2&b=1&z="),
    ];
    for (config, target, expected) in cases {
        assert_eq!(query(config, target).as_deref(), Some(expected), "{config} {target}");
    }
}

#[test]
fn all_query_steps_in_order() {
    let config = json!({
        "remove": { "querystring": ["r"] },
        "rename": { "querystring": ["o:n"] },
        "replace": { "querystring": ["n:rep"] },
        "add": { "querystring": ["z:1", "r:again"] },
        "append": { "querystring": ["z:2"] },
    });
    let cases = [
        ("/", Some("r=again&z=1&z=2")),
        ("/?", None),
        ("/?z=&a", Some("a&r=again&z=&z=2")),
        ("/?r=1&o=2&n=3", Some("n=rep&r=again&z=1&z=2")),
        ("/?q=a%26b%3Dc", Some("q=a%26b%3Dc&r=again&z=1&z=2")),
    ];
    for (target, expected) in cases {
        assert_eq!(query(&config, target).as_deref(), expected, "{target}");
    }
}

#[test]
fn a_query_that_nobody_changes_stays_the_clients() {
    assert_eq!(query(&json!({ "add": { "headers": ["a:b"] } }), "/?b&a"), None);
}

#[test]
fn an_earlier_plugins_query_is_changed_further() {
    let mut cx = context(Compat::Kong2);
    cx.query = Some(String::new());
    let add = plugin::<RequestTransformer>(&json!({ "add": { "querystring": ["n:1"] } }));
    access(&add, &mut request("GET", "/?client", &[], ""), &mut cx);
    assert_eq!(cx.query.as_deref(), Some("n=1"));
}

#[test]
fn kong_3_keeps_the_new_name_of_a_rename_without_old_one() {
    let mut cx = context(Compat::Kong3);
    let (rename, _) = build::<RequestTransformer>(&json!({ "rename": { "querystring": ["o:n"] } }), Compat::Kong3);
    access(&rename.unwrap(), &mut request("GET", "/?n=1", &[], ""), &mut cx);
    assert_eq!(cx.query.as_deref(), Some("n=1"));
}

// === bodies ===

#[test]
fn json_members_are_removed_renamed_and_replaced() {
    let remove = json!({ "remove": { "body": ["gone"] } });
    assert_eq!(json_body(&remove, r#"{"gone":1,"s":"a/b","u":"café"}"#), json!({ "s": "a/b", "u": "café" }));
    assert_eq!(json_body(&remove, r#"[{"gone":1}]"#), json!([{ "gone": 1 }]));
    let rename = json!({ "rename": { "body": ["old:new"] } });
    assert_eq!(json_body(&rename, r#"{"old":1,"new":2}"#), json!({ "new": 1 }));
    assert_eq!(json_body(&rename, r#"{"new":2,"a":3}"#), json!({ "a": 3 }));
    let replace = json!({ "replace": { "body": ["a:r", "nope:x"] } });
    assert_eq!(json_body(&replace, r#"{"a":null}"#), json!({ "a": "r" }));
    assert_eq!(body(&replace, "application/json", r#"{ "a":false }"#), r#"{ "a":false }"#);
}

#[test]
fn json_members_are_added_where_there_is_no_value() {
    let add = json!({ "add": { "body": ["a:kept", "n:1"] } });
    assert_eq!(json_body(&add, r#"{"a":"b","gone":1}"#), json!({ "a": "b", "gone": 1, "n": "1" }));
    assert_eq!(json_body(&add, r#"{"a":false}"#), json!({ "a": "kept", "n": "1" }));
    assert_eq!(json_body(&add, r#"{"a":null}"#), json!({ "a": null, "n": "1" }));
    for empty in ["", "{}", "[]"] {
        assert_eq!(json_body(&add, empty), json!({ "a": "kept", "n": "1" }));
    }
}

#[test]
fn appending_to_json_makes_lists() {
    let append = json!({ "append": { "body": ["a:2", "arr:x", "num:y", "new:z"] } });
    let sent = r#"{"a":"b","arr":[1],"num":5}"#;
    let expected = json!({ "a": ["b", "2"], "arr": [1, "x"], "num": ["y"], "new": ["z"] });
    assert_eq!(json_body(&append, sent), expected);
    let listed = json!({ "1": { "a": 1 }, "a": ["2"], "arr": ["x"], "num": ["y"], "new": ["z"] });
    assert_eq!(json_body(&append, r#"[{"a":1}]"#), listed);
    let nested = json!({ "append": { "body": ["o:x", "o:y", "e:x"] } });
    let members = json!({ "o": { "k": 1, "1": "x", "2": "y" }, "e": ["x"] });
    assert_eq!(json_body(&nested, r#"{"o":{"k":1},"e":{}}"#), members);
}

#[test]
fn all_json_steps_in_order() {
    let config = json!({
        "remove": { "body": ["r"] },
        "rename": { "body": ["o:n"] },
        "replace": { "body": ["n:rep"] },
        "add": { "body": ["z:1"] },
        "append": { "body": ["z:2"] },
    });
    let cases = [
        (r#"{"r":1,"o":{"k":[]},"z":null}"#, json!({ "n": "rep", "z": ["2"] })),
        (r#"{"old":"v"}"#, json!({ "old": "v", "z": ["1", "2"] })),
        ("{}", json!({ "z": ["1", "2"] })),
    ];
    for (sent, expected) in cases {
        assert_eq!(json_body(&config, sent), expected);
    }
    let form = "application/x-www-form-urlencoded";
    let forms = [
        ("gone=1&a=b", "gone=1&a=b&z=1&z=2"),
        ("r=1&o=2", "n=rep&z=1&z=2"),
        ("", "z=1&z=2"),
        ("a=%20+&flag", "a=%20%20&flag&z=1&z=2"),
    ];
    for (sent, expected) in forms {
        assert_eq!(sorted(&body(&config, form, sent)), sorted(expected));
    }
}

#[test]
fn kong_3_keeps_a_list_a_list() {
    let (add, _) = build::<RequestTransformer>(&json!({ "add": { "body": ["a:1"] } }), Compat::Kong3);
    let mut req = request("POST", "/", &[("content-type", "application/json")], "[1]");
    access(&add.unwrap(), &mut req, &mut context(Compat::Kong3));
    assert_eq!(text(req.into_body()), "[1]");
}

#[test]
fn numbers_keep_fourteen_digits() {
    let remove = json!({ "remove": { "body": ["x"] } });
    let sent = r#"{"a":1.5,"b":12345678901234,"c":9007199254740993,"d":1e3,"e":0.1234567890123456,"f":-7}"#;
    let expected = r#"{"a":1.5,"b":12345678901234,"c":9.007199254741e+15,"d":1000,"e":0.12345678901235,"f":-7}"#;
    assert_eq!(body(&remove, "application/json", sent), expected);
}

#[test]
fn what_cannot_be_changed_goes_on_as_it_is() {
    let config = json!({ "remove": { "body": ["gone"] }, "add": { "body": ["n:1"] } });
    for (kind, sent) in [
        ("application/json", "not json"),
        ("application/json", " "),
        ("text/plain", "gone=1"),
        ("multipart/form-data", "--XX--"),
        ("multipart/form-data; boundary=XX", "no parts"),
        ("multipart/form-data; boundary=XX", "--XX\r\nbroken"),
    ] {
        assert_eq!(body(&config, kind, sent), sent, "{kind}");
    }
    let mut req = request("POST", "/", &[], "{}");
    run(&config, &mut req);
    assert_eq!(text(req.into_body()), "{}");
}

#[test]
fn a_json_scalar_has_no_members_to_set() {
    let send = |config: &Json| {
        let mut req = request("POST", "/", &[("content-type", "application/json")], "\"text\"");
        let res = access(&plugin::<RequestTransformer>(config), &mut req, &mut context(Compat::Kong2));
        (res.map(|res| res.status().as_u16()), text(req.into_body()))
    };
    assert_eq!(send(&json!({ "add": { "body": ["a:b"] } })).0, Some(500));
    assert_eq!(send(&json!({ "replace": { "body": ["a:b"] } })), (None, "\"text\"".to_owned()));
}

#[test]
fn an_empty_body_has_nothing_to_remove() {
    for step in [json!({ "remove": { "body": ["a"] } }), json!({ "replace": { "body": ["a:b"] } })] {
        assert_eq!(body(&step, "application/json", ""), "");
        assert_eq!(body(&step, "application/x-www-form-urlencoded", ""), "");
    }
}

#[test]
fn a_body_beyond_the_limit_counts_as_empty() {
    let send = |config: &Json| {
        let mut req = request("POST", "/", &[("content-type", "application/json")], r#"{"a":1}"#);
        let mut cx = context(Compat::Kong2);
        cx.body_buffer = 6;
        assert!(access(&plugin::<RequestTransformer>(config), &mut req, &mut cx).is_none());
        text(req.into_body())
    };
    assert_eq!(send(&json!({ "remove": { "body": ["a"] } })), r#"{"a":1}"#);
    assert_eq!(send(&json!({ "add": { "body": ["n:1"] } })), r#"{"n":"1"}"#);
}

#[test]
fn a_body_that_breaks_off_is_not_made_whole() {
    let broken = http_body_util::StreamBody::new(futures_util::stream::iter([Err("gone".into())]));
    let mut req = request("POST", "/", &[("content-type", "application/json")], "");
    *req.body_mut() = Body::boxed(broken);
    let add = plugin::<RequestTransformer>(&json!({ "add": { "body": ["n:1"] } }));
    assert!(access(&add, &mut req, &mut context(Compat::Kong2)).is_none());
    assert_eq!(block_on(req.into_body().collect()).unwrap_err().to_string(), "gone");
}

#[test]
fn the_type_is_found_anywhere_in_the_header() {
    let config = json!({ "add": { "body": ["n:1"] } });
    for kind in ["APPLICATION/JSON", "application/json; charset=utf-8", "x, application/json"] {
        assert_eq!(body(&config, kind, ""), r#"{"n":"1"}"#);
    }
}

#[test]
fn a_body_is_read_only_when_it_is_needed() {
    let config = json!({ "add": { "body": ["n:1"], "headers": ["a:b"] } });
    let transformer = plugin::<RequestTransformer>(&config);
    let mut req = request("POST", "/", &[("content-type", "text/plain")], "x");
    assert!(matches!(transformer.access(&mut req, &mut context(Compat::Kong2)), Flow::Continue));
}

// === multipart ===

const FORM: &str = "multipart/form-data; boundary=XX";

fn part(name: &str, value: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn parts(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| part(name, value)).collect::<String>() + "--XX--\r\n"
}

#[test]
fn multipart_parts_are_changed() {
    let sent = parts(&[("gone", "1"), ("a", "b"), ("old", "o"), ("r", "1")]);
    let remove = json!({ "remove": { "body": ["gone"] } });
    assert_eq!(body(&remove, FORM, &sent), parts(&[("a", "b"), ("old", "o"), ("r", "1")]));
    let add = json!({ "add": { "body": ["a:kept", "n:1"] } });
    let added = parts(&[("gone", "1"), ("a", "b"), ("old", "o"), ("r", "1"), ("n", "1")]);
    assert_eq!(body(&add, FORM, &sent), added);
    assert_eq!(body(&json!({ "append": { "body": ["a:2"] } }), FORM, &sent), sent);
    let all = json!({
        "remove": { "body": ["r"] },
        "rename": { "body": ["old:new"] },
        "replace": { "body": ["a:x", "none:y"] },
        "add": { "body": ["z:1"] },
        "append": { "body": ["z:2"] },
    });
    assert_eq!(body(&all, FORM, &sent), parts(&[("gone", "1"), ("new", "o"), ("a", "x"), ("z", "1")]));
    assert_eq!(body(&add, FORM, ""), parts(&[("a", "kept"), ("n", "1")]));
}

#[test]
fn multipart_content_is_kept_to_the_byte() {
    let file = "--X+X\r\nX-More: 1\r\ncontent-disposition: form-data; filename=\"f; name=gone;\"; name=\"file\"\r\n\r\n\n--X\r\nline\r\n\r\n\r\n--X+X\r\n\r\nnameless\r\n";
    let sent = format!("preamble\r\n{file}--X+X\r\nContent-Disposition: form-data; name=gone\r\n\r\n\r\n--X+X--\r\nepilogue");
    let remove = json!({ "remove": { "body": ["gone"] } });
    assert_eq!(body(&remove, "multipart/form-data; charset=x; Boundary=X+X", &sent), format!("{file}--X+X--\r\n"));
}

// === method and path ===

#[test]
fn the_method_is_set() {
    let mut req = request("GET", "/?q=1", &[], "");
    assert_eq!(run(&json!({ "http_method": "PUT" }), &mut req).query, None);
    assert_eq!(req.method(), "PUT");
}

#[test]
fn a_form_follows_into_the_query_of_a_method_without_body() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let mut req = request("POST", "/?q=1", &form, "a=1&b=2&q=9");
    let cx = run(&json!({ "http_method": "GET", "add": { "querystring": ["z:0"] } }), &mut req);
    assert_eq!((req.method().as_str(), cx.query.as_deref()), ("GET", Some("a=1&b=2&q=1&q=9&z=0")));
    assert_eq!(text(req.into_body()), "a=1&b=2&q=9");
    let mut put = request("POST", "/", &form, "a=1");
    assert_eq!(run(&json!({ "http_method": "PUT" }), &mut put).query, None);
}

#[test]
fn the_path_is_set_and_escaped() {
    for (uri, path) in [("/fixed", "/fixed"), ("/fixed?x=1", "/fixed?x=1"), ("/a b/é%2F", "/a%20b/%C3%A9%2F")] {
        let cx = run(&json!({ "replace": { "uri": uri } }), &mut request("GET", "/?q=v%20w", &[], ""));
        assert_eq!((&*cx.path, cx.query), (path, None));
    }
}

#[test]
fn what_kong_cannot_do_is_warned_of_and_answered_with_500() {
    for (config, code) in [
        (json!({ "http_method": "FOO" }), "unusable-method"),
        (json!({ "replace": { "uri": "noslash" } }), "unusable-uri"),
    ] {
        let (transformer, report) = build::<RequestTransformer>(&config, Compat::Kong2);
        assert_eq!((report.found[0].code, report.found[0].severity), (code, Severity::Warning));
        let res = access(&transformer.unwrap(), &mut request("GET", "/", &[], ""), &mut context(Compat::Kong2)).unwrap();
        assert_eq!(res.status(), 500);
        assert_eq!(text(res.into_body()), r#"{"message":"An unexpected error occurred"}"#);
    }
}

// === configuration ===

#[test]
fn templates_that_are_no_lua_are_warned_of_and_new_names_refused() {
    for (config, label) in [
        (json!({ "add": { "headers": ["a:$(b c)", "c:d"] } }), "')' expected near 'c'"),
        (json!({ "replace": { "uri": "/$(x = 1)" } }), "')' expected near '='"),
    ] {
        let (transformer, report) = build::<RequestTransformer>(&config, Compat::Kong2);
        let found = &report.found[0];
        assert_eq!((found.code, found.severity), ("unusable-template", Severity::Warning));
        assert!(found.message.contains(label), "{}", found.message);
        let res = access(&transformer.unwrap(), &mut request("GET", "/", &[], ""), &mut context(Compat::Kong2)).unwrap();
        assert_eq!(res.status(), 500);
    }
    let config = json!({ "rename": { "querystring": ["a:$(headers.b)"], "body": ["c:d"] } });
    let (transformer, report) = build::<RequestTransformer>(&config, Compat::Kong2);
    assert!(transformer.is_none());
    assert_eq!((report.found[0].code, &report.found[0].kong), ("unsupported-template", &None));
}

#[test]
fn a_control_character_in_a_header_is_refused_and_in_kong_3_in_its_words() {
    let config = json!({ "add": { "headers": ["x:y", "a:b\nc"] } });
    let (_, report) = build::<RequestTransformer>(&config, Compat::Kong2);
    assert_eq!((report.found[0].code, &report.found[0].kong), ("bad-header-value", &None));
    let (_, report) = build::<RequestTransformer>(&config, Compat::Kong3);
    let kong = report.found[0].kong.clone().unwrap();
    assert_eq!(kong.message, "'b\nc' is not a valid header");
    assert_eq!(kong.path, [Step::Key("add".into()), Step::Key("headers".into()), Step::Entry(1)]);
}

#[test]
fn an_empty_configuration_changes_nothing() {
    let mut req = request("POST", "/?b&a", &[("content-type", "application/json")], "{}");
    let before: HeaderMap = req.headers().clone();
    let cx = run(&json!({}), &mut req);
    assert_eq!((req.headers(), cx.query, &*cx.path), (&before, None, "/"));
}

// === any input ===

proptest! {
    #[test]
    fn no_body_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), marks in "(--XX|\r\n|--|[a;=\" :]){0,40}") {
        let config = json!({
            "remove": { "body": ["r"] },
            "rename": { "body": ["o:n"] },
            "replace": { "body": ["n:rep"] },
            "add": { "body": ["z:1"] },
            "append": { "body": ["z:2"] },
        });
        let transformer = plugin::<RequestTransformer>(&config);
        for kind in [FORM, "application/json", "application/x-www-form-urlencoded"] {
            for sent in [&bytes, marks.as_bytes()] {
                let mut req = request("POST", "/", &[("content-type", kind)], "");
                *req.body_mut() = Body::full(sent.to_vec());
                access(&transformer, &mut req, &mut context(Compat::Kong2));
            }
        }
    }

    #[test]
    fn a_changed_form_reads_as_it_was(pairs in prop::collection::vec(("[a-z%+&= é]{1,4}", "[a-z%+&= é]{0,4}"), 0..9)) {
        let mut args = Args::default();
        for (name, value) in &pairs {
            args.push(name.as_bytes(), Some(value.as_bytes().to_vec()));
        }
        prop_assert_eq!(Args::parse(args.encode().as_bytes()), args);
    }
}
