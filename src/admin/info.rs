//! `GET /`, and what else there is to know of the process as a whole (`kong/operations.md` §8).

use super::answer::Now;
use super::entities::{KINDS, NESTED};
use super::reply::{message, ok};
use super::targets::PATHS;
use crate::config;
use crate::entity::Compat;
use crate::plugin::Entry;
use crate::settings::Listen;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// Paths that are no lists of entities.
const OTHERS: &[&str] = &[
    "/",
    "/clustering/data-planes",
    "/clustering/status",
    "/config",
    "/endpoints",
    "/livez",
    "/metrics",
    "/plugins/enabled",
    "/plugins/schema/{name}",
    "/readyz",
    "/robots.txt",
    "/schemas/plugins/validate",
    "/schemas/plugins/{name}",
    "/schemas/{name}",
    "/schemas/{name}/validate",
    "/status",
    "/status/ready",
    "/tags",
    "/tags/{tags}",
    "/workspaces",
];

/// Those that only Kong 3 has.
const OTHERS_3: &[&str] = &["/debug/node/log-level", "/debug/node/log-level/{log_level}", "/timers"];

/// What tools look at before they go on: which Kong this stands in for, and its plugins.
pub(super) fn root(now: &Now<'_>) -> Response<Bytes> {
    let old = now.snapshot.compat == Compat::Kong2;
    let mut told = json!({
        "tagline": "Welcome to kong",
        "version": if old { "2.8.1" } else { "3.9.1" },
        "gateway_version": env!("CARGO_PKG_VERSION"),
        "hostname": now.node.hostname,
        "node_id": now.node.id.to_string(),
        "lua_version": "LuaJIT 2.1",
        "timers": { "running": 0, "pending": 0 },
        "pids": { "master": now.node.pid, "workers": [now.node.pid] },
        "plugins": { "available_on_server": available(now), "enabled_in_cluster": used(now) },
        "configuration": configuration(now),
    });
    if !old {
        told["edition"] = "community".into();
    }
    ok(&told)
}

/// Settings by Kong's keys: those that tools ask for, with secrets in none of them.
fn configuration(now: &Now<'_>) -> Value {
    let settings = now.settings;
    let listens = |all: &[Listen]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let listeners = |all: &[Listen]| all.iter().map(listener).collect::<Vec<_>>();
    json!({
        "database": "off",
        "role": "traditional",
        "prefix": settings.prefix,
        "declarative_config": settings.declarative_config,
        "log_level": settings.log_level.to_string().to_lowercase(),
        "proxy_listen": listens(&settings.proxy_listen),
        "proxy_listeners": listeners(&settings.proxy_listen),
        "admin_listen": listens(&settings.admin_listen),
        "admin_listeners": listeners(&settings.admin_listen),
        "status_listen": listens(&settings.status_listen),
        "status_listeners": listeners(&settings.status_listen),
        "loaded_plugins": plugins(now).map(|entry| (entry.name.to_owned(), true.into())).collect::<Map<_, _>>(),
        "trusted_ips": settings.trusted_ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "real_ip_recursive": if settings.real_ip_recursive { "on" } else { "off" },
        "client_body_buffer_size": settings.client_body_buffer_size,
        "upstream_keepalive_pool_size": settings.upstream_keepalive_pool_size,
        "upstream_keepalive_max_requests": settings.upstream_keepalive_max_requests,
        "nginx_admin_client_max_body_size": settings.admin_client_max_body_size,
    })
}

fn listener(listen: &Listen) -> Value {
    json!({
        "ip": listen.address.ip().to_string(),
        "port": listen.address.port(),
        "ssl": listen.ssl,
        "http2": listen.http2,
        "proxy_protocol": listen.proxy_protocol,
        "listener": listen.to_string(),
    })
}

/// Kong 2.8 says only that a plugin is there.
fn available(now: &Now<'_>) -> Map<String, Value> {
    let compat = now.snapshot.compat;
    let about = |entry: &Entry| match compat {
        Compat::Kong2 => json!(true),
        Compat::Kong3 => json!({ "version": "3.9.1", "priority": (entry.priority)(compat) }),
    };
    plugins(now).map(|entry| (entry.name.to_owned(), about(entry))).collect()
}

