//! `limit_req` and `client_max_body_size`.

use super::super::document::{Entry, Node, Plugin};
use super::notes::Notes;
use super::tree::{Directive, Scope};
use super::value::is_itself;
use crate::settings::units;
use std::collections::BTreeMap;

/// nginx's `client_max_body_size` when nothing is said.
pub(super) const BODY: u64 = 1 << 20;

/// nginx's `limit_req_status` when nothing is said.
const STATUS: u64 = 503;
/// More requests at once, or in a second, are no limit.
const MOST: u64 = 1_000_000;

/// A `limit_req_zone`.
pub(super) struct Zone<'a> {
    directive: &'a Directive,
    rate: Result<String, &'static str>,
}

/// Zones by name.
pub(super) type Zones<'a> = BTreeMap<&'a str, Zone<'a>>;

/// All zones of a level.
pub(super) fn zones<'a>(http: &Scope<'a>) -> Zones<'a> {
    let all = http.own().iter().filter(|directive| directive.name == "limit_req_zone");
    all.filter_map(|directive| {
        let name = argument(directive, "zone=")?.split(':').next().filter(|name| !name.is_empty())?;
        let rate = if is_itself(name) { rate(directive) } else { Err("the gateway would read its name as a variable") };
        Some((name, Zone { directive, rate }))
    })
    .collect()
}

fn rate(directive: &Directive) -> Result<String, &'static str> {
    if !matches!(directive.arg(0), Some("$binary_remote_addr" | "$remote_addr")) {
        return Err("the gateway counts by client address alone");
    }
    let rate = argument(directive, "rate=").ok_or("it has no rate")?;
    let number = rate.strip_suffix("r/s").or_else(|| rate.strip_suffix("r/m")).and_then(units::number::<u64>);
    number.filter(|number| (1..=MOST).contains(number)).map(|_| rate.to_owned()).ok_or("this is no rate")
}

fn argument<'a>(directive: &'a Directive, start: &str) -> Option<&'a str> {
    directive.texts().find_map(|text| text.strip_prefix(start))
}

/// The plugin for what holds in a scope.
pub(super) fn requests(scope: &Scope<'_>, zones: &Zones<'_>, notes: &mut Notes) -> Option<Plugin> {
    let all = scope.all("limit_req");
    let mut plugin = None;
    for directive in all {
        let name = argument(directive, "zone=").unwrap_or_default();
        let Some(zone) = zones.get(name) else {
            notes.lost(directive, "there is no zone of this name");
            continue;
        };
        match &zone.rate {
            Err(reason) => {
                notes.lost(zone.directive, reason);
                notes.lost(directive, reason);
            }
            Ok(_) if plugin.is_some() => {
                notes.lost(directive, "a route has one limit; the first that is written holds")
            }
            Ok(rate) => plugin = Some(limit(directive, name, rate, scope, notes)),
        }
    }
    plugin
}

fn limit(directive: &Directive, zone: &str, rate: &str, scope: &Scope<'_>, notes: &mut Notes) -> Plugin {
    let burst = argument(directive, "burst=").and_then(units::number::<u64>).unwrap_or_default().min(MOST);
    let at_once = directive.texts().any(|text| text == "nodelay");
    if burst > 0 && !at_once {
        notes.differs(directive, "requests within the burst pass at once, as with `nodelay`; nginx delays them");
    }
    if scope.text("limit_req_dry_run") == Some("on") {
        notes.differs(directive, "`limit_req_dry_run` is on in nginx, here the limit holds");
    }
    let status = scope.text("limit_req_status").and_then(units::number::<u64>);
    let status = status.filter(|status| (400..=599).contains(status)).unwrap_or(STATUS);
    let mut config = vec![Entry::new("zone", Node::text(zone)), Entry::new("rate", Node::text(rate))];
    config.extend((burst > 0).then(|| Entry::new("burst", Node::Int(burst))));
    config.push(Entry::new("status", Node::Int(status)));
    Plugin { name: "limit-req", config }
}

/// The largest request body that a scope takes; 0 is unlimited.
pub(super) fn body(scope: &Scope<'_>, notes: &mut Notes) -> u64 {
    let Some(directive) = scope.last("client_max_body_size") else { return BODY };
    let size = directive.arg(0).and_then(units::size);
    if size.is_none() {
        notes.lost(directive, "this is no size; nginx's default of 1m stands instead");
    }
    size.unwrap_or(BODY)
}

/// The larger of two limits.
pub(super) fn larger(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { 0 } else { a.max(b) }
}

/// The plugin that holds a route to a smaller limit than the setting.
pub(super) fn smaller(limit: u64) -> Plugin {
    let (size, unit) = match limit {
        _ if limit.is_multiple_of(1 << 20) => (limit >> 20, "megabytes"),
        _ if limit.is_multiple_of(1 << 10) => (limit >> 10, "kilobytes"),
        _ => (limit, "bytes"),
    };
    let config = vec![Entry::new("allowed_payload_size", Node::Int(size)), Entry::new("size_unit", Node::text(unit))];
    Plugin { name: "request-size-limiting", config }
}

/// A size as nginx writes it.
pub(super) fn written(size: u64) -> String {
    match size {
        0 => "0".to_owned(),
        _ if size.is_multiple_of(1 << 20) => format!("{}m", size >> 20),
        _ if size.is_multiple_of(1 << 10) => format!("{}k", size >> 10),
        _ => size.to_string(),
    }
}
