#![allow(clippy::unwrap_used)]

use super::ResponseRateLimiting;
use crate::body::Body;
use crate::config::load;
use crate::config::report::{Report, Source};
use crate::entity::Compat;
use crate::plugin::testing::{access, build, context, lines, request, text};
use crate::plugin::{Ctx, Origin, Plugin, Scope};
use crate::settings::Settings;
use crate::world::World;
use http::Response;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

fn limiter(config: &Value, compat: Compat) -> ResponseRateLimiting {
    let plugin = build::<ResponseRateLimiting>(config, compat).0.unwrap();
    plugin.bound(&Scope::default());
    plugin
}

fn now(compat: Compat) -> Ctx {
    let mut cx = context(compat);
    cx.wall = UNIX_EPOCH + Duration::from_secs(1_795_660_200);
    cx.origin = Origin::Upstream;
    cx
}

/// What the upstream hears of `video`, and the answer to a request that costs so much.
fn ask(plugin: &ResponseRateLimiting, costs: &str, cx: &mut Ctx) -> (Option<String>, Response<Body>) {
    let mut req = request("GET", "/", &[("x-ratelimit-remaining-video", "99")], "");
    if let Some(refused) = access(plugin, &mut req, cx) {
        return (None, refused);
    }
    let told = req.headers()["x-ratelimit-remaining-video"].to_str().unwrap().to_owned();
    let mut res = Response::new(Body::full("film"));
    res.headers_mut().insert("x-kong-limit", costs.parse().unwrap());
    res.headers_mut().insert("content-length", "4".parse().unwrap());
    plugin.response(&mut res, cx);
    (Some(told), res)
}

#[test]
fn answers_are_charged_for_and_withheld_once_nothing_is_left() {
    let plugin = limiter(&json!({ "limits": { "video": { "hour": 3 } } }), Compat::Kong2);
    let mut cx = now(Compat::Kong2);
    let (told, res) = ask(&plugin, "video=2", &mut cx);
    assert_eq!((told.as_deref(), res.status().as_u16()), (Some("3"), 200));
    let expected = ["content-length: 4", "x-ratelimit-limit-video-hour: 3", "x-ratelimit-remaining-video-hour: 1"];
    assert_eq!(lines(res.headers()), expected);
    let (told, res) = ask(&plugin, "video=2", &mut cx);
    assert_eq!((told.as_deref(), res.status().as_u16()), (Some("1"), 200));
    let (told, res) = ask(&plugin, "video=2", &mut cx);
    assert_eq!((told.as_deref(), res.status().as_u16()), (Some("-1"), 429));
    assert_eq!(lines(res.headers()), ["x-ratelimit-limit-video-hour: 3", "x-ratelimit-remaining-video-hour: 0"]);
    assert_eq!(text(res.into_body()), "");
    let (told, res) = ask(&plugin, "video=0", &mut cx);
    assert_eq!((told.as_deref(), res.status().as_u16()), (Some("-1"), 200), "what costs nothing passes");
}

#[test]
fn one_that_is_used_up_stops_all_where_that_is_wanted() {
    let config = json!({ "block_on_first_violation": true, "limits": { "video": { "hour": 1 } } });
    let plugin = limiter(&config, Compat::Kong2);
    let mut cx = now(Compat::Kong2);
    assert_eq!(ask(&plugin, "video=1", &mut cx).1.status(), 200);
    let (told, res) = ask(&plugin, "video=1", &mut cx);
    assert_eq!((told, res.status().as_u16()), (None, 429));
    assert_eq!(text(res.into_body()), "{\n  \"message\":\"API rate limit exceeded for 'video'\"\n}");
}

#[test]
fn the_gateways_own_answers_cost_nothing() {
    let plugin = limiter(&json!({ "limits": { "video": { "hour": 1 } } }), Compat::Kong2);
    let mut cx = now(Compat::Kong2);
    cx.origin = Origin::Gateway;
    assert_eq!(ask(&plugin, "video=1", &mut cx).0.as_deref(), Some("1"));
    assert_eq!(ask(&plugin, "video=1", &mut cx).0.as_deref(), Some("1"));
}

#[test]
fn kong_3_tells_the_client_instead_of_the_upstream() {
    for (hidden, told) in [(false, vec!["x-ratelimit-remaining-video: 1"]), (true, vec![])] {
        let config = json!({ "hide_client_headers": hidden, "limits": { "video": { "hour": 1 } } });
        let plugin = limiter(&config, Compat::Kong3);
        let mut cx = now(Compat::Kong3);
        assert_eq!(ask(&plugin, "video=1", &mut cx).0.as_deref(), Some("99"));
        assert_eq!(lines(&cx.answer_headers), told);
    }
}

#[test]
fn a_dry_run_is_neither_counted_nor_refused() {
    let config = json!({ "block_on_first_violation": true, "limits": { "video": { "minute": 1, "hour": 1 } } });
    let plugin = limiter(&config, Compat::Kong2);
    let (mut cx, mut dry) = (now(Compat::Kong2), now(Compat::Kong2));
    dry.dry_run = true;
    assert_eq!(ask(&plugin, "video=1", &mut dry).0.as_deref(), Some("1"));
    assert_eq!(ask(&plugin, "video=1", &mut cx).0.as_deref(), Some("1"));
    assert_eq!(ask(&plugin, "video=1", &mut dry).0.as_deref(), Some("1"));
    assert_eq!(ask(&plugin, "video=1", &mut cx).0, None);
    let told = plugin.remark().unwrap();
    let expected = "lets each consumer have 1 a minute and 1 an hour of `video`, as `x-kong-limit` of answers says what \
                    they cost; beyond that 429";
    assert_eq!(told, expected);
}

fn found(config: &str) -> Report {
    let text = format!("_format_version: '2.1'\nplugins:\n- {{name: response-ratelimiting, config: {config}}}\n");
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).1
}

#[test]
fn what_is_no_limit_is_told() {
    let none = "at least one of these fields must be non-empty: 'second', 'minute', 'hour', 'day', 'month', 'year'";
    let name = "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'";
    let order = "the limit for hour(1.0) cannot be lower than the limit for minute(2.0)";
    for (config, message) in [
        ("{}", "required field missing"),
        ("{limits: {}}", "length must be at least 1"),
        ("{limits: {a: {}}}", none),
        ("{limits: {'a b': {minute: 1}}}", name),
        ("{limits: {a: {minute: 2, hour: 1}}}", order),
        ("{limits: {a: {minute: 0}}}", "value must be greater than 0"),
        ("{limits: {a: {minute: 1}}, policy: cluster}", "expected one of: local, redis"),
        ("{limits: {a: {minute: 1}}, policy: redis}", "required field missing"),
        ("{limits: {a: {minute: 1}}, limit_by: header}", "expected one of: consumer, credential, ip"),
    ] {
        let report = found(config);
        let kong = report.found.iter().filter_map(|found| found.kong.as_ref());
        assert_eq!(kong.map(|kong| &*kong.message).collect::<Vec<_>>(), [message], "{config}");
    }
    assert!(!found("{limits: {a: {minute: 1, year: 1.5}}, policy: redis, redis_host: r}").has_errors());
}
