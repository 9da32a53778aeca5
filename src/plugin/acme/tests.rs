#![allow(clippy::unwrap_used)]

use super::Acme;
use crate::acme::KeyKind;
use crate::config::load;
use crate::config::report::{Report, Severity, Source};
use crate::entity::Compat;
use crate::plugin::testing::{build, context, lines, plugin, request, text};
use crate::plugin::{Entry, Plugin};
use crate::settings::Settings;
use crate::world::World;
use http::Response;
use serde_json::{Value, json};
use std::time::Duration;

const ASKED: &str = "/.well-known/acme-challenge/token";

fn some() -> Acme {
    plugin(&json!({ "account_email": "a@b.test", "api_uri": "https://ca.test", "domains": ["a.test", "*.b.test"] }))
}

fn ask(plugin: &Acme, target: &str, host: &str, https: bool) -> Option<Response<crate::body::Body>> {
    let mut cx = context(Compat::Kong2);
    cx.https = https;
    plugin.rewrite(&mut request("GET", target, &[("host", host)], ""), &mut cx)
}

#[test]
fn a_challenge_is_answered_whoever_asks_by_whatever_name() {
    let plugin = some();
    let _posted = plugin.certificates().unwrap().challenges.post("token", "token.thumb");
    for (host, https) in [("a.test", false), ("a.test:8000", true), ("other.test", false)] {
        let answer = ask(&plugin, ASKED, host, https).unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(lines(answer.headers()), ["content-type: text/plain; charset=UTF-8"]);
        assert_eq!(text(answer.into_body()), "token.thumb\n");
    }
}

#[test]
fn what_is_no_challenge_is_404_for_the_domains_alone_over_plain_http() {
    let plugin = some();
    for host in ["a.test", "A.test:80", "x.b.test", "a.test."] {
        assert_eq!(ask(&plugin, ASKED, host, false).unwrap().status(), 404, "{host}");
    }
    assert!(ask(&plugin, ASKED, "a.test", true).is_none() && ask(&plugin, ASKED, "b.test", false).is_none());
    for target in ["/", "/.well-known/acme-challenge/", "/x/.well-known/acme-challenge/token", "/.well-known/other"] {
        assert!(ask(&plugin, target, "a.test", false).is_none(), "{target}");
    }
}

#[test]
fn the_plan_is_what_is_written() {
    let config = json!({
        "account_email": "a@b.test", "api_uri": "https://ca.test/v2/", "tos_accepted": true, "cert_type": "rsa",
        "rsa_key_size": 2048, "renew_threshold_days": 10, "fail_backoff_minutes": 0.5, "allow_any_domain": true,
        "eab_kid": "k", "eab_hmac_key": "AQID",
    });
    let plugin = build::<Acme>(&config, Compat::Kong3).0.unwrap();
    let plan = plugin.certificates().unwrap();
    assert_eq!((&*plan.directory, plan.key, plan.agreed), ("https://ca.test/v2/directory", KeyKind::Rsa2048, true));
    assert_eq!((plan.renew_before, plan.backoff), (Duration::from_secs(864_000), Duration::from_secs(30)));
    assert!(plan.domains.allow("any.test"));
    assert_eq!(*plan.external.as_ref().unwrap().key, [1, 2, 3]);
    let shown = format!("{plan:?}");
    assert!(!shown.contains("[1, 2, 3]"), "{shown}");
}

