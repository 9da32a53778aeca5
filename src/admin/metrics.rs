//! `/metrics`: what the plugin `prometheus` counted, and how the process is, in Prometheus's text format
//! (`kong/plugins.md` §19). What Kong tells of its shared memory and its timers has no counterpart here and is left out.

use super::answer::Now;
use super::targets;
use crate::entity::Compat;
use crate::health::board::Health;
use crate::plugin::prometheus::expose::{self, begin, escaped};
use crate::plugin::prometheus::registry::Registry;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use std::fmt::{Display, Write};
use std::time::SystemTime;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

/// How addresses fare, and Kong's words for that.
const STATES: [(Health, &str); 4] = [
    (Health::Unresolved, "dns_error"),
    (Health::Off, "healthchecks_off"),
    (Health::Healthy, "healthy"),
    (Health::Unhealthy, "unhealthy"),
];

const HEALTH: &str = "kong_upstream_target_health";

/// All of it.
pub(super) fn answer(now: &Now<'_>) -> Response<Bytes> {
    let mut out = String::new();
    expose::write(Registry::process(), now.snapshot.compat, &mut out);
    kongs(now, &mut out);
    health(now, &mut out);
    ours(now, &mut out);
    certificates(now, &mut out);
    let mut res = Response::new(Bytes::from(out));
    res.headers_mut().insert(CONTENT_TYPE, TEXT);
    res
}

/// A metric of one value.
fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    begin(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

fn kongs(now: &Now<'_>, out: &mut String) {
    let help = "Datastore reachable from Kong, 0 is unreachable";
    single(out, "kong_datastore_reachable", "gauge", help, 1);
    let (name, help) = match now.snapshot.compat {
        Compat::Kong2 => ("kong_nginx_http_current_connections", "Number of HTTP connections"),
        Compat::Kong3 => ("kong_nginx_connections_total", "Number of connections by subsystem"),
    };
    begin(out, name, "gauge", help);
    let totals = &now.totals;
    let states = [
        ("accepted", totals.accepted),
        ("active", totals.open),
        ("handled", totals.accepted),
        ("reading", 0),
        ("total", totals.requests),
        ("waiting", totals.waiting()),
        ("writing", totals.busy),
    ];
    for (state, value) in states {
        let _ = match now.snapshot.compat {
            Compat::Kong2 => writeln!(out, "{name}{{state=\"{state}\"}} {value}"),
            Compat::Kong3 if state == "total" => Ok(()),
            Compat::Kong3 => {
                let node = now.node.id;
                writeln!(out, "{name}{{node_id=\"{node}\",subsystem=\"http\",state=\"{state}\"}} {value}")
            }
        };
    }
    lua(now, out);
    if now.snapshot.compat == Compat::Kong3 {
        begin(out, "kong_nginx_requests_total", "gauge", "Total number of requests");
        let _ = writeln!(
            out,
            "kong_nginx_requests_total{{node_id=\"{}\",subsystem=\"http\"}} {}",
            now.node.id, totals.requests
        );
    }
}

/// All workers are one process, so their VMs are told together.
fn lua(now: &Now<'_>, out: &mut String) {
    let (name, sum, pid) = ("kong_memory_workers_lua_vms_bytes", now.lua.iter().sum::<u64>(), now.node.pid);
    begin(out, name, "gauge", "Allocated bytes in worker Lua VM");
    let _ = match now.snapshot.compat {
        Compat::Kong2 => writeln!(out, "{name}{{pid=\"{pid}\",kong_subsystem=\"http\"}} {sum}"),
        Compat::Kong3 => {
            let node = now.node.id;
            writeln!(out, "{name}{{node_id=\"{node}\",pid=\"{pid}\",kong_subsystem=\"http\"}} {sum}")
        }
    };
}

/// How every address of every target fares; a target without one has an empty address.
fn health(now: &Now<'_>, out: &mut String) {
    if now.snapshot.upstreams.iter().all(|upstream| upstream.targets.is_empty()) {
        return;
    }
    let help = "Health status of targets of upstream. States = healthchecks_off|healthy|unhealthy|dns_error, \
                value is 1 when state is populated.";
    begin(out, HEALTH, "gauge", help);
    for upstream in &now.snapshot.upstreams {
        let name = upstream.identity.to_string();
        for view in targets::views(upstream) {
            let nowhere = view.addresses.is_empty().then(|| (String::new(), Health::Unresolved));
            let found = view.addresses.iter().map(|(address, health)| (address.to_string(), *health));
            for (address, health) in found.chain(nowhere) {
                states(out, &[&name, &view.label, &address], health);
            }
        }
    }
}

/// A line for each state of one address.
fn states(out: &mut String, labels: &[&str; 3], health: Health) {
    let [upstream, target, address] = labels.map(escaped);
    for (state, word) in STATES {
        let _ = writeln!(
            out,
            "{HEALTH}{{upstream=\"{upstream}\",target=\"{target}\",address=\"{address}\",state=\"{word}\",\
             subsystem=\"http\"}} {}",
            u8::from(state == health),
        );
    }
}

/// What Kong does not tell.
fn ours(now: &Now<'_>, out: &mut String) {
    begin(out, "gateway_build_info", "gauge", "Version of this gateway");
    let _ = writeln!(out, "gateway_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    let busy = "Requests and tunnels that are under way";
    single(out, "gateway_requests_under_way", "gauge", busy, now.totals.busy);
    let reloads = now.reloads.outcome();
    let help = "Whether the configuration that was offered last is served";
    single(out, "gateway_config_last_reload_successful", "gauge", help, u8::from(reloads.last_good));
    let help = "When the configuration that is served was loaded";
    single(out, "gateway_config_last_reload_success_timestamp_seconds", "gauge", help, reloads.since);
    begin(out, "gateway_config_reloads_total", "counter", "Configurations that were offered after the start");
    let _ = writeln!(out, "gateway_config_reloads_total{{result=\"success\"}} {}", reloads.good);
    let _ = writeln!(out, "gateway_config_reloads_total{{result=\"refused\"}} {}", reloads.bad);
    if let Some(bytes) = now.node.memory() {
        let help = "Resident memory size in bytes.";
        single(out, "process_resident_memory_bytes", "gauge", help, bytes);
    }
}

/// When the certificates expire that handshakes show now. That for names without one has no name.
fn certificates(now: &Now<'_>, out: &mut String) {
    let name = "gateway_certificate_expiry_timestamp_seconds";
    begin(out, name, "gauge", "When the certificate for a server name expires");
    for (sni, until) in now.certificates.expiries() {
        let until = until.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let _ = writeln!(out, "{name}{{sni=\"{}\"}} {until}", escaped(&sni));
    }
}
