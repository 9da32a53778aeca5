//! The dashboard and the alerts of `packaging/` ask for metrics that there are. `tests/real/dashboard.py` has Prometheus
//! itself ask for them.

use crate::common::pki::Pki;
use crate::common::{Gateway, LIMIT, Upstream, within};
use crate::reload::indented;
use crate::status::{ask, watched};
use serde_json::Value;
use std::collections::BTreeSet;

const DASHBOARD: &str = include_str!("../../packaging/grafana/gateway.json");
const ALERTS: &str = include_str!("../../packaging/prometheus/alerts.yml");

/// Every expression of the dashboard: of its panels, and of its variables.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = list(&dashboard["panels"]);
    let targets = panels.iter().flat_map(|panel| list(&panel["targets"])).map(|target| target["expr"].clone());
    let variables = list(&dashboard["templating"]["list"]).into_iter().map(|variable| variable["definition"].clone());
    targets.chain(variables).filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The names in expressions that are metrics' by their beginning.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_ours = |word: &&str| ["kong_", "gateway_", "process_"].iter().any(|start| word.starts_with(start));
    words.filter(is_ours).collect()
}

/// What a gateway tells after a request that is answered, one of a consumer, and one that is not.
fn told(version: &str, switches: &str, upstream: &Upstream, pki: &Pki) -> String {
    let pair = pki.server("a.test", 7);
    let config = format!(
        "_format_version: \"{version}\"\nplugins: [{{name: prometheus, config: {{per_consumer: true{switches}}}}}]\n\
         consumers: [{{username: jo, keyauth_credentials: [{{key: k-1}}]}}]\n\
         upstreams: [{{name: up.test, targets: [{{target: '127.0.0.1:{port}'}}]}}]\n\
         certificates:\n- cert: |\n{cert}  key: |\n{key}  snis: [{{name: a.test}}]\nservices:\n\
         - name: api\n  host: up.test\n  plugins: [{{name: key-auth}}]\n  routes: [{{name: all, paths: [/]}}]\n\
         - name: down\n  url: http://127.0.0.1:9\n  retries: 0\n  routes: [{{name: down, paths: [/down]}}]\n",
        port = upstream.port(),
        cert = indented(&pair.cert),
        key = indented(&pair.key),
    );
    let (gateway, port) = watched(Gateway::with(config), "");
    assert_eq!((gateway.get("/?apikey=k-1").0, gateway.get("/").0, gateway.get("/down").0), (200, 401, 502));
    let told = || ask(port, "GET", "/metrics").2;
    assert!(within(LIMIT, || told().contains("502")), "{}", told());
    told()
}

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_there() {
    let (upstream, pki) = (Upstream::echo(), Pki::new("test"));
    let switches = ", status_code_metrics: true, latency_metrics: true, bandwidth_metrics: true, \
                    upstream_health_metrics: true";
    let told = [told("2.1", "", &upstream, &pki), told("3.0", switches, &upstream, &pki)];
    let has = |metrics: &String, name: &str| {
        metrics.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
    };
    let asked = expressions().join("\n") + ALERTS;
    let asked = metrics(&asked);
    assert!(asked.len() > 20, "{asked:?}");
    for name in asked {
        let found = told.iter().filter(|told| has(told, name)).count();
        let wanted = if name.starts_with("kong_") { 1 } else { 2 };
        assert!(found >= wanted, "{name} is in {found} of\n{}\n\n{}", told[0], told[1]);
    }
}

#[test]
fn every_panel_has_a_place_of_its_own_and_an_expression() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    let places: BTreeSet<_> = panels.iter().map(|panel| panel["gridPos"].to_string()).collect();
    assert_eq!((ids.len(), places.len()), (panels.len(), panels.len()));
    let rows: Vec<_> = panels.iter().filter(|panel| panel["type"] == "row").map(|row| row["title"].clone()).collect();
    assert_eq!(rows, ["Traffic", "Latency", "Errors", "Upstreams", "Certificates", "Reloads", "Process"]);
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{panel}");
    }
}
