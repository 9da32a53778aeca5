#![allow(clippy::unwrap_used)]

use super::HmacAuth;
use crate::body::Body;
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Kind};
use crate::entity::{Compat, ConsumerId, Identity};
use crate::plugin::testing::{access, context, lines, plugin_knowing, request, text};
use crate::plugin::{Authenticated, Ctx, Plugin};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Version};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

const DATE: &str = "Thu, 22 Jun 2017 17:15:21 GMT";
const NOW: u64 = 1_498_151_721;

/// `ann` with the credential `al`, and `anon`.
fn consumers() -> Consumers {
    let consumer = |id, name: &str| {
        let identity = Identity { id: Uuid::from_u128(id), name: Some(name.into()) };
        Consumer::new(identity, None, Box::default())
    };
    let credential = Credential::new(Uuid::from_u128(9), ConsumerId(0), Kind::Signature, "al");
    let mut consumers = Consumers::new(vec![consumer(1, "ann"), consumer(2, "anon")], vec![credential]);
    consumers.signers.put("al", Some("sekret"), CredentialId(0));
    consumers
}

/// A plugin whose `config` is Kong's default but for this.
fn plugin(config: Json, compat: Compat) -> HmacAuth {
    let mut all = json!({ "clock_skew": 300, "algorithms": ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"] });
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    plugin_knowing(&all, compat, consumers())
}

/// What a client sends that signed this text, saying that it is of these headers.
fn authorization(user: &str, headers: &str, signed: &str) -> String {
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"sekret"), signed.as_bytes());
    let signature = STANDARD.encode(signature.as_ref());
    format!("hmac username=\"{user}\", algorithm=\"hmac-sha256\", headers=\"{headers}\", signature=\"{signature}\"")
}

fn dated() -> String {
    authorization("al", "date", &format!("date: {DATE}"))
}

/// Status, message and challenge of what is refused; and what is known afterwards.
fn run(plugin: &HmacAuth, compat: Compat, req: &mut Request<Body>) -> (Option<(u16, String)>, Ctx) {
    let mut cx = context(compat);
    cx.wall = UNIX_EPOCH + Duration::from_secs(NOW);
    let res = access(plugin, req, &mut cx);
    let said = |res: http::Response<Body>| {
        let challenge = lines(res.headers()).into_iter().find(|line| line.starts_with("www-authenticate"));
        let status = res.status().as_u16();
        let body: Json = serde_json::from_str(&text(res.into_body())).unwrap();
        let message = body["message"].as_str().unwrap().to_owned();
        (status, message + &challenge.map_or_else(String::new, |line| format!(" {line}")))
    };
    (res.map(said), cx)
}

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Why a request is refused; nothing if it is not.
fn refused(config: Json, target: &str, headers: Headers<'_>) -> String {
    let mut req = request("GET", target, headers, "");
    run(&plugin(config, Compat::Kong2), Compat::Kong2, &mut req).0.map_or_else(String::new, |(_, message)| message)
}

const UNVERIFIABLE: &str = "HMAC signature cannot be verified";
const WRONG: &str = "HMAC signature does not match";
const NO_DATE: &str =
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication";

#[test]
fn its_signer_is_let_in() {
    let mut req = request("GET", "/", &[("date", DATE), ("authorization", &dated())], "");
    let (said, cx) = run(&plugin(json!({}), Compat::Kong2), Compat::Kong2, &mut req);
    assert_eq!((said, cx.consumer), (None, Some(ConsumerId(0))));
    assert_eq!(cx.authenticated, Some(Authenticated::By(CredentialId(0))));
    assert!(req.headers().contains_key("authorization"));
}

