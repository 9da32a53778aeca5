#![allow(clippy::unwrap_used)]

use super::KeyAuth;
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Kind};
use crate::entity::{Compat, ConsumerId, Identity};
use crate::plugin::testing::{access, context, lines, plugin_knowing, request, text};
use crate::plugin::{Authenticated, Ctx, Plugin};
use http::Response;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// `ann`, who has the key `good`, and `anon`.
fn consumers() -> Consumers {
    let consumer = |id, name: &str| {
        let identity = Identity { id: Uuid::from_u128(id), name: Some(name.into()) };
        Consumer::new(identity, None, Box::default())
    };
    let credential = Credential::new(Uuid::from_u128(9), ConsumerId(0), Kind::Key, "good");
    let mut consumers = Consumers::new(vec![consumer(1, "ann"), consumer(2, "anon")], vec![credential]);
    consumers.keys.put("good", CredentialId(0));
    consumers
}

/// A plugin whose `config` is Kong's default but for this.
fn plugin(config: Json, compat: Compat) -> KeyAuth {
    let mut all = json!({ "key_names": ["apikey"], "key_in_header": true, "key_in_query": true, "run_on_preflight": true });
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    plugin_knowing(&all, compat, consumers())
}

/// What became of a request.
struct Outcome {
    cx: Ctx,
    /// Status, message and challenge; `None` when it may go on.
    refused: Option<(u16, String, Option<String>)>,
    headers: Vec<String>,
    body: String,
}

type Headers<'a> = &'a [(&'a str, &'a str)];

fn send(plugin: &KeyAuth, compat: Compat, method: &str, target: &str, headers: Headers<'_>, body: &str) -> Outcome {
    let (mut req, mut cx) = (request(method, target, headers, body), context(compat));
    let res = access(plugin, &mut req, &mut cx);
    let refused = res.map(|mut res| {
        plugin.response(&mut res, &mut cx);
        let challenge = res.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        let status = res.status().as_u16();
        let body: Json = serde_json::from_str(&text(res.into_body())).unwrap();
        (status, body["message"].as_str().unwrap().to_owned(), challenge)
    });
    Outcome { cx, refused, headers: lines(req.headers()), body: text(std::mem::take(req.body_mut())) }
}

fn get(config: Json, compat: Compat, target: &str, headers: Headers<'_>) -> Outcome {
    send(&plugin(config, compat), compat, "GET", target, headers, "")
}

/// Why a request is refused.
fn refusal(config: Json, compat: Compat, target: &str, headers: Headers<'_>) -> (String, Option<String>) {
    let (status, message, challenge) = get(config, compat, target, headers).refused.unwrap();
    assert_eq!(status, 401);
    (message, challenge)
}

#[test]
fn whose_key_it_is_the_upstream_is_told() {
    for (target, headers) in [("/", &[("apikey", "good")][..]), ("/?apikey=good", &[]), ("/?a=1&%61pikey=goo%64", &[])] {
        let sent = [headers, &[("x-consumer-custom-id", "forged"), ("x-anonymous-consumer", "true")]].concat();
        let found = get(json!({}), Compat::Kong2, target, &sent);
        assert!(found.refused.is_none());
        assert_eq!(found.cx.consumer, Some(ConsumerId(0)));
        assert_eq!(found.cx.authenticated, Some(Authenticated::By(CredentialId(0))));
        assert_eq!(found.cx.query, None);
        let told: Vec<_> = found.headers.iter().filter(|line| line.starts_with("x-")).collect();
        let expected = [
            format!("x-consumer-id: {}", Uuid::from_u128(1)),
            "x-consumer-username: ann".to_owned(),
            format!("x-credential-identifier: {}", Uuid::from_u128(9)),
        ];
        assert_eq!(told, expected.iter().collect::<Vec<_>>());
    }
}

#[test]
fn kong_2_asks_for_a_key_only_those_who_show_none() {
    let refused = |target, headers| refusal(json!({}), Compat::Kong2, target, headers);
    let missing = ("No API key found in request".to_owned(), Some("Key realm=\"kong\"".to_owned()));
    for (target, headers) in [("/", &[][..]), ("/?apikey", &[]), ("/?apikey=", &[]), ("/?apikey=good", &[("apikey", "")])] {
        assert_eq!(refused(target, headers), missing, "{target}");
    }
    assert_eq!(refused("/?apikey=x", &[]), ("Invalid authentication credentials".to_owned(), None));
    let twice = ("Duplicate API key found".to_owned(), None);
    assert_eq!(refused("/?apikey=good&apikey=good", &[]), twice);
    assert_eq!(refused("/", &[("apikey", "good"), ("apikey", "good")]), twice);
}

