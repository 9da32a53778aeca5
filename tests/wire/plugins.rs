//! Plugins where unit tests cannot see them: on every kind of answer, over TLS, across workers, and in the middle of a
//! body.

use crate::common::gateway::free_port;
use crate::common::{Gateway, Head, Upstream};
use std::collections::HashSet;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// Routes `/up` to the upstream and `/down` to a port where nobody listens, with these plugins for all.
fn config(version: &str, upstream: &Upstream, plugins: &str) -> String {
    format!(
        "_format_version: \"{version}\"\nservices:\n- {{name: up, url: 'http://127.0.0.1:{}', routes: [{{name: up, paths: \
         [/up]}}, {{name: too, paths: [/too]}}]}}\n- {{name: down, url: 'http://127.0.0.1:1', retries: 0, routes: [{{name: \
         down, paths: [/down]}}]}}\nplugins:\n{plugins}",
        upstream.port()
    )
}

/// The heads of curl's answer, one header line each, names in lower case.
fn heads(gateway: &Gateway, scheme: &str, path: &str, arguments: &[&str]) -> Vec<String> {
    let url = format!("{scheme}://127.0.0.1:{}{path}", gateway.port());
    let out = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--insecure",
            "--max-time",
            "15",
            "--dump-header",
            "-",
            "--output",
            "/dev/null",
            &url,
        ])
        .args(arguments)
        .output()
        .expect("curl is needed");
    assert!(out.status.success() && !out.stdout.is_empty(), "{url} {arguments:?}: {out:?}");
    let text = String::from_utf8(out.stdout).unwrap();
    let line = |line: &str| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
        None => line.to_owned(),
    };
    text.lines().map(line).collect()
}

const STANDARD: [&str; 3] = [
    "referrer-policy: strict-origin-when-cross-origin",
    "x-content-type-options: nosniff",
    "x-frame-options: SAMEORIGIN",
];
const HSTS: &str = "strict-transport-security: max-age=31536000";

#[test]
fn every_answer_has_security_headers_and_hsts_over_tls_alone() {
    let upstream = Upstream::echo();
    for (scheme, flags) in [("http", ""), ("https", "ssl")] {
        let gateway = Gateway::with(config("2.1", &upstream, "- name: security-headers\n"))
            .set("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "1k")
            .listen(flags)
            .start();
        let large = "x".repeat(2000);
        for (path, arguments, status) in [
            ("/up", &[][..], "200"),
            ("/nowhere", &[], "404"),
            ("/down", &[], "502"),
            ("/up", &["--data", &large], "413"),
        ] {
            let heads = heads(&gateway, scheme, path, arguments);
            assert_eq!(heads[0].split(' ').nth(1), Some(status), "{heads:?}");
            for line in STANDARD {
                assert_eq!(heads.iter().filter(|head| *head == line).count(), 1, "{line} in {heads:?}");
            }
            assert_eq!(heads.iter().any(|head| head == HSTS), scheme == "https", "{heads:?}");
        }
    }
}

#[test]
fn a_trusted_peers_word_on_https_counts_for_hsts() {
    let upstream = Upstream::echo();
    for (trusted, expected) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let gateway = Gateway::with(config("2.1", &upstream, "- name: security-headers\n"))
            .set("KONG_TRUSTED_IPS", trusted)
            .start();
        let heads = heads(&gateway, "http", "/up", &["--header", "X-Forwarded-Proto: https"]);
        assert_eq!(heads.iter().any(|head| head == HSTS), expected, "{heads:?}");
    }
}

#[test]
fn an_upstreams_own_policy_is_the_only_one() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Security-Policy: script-src 'unsafe-inline'\r\nContent-Length: 2\r\n\r\nok",
    );
    let strict = "- {name: security-headers, config: {preset: strict, headers: ['X-Powered-By: nobody']}}\n";
    let gateway = Gateway::with(config("2.1", &upstream, strict)).start();
    let policies = |path| {
        let heads = heads(&gateway, "http", path, &[]);
        assert!(heads.contains(&"x-powered-by: nobody".to_owned()), "{heads:?}");
        heads.into_iter().filter(|head| head.starts_with("content-security-policy:")).collect::<Vec<_>>()
    };
    assert_eq!(policies("/up"), ["content-security-policy: script-src 'unsafe-inline'"]);
    assert!(policies("/nowhere")[0].contains("default-src 'self'"));
}

