#![allow(clippy::unwrap_used)]

use super::super::catalog::{Catalog, Entities};
use super::super::{Chunk, Current, Ending, Facts, Payload, Phase, run};
use crate::body::Body;
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Directory, Kind};
use crate::entity::{Compat, ConsumerId, Identity, RouteId, UpstreamId};
use crate::plugin::testing::{checked, context, lines, request, text};
use crate::plugin::{Authenticated, Detour, Origin, Received, Whom};
use crate::settings::UntrustedLua;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

mod bodies;
mod clients;
mod nginx;
mod requests;
mod responses;

const TARGET: &str = "/a/b%20c?q=1&flag&q=x+y&e=&q=z";

/// A request in `access`: a browser's, with some headers.
fn current(compat: Compat) -> Current {
    let headers = [("host", "Gw.Test:8000"), ("x-in", "in"), ("x-two", "1"), ("x-two", "2"), ("cookie", "sid=s1; o=2")];
    let mut cx = context(compat);
    cx.path = "/up".to_owned();
    cx.wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    Current::new(Phase::Access, request("GET", TARGET, &headers, ""), cx, Arc::new(facts()))
}

fn facts() -> Facts {
    let identity = Identity { id: Uuid::from_u128(7), name: Some("ann".into()) };
    let consumer = Consumer::new(identity, Some("c1".into()), Box::new(["staff".into()]));
    let credential = Credential::new(Uuid::from_u128(8), ConsumerId(0), Kind::Password, "ann-login");
    let consumers = Directory::default();
    consumers.fill(Arc::new(Consumers::new(vec![consumer], vec![credential])));
    let catalog = Catalog::default();
    catalog.fill(Entities {
        routes: Box::new([checked(&json!({ "id": "r-id", "name": "r", "protocols": ["https"], "paths": ["/a"] }))]),
        services: Box::new([checked(&json!({ "id": "s-id", "name": "s", "port": 80 }))]),
        consumers: Box::default(),
        upstreams: [("pool".into(), UpstreamId(3))].into(),
    });
    Facts { consumers, catalog, trusted: Arc::new(["10.0.0.0/8".parse().unwrap()]), instance: 1 }
}

fn after(current: Current, chunk: &str) -> (Current, Result<(), String>) {
    let rules = UntrustedLua { requires: vec!["cjson".into(), "cjson.safe".into()], ..UntrustedLua::default() };
    let chunk = Chunk::new(chunk, "pre-function access 1".to_owned(), Arc::new(rules));
    let (current, result) = run(&[chunk], current);
    (current, result.map_err(|fault| fault.to_string()))
}

/// What a chunk made of the request.
fn made(chunk: &str) -> Current {
    let (current, result) = after(current(Compat::Kong2), chunk);
    assert_eq!(result, Ok(()), "{chunk}");
    current
}

/// What expressions are, one after another.
fn of(current: Current, expressions: &str) -> String {
    let chunk = format!(
        "local t = {{{expressions}}} for i = 1, table.maxn(t) do t[i] = tostring(t[i]) end \
         kong.ctx.shared.out = table.concat(t, '|')"
    );
    let (current, result) = after(current, &chunk);
    assert_eq!(result, Ok(()), "{expressions}");
    let (current, result) = after(Current { phase: Phase::Access, ..current }, "ngx.print(kong.ctx.shared.out)");
    assert_eq!(result, Ok(()), "{expressions}");
    String::from_utf8(current.said.unwrap()).unwrap()
}

fn value(expressions: &str) -> String {
    of(current(Compat::Kong2), expressions)
}

/// What a chunk raises, without its place.
fn raised(chunk: &str) -> String {
    raised_in(current(Compat::Kong2), chunk)
}

fn raised_in(current: Current, chunk: &str) -> String {
    let words = after(current, chunk).1.unwrap_err();
    words.split_once(":1: ").map_or(words.clone(), |(_, words)| words.to_owned())
}

/// How the phase ended: status, headers and body.
fn answer(current: Current) -> (u16, Vec<String>, String) {
    let Some(Ending::Answer(res)) = current.ending else { panic!("no answer") };
    (res.status().as_u16(), lines(res.headers()), text(res.into_body()))
}

/// In `header_filter`, with an upstream's answer.
fn answered() -> Current {
    let mut current = current(Compat::Kong2);
    let mut res = Response::new(Body::full("up"));
    *res.status_mut() = StatusCode::NOT_FOUND;
    res.headers_mut().insert("x-up", HeaderValue::from_static("u"));
    current.cx.origin = Origin::Upstream;
    current.cx.received = Some(Box::new(Received { status: res.status(), headers: res.headers().clone() }));
    Current { phase: Phase::HeaderFilter, res: Some(res), ..current }
}
