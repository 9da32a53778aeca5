#![allow(clippy::unwrap_used)]

use super::{LimitReq, place};
use crate::config::load;
use crate::config::report::{Report, Source, Step};
use crate::entity::Compat;
use crate::plugin::testing::{access, context, lines, plugin, request, text};
use crate::settings::Settings;
use crate::world::World;
use http::Response;
use serde_json::json;
use std::time::Duration;

#[test]
fn refuses_in_kongs_words_and_says_when_to_come_back() {
    let plugin = plugin::<LimitReq>(&json!({ "rate": "30r/m", "burst": 1 }));
    let mut cx = context(Compat::Kong2);
    let mut ask = |later| {
        cx.now += Duration::from_millis(later);
        access(&plugin, &mut request("GET", "/", &[], ""), &mut cx)
    };
    assert!(ask(0).is_none() && ask(0).is_none());
    let refused = ask(500).unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(lines(refused.headers()), ["content-type: application/json; charset=utf-8", "retry-after: 2"]);
    let words = |res: Response<_>| text(res.into_body());
    assert_eq!(words(refused), "{\n  \"message\":\"API rate limit exceeded\"\n}");
    assert!(ask(1500).is_none() && ask(0).is_some());
}

#[test]
fn a_dry_run_is_neither_counted_nor_refused() {
    let plugin = plugin::<LimitReq>(&json!({ "rate": "100r/m", "burst": 2 }));
    let mut cx = context(Compat::Kong2);
    let mut ask = |dry_run| {
        cx.dry_run = dry_run;
        access(&plugin, &mut request("GET", "/", &[], ""), &mut cx)
    };
    assert!((0..10).all(|_| ask(true).is_none()));
    assert!((0..3).all(|_| ask(false).is_none()));
    assert!(ask(false).is_some() && ask(true).is_none());
    let told = crate::plugin::Plugin::remark(&plugin).unwrap();
    assert_eq!(told, "lets each client address send 100r/m, and 2 more in a burst; beyond that 429");
}

#[test]
fn the_status_is_the_files_to_choose() {
    let plugin = plugin::<LimitReq>(&json!({ "rate": "1r/s", "status": 503 }));
    let mut cx = context(Compat::Kong2);
    let mut ask = || access(&plugin, &mut request("GET", "/", &[("accept", "text/plain")], ""), &mut cx);
    assert!(ask().is_none());
    let refused = ask().unwrap();
    assert_eq!((refused.status().as_u16(), text(refused.into_body())), (503, "API rate limit exceeded\n".to_owned()));
}

fn found(plugins: &str) -> Report {
    let text = format!("_format_version: '2.1'\nplugins:\n- {{name: cors}}\n{plugins}");
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).1
}

#[test]
fn a_zone_has_one_rate() {
    let instance = |rate, zone, enabled| {
        format!("- {{name: limit-req, enabled: {enabled}, config: {{rate: {rate}, burst: 5, zone: {zone}}}}}\n")
    };
    let route = "services: [{name: s, host: h, routes: [{name: r, paths: [/], plugins: [{name: limit-req, config: \
                 {rate: 2r/s, zone: a}}]}]}]\n";
    assert_eq!(found(&(instance("2r/s", "a", true) + route)).found, []);
    assert_eq!(found(&(instance("120r/m", "a", true) + route)).found, [], "the same rate in other words");
    assert_eq!(found(&(instance("3r/s", "b", true) + route)).found, []);
    let report = found(&(instance("3r/s", "a", false) + route));
    let conflict = &report.found[0];
    assert_eq!((report.found.len(), conflict.code, conflict.others.len()), (1, "conflict", 1));
    assert_eq!(conflict.message, "zone `a` has two rates");
}

#[test]
fn what_is_no_limit_is_told() {
    for (config, message) in [
        ("{}", "required field missing"),
        ("{rate: 30}", "expected a string"),
        ("{rate: 30/m}", "`30/m` is no rate; write `10r/s` or `30r/m`"),
        ("{rate: 1r/s, burst: -1}", "value should be between 0 and 1000000"),
        ("{rate: 1r/s, status: 200}", "value should be between 400 and 599"),
        ("{rate: 1r/s, limit_by: header}", "expected one of: ip"),
    ] {
        let report = found(&format!("- {{name: limit-req, config: {config}}}\n"));
        let kong = report.found.iter().filter_map(|found| found.kong.as_ref());
        assert_eq!(kong.map(|kong| &*kong.message).collect::<Vec<_>>(), [message], "{config}");
    }
}

#[test]
fn an_instance_without_a_zone_is_called_by_its_place() {
    let key = |key: &'static str| Step::Key(key.into());
    let path = [key("services"), Step::Entry(0), key("plugins"), Step::Entry(1), key("config")];
    assert_eq!(&*place(&path), "services[0].plugins[1]");
    assert_eq!(&*place(&[]), "");
}
