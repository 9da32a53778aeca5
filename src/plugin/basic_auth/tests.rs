#![allow(clippy::unwrap_used)]

use super::{BasicAuth, read};
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Kind};
use crate::entity::{Compat, ConsumerId, Identity};
use crate::plugin::testing::{access, context, lines, plugin_knowing, request, text};
use crate::plugin::{Authenticated, Ctx, Plugin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// `ann`, whose user `al` has the password `secret`, and `anon`.
fn consumers() -> Consumers {
    let consumer = |id, name: &str| {
        let identity = Identity { id: Uuid::from_u128(id), name: Some(name.into()) };
        Consumer::new(identity, None, Box::default())
    };
    let credential = Credential::new(Uuid::from_u128(9), ConsumerId(0), Kind::Password, "al");
    let mut consumers = Consumers::new(vec![consumer(1, "ann"), consumer(2, "anon")], vec![credential]);
    consumers.passwords.put("al", "secret", Uuid::from_u128(1), CredentialId(0));
    consumers
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What became of a request.
struct Outcome {
    cx: Ctx,
    /// Message and challenge; `None` when it may go on.
    refused: Option<(String, Option<String>)>,
    headers: Vec<String>,
}

fn send(config: Json, compat: Compat, headers: &[(&str, &str)]) -> Outcome {
    let plugin: BasicAuth = plugin_knowing(&config, compat, consumers());
    let (mut req, mut cx) = (request("GET", "/", headers, ""), context(compat));
    let refused = access(&plugin, &mut req, &mut cx).map(|res| {
        assert_eq!(res.status(), 401);
        let challenge = res.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        let body: Json = serde_json::from_str(&text(res.into_body())).unwrap();
        (body["message"].as_str().unwrap().to_owned(), challenge)
    });
    Outcome { cx, refused, headers: lines(req.headers()) }
}

#[test]
fn whose_user_it_is_the_upstream_is_told() {
    let id = format!("x-consumer-id: {}", Uuid::from_u128(1));
    for (compat, username) in [(Compat::Kong2, Some("x-credential-username: al")), (Compat::Kong3, None)] {
        let found = send(json!({}), compat, &[("authorization", &basic("al", "secret"))]);
        assert!(found.refused.is_none());
        assert_eq!(found.cx.authenticated, Some(Authenticated::By(CredentialId(0))));
        assert_eq!(found.cx.consumer, Some(ConsumerId(0)));
        let identifier = [&*id, "x-consumer-username: ann", "x-credential-identifier: al"];
        assert_eq!(found.headers[1..], identifier.into_iter().chain(username).collect::<Vec<_>>());
    }
}

#[test]
fn those_who_show_nothing_and_those_who_are_wrong_are_told_so() {
    let wrong = [basic("al", "no"), basic("xx", "secret"), "Bearer x".to_owned(), "Basic ".to_owned()];
    let refused = |config: &Json, compat, headers: &[_]| send(config.clone(), compat, headers).refused.unwrap();
    let asked = |realm: &str| ("Unauthorized".to_owned(), Some(format!("Basic realm=\"{realm}\"")));
    assert_eq!(refused(&json!({}), Compat::Kong2, &[]), asked("kong"));
    assert_eq!(refused(&json!({ "realm": "service" }), Compat::Kong3, &[]), asked("service"));
    for header in &wrong {
        let sent = [("authorization", &**header)];
        let message = "Invalid authentication credentials".to_owned();
        assert_eq!(refused(&json!({}), Compat::Kong2, &sent), (message, None));
        assert_eq!(refused(&json!({ "realm": "a\"b" }), Compat::Kong3, &sent), asked("a\\\"b"));
    }
}

#[test]
fn the_proxys_header_counts_if_it_names_a_user_that_there_is() {
    let sent = |proxy: &str, own: &str| {
        send(json!({}), Compat::Kong2, &[("proxy-authorization", proxy), ("authorization", own)]).refused.is_none()
    };
    let (right, wrong, unknown) = (basic("al", "secret"), basic("al", "no"), basic("xx", "y"));
    assert!(sent(&right, &wrong));
    assert!(sent(&unknown, &right));
    assert!(sent("Bearer x", &right));
    assert!(!sent(&wrong, &right));
    assert!(!sent(&unknown, &unknown));
}

#[test]
fn hiding_takes_away_what_was_looked_at_whoever_it_is() {
    let left = |proxy: &str, own: &str| {
        let config = json!({ "hide_credentials": true, "anonymous": "anon" });
        let found = send(config, Compat::Kong2, &[("proxy-authorization", proxy), ("authorization", own)]);
        assert!(found.refused.is_none());
        found.headers.into_iter().filter(|line| line.contains("authorization")).collect::<Vec<_>>()
    };
    let (right, unknown) = (basic("al", "secret"), basic("xx", "y"));
    assert_eq!(left(&right, "Bearer upstreams"), ["authorization: Bearer upstreams"]);
    assert_eq!(left(&unknown, &right), [""; 0]);
    assert_eq!(left(&unknown, &unknown), [""; 0]);
}

#[test]
fn anybody_may_pass_as_the_anonymous_consumer() {
    for sent in [&[][..], &[("authorization", "Basic x")]] {
        let found = send(json!({ "anonymous": "anon" }), Compat::Kong2, sent);
        assert!(found.refused.is_none());
        assert_eq!((found.cx.consumer, found.cx.authenticated), (Some(ConsumerId(1)), None));
        assert!(found.headers.contains(&"x-anonymous-consumer: true".to_owned()));
    }
}

#[test]
fn a_header_is_read_as_kong_reads_it() {
    let found = |header: &str| read(header.as_bytes()).map(|found| (found.user, found.password));
    let pair = |user: &str, password: &str| Some((user.as_bytes().into(), password.as_bytes().into()));
    assert_eq!(found("Basic  YWw6c2VjcmV0"), pair("al", "secret"));
    assert_eq!(found("basicYWw6c2VjcmV0"), pair("al", "secret"));
    assert_eq!(found("Basic YTpiOmM"), pair("a", "b:c"));
    assert_eq!(found("Basic YTo="), pair("a", ""));
    for header in ["BASIC YWw6c2VjcmV0", "Basic YWw6c2VjcmV0 x", "Basic YWxzZWNyZXQ=", "Basic OnNlY3JldA==", "Basic", ""] {
        assert_eq!(found(header), None, "{header}");
    }
}

#[test]
fn it_says_what_it_does() {
    let said = |config| plugin_knowing::<BasicAuth>(&config, Compat::Kong2, consumers()).remark().unwrap();
    assert_eq!(said(json!({})), "asks for a user and a password");
    let words = "asks for a user and a password; who is not known goes on as consumer `anon`";
    assert_eq!(said(json!({ "anonymous": "anon" })), words);
}

proptest! {
    #[test]
    fn no_header_gets_past(header in "[Bb]asic ?[A-Za-z0-9+/=: ]{0,24}") {
        let found = send(json!({}), Compat::Kong2, &[("authorization", &*header)]);
        prop_assert!(found.refused.is_some() || header.contains("YWw6c2VjcmV0"));
    }
}
