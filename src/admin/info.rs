//! `GET /`, and what else there is to know of the process as a whole (`kong/operations.md` §8).

use super::answer::Now;
use super::entities::{KINDS, NESTED};
use super::reply::ok;
use super::targets::PATHS;
use crate::entity::Compat;
use crate::plugin::TABLE;
use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Paths that are no lists of entities.
const OTHERS: &[&str] =
    &["/", "/endpoints", "/livez", "/metrics", "/plugins/enabled", "/readyz", "/status", "/status/ready", "/tags"];

/// What tools look at before they go on: which Kong this stands in for, and its plugins.
pub(super) fn root(now: &Now<'_>) -> Response<Bytes> {
    let (old, settings) = (now.snapshot.compat == Compat::Kong2, now.settings);
    let listens = |all: &[crate::settings::Listen]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    ok(&json!({
        "tagline": "Welcome to kong",
        "version": if old { "2.8.1" } else { "3.9.1" },
        "gateway_version": env!("CARGO_PKG_VERSION"),
        "hostname": now.node.hostname,
        "node_id": now.node.id.to_string(),
        "lua_version": "LuaJIT 2.1",
        "timers": { "running": 0, "pending": 0 },
        "pids": { "master": now.node.pid, "workers": [now.node.pid] },
        "plugins": { "available_on_server": available(now.snapshot.compat), "enabled_in_cluster": used(now) },
        "configuration": {
            "database": "off",
            "role": "traditional",
            "prefix": settings.prefix,
            "proxy_listen": listens(&settings.proxy_listen),
            "admin_listen": listens(&settings.admin_listen),
            "status_listen": listens(&settings.status_listen),
        },
    }))
}

/// Kong 2.8 says only that a plugin is there.
fn available(compat: Compat) -> Map<String, Value> {
    let about = |entry: &crate::plugin::Entry| match compat {
        Compat::Kong2 => json!(true),
        Compat::Kong3 => json!({ "version": "3.9.1", "priority": (entry.priority)(compat) }),
    };
    TABLE.iter().map(|entry| (entry.name.to_owned(), about(entry))).collect()
}

/// Plugins that the configuration has, each once.
fn used<'a>(now: &'a Now<'_>) -> BTreeSet<&'a str> {
    let plugins = now.snapshot.listing.iter().flat_map(|listing| listing.all("plugins"));
    plugins.filter_map(|plugin| plugin.masked["name"].as_str()).collect()
}

/// Plugins that a configuration may have.
pub(super) fn enabled() -> Response<Bytes> {
    ok(&json!({ "enabled_plugins": TABLE.iter().map(|entry| entry.name).collect::<Vec<_>>() }))
}

/// Every tag of every entity.
pub(super) fn tags(now: &Now<'_>) -> Response<Bytes> {
    let mut data = Vec::new();
    for (_, kind) in KINDS {
        for item in now.snapshot.listing.iter().flat_map(|listing| listing.all(kind)) {
            let entry = |tag| json!({ "entity_name": kind, "entity_id": item.id.to_string(), "tag": tag });
            data.extend(item.tags().map(entry));
        }
    }
    ok(&json!({ "data": data, "next": Value::Null }))
}

/// Every path that there is.
pub(super) fn endpoints() -> Response<Bytes> {
    let lists = KINDS.iter().flat_map(|(path, kind)| [format!("/{path}"), format!("/{path}/{{{kind}}}")]);
    let nested = NESTED.iter().flat_map(|(owner, path, kind, _)| {
        let base = format!("/{owner}/{{{owner}}}/{path}");
        [format!("{base}/{{{kind}}}"), base]
    });
    let others = OTHERS.iter().chain(PATHS).map(ToString::to_string);
    let all: BTreeSet<String> = lists.chain(nested).chain(others).collect();
    ok(&json!({ "data": all }))
}