/// Plugins that a configuration like this one may have.
fn plugins<'a>(now: &'a Now<'_>) -> impl Iterator<Item = &'static Entry> + use<'a> {
    config::enabled(&now.settings.plugins, now.snapshot.compat)
}

/// Plugins that the configuration has, each once.
fn used<'a>(now: &'a Now<'_>) -> BTreeSet<&'a str> {
    let plugins = now.snapshot.listing.iter().flat_map(|listing| listing.all("plugins"));
    plugins.filter_map(|plugin| plugin.masked["name"].as_str()).collect()
}

/// Plugins that a configuration may have.
pub(super) fn enabled(now: &Now<'_>) -> Response<Bytes> {
    ok(&json!({ "enabled_plugins": plugins(now).map(|entry| entry.name).collect::<Vec<_>>() }))
}

/// Every tag of every entity.
pub(super) fn tags(now: &Now<'_>) -> Response<Bytes> {
    tagged(now, |_| true)
}

/// The entities of one tag. Without a database, Kong 2.8 has the list and shows nothing of it.
pub(super) fn tag(tag: &str, now: &Now<'_>) -> Response<Bytes> {
    if now.snapshot.compat == Compat::Kong2 {
        return ok(&json!({ "data": {}, "next": Value::Null }));
    }
    let tag = percent_decode_str(tag).decode_utf8_lossy();
    tagged(now, |own| own == tag)
}

fn tagged(now: &Now<'_>, wanted: impl Fn(&str) -> bool) -> Response<Bytes> {
    let mut data = Vec::new();
    for (_, kind) in KINDS {
        for item in now.snapshot.listing.iter().flat_map(|listing| listing.all(kind)) {
            let entry = |tag| json!({ "entity_name": kind, "entity_id": item.id.to_string(), "tag": tag });
            data.extend(item.tags().filter(|tag| wanted(tag)).map(entry));
        }
    }
    ok(&json!({ "data": data, "next": Value::Null }))
}

/// Every path that there is.
pub(super) fn endpoints(now: &Now<'_>) -> Response<Bytes> {
    let lists = KINDS.iter().flat_map(|(path, kind)| [format!("/{path}"), format!("/{path}/{{{kind}}}")]);
    let nested = NESTED.iter().flat_map(|(owner, path, kind, _)| {
        let base = format!("/{owner}/{{{owner}}}/{path}");
        [format!("{base}/{{{kind}}}"), base]
    });
    let newer = if now.snapshot.compat == Compat::Kong3 { OTHERS_3 } else { &[] };
    let others = OTHERS.iter().chain(PATHS).chain(newer).map(ToString::to_string);
    ok(&json!({ "data": lists.chain(nested).chain(others).collect::<BTreeSet<_>>() }))
}

/// There is one workspace, as in every Kong without Enterprise.
pub(super) fn workspaces(now: &Now<'_>) -> Response<Bytes> {
    let created = now.node.since.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let one = json!({
        "id": now.node.workspace.to_string(),
        "name": "default",
        "comment": Value::Null,
        "config": {},
        "meta": {},
        "created_at": created,
    });
    ok(&json!({ "data": [one], "next": Value::Null }))
}

/// There are no data planes, and no control plane.
pub(super) fn no_cluster() -> Response<Bytes> {
    let text = "this endpoint is only available when Kong is configured to run as Control Plane for the cluster";
    message(StatusCode::BAD_REQUEST, text)
}

/// Timers of Lua, of which there are none here.
pub(super) fn timers() -> Response<Bytes> {
    let sys = json!({ "total": 0, "runs": 0, "running": 0, "pending": 0, "waiting": 0 });
    ok(&json!({ "worker": { "id": 0, "count": 1 }, "stats": { "sys": sys, "timers": {} } }))
}

/// Nobody's search engine has business here.
pub(super) fn robots() -> Response<Bytes> {
    let mut res = Response::new(Bytes::from_static(b"User-agent: *\nDisallow: /"));
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    res
}