/// One request on a connection of its own, from a client behind a trusted proxy.
fn ask(gateway: &Gateway, path: &str, client: &str) -> (Head, String) {
    let mut peer = gateway.connect();
    let head = format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\nX-Real-IP: {client}\r\nConnection: close\r\n\r\n");
    peer.send(head).unwrap();
    let head = peer.head().unwrap();
    let body = peer.body(&head).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn two_workers_and_two_routes_share_one_count() {
    let upstream = Upstream::echo();
    let limits = ["up", "too"].map(|route| {
        format!("- {{name: limit-req, route: {route}, config: {{rate: 1r/m, burst: 9, zone: shared}}}}\n")
    });
    let gateway = Gateway::with(config("2.1", &upstream, &limits.concat()))
        .set("KONG_NGINX_WORKER_PROCESSES", "2")
        .set("KONG_TRUSTED_IPS", "127.0.0.1")
        .start();
    let answers: Vec<_> = (0..40).map(|n| ask(&gateway, ["/up", "/too"][n % 2], "192.0.2.7")).collect();
    let passed = answers.iter().filter(|(head, _)| head.status() == 200).count();
    assert_eq!(passed, 10, "the first, and a burst of nine");
    let (refused, body) = answers.last().unwrap();
    // A thousand at 16 a second, less what has passed since.
    let wait: u64 = refused.get("retry-after").unwrap().parse().unwrap();
    assert!(refused.status() == 429 && (50..=63).contains(&wait), "{refused:?}");
    assert_eq!(body, "{\n  \"message\":\"API rate limit exceeded\"\n}");
    assert_eq!(ask(&gateway, "/up", "192.0.2.8").0.status(), 200, "another client");
    let output = gateway.output();
    let lines: Vec<_> = output.lines().filter(|line| line.contains("limiting requests")).collect();
    assert_eq!(lines.len(), 1, "one line, not thirty: {lines:?}");
    assert!(lines[0].contains("limiting requests client=192.0.2.7 zone=shared excess="), "{lines:?}");
}

/// Sends chunks until the answer's head comes: status, body, and what the upstream made of the request's body.
fn upload(limit: &str, chunks: usize) -> (u16, String, Option<usize>) {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        let head = peer.head()?;
        let body = peer.body(&head)?;
        tell.send(body.len()).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let plugin = format!("- {{name: request-size-limiting, config: {{{limit}}}}}\n");
    let gateway = Gateway::with(config("3.0", &upstream, &plugin)).start();
    let mut client = gateway.connect();
    client.send("POST /up HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..chunks {
        let _ = client.send_chunk([b'x'; 600]);
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = client.send("0\r\n\r\n");
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    let arrived = told.recv_timeout(Duration::from_millis(500)).ok();
    (head.status(), String::from_utf8(body).unwrap(), arrived)
}

#[test]
fn a_body_of_unknown_length_is_limited_while_it_streams() {
    let kilobyte = "allowed_payload_size: 1, size_unit: kilobytes";
    let (status, body, arrived) = upload(kilobyte, 4);
    assert_eq!((status, arrived), (413, None));
    assert!(body.contains("\"message\":\"Request size limit exceeded\""), "{body}");
    assert_eq!(upload(kilobyte, 1), (200, "ok".to_owned(), Some(600)));
    assert_eq!(upload("allowed_payload_size: 0", 1).0, 413, "no byte is allowed, not any number");
}

#[test]
fn after_a_refused_body_comes_another_request() {
    let upstream = Upstream::echo();
    let plugin = "- {name: request-size-limiting, config: {allowed_payload_size: 10, size_unit: bytes}}\n";
    let gateway = Gateway::with(config("2.1", &upstream, plugin)).start();
    let mut client = gateway.connect();
    let body = "x".repeat(5000);
    client.send(format!("POST /up HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5000\r\n\r\n{body}")).unwrap();
    let head = client.head().unwrap();
    client.body(&head).unwrap();
    assert_eq!((head.status(), head.get("connection")), (413, Some("keep-alive")));
    client.send("GET /up/second HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"GET /second ".to_vec()));
}

#[test]
fn a_plugin_does_not_wait_for_a_body_that_does_not_come() {
    let upstream = Upstream::echo();
    let gateway = Gateway::with(config("2.1", &upstream, "- name: request-size-limiting\n"))
        .set("KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT", "1s")
        .start();
    let mut client = gateway.connect();
    client.send("POST /up HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").unwrap();
    assert_eq!(client.head().unwrap().status(), 408);
    assert!(client.closes_within(Duration::from_secs(6)));
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_redirect_keeps_what_was_asked_for() {
    let upstream = Upstream::echo();
    let plugin = "- {name: redirect, config: {location: 'https://new.test/x?y', keep_incoming_path: true}}\n";
    let gateway = Gateway::with(config("3.0", &upstream, plugin)).start();
    let (head, body) = ask(&gateway, "/up/a?b=c", "-");
    assert_eq!((head.status(), head.get("location")), (301, Some("https://new.test/up/a?b=c")));
    assert_eq!((head.get("content-type"), &*body), (None, "redirecting"));
    assert_eq!(upstream.connections(), 0);
}

/// Ids of two requests on each of several connections to a listener on all addresses.
fn ids(generator: &str) -> (u16, Vec<String>) {
    let (upstream, port) = (Upstream::echo(), free_port());
    let plugins = format!("- {{name: correlation-id, config: {{generator: {generator}, echo_downstream: true}}}}\n");
    let gateway = Gateway::with(config("2.1", &upstream, &plugins))
        .at(port)
        .set("KONG_PROXY_LISTEN", &format!("0.0.0.0:{port}"))
        .set("KONG_NGINX_WORKER_PROCESSES", "3")
        .start();
    let mut ids = Vec::new();
    for _ in 0..8 {
        let mut peer = gateway.connect();
        for _ in 0..2 {
            peer.send("GET /nowhere HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
            let head = peer.head().unwrap();
            peer.body(&head).unwrap();
            ids.push(head.get("kong-request-id").unwrap().to_owned());
        }
    }
    (port, ids)
}

#[test]
fn no_two_requests_of_several_workers_have_one_id() {
    for generator in ["uuid", "uuid#counter", "tracker"] {
        let (_, ids) = ids(generator);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 16, "{ids:?}");
    }
}

#[test]
fn a_tracker_names_address_port_process_connection_request_and_time() {
    let (port, ids) = ids("tracker");
    for pair in ids.chunks(2) {
        let [first, second] = [&pair[0], &pair[1]].map(|id| id.split('-').collect::<Vec<_>>());
        assert_eq!((first.len(), first[0], first[1]), (6, "127.0.0.1", &*port.to_string()), "{pair:?}");
        assert_eq!(first[..4], second[..4], "{pair:?}");
        assert_eq!([first[4], second[4]], ["1", "2"], "{pair:?}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((0.0..60.0).contains(&(now - first[5].parse::<f64>().unwrap())), "{pair:?}");
    }
}
