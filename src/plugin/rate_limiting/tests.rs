#![allow(clippy::unwrap_used)]

use super::RateLimiting;
use crate::config::load;
use crate::config::report::{Report, Source};
use crate::entity::{Compat, ConsumerId, ServiceId};
use crate::plugin::testing::{access, block_on, build, context, lines, plugin, request, text};
use crate::plugin::{Ctx, Plugin, Scope};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::world::World;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// 2026-11-26 02:30:00 UTC.
const HALF_PAST: u64 = 1_795_660_200;

fn at(seconds: u64) -> Ctx {
    let mut cx = context(Compat::Kong2);
    cx.wall = UNIX_EPOCH + Duration::from_secs(seconds);
    cx
}

fn limiter(config: &Value) -> RateLimiting {
    let plugin = plugin::<RateLimiting>(config);
    plugin.bound(&Scope { services: [Uuid::from_u128(1), Uuid::from_u128(2)].into(), ..Scope::default() });
    plugin
}

/// Whether a request passes.
fn passes(plugin: &RateLimiting, headers: &[(&str, &str)], cx: &mut Ctx) -> bool {
    access(plugin, &mut request("GET", "/", headers, ""), cx).is_none()
}

#[test]
fn tells_what_remains_and_refuses_in_kongs_words() {
    let plugin = limiter(&json!({ "minute": 2, "hour": 2 }));
    let mut cx = at(HALF_PAST + 20);
    assert!(passes(&plugin, &[], &mut cx));
    let told = lines(&std::mem::take(&mut cx.answer_headers));
    let expected = [
        "ratelimit-limit: 2",
        "ratelimit-remaining: 1",
        "ratelimit-reset: 1780",
        "x-ratelimit-limit-hour: 2",
        "x-ratelimit-limit-minute: 2",
        "x-ratelimit-remaining-hour: 1",
        "x-ratelimit-remaining-minute: 1",
    ];
    assert_eq!(told, expected, "of two equal ones, the longer period is told");
    assert!(passes(&plugin, &[], &mut cx));
    let refused = access(&plugin, &mut request("GET", "/", &[], ""), &mut at(HALF_PAST + 61)).unwrap();
    assert_eq!(refused.status(), 429);
    let told = lines(refused.headers());
    let expected = [
        "content-type: application/json; charset=utf-8",
        "ratelimit-limit: 2",
        "ratelimit-remaining: 0",
        "ratelimit-reset: 1739",
        "retry-after: 1739",
        "x-ratelimit-limit-hour: 2",
        "x-ratelimit-limit-minute: 2",
        "x-ratelimit-remaining-hour: 0",
        "x-ratelimit-remaining-minute: 2",
    ];
    assert_eq!(told, expected, "only the limit that is reached is counted down");
    assert_eq!(text(refused.into_body()), "{\n  \"message\":\"API rate limit exceeded\"\n}");
}

#[test]
fn a_fraction_is_told_as_lua_writes_it() {
    let plugin = limiter(&json!({ "hour": 1.5 }));
    let mut cx = at(HALF_PAST);
    assert!(passes(&plugin, &[], &mut cx));
    assert_eq!(cx.answer_headers["x-ratelimit-limit-hour"], "1.5");
    assert_eq!(cx.answer_headers["ratelimit-remaining"], "0.5");
    assert!(passes(&plugin, &[], &mut cx) && !passes(&plugin, &[], &mut cx));
}

#[test]
fn hidden_limits_say_nothing() {
    let plugin = limiter(&json!({ "hour": 1, "hide_client_headers": true }));
    let mut cx = at(HALF_PAST);
    assert!(passes(&plugin, &[], &mut cx) && cx.answer_headers.is_empty());
    let refused = access(&plugin, &mut request("GET", "/", &[], ""), &mut cx).unwrap();
    assert_eq!(lines(refused.headers()), ["content-type: application/json; charset=utf-8"]);
}

#[test]
fn a_dry_run_is_neither_counted_nor_refused() {
    let plugin = limiter(&json!({ "minute": 5, "hour": 100, "limit_by": "ip" }));
    let mut cx = at(HALF_PAST);
    cx.dry_run = true;
    assert!((0..10).all(|_| passes(&plugin, &[], &mut cx)) && cx.answer_headers.is_empty());
    cx.dry_run = false;
    assert!((0..5).all(|_| passes(&plugin, &[], &mut cx)) && !passes(&plugin, &[], &mut cx));
    cx.dry_run = true;
    assert!(passes(&plugin, &[], &mut cx));
    let told = plugin.remark().unwrap();
    assert_eq!(told, "lets each client address send 5 a minute and 100 an hour; beyond that 429");
}

#[test]
fn a_header_tells_clients_apart_and_addresses_do_without_one() {
    let plugin = limiter(&json!({ "hour": 1, "limit_by": "header", "header_name": "X_User" }));
    let mut cx = at(HALF_PAST);
    let long = "u".repeat(10_000);
    for headers in [&[("x-user", "a")][..], &[("x_user", "b"), ("x_user", "a")], &[("x-user", &long)], &[]] {
        assert!(passes(&plugin, headers, &mut cx) && !passes(&plugin, headers, &mut cx), "{headers:?}");
    }
    cx.client = "2001:db8::1".parse().unwrap();
    assert!(passes(&plugin, &[], &mut cx));
    cx.client = "2001:db8::2".parse().unwrap();
    assert!(passes(&plugin, &[], &mut cx), "an IPv6 address counts whole, as in Kong");
}

