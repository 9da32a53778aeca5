#![allow(clippy::unwrap_used)]

use super::{AuthenticatedToken, Jwt};
use crate::consumers::tokens::{Issuer, Written};
use crate::consumers::verifier::Algorithm;
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Kind};
use crate::entity::{Compat, ConsumerId, Identity};
use crate::plugin::testing::{access, context, lines, plugin_knowing, request, text};
use crate::plugin::{Authenticated, Ctx, Plugin};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// 2027-01-15.
const NOW: u64 = 1_800_000_000;
const PEM: &str = include_str!("../../token/vectors/ec256.pem");

/// Name, secret, public key and algorithm of `ann`'s credentials.
const CREDENTIALS: [(&str, Option<&str>, Option<&str>, &str); 5] = [
    ("hs", Some("sekret"), None, "HS256"),
    ("hs512", Some("sekret"), None, "HS512"),
    ("es", None, Some(PEM), "ES256"),
    ("rs", None, Some(PEM), "RS256"),
    ("keyless", None, None, "ES256"),
];

fn consumers(compat: Compat) -> Consumers {
    let consumer = |id, name: &str| {
        let identity = Identity { id: Uuid::from_u128(id), name: Some(name.into()) };
        Consumer::new(identity, None, Box::default())
    };
    let credential = |(name, ..): (&str, _, _, _)| Credential::new(Uuid::nil(), ConsumerId(0), Kind::Token, name);
    let all = CREDENTIALS.map(credential).to_vec();
    let mut consumers = Consumers::new(vec![consumer(1, "ann"), consumer(2, "anon")], all);
    for (at, (name, secret, public_key, algorithm)) in CREDENTIALS.into_iter().enumerate() {
        let algorithm = Algorithm::named(algorithm, compat).unwrap();
        let issuer = Issuer::new(CredentialId::from(at), algorithm, Written { secret, public_key }, compat);
        consumers.tokens.put(name, issuer);
    }
    consumers
}

/// A plugin whose `config` is Kong's default but for this.
fn plugin(config: Json, compat: Compat) -> Jwt {
    let mut all = json!({ "uri_param_names": ["jwt"], "header_names": ["authorization"], "key_claim_name": "iss",
                          "run_on_preflight": true, "maximum_expiration": 0 });
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    plugin_knowing(&all, compat, consumers(compat))
}

