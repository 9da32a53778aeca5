#![allow(clippy::unwrap_used)]

use super::FileLog;
use crate::entity::Compat;
use crate::lua::catalog::Catalog;
use crate::outbox::{Destination, Outboxes};
use crate::plugin::record::testing;
use crate::plugin::testing::{build_sharing, request};
use crate::plugin::{Head, Plugin};
use http::Extensions;
use serde_json::{Value, json};

/// The line that a request leaves behind.
fn line(config: &Value) -> Value {
    let mut shared = Extensions::new();
    let (plugin, report) = build_sharing::<FileLog>(config, Compat::Kong2, &mut shared);
    assert_eq!(report.found, []);
    assert!(shared.get::<Catalog>().is_some(), "it is told of routes and services");
    let mut cx = testing::exchange(Compat::Kong2).0;
    cx.head = Some(Box::new(Head::of(&request("PUT", "/a", &[("x-a", "1"), ("authorization", "s3cret")], ""))));
    plugin.unwrap().log(&mut cx);
    assert!(cx.head.is_some_and(|head| head.headers.contains_key("x-a")), "later plugins see it, too");
    let outbox = &shared.get::<Outboxes>().unwrap().all()[0];
    assert_eq!(outbox.plan.to, Destination::File { path: "/x.log".into(), reopen: false });
    serde_json::from_slice(&outbox.take().unwrap().ready().unwrap()).unwrap()
}

#[test]
fn a_request_leaves_its_record() {
    let record = line(&json!({ "path": "/x.log", "reopen": false }));
    assert_eq!(record["request"]["headers"], json!({ "x-a": "1", "authorization": "REDACTED" }));
}

#[test]
fn lua_adds_and_removes_fields() {
    let custom = json!({
        "request.headers.authorization": "return nil",
        "method": "return kong.request.get_method()",
        "list": "return { 1, 'b', { c = true } }",
        "bad": "error('only logged')",
        "request.uri": "return ngx",
        "raw": "return '\\255'",
    });
    let record = line(&json!({ "path": "/x.log", "reopen": false, "custom_fields_by_lua": custom }));
    assert_eq!(record["request"]["headers"], json!({ "x-a": "1" }));
    assert_eq!((&record["method"], &record["list"]), (&json!("PUT"), &json!([1, "b", { "c": true }])));
    assert_eq!((record.get("bad"), &record["request"]["uri"]), (None, &json!("/a")));
    assert_eq!(record["raw"], "\u{fffd}");
}

#[test]
fn lua_sees_the_record_and_changes_it() {
    let custom = json!({
        "a": "kong.log.set_serialize_value('late', 1) return kong.log.serialize().request.method",
        "b": "return kong.log.serialize().late",
        "c": "local ok, why = pcall(kong.log.set_serialize_value, 'x', tostring) return why",
        "d": "local t = {} t.t = t return (select(2, pcall(kong.log.set_serialize_value, 'x', t)))",
        "e": "return (select(2, pcall(kong.log.set_serialize_value, 'x', 1, { mode = 'no' })))",
    });
    let record = line(&json!({ "path": "/x.log", "reopen": false, "custom_fields_by_lua": custom }));
    assert_eq!((&record["a"], &record["b"]), (&json!("PUT"), &json!(1)));
    for refused in ["c", "d"] {
        assert!(record[refused].as_str().unwrap().contains("value must be nil, a number"), "{record}");
    }
    assert!(record["e"].as_str().unwrap().contains("mode must be 'set', 'add' or 'replace'"), "{record}");
}

#[test]
fn a_path_has_no_wildcards() {
    for (path, good) in [("/var/log/a-b_1.log", true), ("/dev/stdout", true), ("/a*", false), ("/a%b", false)] {
        assert_eq!(super::file_name(path).is_ok(), good, "{path}");
    }
}
