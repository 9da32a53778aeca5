//! Functions of a configuration, where a worker and a real body are needed.

use crate::common::{Gateway, Upstream};
use std::time::Duration;

/// One worker, routes with functions, and one without.
fn gateway(upstream: &Upstream) -> Gateway {
    let chunks = [
        ("loop", "access", "while true do end"),
        ("caught", "access", "while true do pcall(function() while true do end end) end"),
        ("pattern", "access", "pcall(string.find, ('a'):rep(9000), '.-.-.-.-b')"),
        ("memory", "access", "kept = {} while true do kept[#kept + 1] = ('x'):rep(1e6) .. #kept end"),
        ("deep", "access", "local function f() return 1 + f() end f()"),
        ("leak", "access", "kept = kept or {} kept[#kept + 1] = ('x'):rep(4e6) .. #kept"),
        ("pieces", "body_filter", "kong.ctx.shared.n = (kong.ctx.shared.n or 0) + 1"),
        ("plain", "log", "error('pieces: ' .. tostring(kong.ctx.shared.n))"),
    ];
    let mut config = format!(
        "_format_version: '2.1'\nplugins:\n- name: pre-function\n  config:\n    rewrite: [\"if kong.request.get_path() == \
         '/early' then kong.response.exit(418, 'early') end\"]\nservices:\n- name: s\n  url: http://127.0.0.1:{}\n  \
         routes:\n",
        upstream.port()
    );
    for (name, phase, chunk) in chunks {
        let log = if name == "pieces" { "\n        log: [\"error('pieces: ' .. kong.ctx.shared.n)\"]" } else { "" };
        config.push_str(&format!(
            "  - name: {name}\n    paths: [/{name}]\n    plugins:\n    - name: pre-function\n      config:\n        \
             {phase}: [\"{chunk}\"]{log}\n"
        ));
    }
    Gateway::with(config).set("KONG_NGINX_WORKER_PROCESSES", "1").start()
}

#[test]
fn a_runaway_function_costs_only_its_own_request() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream);
    for name in ["loop", "caught", "pattern", "memory", "deep"] {
        let mut runaway = gateway.connect();
        runaway.send(format!("GET /{name} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")).unwrap();
        let others: Vec<u16> = (0..5).map(|_| gateway.get("/plain").0).collect();
        assert_eq!(others, [200; 5], "{name}");
        assert_eq!(runaway.head().unwrap().status(), 500, "{name}");
        assert!(runaway.closes_within(Duration::from_secs(5)));
        assert_eq!(gateway.get("/plain").0, 200, "{name}");
    }
}

#[test]
fn what_a_function_keeps_is_taken_away_when_it_is_too_much() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream);
    let statuses: Vec<u16> = (0..40).map(|_| gateway.get("/leak").0).collect();
    assert_eq!(statuses, [200; 40]);
}

#[test]
fn a_global_function_answers_before_there_is_a_route() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream);
    assert_eq!(gateway.get("/early"), (418, "early".to_owned()));
    assert_eq!(gateway.get("/nowhere").0, 404);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn pieces_are_shown_one_by_one_and_the_end_is_logged() {
    let upstream = Upstream::echo();
    let gateway = gateway(&upstream);
    let (status, body) = gateway.get("/pieces");
    assert_eq!((status, body.is_empty()), (200, false));
    let end = std::time::Instant::now() + Duration::from_secs(5);
    while !gateway.output().contains("pieces: ") && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = gateway.output();
    assert!(output.contains("pieces: 1") || output.contains("pieces: 2"), "{output}");
}