/// A token of these texts, signed with `sekret`.
fn signed(header: &str, claims: &str) -> String {
    let hash = if header.contains("HS512") { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
    let [header, claims] = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
    let text = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(hash, b"sekret"), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn token(claims: &Json) -> String {
    signed(r#"{"alg":"HS256"}"#, &claims.to_string())
}

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Status, body and challenge; `None` when it may go on. And what is known afterwards.
fn send(plugin: &Jwt, compat: Compat, method: &str, target: &str, headers: Headers<'_>) -> (Option<(u16, String)>, Ctx) {
    let (mut req, mut cx) = (request(method, target, headers, ""), context(compat));
    cx.wall = UNIX_EPOCH + Duration::from_secs(NOW);
    let res = access(plugin, &mut req, &mut cx);
    let said = |res: http::Response<_>| {
        let challenge = lines(res.headers()).into_iter().find(|line| line.starts_with("www-authenticate"));
        (res.status().as_u16(), text(res.into_body()) + &challenge.map_or_else(String::new, |line| format!(" {line}")))
    };
    (res.map(said), cx)
}

/// What is said to a bearer of a token. Nothing to one who is let in.
fn said_by(config: Json, compat: Compat, token: &str) -> String {
    let header = format!("Bearer {token}");
    let said = send(&plugin(config, compat), compat, "GET", "/", &[("authorization", &header)]).0;
    said.map_or_else(String::new, |(status, body)| format!("{status} {body}"))
}

fn said(token: &str) -> String {
    said_by(json!({}), Compat::Kong2, token)
}

#[test]
fn its_owner_is_let_in_and_the_token_stays_at_hand() {
    let token = token(&json!({ "iss": "hs" }));
    let header = format!("Bearer {token}");
    let (said, mut cx) = send(&plugin(json!({}), Compat::Kong2), Compat::Kong2, "GET", "/", &[("authorization", &header)]);
    assert_eq!((said, cx.consumer), (None, Some(ConsumerId(0))));
    assert_eq!(cx.authenticated, Some(Authenticated::By(CredentialId(0))));
    let kept = cx.stash.remove::<AuthenticatedToken>().unwrap();
    assert_eq!(&*kept.0, token.as_bytes());
    assert_eq!(format!("{kept:?}"), "AuthenticatedToken");
}

#[test]
fn each_check_says_its_own() {
    let refused = |message: &str| format!("401 {{\"message\":\"{message}\"}}");
    let hs = r#"{"alg":"HS256"}"#;
    for (token, message) in [
        (String::new(), "Unauthorized"),
        ("garbage".to_owned(), "Bad token; invalid JSON"),
        ("e30.e30".to_owned(), "Bad token; invalid JSON"),
        (signed("[", "{}"), "Bad token; invalid JSON"),
        (signed("{}", "{}"), "Bad token; invalid alg"),
        (signed("7", "{}"), "Bad token; invalid alg"),
        (signed(r#"{"alg":"none"}"#, r#"{"iss":"hs"}"#), "Bad token; invalid alg"),
        (signed(r#"{"alg":"PS256"}"#, r#"{"iss":"hs"}"#), "Bad token; invalid alg"),
        (signed(hs, "null"), "Bad token; invalid claims"),
        (signed(hs, "7"), "Bad token; invalid claims"),
        (signed(hs, "{}") + " x", "Bad token; invalid signature"),
        (signed(hs, "{}"), "No mandatory 'iss' in claims"),
        (signed(hs, "[1]"), "No mandatory 'iss' in claims"),
        (signed(hs, r#"{"iss":false}"#), "No mandatory 'iss' in claims"),
        (signed(hs, r#"{"iss":""}"#), "Invalid 'iss' in claims"),
        (signed(hs, r#"{"iss":"who"}"#), "No credentials found for given 'iss'"),
        (signed(hs, r#"{"iss":"hs512"}"#), "Invalid algorithm"),
        (signed(r#"{"alg":"ES256"}"#, r#"{"iss":"keyless"}"#), "Invalid key/secret"),
        (signed(r#"{"alg":"ES256"}"#, r#"{"iss":"es"}"#), "Invalid signature"),
        (signed(hs, r#"{"iss":"hs"}"#).replace("eyJpc3MiOiJocyJ9", "eyJpc3MiOiJocyIgfQ"), "Invalid signature"),
        (signed(hs, r#"{"iss":"hs"}"#) + ".x", "Bad token; invalid signature"),
    ] {
        assert_eq!(said(&token), refused(message), "{token}");
    }
}

#[test]
fn what_cannot_be_looked_up_or_verified_fails_as_kong_does() {
    let crash = "500 {\"message\":\"An unexpected error occurred\"}";
    for iss in ["7", "null", "true", "[]", "{}"] {
        assert_eq!(said(&signed(r#"{"alg":"HS256"}"#, &format!("{{\"iss\":{iss}}}"))), crash, "{iss}");
    }
    let misfit = signed(r#"{"alg":"RS256"}"#, r#"{"iss":"rs"}"#);
    assert_eq!(said(&misfit), crash);
    assert_eq!(said_by(json!({ "anonymous": "anon" }), Compat::Kong2, &misfit), crash);
}

#[test]
fn base64_is_taken_in_any_form() {
    let tokens = (0..).map(|n| signed(r#"{"alg":"HS512"}"#, &format!(r#"{{"iss":"hs512","n":{n}}}"#)));
    let token = tokens.into_iter().find(|token| token.rsplit('.').next().unwrap().contains(['-', '_'])).unwrap();
    assert_eq!(said(&token), "");
    assert_eq!(said(&format!("{token}==")), "");
    let (text, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(said(&format!("{text}.{}", signature.replace('-', "+").replace('_', "/"))), "");
}

#[test]
fn the_header_names_the_key_where_the_claims_do_not() {
    let config = json!({ "key_claim_name": "kid" });
    let by_header = |claims: &str| said_by(config.clone(), Compat::Kong2, &signed(r#"{"alg":"HS256","kid":"hs"}"#, claims));
    assert_eq!((by_header("{}"), by_header("[]"), by_header("\"text\"")), Default::default());
    assert_eq!(by_header(r#"{"kid":"who"}"#), "401 {\"message\":\"No credentials found for given 'kid'\"}");
}

#[test]
fn times_are_those_of_the_clock() {
    let check = |config: Json, claims: Json| {
        let mut all = json!({ "iss": "hs" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        said_by(config, Compat::Kong2, &token(&all))
    };
    let both = json!({ "claims_to_verify": ["exp", "nbf"] });
    assert_eq!(check(both.clone(), json!({ "exp": NOW + 1, "nbf": NOW })), "");
    assert_eq!(check(both.clone(), json!({ "exp": 1_800_000_000.5, "nbf": -1 })), "");
    let late = json!({ "exp": NOW, "nbf": NOW + 1 });
    assert_eq!(check(both.clone(), late.clone()), r#"401 {"exp":"token expired","nbf":"token not valid yet"}"#);
    assert_eq!(check(json!({}), late), "", "nothing is asked of them");
    let odd = json!({ "exp": "4102444800", "nbf": null });
    assert_eq!(check(both, odd), r#"401 {"exp":"must be a number","nbf":"must be a number"}"#);
    let maximum = json!({ "maximum_expiration": 100 });
    let far = r#"401 {"exp":"exceeds maximum allowed expiration"}"#;
    assert_eq!(check(maximum.clone(), json!({ "exp": NOW + 100 })), "");
    assert_eq!(check(maximum.clone(), json!({ "exp": NOW + 101 })), far);
    assert_eq!((check(maximum.clone(), json!({})), check(maximum, json!({ "exp": "x" }))), (far.to_owned(), far.to_owned()));
}

#[test]
fn kong_2_takes_the_first_place_and_kong_3_the_only_token() {
    let good = token(&json!({ "iss": "hs" }));
    let config = json!({ "uri_param_names": ["jwt", "t"], "cookie_names": ["c"] });
    let ask = |compat, query: &str, cookie: &str, bearer: &str| {
        let (cookie, bearer) = (format!("c={cookie}"), format!("Bearer {bearer}"));
        let headers = [("cookie", &*cookie), ("authorization", &*bearer)];
        let said = send(&plugin(config.clone(), compat), compat, "GET", &format!("/?{query}"), &headers).0;
        said.map_or_else(String::new, |(_, body)| body)
    };
    let several = r#"{"message":"Multiple tokens provided"}"#;
    let (two, three) = (Compat::Kong2, Compat::Kong3);
    let error = |body: &str| format!("{body} www-authenticate: Bearer error=\"invalid_token\"");
    assert_eq!(ask(two, &format!("t={good}"), "x", "y"), "");
    assert_eq!(ask(three, &format!("t={good}"), "x", &good), error(several));
    assert_eq!(ask(three, &format!("t={good}&jwt={good}"), &good, &good), "");
    assert_eq!(ask(two, &format!("t={good}&t={good}"), "", ""), several);
    assert_eq!(ask(three, &format!("t={good}&t={good}"), "", ""), "");
    assert_eq!(ask(two, "", "", &good), "");
    assert_eq!(ask(two, "jwt", "", &good), r#"{"message":"Unrecognizable token"}"#);
    assert_eq!(ask(three, "jwt", "", ""), error(r#"{"message":"Unrecognizable token"}"#));
    assert_eq!(ask(two, "jwt=", "", &good), r#"{"message":"Bad token; invalid JSON"}"#);
    assert_eq!(ask(three, "jwt=", "", &good), "");
}

#[test]
fn kong_3_challenges() {
    let ask = |realm: Option<&str>, token: &str| said_by(json!({ "realm": realm }), Compat::Kong3, token);
    let unauthorized = r#"401 {"message":"Unauthorized"} www-authenticate: Bearer"#;
    assert_eq!(ask(None, ""), unauthorized);
    assert_eq!(ask(Some("a \"b\""), ""), format!("{unauthorized} realm=\"a \\\"b\\\"\""));
    let bad = "401 {\"message\":\"Bad token; invalid JSON\"} www-authenticate: Bearer";
    assert_eq!(ask(None, "x"), format!("{bad} error=\"invalid_token\""));
    assert_eq!(ask(Some("r"), "x"), format!("{bad} realm=\"r\" error=\"invalid_token\""));
}

#[test]
fn the_anonymous_one_preflights_and_who_is_known_pass() {
    let anonymous = plugin(json!({ "anonymous": "anon" }), Compat::Kong2);
    let (said, cx) = send(&anonymous, Compat::Kong2, "GET", "/", &[("authorization", "Bearer x")]);
    assert_eq!((said, cx.consumer, cx.authenticated), (None, Some(ConsumerId(1)), None));
    assert_eq!(anonymous.reason(&cx), None);
    let open = plugin(json!({ "run_on_preflight": false }), Compat::Kong2);
    assert_eq!(send(&open, Compat::Kong2, "OPTIONS", "/", &[]).0, None);
    assert_eq!(send(&open, Compat::Kong2, "GET", "/", &[]).0.unwrap().0, 401);
    let (mut req, mut cx) = (request("GET", "/", &[], ""), context(Compat::Kong2));
    cx.authenticated = Some(Authenticated::Foreign);
    assert!(access(&anonymous, &mut req, &mut cx).is_none());
    assert_eq!(cx.consumer, None);
}

#[test]
fn it_says_why_a_token_was_not_taken() {
    let anonymous = plugin(json!({ "anonymous": "anon", "claims_to_verify": ["exp"] }), Compat::Kong2);
    let why = |token: &str| {
        let header = format!("Bearer {token}");
        let (mut req, mut cx) = (request("GET", "/", &[("authorization", &header)], ""), context(Compat::Kong2));
        cx.dry_run = true;
        assert!(access(&anonymous, &mut req, &mut cx).is_none());
        anonymous.reason(&cx).unwrap()
    };
    assert_eq!(why(""), "there is no token");
    assert_eq!(why("x"), "the token is not taken: Bad token; invalid JSON");
    assert_eq!(why(&token(&json!({ "iss": "hs", "exp": 1 }))), "the token is not taken: `exp`: token expired");
}

#[test]
fn it_says_what_it_asks_for() {
    let config = json!({ "cookie_names": ["sb"], "claims_to_verify": ["exp"], "maximum_expiration": 60, "anonymous": "anon" });
    assert_eq!(
        plugin(config, Compat::Kong2).remark().unwrap(),
        "asks for a token in argument `jwt`, cookie `sb`, header `authorization`; its `iss` names the credential; checks \
         `exp`; `exp` may be 60 s ahead; who is not known goes on as consumer `anon`"
    );
}

#[test]
fn where_tokens_are_is_secret() {
    let plugin = plugin(json!({ "uri_param_names": ["T"], "header_names": ["X-Tok"] }), Compat::Kong2);
    assert_eq!(plugin.secrets().iter().map(|name| &**name).collect::<Vec<_>>(), ["t", "x-tok"]);
}

/// Texts that look like tokens, more or less.
fn near_tokens() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![
        any::<Vec<u8>>(),
        (any::<i64>(), any::<f64>(), ".{0,9}").prop_map(|(n, f, text)| {
            json!({ "alg": "HS256", "iss": text, "exp": n, "nbf": f, "kid": [n] }).to_string().into_bytes()
        }),
        Just(br#"{"alg":"ES256","iss":"es"}"#.to_vec()),
        Just(br#"{"alg":"HS256","iss":"hs","exp":-1e308}"#.to_vec()),
    ];
    let part = prop_oneof![json.prop_map(|text| URL_SAFE_NO_PAD.encode(text).into_bytes()), any::<Vec<u8>>()];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.join(&b'.'))
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_it_panic_or_lets_a_stranger_in(
        word in "(Bearer |bearer|Bearer\t)?",
        token in near_tokens(),
        query in "[ -~]{0,30}",
    ) {
        let value = [word.as_bytes(), &token].concat();
        for compat in [Compat::Kong2, Compat::Kong3] {
            let plugin = plugin(json!({ "claims_to_verify": ["exp", "nbf"], "maximum_expiration": 9, "cookie_names": ["c"] }), compat);
            let Ok(mut req) = http::Request::builder().uri(format!("/?jwt={query}")).header("authorization", &value[..])
                .header("cookie", &value[..]).body(crate::body::Body::Empty) else { continue };
            let mut cx = context(compat);
            prop_assert!(access(&plugin, &mut req, &mut cx).is_some());
            prop_assert_eq!(cx.consumer, None);
        }
    }
}
