//! The JSON object that log plugins write of a request (`kong/plugins.md` §20, recorded suite `file-log`).
//!
//! One thing differs from Kong: what brings a secret is `REDACTED`, and not only in `authorization`.

mod facts;
mod fields;
mod secret;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use super::{Authenticated, Ctx, Head, Origin};
use crate::args::{self, Args};
use crate::consumers::Consumers;
use crate::entity::Compat;
use crate::lua::catalog::Entities;
pub use facts::{Change, End, Facts, Handshake, Mode, Try};
pub use fields::set;
use http::{HeaderMap, header};
use secret::Secrets;
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

/// Kong's workspace; there is but one (`kong/declarative.md` §5).
pub const WORKSPACE: &str = "0dc6f45b-8f8d-40d2-a504-473544ee190b";

/// What a configuration knows of those whom a request concerns.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its routes, services and consumers, as records.
    pub entities: &'a Entities,
    /// Its credentials.
    pub consumers: &'a Consumers,
}

/// The record of a request, whose head went upstream as `head`. Empty where nothing was noted of it.
#[must_use]
pub fn of(cx: &Ctx, head: Option<&Head>, known: Known<'_>) -> Map<String, Value> {
    let (Some(facts), Some(head)) = (cx.facts.as_deref(), head) else { return Map::new() };
    let mut record = Map::new();
    let mut put = |name: &str, value: Option<Value>| drop(value.map(|value| record.insert(name.to_owned(), value)));
    put("request", Some(request(cx, facts, head)));
    put("response", facts.end.as_ref().map(|end| response(cx, facts, end)));
    put("upstream_uri", Some(upstream_uri(cx, facts).into()));
    put("tries", cx.route.and(facts.tries.as_ref()).map(|tries| tries.iter().map(|one| attempt(cx, one)).collect()));
    put("latencies", facts.end.as_ref().map(|end| latencies(cx.compat, end)));
    put("authenticated_entity", authenticated(cx, known.consumers));
    put("route", cx.route.and_then(|id| known.entities.routes.get(id.index())).map(fields::json));
    put("service", cx.service.and_then(|id| known.entities.services.get(id.index())).map(fields::json));
    put("consumer", cx.consumer.and_then(|id| known.entities.consumers.get(id.index())).map(fields::json));
    put("client_ip", Some(cx.client.to_string().into()));
    put("started_at", Some(millis(cx.wall).into()));
    if cx.compat == Compat::Kong3 {
        put("upstream_status", upstream_status(cx));
        put("source", Some(source(cx).into()));
        put("workspace", Some(WORKSPACE.into()));
        put("workspace_name", Some("default".into()));
    }
    facts.changes.iter().for_each(|change| fields::change(&mut record, change, cx.compat));
    record
}

fn request(cx: &Ctx, facts: &Facts, head: &Head) -> Value {
    let secrets = Secrets(&facts.secrets);
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let shown = secrets.target(target);
    let scheme = if cx.tls { "https" } else { "http" };
    let host = String::from_utf8_lossy(facts.host.as_bytes());
    let mut request = json!({
        "uri": shown,
        "url": format!("{scheme}://{host}:{}{shown}", cx.peer.port),
        "querystring": arguments(head.uri.query().unwrap_or_default(), secrets),
        "method": head.method.as_str(),
        "headers": headers(&head.headers, secrets),
        "size": facts.head + facts.body.unwrap_or(0),
    });
    if let Some(tls) = facts.tls {
        let verified = if tls.verified { "SUCCESS" } else { "NONE" };
        request["tls"] = json!({ "version": tls.version, "cipher": tls.cipher, "client_verify": verified });
    }
    if let (Compat::Kong3, Some(id)) = (cx.compat, &cx.request_id) {
        request["id"] = (**id).into();
    }
    request
}

/// What comes from the gateway gets its `Date` after Kong looked at the headers (recorded).
fn response(cx: &Ctx, facts: &Facts, end: &End) -> Value {
    let mut headers = headers(&end.headers, Secrets(&facts.secrets));
    if cx.origin != Origin::Upstream {
        headers.remove(header::DATE.as_str());
    }
    json!({ "status": end.status.as_u16(), "headers": headers, "size": end.size() })
}

/// Names in lower case; a list for what has several lines.
fn headers(headers: &HeaderMap, secrets: Secrets<'_>) -> Map<String, Value> {
    let values = |name| headers.get_all(name).iter().map(move |value| secrets.header(name, value).into());
    headers.keys().map(|name| (name.as_str().to_owned(), single(values(name).collect()))).collect()
}

/// What has no `=` is true.
fn arguments(query: &str, secrets: Secrets<'_>) -> Map<String, Value> {
    let argument = |(name, values): (&[u8], &[args::Value])| {
        let name = String::from_utf8_lossy(name).into_owned();
        let value = |value: &args::Value| match value {
            Some(value) => secrets.argument(&name, &String::from_utf8_lossy(value)).into(),
            None => Value::Bool(true),
        };
        let values = single(values.iter().map(value).collect());
        (name, values)
    };
    Args::parse(query.as_bytes()).iter().map(argument).collect()
}

fn single(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.swap_remove(0) } else { values.into() }
}

/// Where plugins left it, if the upstream was never asked.
fn upstream_uri(cx: &Ctx, facts: &Facts) -> String {
    let asked = facts.upstream.as_ref().and_then(|uri| uri.path_and_query());
    Secrets(&facts.secrets).target(asked.map_or(&cx.path, |asked| asked.as_str())).into_owned()
}

fn attempt(cx: &Ctx, one: &Try) -> Value {
    let start = cx.wall + one.start.saturating_duration_since(cx.now);
    let mut told = json!({
        "ip": one.peer.ip().to_string(),
        "port": one.peer.port(),
        "balancer_start": millis(start),
        "balancer_latency": whole(one.choice),
    });
    if let Some(status) = one.failed {
        told["state"] = "failed".into();
        told["code"] = status.as_u16().into();
    }
    told
}

/// Kong 2 counts what it takes to receive the body as its own.
fn latencies(compat: Compat, end: &End) -> Value {
    let proxy = end.upstream.map_or_else(|| (-1).into(), |time| Value::from(whole(time)));
    let receive = end.upstream.map_or(Duration::ZERO, |_| end.receive);
    match compat {
        Compat::Kong2 => {
            let kong = whole(end.gateway) + whole(receive);
            json!({ "kong": kong, "proxy": proxy, "request": whole(end.total) })
        }
        Compat::Kong3 => {
            let kong = whole(end.gateway);
            json!({ "kong": kong, "proxy": proxy, "request": whole(end.total), "receive": whole(receive) })
        }
    }
}

fn authenticated(cx: &Ctx, consumers: &Consumers) -> Option<Value> {
    let Some(Authenticated::By(id)) = cx.authenticated else { return None };
    consumers.credential(id).map(|credential| json!({ "id": credential.id.to_string() }))
}

fn upstream_status(cx: &Ctx) -> Option<Value> {
    let status = match cx.origin {
        Origin::Upstream => cx.received.as_ref().map(|received| received.status),
        Origin::Failed => cx.facts.as_ref()?.tries.as_ref()?.last()?.failed,
        Origin::Gateway => None,
    };
    status.map(|status| status.as_u16().into())
}

/// Who gave the answer.
fn source(cx: &Ctx) -> &'static str {
    match cx.origin {
        Origin::Upstream => "service",
        Origin::Gateway if cx.exited => "exit",
        Origin::Gateway | Origin::Failed => "error",
    }
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole)
}

/// Whole milliseconds.
fn whole(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