#[test]
fn kong_3_asks_everybody_and_names_the_realm() {
    for (realm, challenge) in [(json!(null), "Key"), (json!("the \"api\""), "Key realm=\"the \\\"api\\\"\"")] {
        for (target, message) in [
            ("/", "No API key found in request"),
            ("/?apikey=x", "Invalid authentication credentials"),
            ("/?apikey=a&apikey=b", "Duplicate API key found"),
        ] {
            let refused = refusal(json!({ "realm": realm }), Compat::Kong3, target, &[]);
            assert_eq!(refused, (message.to_owned(), Some(challenge.to_owned())));
        }
    }
}

#[test]
fn names_are_tried_in_order_and_places_within_a_name() {
    let names = || json!({ "key_names": ["x_key", "token"] });
    let wrong = "Invalid authentication credentials";
    assert_eq!(refusal(names(), Compat::Kong2, "/?token=good", &[("x-key", "x")]).0, wrong);
    for (target, headers) in [
        ("/?token=x", &[("x-key", "good")][..]),
        ("/?x_key=good", &[("token", "x")]),
        ("/?x_key", &[("token", "good")]),
        ("/", &[("x_key", "good"), ("x-key", "x")]),
    ] {
        assert!(get(names(), Compat::Kong2, target, headers).refused.is_none(), "{target} {headers:?}");
    }
    assert!(get(names(), Compat::Kong2, "/?X_Key=good", &[]).refused.is_some(), "letter case counts in a query");
}

#[test]
fn a_place_that_is_turned_off_is_not_looked_at() {
    let nothing = "No API key found in request";
    let headers = json!({ "key_in_query": false });
    assert_eq!(refusal(headers, Compat::Kong2, "/?apikey=good", &[]).0, nothing);
    let queries = json!({ "key_in_header": false });
    assert_eq!(refusal(queries, Compat::Kong2, "/", &[("apikey", "good"), ("apikey", "good")]).0, nothing);
}

#[test]
fn hiding_writes_the_query_anew_in_kong_2_and_cuts_in_kong_3() {
    let cases = [
        ("/?z=%20&apikey=good&a=1+2&b", "a=1%202&b&z=%20", "z=%20&a=1+2&b"),
        ("/?apikey=good", "", ""),
        ("/?apikey=good&b=%2f", "b=%2F", "b=%2f"),
    ];
    for (target, second, third) in cases {
        for (compat, expected) in [(Compat::Kong2, second), (Compat::Kong3, third)] {
            let found = get(json!({ "hide_credentials": true }), compat, target, &[]);
            assert_eq!(found.cx.query.as_deref(), Some(expected), "{target} {compat:?}");
        }
    }
}

#[test]
fn hiding_takes_a_shown_name_away_everywhere_whoever_it_is() {
    let config = || json!({ "hide_credentials": true, "anonymous": "anon", "key_names": ["x_key"] });
    for key in ["good", "wrong"] {
        let target = format!("/?b=1&x_key={key}&a=2");
        let headers = [("x-key", key), ("other", "stays")];
        let found = get(config(), Compat::Kong2, &target, &headers);
        assert!(found.refused.is_none());
        assert_eq!(found.cx.query.as_deref(), Some("a=2&b=1"));
        assert!(found.headers.contains(&"other: stays".to_owned()));
        assert!(!found.headers.iter().any(|line| line.contains("-key:")), "{:?}", found.headers);
        assert_eq!(get(config(), Compat::Kong3, "/?b=1&a=2", &headers).cx.query, None);
    }
}