#[test]
fn each_check_says_its_own() {
    let ask = |authorization: &str| refused(json!({}), "/", &[("date", DATE), ("authorization", authorization)]);
    assert_eq!(refused(json!({}), "/", &[("date", DATE)]), "Unauthorized");
    assert_eq!(ask("Basic YTpi"), UNVERIFIABLE);
    assert_eq!(ask(&dated().replace("hmac ", "HMAC ")), UNVERIFIABLE);
    assert_eq!(ask(&dated().replace("sha256", "md5")), UNVERIFIABLE);
    assert_eq!(ask(&dated().replace("\"al\"", "\"bo\"")), UNVERIFIABLE);
    assert_eq!(ask(&dated().replace("sha256", "sha512")), WRONG);
    assert_eq!(ask(&authorization("al", "date", "date:")), WRONG);
    let mut odd = dated();
    odd.insert(odd.len() - 2, '!');
    assert_eq!(ask(&odd), WRONG);
    let only = json!({ "algorithms": ["hmac-sha1"] });
    assert_eq!(refused(only, "/", &[("date", DATE), ("authorization", &dated())]), UNVERIFIABLE);
}

#[test]
fn a_date_has_its_time() {
    let ask = |name: &str, date: &str, skew: f64| {
        let signed = authorization("al", name, &format!("{name}: {date}"));
        refused(json!({ "clock_skew": skew }), "/", &[(name, date), ("authorization", &signed)])
    };
    for date in [DATE, "Thu, 22 Jun 2017 17:20:21 GMT", "Thu, 22 Jun 2017 17:10:21 -0000"] {
        assert_eq!((ask("date", date, 300.0), ask("x-date", date, 300.0)), (String::new(), String::new()), "{date}");
    }
    for date in ["Thu, 22 Jun 2017 17:20:22 GMT", "Thu, 22 Jun 2017 17:10:20 GMT", "soon"] {
        assert_eq!(ask("date", date, 300.0), NO_DATE, "{date}");
    }
    assert_eq!(ask("date", "Thu, 22 Jun 2017 17:15:22 GMT", 0.5), NO_DATE);
    let both = [("x-date", "soon"), ("date", DATE), ("authorization", &*dated())];
    assert_eq!(refused(json!({}), "/", &both), "", "either will do");
}

#[test]
fn an_old_request_is_not_made_new_by_a_date_that_nobody_signed() {
    const OLD: &str = "Thu, 15 Jun 2017 17:15:21 GMT";
    let ask = |signed: &str, text: &str, headers: [(&str, &str); 2]| {
        let authorization = authorization("al", signed, text);
        refused(json!({}), "/", &[headers[0], headers[1], ("authorization", &authorization)])
    };
    assert_eq!(ask("date", &format!("date: {OLD}"), [("date", OLD), ("x-date", DATE)]), NO_DATE);
    assert_eq!(ask("X-Date", &format!("X-Date: {OLD}"), [("x-date", OLD), ("date", DATE)]), NO_DATE);
    assert_eq!(ask("date", "date:", [("x-date", DATE), ("x-a", "1")]), NO_DATE);
    assert_eq!(ask("date x-date", &format!("date: {OLD}\nx-date: {DATE}"), [("date", OLD), ("x-date", DATE)]), "");
    assert_eq!(ask("x-a", "x-a: 1", [("x-a", "1"), ("date", DATE)]), "", "no date is signed");
}

#[test]
fn no_line_is_added_to_a_signed_header() {
    let signed = authorization("al", "date x-amount", &format!("date: {DATE}\nx-amount: 1"));
    let sent = [("date", DATE), ("x-amount", "1"), ("x-amount", "1000"), ("authorization", &*signed)];
    assert_eq!(refused(json!({}), "/", &sent[..2].iter().chain(&sent[3..]).copied().collect::<Vec<_>>()), "");
    assert_eq!(refused(json!({}), "/", &sent), UNVERIFIABLE);
}

