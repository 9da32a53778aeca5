//! What a newcomer sees first: `gateway demo`, which serves the repository's `gateway.yml` with stand-ins.

use crate::common::{Gateway, Head};
use serde_json::Value;

/// One request: the answer's head, and what its stand-in told.
fn ask(gateway: &Gateway, method: &str, target: &str, headers: &str) -> (Head, Value) {
    let mut client = gateway.connect();
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost:54321\r\n{headers}\r\n")).unwrap();
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    let told = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&body)));
    (head, told)
}

#[test]
fn a_rest_request_shows_the_service_key_in_place_of_the_client_s() {
    let gateway = Gateway::demo().start();
    let (head, told) = ask(&gateway, "GET", "/rest/v1/archon_settings?select=*", "Authorization: Bearer client\r\n");
    assert_eq!(head.status(), 200);
    assert_eq!((&told["path"], &told["query"]["select"]), (&"/archon_settings".into(), &"*".into()), "{told:#}");
    let bearer = told["headers"]["authorization"].as_str().expect("no or several Authorization headers");
    assert!(bearer.starts_with("Bearer ") && !bearer.contains("client"), "{bearer}");
    assert_eq!(told["headers"]["x-forwarded-prefix"], "/rest/v1/");
    assert_eq!(head.get("access-control-allow-origin"), Some("*"));
    for name in ["via", "x-kong-upstream-latency", "x-kong-proxy-latency"] {
        assert!(head.get(name).is_some(), "{name} is missing: {head:?}");
    }
}

#[test]
fn the_service_key_comes_from_the_environment() {
    let gateway = Gateway::demo().set("SUPABASE_SERVICE_KEY", "from-the-environment").start();
    let (_, told) = ask(&gateway, "GET", "/rest/v1/archon_settings", "");
    assert_eq!(told["headers"]["authorization"], "Bearer from-the-environment");
}

#[test]
fn a_graphql_request_arrives_at_its_function() {
    let gateway = Gateway::demo().start();
    let (_, told) = ask(&gateway, "POST", "/graphql/v1", "Content-Length: 0\r\n");
    assert_eq!((&told["method"], &told["path"]), (&"POST".into(), &"/rpc/graphql".into()), "{told:#}");
    assert_eq!(told["headers"]["content-profile"], "graphql_public");
}

#[test]
fn every_part_of_the_stack_has_its_stand_in() {
    let gateway = Gateway::demo().start();
    for (target, service) in [("/api/health", "archon-server"), ("/mcp", "archon-mcp"), ("/", "archon-ui")] {
        let (_, told) = ask(&gateway, "GET", target, "");
        assert_eq!(told["services"], Value::from(vec![service]), "{target}");
    }
}

#[test]
fn events_tick_and_a_websocket_echoes() {
    let gateway = Gateway::demo().start();
    let mut client = gateway.connect();
    client.send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().get("content-type"), Some("text/event-stream"));
    client.until(b"\"tick\":2").unwrap();
    let mut client = gateway.connect();
    client
        .send(
            "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("sec-websocket-accept")), (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    // A text frame with a mask of zeros, and its echo without one.
    client.send(b"\x81\x82\0\0\0\0hi").unwrap();
    assert_eq!(client.exact(4).unwrap(), b"\x81\x02hi");
}

#[test]
fn a_name_that_the_file_does_not_know_gets_nothing() {
    let gateway = Gateway::demo().start();
    let (status, body) = gateway.get("/rest/v1/archon_settings");
    assert_eq!((status, body.contains("no Route matched")), (404, true), "{body}");
}
