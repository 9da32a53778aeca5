#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::load;
use crate::config::report::Source;
use crate::entity::{Compat, RouteId};
use crate::observe::access::{Access, Known, Met};
use crate::observe::trace::{SpanId, Spans as Own, Trace, TraceId};
use crate::plugin::record::Try;
use crate::plugin::{Ctx, Origin};
use crate::settings::{AccessLog, Settings};
use crate::world::World;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use std::time::{Instant, SystemTime};

const WALL: Duration = Duration::from_secs(1_795_438_800);

fn service(path: &str) -> Otlp {
    let headers: HeaderMap = [("api-key".parse().unwrap(), HeaderValue::from_static("k"))].into_iter().collect();
    let authority = HeaderValue::from_static("c:4318");
    Otlp { https: true, host: "c".into(), port: 4318, authority, path: path.into(), headers, service: "ed\"ge".into() }
}

/// The spans of a request, as a collector reads them.
fn told(req: &Request<()>, status: u16, change: impl FnOnce(&mut Ctx, &mut Vec<Try>)) -> Option<Vec<Value>> {
    let text = "_format_version: '2.1'\nservices: [{name: s, url: 'http://a', routes: [{name: r, paths: [/]}]}]\n";
    let source = Source { name: "kong.yml".into(), text: text.into() };
    let snapshot = load(&source, World::EMPTY, &Settings::default()).0.unwrap();
    let client = "127.0.0.1".parse().unwrap();
    let now = Instant::now();
    let mut cx = Ctx::new(Compat::Kong2, client, false, now, SystemTime::UNIX_EPOCH + WALL);
    let own = Some(Own { server: SpanId(2), client: SpanId(3) });
    cx.trace = Some(Trace { id: TraceId(1), parent: None, own, sampled: true });
    (cx.route, cx.service, cx.origin) = (Some(RouteId(0)), snapshot.route(RouteId(0)).service, Origin::Upstream);
    let peer = "10.0.0.2:3000".parse().unwrap();
    let mut tries = vec![Try { peer, start: now + Duration::from_millis(2), choice: Duration::ZERO, failed: None }];
    change(&mut cx, &mut tries);
    let access = Access::new(None, &AccessLog::OFF).watched();
    let entry = access.entry(req, Met { client, tls: false, handshake: None }).unwrap();
    let known = Known { cx: &cx, snapshot: &snapshot, tries: &tries, upstream: None, sizes: None };
    let took = Duration::from_millis(10);
    let end = Outcome { status, bytes: 5, whole: true, took, secrets: &[], known: Some(known) };
    let exporter = Spans::new(&service("/v1/traces"));
    exporter.tell(&entry, &end);
    let line = exporter.outbox().take().unwrap().ready()?;
    let [before, after] = around("ed\"ge");
    let body = [before.as_bytes(), &line, after.as_bytes()].concat();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let resource = &body["resourceSpans"][0];
    assert_eq!(attribute(&resource["resource"], "service.name"), Some(json!({"stringValue": "ed\"ge"})));
    assert_eq!(resource["scopeSpans"][0]["scope"]["name"], "gateway");
    Some(resource["scopeSpans"][0]["spans"].as_array().unwrap().clone())
}

fn attribute(of: &Value, key: &str) -> Option<Value> {
    let all = of["attributes"].as_array().unwrap();
    all.iter().find(|one| one["key"] == key).map(|one| one["value"].clone())
}

fn request() -> Request<()> {
    Request::builder()
        .uri("/a/b?token=s3cret&c=d")
        .header("host", "GW.test:80")
        .header("user-agent", "x")
        .body(())
        .unwrap()
}

#[test]
fn a_request_is_a_span_and_its_upstream_another() {
    let spans = told(&request(), 200, |_, _| {}).unwrap();
    let [server, client] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((server["name"].as_str(), &server["kind"]), (Some("GET r"), &json!(2)));
    assert_eq!(server["traceId"], "00000000000000000000000000000001");
    assert_eq!((&server["spanId"], &server["parentSpanId"]), (&json!("0000000000000002"), &Value::Null));
    assert_eq!((&client["parentSpanId"], &client["kind"]), (&server["spanId"], &json!(3)));
    assert_eq!((&server["status"], &client["status"]), (&json!({}), &json!({})));
    assert_eq!(server["startTimeUnixNano"], "1795438800000000000");
    assert_eq!(server["endTimeUnixNano"], "1795438800010000000");
    assert_eq!(client["startTimeUnixNano"], "1795438800002000000");
    for (key, value) in [
        ("http.request.method", json!({"stringValue": "GET"})),
        ("url.path", json!({"stringValue": "/a/b"})),
        ("url.query", json!({"stringValue": "token=REDACTED&c=d"})),
        ("server.address", json!({"stringValue": "gw.test"})),
        ("http.response.status_code", json!({"intValue": "200"})),
        ("http.route", json!({"stringValue": "r"})),
        ("network.protocol.version", json!({"stringValue": "1.1"})),
    ] {
        assert_eq!(attribute(server, key), Some(value), "{key}");
    }
    assert_eq!(attribute(client, "network.peer.port"), Some(json!({"intValue": "3000"})));
    assert_eq!(attribute(client, "error.type"), None);
}

#[test]
fn what_failed_is_told() {
    let spans = told(&request(), 502, |cx, tries| {
        cx.origin = Origin::Failed;
        tries.push(tries[0].clone());
        tries.iter_mut().for_each(|one| one.failed = Some(StatusCode::BAD_GATEWAY));
    })
    .unwrap();
    assert!(spans.iter().all(|span| span["status"]["code"] == 2));
    assert_eq!(attribute(&spans[0], "error.type"), Some(json!({"stringValue": "502"})));
    assert_eq!(attribute(&spans[1], "error.type"), Some(json!({"stringValue": "no_answer"})));
    assert_eq!(attribute(&spans[1], "http.request.resend_count"), Some(json!({"intValue": "1"})));
    let refused = told(&request(), 404, |_, _| {}).unwrap();
    assert_eq!((&refused[0]["status"], &refused[1]["status"]["code"]), (&json!({}), &json!(2)));
}

#[test]
fn what_the_gateway_answers_is_one_span() {
    let odd = Request::builder().method("BREW").uri("/").body(()).unwrap();
    let spans = told(&odd, 404, |cx, tries| {
        (cx.route, cx.service, cx.origin) = (None, None, Origin::Gateway);
        tries.clear();
    })
    .unwrap();
    assert_eq!((spans.len(), spans[0]["name"].as_str()), (1, Some("HTTP")));
    assert_eq!(attribute(&spans[0], "http.request.method"), Some(json!({"stringValue": "_OTHER"})));
    assert_eq!(attribute(&spans[0], "http.request.method_original"), Some(json!({"stringValue": "BREW"})));
}

#[test]
fn what_is_not_recorded_is_not_told() {
    let unsampled = |cx: &mut Ctx, _: &mut Vec<Try>| cx.trace = cx.trace.map(|trace| Trace { sampled: false, ..trace });
    assert_eq!(told(&request(), 200, unsampled), None);
    assert_eq!(told(&request(), 200, |cx, _| cx.trace = None), None);
}

#[test]
fn a_collector_is_asked_as_it_wants() {
    let http = collector(&service("/in"));
    assert!(http.verify && http.at.tls.as_deref() == Some("c"), "its certificate must be good");
    let expected = ["api-key: k", "content-type: application/json", "host: c:4318"];
    assert_eq!(crate::plugin::testing::lines(&http.headers), expected);
}