#[test]
fn services_are_counted_by_their_ids_and_a_request_without_one_by_address() {
    let plugin = limiter(&json!({ "hour": 1, "limit_by": "service" }));
    let mut cx = at(HALF_PAST);
    for service in [Some(ServiceId(0)), Some(ServiceId(1)), None] {
        cx.service = service;
        cx.client = [10, 0, 0, 1].into();
        assert!(passes(&plugin, &[], &mut cx));
        cx.client = [10, 0, 0, 2].into();
        assert_eq!(passes(&plugin, &[], &mut cx), service.is_none());
    }
}

#[test]
fn kong_3_chooses_status_and_words() {
    let config = json!({ "hour": 1, "error_code": 503, "error_message": "later" });
    let plugin = build::<RateLimiting>(&config, Compat::Kong3).0.unwrap();
    plugin.bound(&Scope::default());
    let mut cx = at(HALF_PAST);
    let mut ask = || access(&plugin, &mut request("GET", "/", &[("accept", "text/plain")], ""), &mut cx);
    assert!(ask().is_none());
    let refused = ask().unwrap();
    assert_eq!((refused.status().as_u16(), text(refused.into_body())), (503, "later\n".to_owned()));
}

/// What remains of the hour after a request for a route by a consumer.
fn remains(snapshot: &Snapshot, route: usize, consumer: Option<u32>) -> Option<String> {
    let mut cx = at(HALF_PAST);
    cx.consumer = consumer.map(ConsumerId);
    let passed = block_on(snapshot.routes[route].chain.access(&mut request("GET", "/", &[], ""), &mut cx)).is_none();
    passed.then(|| cx.answer_headers["x-ratelimit-remaining-hour"].to_str().unwrap().to_owned())
}

#[test]
fn instances_at_one_place_count_together() {
    let limit = |hour| format!("{{name: rate-limiting, config: {{hour: {hour}, limit_by: ip}}}}");
    let (all, own, hers) = (limit(3), limit(1), limit(9));
    let text = format!(
        "_format_version: '2.1'\nplugins: [{all}]\nconsumers: [{{username: c, plugins: [{hers}]}}]\nservices:\n\
         - {{name: s, url: 'http://h', routes: [{{name: a, paths: [/a]}}, {{name: b, paths: [/b]}}]}}\n\
         - {{name: t, url: 'http://h', routes: [{{name: c, paths: [/c], plugins: [{own}]}}]}}\n"
    );
    let snapshot = load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).0.unwrap();
    assert_eq!(remains(&snapshot, 0, None).as_deref(), Some("2"));
    assert_eq!(remains(&snapshot, 1, None).as_deref(), Some("1"), "one count for all routes");
    assert_eq!(remains(&snapshot, 0, Some(0)).as_deref(), Some("6"), "and for a consumer's instance");
    assert_eq!(remains(&snapshot, 1, None), None);
    assert_eq!(remains(&snapshot, 2, None).as_deref(), Some("0"), "a route's own instance has its own");
}

fn found(format: &str, config: &str) -> Report {
    let text = format!("_format_version: '{format}'\nplugins:\n- {{name: rate-limiting, config: {config}}}\n");
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).1
}

#[test]
fn what_is_no_limit_is_told() {
    let none = "at least one of these fields must be non-empty: 'config.second', 'config.minute', 'config.hour', \
                'config.day', 'config.month', 'config.year'";
    for (format, config, message) in [
        ("2.1", "{}", none),
        ("2.1", "{minute: 0}", "value must be greater than 0"),
        ("2.1", "{minute: '5'}", "expected a number"),
        ("2.1", "{minute: 10, hour: 5}", "The limit for hour(5.0) cannot be lower than the limit for minute(10.0)"),
        ("2.1", "{minute: 1, policy: cluster}", "expected one of: local, redis"),
        ("2.1", "{minute: 1, policy: redis}", "required field missing"),
        ("3.0", "{minute: 1, policy: redis}", "required field missing"),
        ("2.1", "{minute: 1, limit_by: header}", "required field missing"),
        ("2.1", "{minute: 1, limit_by: path}", "required field missing"),
        ("2.1", "{minute: 1, limit_by: path, path: x}", "should start with: /"),
        ("2.1", "{minute: 1, error_code: 503}", "unknown field"),
        ("2.1", "{minute: 1, redis: {host: r}}", "unknown field"),
        ("3.0", "{minute: 1, error_code: 200}", "value should be between 400 and 599"),
    ] {
        let report = found(format, config);
        let kong = report.found.iter().filter_map(|found| found.kong.as_ref());
        assert_eq!(kong.map(|kong| &*kong.message).collect::<Vec<_>>(), [message], "{format} {config}");
    }
}

#[test]
fn what_kong_takes_is_taken() {
    let redis = "minute: 1, policy: redis, redis_host: r, redis_port: 6380, redis_password: '', redis_database: 1, \
                 redis_timeout: 100";
    for (format, config) in [
        ("2.1", format!("{{{redis}, redis_ssl: true, redis_ssl_verify: true, redis_server_name: r.test}}")),
        ("3.0", format!("{{{redis}, sync_rate: 10}}")),
        ("3.0", "{hour: 5, policy: redis, redis: {host: r, port: 1, ssl: true, username: u, password: p}}".to_owned()),
        ("1.1", "{second: 0.5, year: 1, limit_by: credential, fault_tolerant: false}".to_owned()),
    ] {
        let report = found(format, &config);
        assert!(!report.has_errors(), "{config}: {:?}", report.found);
    }
}