#[test]
fn numbers_that_are_no_times_are_none() {
    let config = json!({ "account_email": "a@b", "renew_threshold_days": -3, "fail_backoff_minutes": 1e300 });
    let plugin = build::<Acme>(&config, Compat::Kong2).0.unwrap();
    let plan = plugin.certificates().unwrap();
    assert_eq!((plan.renew_before, plan.backoff), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn a_key_that_is_none_binds_no_account() {
    let config = json!({ "account_email": "a@b", "eab_kid": "k", "eab_hmac_key": "no base64!" });
    let plugin = plugin::<Acme>(&config);
    assert!(plugin.certificates().unwrap().external.is_none());
    assert_eq!(super::external_key("AQI="), Some(vec![1, 2]));
}

#[test]
fn it_runs_where_kong_runs_it() {
    let entry = Entry::named("acme").unwrap();
    assert_eq!(((entry.priority)(Compat::Kong2), (entry.priority)(Compat::Kong3)), (1007, 1705));
}

fn found(format: &str, config: &Value) -> Report {
    let text = format!("_format_version: '{format}'\nplugins:\n- {{name: acme, config: {config}}}\n");
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).1
}

/// Kong's words for the errors in a `config`.
fn words(format: &str, config: &Value) -> Vec<String> {
    let report = found(format, config);
    let errors = report.found.iter().filter(|found| found.severity == Severity::Error);
    errors.filter_map(|found| Some(found.kong.as_ref()?.message.clone())).collect()
}

#[test]
fn errors_are_told_in_kongs_words() {
    let with = |more: Value| {
        let mut config = json!({ "account_email": "a@b.test" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let cases = [
        ("2.1", json!({}), &["required field missing"][..]),
        ("2.1", json!({ "account_email": "nobody" }), &["invalid value: nobody"]),
        ("2.1", with(json!({ "api_uri": "https://acme-v02.api.letsencrypt.org" })), &["value must be true"]),
        ("2.1", with(json!({ "api_uri": "nowhere" })), &["missing host in url"]),
        ("2.1", with(json!({ "storage": "kong" })), &["\"kong\" storage can't be used with dbless mode"]),
        ("2.1", with(json!({ "storage": "redis" })), &[]),
        ("3.0", with(json!({ "storage": "redis" })), &["required field missing"]),
        ("3.0", with(json!({ "storage": "redis", "storage_config": { "redis": { "host": "r", "auth": "x" } } })), &[]),
        ("2.1", with(json!({ "allow_any_domain": true })), &["unknown field"]),
        ("2.1", with(json!({ "domains": ["a.*.b"] })), &["invalid wildcard: must be placed at leftmost or rightmost label"]),
        ("2.1", with(json!({ "cert_type": "dsa" })), &["expected one of: rsa, ecc"]),
        ("2.1", with(json!({ "rsa_key_size": 1024 })), &["expected one of: 2048, 3072, 4096"]),
        ("2.1", with(json!({ "tos_accepted": true, "domains": ["a.test"] })), &[]),
    ];
    for (format, config, wanted) in cases {
        assert_eq!(words(format, &config), wanted, "{format} {config}");
    }
}

fn snapshot_of(text: &str) -> (Option<crate::snapshot::Snapshot>, Report) {
    load(&Source::new("kong.yml", text.to_owned()), World::EMPTY, &Settings::default())
}

#[test]
fn it_is_for_everything_or_nothing() {
    let config = "config: {account_email: a@b, tos_accepted: true, domains: [a.test]}";
    let bound = format!(
        "_format_version: '2.1'\nservices: [{{name: s, url: 'http://h'}}]\nplugins: [{{name: acme, service: s, {config}}}]\n"
    );
    let (none, report) = snapshot_of(&bound);
    assert!(none.is_none());
    assert_eq!(report.found[0].kong.as_ref().unwrap().message, "value must be null");
    let nested = format!(
        "_format_version: '2.1'\nservices: [{{name: s, url: 'http://h', plugins: [{{name: acme, {config}}}]}}]\n"
    );
    let (some, report) = snapshot_of(&nested);
    assert!(some.unwrap().acme.is_none());
    assert!(report.found.iter().any(|found| found.code == "no-effect"), "{report:?}");
    let off = format!("_format_version: '2.1'\nplugins: [{{name: acme, enabled: false, {config}}}]\n");
    assert!(snapshot_of(&off).0.unwrap().acme.is_none());
    let on = format!("_format_version: '2.1'\nplugins: [{{name: acme, {config}}}]\n");
    assert!(snapshot_of(&on).0.unwrap().acme.is_some());
}
