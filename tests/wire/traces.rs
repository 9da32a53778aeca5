//! Traces that are exported, and a collector that takes them: well, late, or not at all.

use crate::common::{Gateway, Head, LIMIT, Upstream, gateway::Builder, within};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector: what it is sent, head and body. It refuses the first few.
fn collector(refuse: usize) -> (Upstream, Receiver<(Head, Value)>) {
    let (tell, told) = mpsc::channel();
    let count = AtomicUsize::new(0);
    let server = Upstream::start(move |peer, _| {
        loop {
            let head = peer.head()?;
            let body = serde_json::from_slice(&peer.body(&head)?).unwrap();
            let _ = tell.send((head, body));
            let fails = count.fetch_add(1, Ordering::SeqCst) < refuse;
            let status = if fails { "503 Service Unavailable" } else { "200 OK" };
            peer.send(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}"))?;
        }
    });
    (server, told)
}

fn gateway(upstream: &Upstream, collector: u16) -> Builder {
    Gateway::with(format!(
        "_format_version: '2.1'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', routes: [{{name: r, paths: [/a]}}]}}\n",
        upstream.port()
    ))
    .set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{collector}"))
    .set("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret")
    .set("OTEL_SERVICE_NAME", "edge")
    .set("KONG_PROXY_ACCESS_LOG", "off")
}

fn ask(gateway: &Gateway, target: &str, headers: &str) -> u16 {
    let mut client = gateway.connect();
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{headers}Connection: close\r\n\r\n")).unwrap();
    client.head().unwrap().status()
}

/// The spans of a body, each of them valid.
fn spans(body: &Value) -> Vec<Value> {
    let [resource] = &body["resourceSpans"].as_array().unwrap()[..] else { panic!("{body}") };
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "edge");
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    for span in &spans {
        let hex = |key: &str, long: usize| {
            let text = span[key].as_str().unwrap();
            assert!(text.len() == long && text.bytes().all(|b| b.is_ascii_hexdigit()), "{span}");
        };
        let nanos = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        hex("traceId", 32);
        hex("spanId", 16);
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano") && nanos("startTimeUnixNano") > 1 << 60);
        assert!(!span["name"].as_str().unwrap().is_empty() && [2, 3].contains(&span["kind"].as_u64().unwrap()));
        for attribute in span["attributes"].as_array().unwrap() {
            let [(kind, value)] = &attribute["value"].as_object().unwrap().iter().collect::<Vec<_>>()[..] else {
                panic!()
            };
            assert!(attribute["key"].is_string() && value.is_string());
            assert!(["stringValue", "intValue"].contains(&kind.as_str()), "{attribute}");
        }
    }
    spans
}

#[test]
fn a_request_is_told_as_two_spans_of_the_clients_trace() {
    let (tell, heads) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        tell.send(peer.head()?).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let (server, told) = collector(0);
    let gateway = gateway(&upstream, server.port()).start();
    assert_eq!(ask(&gateway, "/a?token=s3cret", &format!("traceparent: {PARENT}\r\n")), 200);
    let (head, body) = told.recv_timeout(LIMIT).unwrap();
    let asked = format!("{head:?}");
    assert!(
        asked.contains("POST /v1/traces HTTP/1.1") && head.get("content-type") == Some("application/json"),
        "{asked}"
    );
    assert_eq!(head.get("api-key"), Some("s3cret"));
    let [server, client] = &spans(&body)[..] else { panic!("{body}") };
    assert_eq!((&server["traceId"], &client["traceId"]), (&PARENT[3..35].into(), &PARENT[3..35].into()));
    assert_eq!((&server["parentSpanId"], &client["parentSpanId"]), (&PARENT[36..52].into(), &server["spanId"]));
    let parent = heads.recv_timeout(LIMIT).unwrap().get("traceparent").unwrap().to_owned();
    assert_eq!(client["spanId"], parent[36..52], "what the upstream was told");
    assert!(!body.to_string().contains("s3cret"), "{body}");
    assert_eq!(ask(&gateway, "/a", &format!("traceparent: {}\r\n", PARENT.replace("-01", "-00"))), 200);
    assert!(told.recv_timeout(Duration::from_secs(2)).is_err(), "the client says that it is not recorded");
}

#[test]
fn a_collector_that_refuses_gets_them_later_and_all_at_the_end() {
    let (server, told) = collector(1);
    let upstream = Upstream::echo();
    let mut gateway = gateway(&upstream, server.port()).start();
    (0..3).for_each(|_| assert_eq!(ask(&gateway, "/none", ""), 404));
    let first = told.recv_timeout(LIMIT).unwrap().1;
    assert_eq!(told.recv_timeout(LIMIT).unwrap().1, first, "again");
    assert_eq!(ask(&gateway, "/none", ""), 404);
    gateway.signal("TERM");
    assert!(gateway.ends_within(LIMIT).unwrap().success());
    let rest: usize = told.iter().take(1).map(|(_, body)| spans(&body).len()).sum();
    assert_eq!(spans(&first).len() + rest, 4);
}

#[test]
fn a_collector_that_is_not_there_holds_up_nobody() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream, 1).start();
    let begun = Instant::now();
    (0..50).for_each(|_| assert_eq!(ask(&gateway, "/a", ""), 200));
    assert!(begun.elapsed() < LIMIT / 2, "{:?}", begun.elapsed());
    assert!(within(LIMIT, || gateway.output().contains("a log did not take its lines")), "{}", gateway.output());
}

#[test]
fn of_a_share_of_nothing_nothing_is_told() {
    let (server, told) = collector(0);
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream, server.port()).set("KONG_TRACE_SAMPLING_RATE", "0").start();
    assert_eq!(ask(&gateway, "/a", ""), 200);
    assert!(told.recv_timeout(Duration::from_secs(2)).is_err());
    assert_eq!(ask(&gateway, "/a", &format!("traceparent: {PARENT}\r\n")), 200);
    assert_eq!(spans(&told.recv_timeout(LIMIT).unwrap().1).len(), 2, "the client decides");
}