#[test]
fn what_is_signed_is_put_together_as_kong_does() {
    let signs = |target: &str, names: &str, text: &str| {
        let headers = [("date", DATE), ("x-two", "a"), ("authorization", &*authorization("al", names, text))];
        refused(json!({}), target, &headers).is_empty()
    };
    assert!(signs("/", "date x-none", &format!("date: {DATE}\nx-none:")));
    assert!(signs("/", "Date X-Two", &format!("Date: {DATE}\nX-Two: a")));
    assert!(signs("/", "x-two  date", &format!("x-two: a\n:\ndate: {DATE}")));
    assert!(signs("/a%20b?c=d", "request-line", "GET /a%20b?c=d HTTP/1.1"));
    assert!(signs("/a?b", "date @request-target", &format!("date: {DATE}\n@request-target: get /a?b")));
    assert!(!signs("/a?b", "@request-target", "@request-target: GET /a?b"));
    assert!(signs("http://h.test/a?b", "request-line", "GET /a?b HTTP/1.1"));
    // Only Kong 2 takes the decoded path.
    assert!(signs("//a%20b/./%7e?c=d", "request-line", "GET /a b/~ HTTP/1.1"));
    let line = authorization("al", "request-line", "GET /a b HTTP/1.1");
    let mut req = request("GET", "/a%20b", &[("date", DATE), ("authorization", &line)], "");
    assert_eq!(run(&plugin(json!({}), Compat::Kong3), Compat::Kong3, &mut req).0.unwrap().1, format!("{WRONG} www-authenticate: hmac"));
}

#[test]
fn the_version_is_the_clients() {
    for (version, text) in [(Version::HTTP_10, "1.0"), (Version::HTTP_11, "1.1"), (Version::HTTP_2, "2.0")] {
        let line = authorization("al", "request-line", &format!("GET / HTTP/{text}"));
        let mut req = request("GET", "/", &[("date", DATE), ("authorization", &line)], "");
        *req.version_mut() = version;
        assert_eq!(run(&plugin(json!({}), Compat::Kong3), Compat::Kong3, &mut req).0, None, "{text}");
    }
}

#[test]
fn enforced_headers_must_be_signed() {
    let config = json!({ "enforce_headers": ["date", "request-line"] });
    let line = authorization("al", "date request-line", &format!("date: {DATE}\nGET / HTTP/1.1"));
    assert_eq!(refused(config.clone(), "/", &[("date", DATE), ("authorization", &line)]), "");
    assert_eq!(refused(config.clone(), "/", &[("date", DATE), ("authorization", &dated())]), UNVERIFIABLE);
    let named = authorization("al", "Date request-line", &format!("Date: {DATE}\nGET / HTTP/1.1"));
    assert_eq!(refused(config, "/", &[("date", DATE), ("authorization", &named)]), UNVERIFIABLE, "as they are written");
}

#[test]
fn a_body_is_what_its_digest_says() {
    // printf hello | openssl dgst -sha256 -binary | base64
    let digest = "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let empty = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let ask = |digest: Option<&str>, body: &str| {
        let own = dated();
        let mut headers = vec![("date", DATE), ("authorization", &*own)];
        headers.extend(digest.map(|digest| ("digest", digest)));
        let mut req = request("POST", "/", &headers, body);
        let said = run(&plugin(json!({ "validate_request_body": true }), Compat::Kong2), Compat::Kong2, &mut req).0;
        assert_eq!(text(std::mem::take(req.body_mut())), body, "it goes on whole");
        said.map(|(_, message)| message)
    };
    assert_eq!((ask(Some(digest), "hello"), ask(None, ""), ask(Some(empty), "")), (None, None, None));
    for (digest, body) in [(Some(digest), "hellO"), (None, "hello"), (Some(&digest[8..]), "hello"), (Some(digest), "")] {
        assert_eq!(ask(digest, body).as_deref(), Some(WRONG), "{body}");
    }
    let long = "a".repeat(10_240);
    assert_eq!(ask(Some(digest), &long).as_deref(), Some(WRONG), "longer than the buffer");
}

#[test]
fn a_body_is_read_for_those_who_signed_only() {
    let config = json!({ "validate_request_body": true });
    let mut req = request("POST", "/", &[("date", DATE), ("authorization", &authorization("al", "date", ""))], "hello");
    let mut cx = context(Compat::Kong2);
    cx.wall = UNIX_EPOCH + Duration::from_secs(NOW);
    let flow = plugin(config, Compat::Kong2).access(&mut req, &mut cx);
    assert!(matches!(flow, crate::plugin::Flow::Respond(_)), "{flow:?}");
}

