#![allow(clippy::unwrap_used)]
use super::*;
use crate::lua::catalog::Entities;
use crate::plugin::testing::{checked, context, plugin};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;

/// The plugin over one route, with counters of its own.
fn counting(config: &serde_json::Value, compat: Compat) -> Prometheus {
    let mut made: Prometheus = plugin(config);
    let old = compat == Compat::Kong2;
    let own = |name: &str| old || config[name] == true;
    made.compat = compat;
    made.registry = Box::leak(Box::default());
    (made.wants.statuses, made.wants.latency) = (own("status_code_metrics"), own("latency_metrics"));
    made.wants.bandwidth = own("bandwidth_metrics");
    made.catalog.fill(Entities {
        routes: Box::new([checked(&json!({"id": "r-1", "service": {"id": "s-1"}}))]),
        services: Box::new([checked(&json!({"id": "s-1", "host": "a\"b"}))]),
        consumers: Box::default(),
        upstreams: std::collections::HashMap::new(),
    });
    made
}

fn ended(status: u16) -> Ended {
    Ended {
        status: StatusCode::from_u16(status).unwrap(),
        received: 100,
        sent: 20,
        gateway: Duration::from_millis(1),
        upstream: Duration::from_millis(6),
        whole: Duration::from_secs(100),
    }
}

fn log(plugin: &Prometheus, status: u16, origin: Origin) {
    let mut cx = context(plugin.compat);
    cx.route = Some(RouteId::from(0));
    cx.service = Some(crate::entity::ServiceId::from(0));
    (cx.origin, cx.ended) = (origin, Some(ended(status)));
    plugin.log(&mut cx);
}

fn text(plugin: &Prometheus) -> String {
    let mut out = String::new();
    expose::write(plugin.registry, plugin.compat, &mut out);
    out
}

#[test]
fn kong_2_counts_everything_under_its_names() {
    let plugin = counting(&json!({}), Compat::Kong2);
    log(&plugin, 200, Origin::Upstream);
    log(&plugin, 200, Origin::Upstream);
    log(&plugin, 401, Origin::Gateway);
    let (text, base) = (text(&plugin), "service=\"a\\\"b\",route=\"r-1\"");
    for line in [
        &*format!("kong_http_status{{{base},code=\"200\"}} 2"),
        &*format!("kong_http_status{{{base},code=\"401\"}} 1"),
        &*format!("kong_bandwidth{{{base},type=\"ingress\"}} 300"),
        &*format!("kong_bandwidth{{{base},type=\"egress\"}} 60"),
        &*format!("kong_latency_bucket{{{base},type=\"kong\",le=\"1\"}} 3"),
        &*format!("kong_latency_bucket{{{base},type=\"upstream\",le=\"5\"}} 0"),
        &*format!("kong_latency_bucket{{{base},type=\"upstream\",le=\"7\"}} 2"),
        &*format!("kong_latency_bucket{{{base},type=\"request\",le=\"60000\"}} 0"),
        &*format!("kong_latency_bucket{{{base},type=\"request\",le=\"+Inf\"}} 3"),
        &*format!("kong_latency_sum{{{base},type=\"upstream\"}} 12"),
        "# TYPE kong_latency histogram",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("consumer"), "{text}");
}

#[test]
fn kong_3_counts_what_it_was_told_to() {
    let plugin = counting(&json!({"status_code_metrics": true}), Compat::Kong3);
    log(&plugin, 200, Origin::Upstream);
    log(&plugin, 502, Origin::Failed);
    let text = text(&plugin);
    assert!(text.contains("code=\"200\",source=\"service\",workspace=\"default\",consumer=\"\"} 1\n"), "{text}");
    assert!(text.contains("code=\"502\",source=\"error\",workspace=\"default\",consumer=\"\"} 1\n"), "{text}");
    assert!(!text.contains("latency") && !text.contains("bandwidth"), "{text}");
}

#[test]
fn requests_without_a_service_are_not_counted() {
    let plugin = counting(&json!({}), Compat::Kong2);
    let mut cx = context(Compat::Kong2);
    (cx.route, cx.ended) = (Some(RouteId::from(0)), Some(ended(200)));
    plugin.log(&mut cx);
    assert_eq!(text(&plugin), "");
}

#[test]
fn more_kinds_of_answers_than_slots_are_counted_together() {
    let plugin = counting(&json!({}), Compat::Kong2);
    (200..300).for_each(|status| log(&plugin, status, Origin::Upstream));
    let counted = text(&plugin).lines().filter(|line| line.starts_with("kong_http_status{")).count();
    assert_eq!(counted, 33);
    assert!(text(&plugin).contains("code=\"0\"} 68\n"));
}

#[test]
fn consumers_are_counted_apart_and_there_is_an_end_to_them() {
    let registry = Registry::default();
    let labels = Labels { compat: Compat::Kong2, service: "s".into(), route: "r".into() };
    let series = registry.series(&labels);
    (0..10_100).for_each(|n| series.cells(1).add_for(&format!("c{n}"), 200, Source::Service));
    assert_eq!(series.counts().consumers.len(), 10_000);
    assert_eq!(Arc::as_ptr(&registry.series(&labels)), Arc::as_ptr(&series));
}

#[test]
fn what_is_gone_for_an_hour_is_forgotten() {
    let (registry, start) = (Registry::default(), std::time::SystemTime::UNIX_EPOCH);
    let labels = |route: &str| Labels { compat: Compat::Kong2, service: "s".into(), route: route.into() };
    for route in ["stays", "goes", "returns"] {
        registry.series(&labels(route));
    }
    let rest = Labels { service: "".into(), route: "".into(), ..labels("") };
    registry.series(&rest);
    let left = |served: &[&str], minutes: u64| {
        registry.forget(|labels| served.contains(&&*labels.route), start + Duration::from_secs(minutes * 60));
        registry.all().into_iter().map(|(labels, _)| labels.route.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(left(&["stays"], 100), ["", "goes", "returns", "stays"]);
    assert_eq!(left(&["stays", "returns"], 130), ["", "goes", "returns", "stays"]);
    assert_eq!(left(&["stays"], 159), ["", "goes", "returns", "stays"]);
    assert_eq!(left(&["stays"], 0), ["", "goes", "returns", "stays"], "a clock that was set back");
    assert_eq!(left(&["stays"], 160), ["", "returns", "stays"]);
    assert_eq!(left(&["stays"], 300), ["", "stays"]);
}
