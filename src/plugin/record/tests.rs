#![allow(clippy::unwrap_used)]

use super::testing::exchange;
use super::*;

fn recorded(cx: &Ctx, head: &Head) -> Value {
    let (entities, consumers) = (Entities::default(), Consumers::default());
    of(cx, Some(head), Known { entities: &entities, consumers: &consumers }).into()
}

#[test]
fn a_record_is_kongs_without_secrets() {
    let (cx, head) = exchange(Compat::Kong2);
    let record = recorded(&cx, &head);
    let expected = json!({
        "request": {
            "uri": "/a?x-pass=REDACTED&b=1&b=2&c",
            "url": "https://h:8443/a?x-pass=REDACTED&b=1&b=2&c",
            "querystring": { "x-pass": "REDACTED", "b": ["1", "2"], "c": true },
            "method": "GET",
            "headers": {
                "authorization": "REDACTED", "x-pass": "REDACTED", "cookie": "a=1; SID=REDACTED", "x-a": ["1", "2"],
                "referer": "http://h/?token=REDACTED",
            },
            "size": 42,
            "tls": { "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "client_verify": "NONE" },
        },
        "response": {
            "status": 200,
            "headers": { "set-cookie": ["a=1", "sid=REDACTED; Path=/"], "date": "today" },
            "size": 19 + 17 + 27 + 13 + 7,
        },
        "upstream_uri": "/up?x-pass=REDACTED&b=2",
        "tries": [
            { "ip": "10.0.0.1", "port": 80, "balancer_start": 1_001_000, "balancer_latency": 2, "state": "failed", "code": 502 },
            { "ip": "10.0.0.1", "port": 80, "balancer_start": 1_001_000, "balancer_latency": 2 },
        ],
        "latencies": { "kong": 103, "proxy": 20, "request": 123 },
        "client_ip": "127.0.0.1",
        "started_at": 1_000_000,
    });
    assert_eq!(record, expected, "{record:#}");
}

#[test]
fn kong_3_tells_more() {
    let (mut cx, head) = exchange(Compat::Kong3);
    let record = recorded(&cx, &head);
    assert_eq!(record["latencies"], json!({ "kong": 3, "proxy": 20, "request": 123, "receive": 100 }));
    assert_eq!((&record["request"]["id"], &record["upstream_status"]), (&json!("r1"), &json!(201)));
    assert_eq!((&record["source"], &record["workspace_name"]), (&json!("service"), &json!("default")));
    cx.origin = Origin::Gateway;
    assert_eq!(recorded(&cx, &head)["source"], "error");
    assert_eq!(recorded(&cx, &head)["response"]["headers"].get("date"), None);
    cx.exited = true;
    assert_eq!(recorded(&cx, &head)["source"], "exit");
    assert_eq!(recorded(&cx, &head).get("upstream_status"), None);
}

#[test]
fn without_a_route_there_were_no_tries() {
    let (mut cx, head) = exchange(Compat::Kong2);
    cx.route = None;
    cx.path = String::new();
    cx.facts.as_mut().unwrap().upstream = None;
    let record = recorded(&cx, &head);
    assert_eq!((record.get("tries"), &record["upstream_uri"]), (None, &json!("")));
}

#[test]
fn fields_that_lua_set_are_there_or_not() {
    let (mut cx, head) = exchange(Compat::Kong2);
    for (place, value, mode) in [
        ("a.b", Some(json!(1)), Mode::Set),
        ("a.b", Some(json!(2)), Mode::Add),
        ("a.c", Some(json!(3)), Mode::Add),
        ("a.d", Some(json!(4)), Mode::Replace),
        ("request.method", Some(json!("X")), Mode::Replace),
        ("client_ip", None, Mode::Set),
    ] {
        cx.facts.as_mut().unwrap().change(Change { place: place.into(), value, mode }).unwrap();
    }
    let record = recorded(&cx, &head);
    assert_eq!((&record["a"], &record["request"]["method"]), (&json!({ "b": 1, "c": 3 }), &json!("X")));
    assert_eq!(record.get("client_ip"), None);
    let one = Change { place: "x".into(), value: None, mode: Mode::Set };
    assert!((0..10_000).any(|_| cx.facts.as_mut().unwrap().change(one.clone()).is_err()));
}

#[test]
fn fields_are_set_by_their_place() {
    let changed = |place: &str, value: Option<Value>, compat| {
        let mut record = json!({ "a": { "b": 1, "c": 2 }, "d": 3 });
        set(record.as_object_mut().unwrap(), place, value, compat);
        record
    };
    let put = |place, compat| changed(place, Some(json!("v")), compat);
    assert_eq!(put("a.b", Compat::Kong2), json!({ "a": { "b": "v", "c": 2 }, "d": 3 }));
    assert_eq!(put("x.y.z", Compat::Kong2), json!({ "a": { "b": 1, "c": 2 }, "d": 3, "x": { "y": { "z": "v" } } }));
    assert_eq!(put("d.e", Compat::Kong2)["d"], json!({ "e": "v" }));
    assert_eq!(put("x\\.y", Compat::Kong3)["x.y"], "v");
    assert_eq!(put("x\\.y", Compat::Kong2)["x\\"]["y"], "v");
    assert_eq!(changed("a.b", None, Compat::Kong2), json!({ "a": { "c": 2 }, "d": 3 }));
    for nothing in ["x.y", "d.e", ""] {
        assert_eq!(changed(nothing, None, Compat::Kong2), json!({ "a": { "b": 1, "c": 2 }, "d": 3 }));
    }
}