#[test]
fn credentials_are_hidden_where_they_were() {
    let ask = |headers: Headers<'_>| {
        let mut req = request("GET", "/", headers, "");
        let said = run(&plugin(json!({ "hide_credentials": true, "anonymous": "anon" }), Compat::Kong2), Compat::Kong2, &mut req);
        let left = ["proxy-authorization", "authorization"].map(|name| req.headers().contains_key(name));
        assert_eq!(said.0, None);
        (left, said.1.consumer)
    };
    let (ann, anon) = (Some(ConsumerId(0)), Some(ConsumerId(1)));
    let own = dated();
    assert_eq!(ask(&[("date", DATE), ("authorization", &own)]), ([false, false], ann));
    assert_eq!(ask(&[("date", DATE), ("proxy-authorization", &own), ("authorization", "x")]), ([false, true], ann));
    assert_eq!(ask(&[("date", DATE), ("proxy-authorization", "x"), ("authorization", "y")]), ([true, false], anon));
    assert_eq!(ask(&[("date", "soon"), ("authorization", &own)]), ([false, true], anon));
}

#[test]
fn kong_3_challenges() {
    for (realm, challenge) in [(None, "hmac"), (Some("r"), "hmac realm=\"r\"")] {
        let plugin = plugin(json!({ "realm": realm }), Compat::Kong3);
        let said = run(&plugin, Compat::Kong3, &mut request("GET", "/", &[], "")).0;
        assert_eq!(said, Some((401, format!("Unauthorized www-authenticate: {challenge}"))));
    }
}

#[test]
fn it_says_why_a_signature_was_not_taken() {
    let anonymous = plugin(json!({ "anonymous": "anon" }), Compat::Kong2);
    let why = |headers: Headers<'_>| {
        let (mut req, mut cx) = (request("GET", "/", headers, ""), context(Compat::Kong2));
        cx.dry_run = true;
        assert!(access(&anonymous, &mut req, &mut cx).is_none());
        anonymous.reason(&cx).unwrap()
    };
    assert_eq!(why(&[]), "there is no signature");
    assert_eq!(why(&[("authorization", &dated())]), format!("the signature is not taken: {NO_DATE}"));
}

#[test]
fn it_says_what_it_asks_for() {
    let config = json!({ "enforce_headers": ["date"], "algorithms": ["hmac-sha256"], "validate_request_body": true });
    assert_eq!(
        plugin(config, Compat::Kong2).remark().unwrap(),
        "asks for a signature over `date` and what else it lists (hmac-sha256) and a date at most 300 s off; the body must \
         be what `Digest` says"
    );
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_it_panic_or_lets_a_stranger_in(
        free in any::<Vec<u8>>(),
        parts in ["(al|[ -~]{0,9})", "(hmac-sha(1|256)|[ -~]{0,9})", "((date|request-line|@request-target|é| ){0,4}|[ -~]{0,9})", "[ -~]{0,30}"],
        date in "(Thu, 22 Jun 2017 17:15:21 GMT|[ -~]{0,30})",
    ) {
        let [user, algorithm, headers, signature] = parts;
        let made = format!("hmac username=\"{user}\", algorithm=\"{algorithm}\", headers=\"{headers}\", signature=\"{signature}\"");
        for compat in [Compat::Kong2, Compat::Kong3] {
            let plugin = plugin(json!({ "clock_skew": 1e10, "validate_request_body": true }), compat);
            for value in [made.as_bytes(), &free] {
                let built = Request::builder().header("date", &*date).header("authorization", value).body(Body::Empty);
                let Ok(mut req) = built else { continue };
                let (said, cx) = run(&plugin, compat, &mut req);
                prop_assert_eq!(said.map(|(status, _)| status), Some(401));
                prop_assert_eq!(cx.consumer, None);
            }
        }
    }
}