#[test]
fn a_key_may_be_in_the_body() {
    let plugin = |hide| plugin(json!({ "key_in_body": true, "hide_credentials": hide }), Compat::Kong2);
    let multipart = "multipart/form-data; boundary=B";
    let part = |name: &str, text: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let parts = |parts: &[(&str, &str)]| format!("{}--B--\r\n", parts.iter().map(|p| part(p.0, p.1)).collect::<String>());
    for (kind, body, left) in [
        ("application/json; charset=utf-8", r#"{"apikey":"good","n":1.0}"#.to_owned(), r#"{"n":1}"#.to_owned()),
        ("application/x-www-form-urlencoded", "b=1&apikey=good&a=%20".to_owned(), "b=1&a=%20".to_owned()),
        (multipart, parts(&[("apikey", "good"), ("x", "1")]), parts(&[("x", "1")])),
    ] {
        for (hide, expected) in [(false, &body), (true, &left)] {
            let found = send(&plugin(hide), Compat::Kong2, "POST", "/", &[("content-type", kind)], &body);
            assert!(found.refused.is_none(), "{kind}");
            assert_eq!(found.body, *expected);
            let length = format!("content-length: {}", expected.len());
            assert_eq!(found.headers.contains(&length), hide);
        }
    }
}

#[test]
fn a_body_without_a_text_of_that_name_has_no_key() {
    let plugin = plugin(json!({ "key_in_body": true }), Compat::Kong2);
    let long = format!("apikey=good&a={}", "x".repeat(20_000));
    let form = "application/x-www-form-urlencoded";
    for (kind, body, message) in [
        ("application/json", r#"{"apikey":5}"#, "No API key found in request"),
        ("application/json", r#"{"apikey":"#, "No API key found in request"),
        ("application/json", r#""apikey""#, "No API key found in request"),
        ("application/json", r#"{"apikey":["good"]}"#, "Duplicate API key found"),
        ("text/plain", "apikey=good", "No API key found in request"),
        (form, "apikey=good&apikey=good", "Duplicate API key found"),
        (form, "", "No API key found in request"),
        (form, &long, "No API key found in request"),
    ] {
        let found = send(&plugin, Compat::Kong2, "POST", "/", &[("content-type", kind)], body);
        assert_eq!(found.refused.unwrap().1, message, "{kind} {body}");
        assert_eq!(found.body, body);
    }
}

#[test]
fn options_may_pass_without_a_key() {
    let config = json!({ "run_on_preflight": false });
    let plugin = plugin(config, Compat::Kong2);
    let of = |method| send(&plugin, Compat::Kong2, method, "/", &[], "");
    assert!(of("OPTIONS").refused.is_none() && of("OPTIONS").cx.consumer.is_none());
    assert!(of("GET").refused.is_some());
}

#[test]
fn another_plugins_credential_is_enough_where_anybody_may_pass() {
    let (mut req, mut cx) = (request("GET", "/", &[], ""), context(Compat::Kong2));
    (cx.consumer, cx.authenticated) = (Some(ConsumerId(7)), Some(Authenticated::Foreign));
    assert!(access(&plugin(json!({ "anonymous": "anon" }), Compat::Kong2), &mut req, &mut cx).is_none());
    assert_eq!(cx.consumer, Some(ConsumerId(7)));
    assert!(access(&plugin(json!({}), Compat::Kong2), &mut req, &mut cx).is_some(), "both are needed");
}

#[test]
fn kong_2_asks_the_anonymous_consumer_for_a_key_with_the_answer() {
    let asked = |compat, answer: Response<_>| {
        let plugin = plugin(json!({ "anonymous": "anon" }), compat);
        let mut found = send(&plugin, compat, "GET", "/", &[("x-credential-identifier", "forged")], "");
        assert_eq!((found.cx.consumer, found.cx.authenticated), (Some(ConsumerId(1)), None));
        let told = [format!("x-consumer-id: {}", Uuid::from_u128(2)), "x-consumer-username: anon".to_owned()];
        assert_eq!(found.headers[1..], told);
        assert_eq!(found.headers[0], "x-anonymous-consumer: true");
        let mut answer = answer;
        plugin.response(&mut answer, &mut found.cx);
        lines(answer.headers())
    };
    let plain = || Response::new(crate::body::Body::Empty);
    assert_eq!(asked(Compat::Kong2, plain()), ["www-authenticate: Key realm=\"kong\""]);
    assert_eq!(asked(Compat::Kong3, plain()), [""; 0]);
    let own = Response::builder().header("www-authenticate", "Basic").body(crate::body::Body::Empty).unwrap();
    assert_eq!(asked(Compat::Kong2, own), ["www-authenticate: Basic"]);
}

#[test]
fn an_anonymous_consumer_who_does_not_exist_is_an_error() {
    let found = get(json!({ "anonymous": "nobody" }), Compat::Kong2, "/", &[]);
    let challenge = Some("Key realm=\"kong\"".to_owned());
    assert_eq!(found.refused, Some((500, "An unexpected error occurred".to_owned(), challenge)));
    assert!(get(json!({ "anonymous": "nobody" }), Compat::Kong2, "/?apikey=good", &[]).refused.is_none());
}

#[test]
fn it_says_what_it_does() {
    let said = |config| plugin(config, Compat::Kong2).remark().unwrap();
    assert_eq!(said(json!({})), "asks for a key in header or argument `apikey`");
    let config = json!({ "key_names": ["a", "b"], "key_in_query": false, "key_in_body": true, "anonymous": "anon" });
    let words = "asks for a key in header or field of the body `a` or `b`; who is not known goes on as consumer `anon`";
    assert_eq!(said(config), words);
}

proptest! {
    /// Nothing but the key lets anybody in, and hidden it is gone, wherever it was.
    #[test]
    fn no_query_and_no_body_gets_past(query in "[ak&=%+e-y0-9]{0,24}", body in "[ -~\r\n]{0,40}", json in any::<bool>()) {
        let config = json!({ "key_in_body": true, "hide_credentials": true });
        let kind = if json { "application/json" } else { "multipart/form-data; boundary=B" };
        let target = format!("/?{query}");
        let found = send(&plugin(config, Compat::Kong3), Compat::Kong3, "POST", &target, &[("content-type", kind)], &body);
        prop_assert!(found.refused.is_some());
    }
}
