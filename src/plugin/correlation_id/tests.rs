#![allow(clippy::unwrap_used)]

use super::CorrelationId;
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::testing::{access, build, context, lines, plugin, request};
use crate::plugin::{Arrival, Ctx, Define, Plugin};
use http::Response;
use serde_json::{Value as Json, json};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

fn arrived() -> Ctx {
    let mut cx = context(Compat::Kong2);
    cx.arrival = Arrival {
        server: "192.0.2.1:8000".parse().unwrap(),
        process: 12,
        worker: Uuid::from_u128(5),
        connection: 34,
        on_connection: 2,
        on_worker: 78,
        random: || Uuid::from_u128(9),
    };
    cx.wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_007);
    cx
}

/// What goes upstream of a request with these headers, and what the client gets of it.
fn exchange(config: &Json, headers: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (plugin, mut cx) = (plugin::<CorrelationId>(config), arrived());
    let mut req = request("GET", "/", headers, "");
    assert!(access(&plugin, &mut req, &mut cx).is_none());
    let mut res = Response::new(Body::Empty);
    plugin.response(&mut res, &mut cx);
    (lines(req.headers()), lines(res.headers()))
}

#[test]
fn ids_are_made_of_chance_counts_or_time() {
    let cases = [
        ("uuid", "00000000-0000-0000-0000-000000000009"),
        ("uuid#counter", "00000000-0000-0000-0000-000000000005#78"),
        ("tracker", "192.0.2.1-8000-12-34-2-1700000000.007"),
    ];
    for (generator, id) in cases {
        let (upstream, client) = exchange(&json!({ "generator": generator, "header_name": "X-Id" }), &[]);
        assert_eq!((upstream, client), (vec![format!("x-id: {id}")], vec![]));
    }
    let (upstream, _) = exchange(&json!({}), &[]);
    assert_eq!(upstream, ["kong-request-id: 00000000-0000-0000-0000-000000000005#78"]);
}

#[test]
fn what_the_client_says_stands_unless_it_is_empty() {
    let config = json!({ "generator": "uuid", "header_name": "X-Id", "echo_downstream": true });
    let made = "x-id: 00000000-0000-0000-0000-000000000009".to_owned();
    assert_eq!(exchange(&config, &[("x-id", "")]), (vec![made.clone()], vec![made]));
    let (upstream, client) = exchange(&config, &[("x-id", "a"), ("x-id", "b")]);
    assert_eq!((upstream, client), (vec!["x-id: a".to_owned(), "x-id: b".to_owned()], vec!["x-id: a".to_owned()]));
}

#[test]
fn an_answer_without_access_has_an_id_as_well() {
    let config = json!({ "generator": "uuid", "header_name": "X-Id", "echo_downstream": true });
    let plugin = plugin::<CorrelationId>(&config);
    let echoed = |kept: Option<&'static str>| {
        let (mut cx, mut res) = (arrived(), Response::new(Body::Empty));
        let [name] = plugin.keeps() else { panic!() };
        kept.into_iter().for_each(|value| cx.kept.push(name.clone(), value.parse().unwrap()));
        res.headers_mut().insert("x-id", "upstream".parse().unwrap());
        plugin.response(&mut res, &mut cx);
        lines(res.headers())
    };
    assert_eq!(echoed(Some("mine")), ["x-id: mine"]);
    for nothing in [None, Some("")] {
        assert_eq!(echoed(nothing), ["x-id: 00000000-0000-0000-0000-000000000009"]);
    }
}

#[test]
fn kong_3_names_requests_before_anything_else() {
    assert_eq!([Compat::Kong2, Compat::Kong3].map(CorrelationId::priority), [1, 100_001]);
}

#[test]
fn a_header_that_cannot_hold_an_id_is_refused() {
    for name in ["x id", "Content-Length", "transfer-encoding", "HOST", "ä", "a\nb"] {
        let (plugin, report) = build::<CorrelationId>(&json!({ "header_name": name }), Compat::Kong2);
        assert!(plugin.is_none() && report.found[0].code == "invalid-value", "{name}");
    }
}
