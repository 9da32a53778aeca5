//! What differs when the file says format 3.0: Kong 3.9's headers (`kong/proxying.md` §1 and §3).

use crate::common::{Gateway, Head, LIMIT, Upstream};
use std::sync::mpsc;

/// A gateway of format 3.0 whose upstream shows the heads that it gets.
fn start() -> (Gateway, Upstream, mpsc::Receiver<Head>) {
    start_with("off")
}

/// The same; `debug` is `allow_debug_header`.
fn start_with(debug: &str) -> (Gateway, Upstream, mpsc::Receiver<Head>) {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        loop {
            tell.send(peer.head()?).unwrap();
            peer.send("HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n\r\nok")?;
        }
    });
    let gateway = Gateway::with(format!(
        "_format_version: \"3.0\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - name: plain\n    \
         paths: [/plain]\n  - name: pattern\n    paths: [\"~/items/\\\\d+$\"]\n    strip_path: false\n",
        upstream.port()
    ))
    .set("KONG_ALLOW_DEBUG_HEADER", debug)
    .start();
    (gateway, upstream, told)
}

fn is_request_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn a_request_has_one_id_on_both_sides_and_via_grows() {
    let (gateway, _upstream, told) = start();
    let mut client = gateway.connect();
    client.send("GET /plain HTTP/1.1\r\nHost: gw.test\r\nX-Kong-Request-Id: mine\r\nVia: 1.0 outer\r\n\r\n").unwrap();
    let answer = client.head().unwrap();
    let request = told.recv_timeout(LIMIT).unwrap();
    let id = answer.get("x-kong-request-id").unwrap_or_default();
    assert!(is_request_id(id), "{answer:?}");
    assert_eq!(request.get("x-kong-request-id"), Some(id));
    let via = |head: &Head| {
        head.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case("via"))
            .map(|(_, v)| v.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert!(via(&request).starts_with("1.0 outer, 1.1 "), "{request:?}");
    assert!(via(&answer).starts_with("1.1 inner, 1.1 "), "{answer:?}");
}

#[test]
fn only_a_tilde_makes_a_pattern() {
    let (gateway, _upstream, _told) = start();
    assert_eq!(gateway.get("/items/12").0, 200);
    assert_eq!(gateway.get("/items/x").0, 404);
    assert_eq!(gateway.get("/items/12/more").0, 404);
}

#[test]
fn an_error_of_the_gateway_names_the_request() {
    let (gateway, _upstream, _told) = start();
    let mut client = gateway.connect();
    client.send("GET /none HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    let body = String::from_utf8(client.body(&head).unwrap()).unwrap();
    let id = head.get("x-kong-request-id").unwrap_or_default();
    assert!(head.status() == 404 && is_request_id(id), "{head:?}");
    assert!(body.contains("no Route matched") && body.contains(id), "{body}");
}

#[test]
fn the_route_is_told_where_it_may_be() {
    for (debug, named) in [("off", None), ("on", Some("plain"))] {
        let (gateway, _upstream, _told) = start_with(debug);
        let mut client = gateway.connect();
        client.send("GET /plain HTTP/1.1\r\nHost: gw.test\r\nKong-Debug: 1\r\n\r\n").unwrap();
        assert_eq!(client.head().unwrap().get("kong-route-name"), named, "{debug}");
    }
}
