//! How the process is: `/status` as Kong tells it, `/livez` and `/readyz` for whoever watches over it.

use super::answer::Now;
use super::reply::{message, ok};
use super::unit::Unit;
use crate::observe::traffic::Totals;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

/// It answers, so it lives.
pub(super) fn live() -> Response<Bytes> {
    message(StatusCode::OK, "live")
}

/// Whether clients should be sent here. Kong's words (`kong/operations.md` §9).
pub(super) fn ready(now: &Now<'_>) -> Response<Bytes> {
    let why_not = match () {
        () if now.stopping => Some("draining"),
        () if now.snapshot.routes.is_empty() => Some("no configuration available (empty configuration present)"),
        () => None,
    };
    match why_not {
        Some(why) => message(StatusCode::SERVICE_UNAVAILABLE, why),
        None => message(StatusCode::OK, "ready"),
    }
}

/// Kong's record. There is no memory that workers share here; Lua's is told of each worker, by which `pid` is the same.
pub(super) fn status(asked: &Request<Bytes>, now: &Now<'_>) -> Response<Bytes> {
    let unit = match Unit::asked(asked) {
        Ok(unit) => unit,
        Err(words) => return message(StatusCode::BAD_REQUEST, &words),
    };
    let vm = |bytes: &u64| json!({ "http_allocated_gc": unit.told(*bytes), "pid": now.node.pid });
    ok(&json!({
        "database": { "reachable": true },
        "memory": { "workers_lua_vms": now.lua.iter().map(vm).collect::<Vec<_>>(), "lua_shared_dicts": {} },
        "server": server(&now.totals),
        "configuration_hash": now.snapshot.listing.as_ref().map(|listing| listing.hash()),
    }))
}

/// nginx's counts. It tells those that read a head from those that wait for one; here both wait.
fn server(totals: &Totals) -> Value {
    json!({
        "connections_accepted": totals.accepted,
        "connections_handled": totals.accepted,
        "connections_active": totals.open,
        "connections_reading": 0,
        "connections_writing": totals.busy,
        "connections_waiting": totals.waiting(),
        "total_requests": totals.requests,
    })
}
