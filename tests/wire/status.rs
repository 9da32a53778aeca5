//! The status and admin listeners: what they tell of the process, and that nobody holds them up.

use crate::common::gateway::{Builder, free_port};
use crate::common::pki::Pki;
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use crate::process::patient;
use crate::reload::{SOON, indented};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

/// A gateway with a status listener, and its port.
pub(crate) fn watched(builder: Builder, flags: &str) -> (Gateway, u16) {
    let port = free_port();
    (builder.set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port} {flags}")).start(), port)
}

/// Status, head and document of an answer.
pub(crate) fn ask(port: u16, method: &str, target: &str) -> (u16, String, String) {
    let mut peer = Peer::connect(port).unwrap();
    peer.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).unwrap();
    let head = peer.head().unwrap();
    let body = if method == "HEAD" { Vec::new() } else { peer.body(&head).unwrap() };
    let lines = head.headers.iter().map(|(name, value)| format!("{}: {value}\n", name.to_lowercase())).collect();
    (head.status(), lines, String::from_utf8(body).unwrap())
}

#[test]
fn it_lives_and_is_ready_and_says_what_it_counted() {
    let upstream = Upstream::echo();
    let (gateway, port) = watched(Gateway::to(&upstream), "");
    assert_eq!(ask(port, "GET", "/livez").0, 200);
    assert_eq!(ask(port, "GET", "/readyz").2, r#"{"message":"ready"}"#);
    let served = |port| -> Value { serde_json::from_str(&ask(port, "GET", "/status").2).unwrap() };
    let before = served(port)["server"]["total_requests"].as_u64().unwrap();
    for _ in 0..3 {
        assert_eq!(gateway.get("/").0, 200);
    }
    let _open = gateway.connect();
    let counted = |key: &str, value: u64| within(LIMIT, || served(port)["server"][key].as_u64() == Some(value));
    assert!(counted("total_requests", before + 3), "{}", served(port));
    assert!(counted("connections_active", 1), "{}", served(port));
    assert!(counted("connections_waiting", 1), "{}", served(port));
    assert_eq!(served(port)["database"]["reachable"], true);
}

#[test]
fn other_questions_are_turned_down_in_kongs_words() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "");
    let (status, head, body) = ask(port, "GET", "/services");
    assert_eq!((status, &*body), (404, r#"{"message":"Not found"}"#));
    assert!(head.contains("content-type: application/json; charset=utf-8\n"), "{head}");
    assert!(head.contains("x-kong-admin-latency: "), "{head}");
    assert_eq!(ask(port, "POST", "/status").0, 405);
    assert_eq!(ask(port, "HEAD", "/status").0, 200);
    let mut peer = Peer::connect(port).unwrap();
    peer.send(format!("GET / HTTP/1.1\r\nHost: h\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024))).unwrap();
    assert_eq!(peer.head().unwrap().status(), 431);
}

#[test]
fn a_configuration_without_routes_is_not_ready() {
    let (_gateway, port) = watched(Gateway::with("_format_version: \"3.0\"\n"), "");
    assert_eq!((ask(port, "GET", "/readyz").0, ask(port, "GET", "/livez").0), (503, 200));
}

#[test]
fn while_it_stops_it_lives_and_is_not_ready() {
    let (upstream, was_asked, go_on) = patient();
    let (mut gateway, port) = watched(Gateway::to(&upstream), "");
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    gateway.signal("TERM");
    assert!(within(LIMIT, || ask(port, "GET", "/readyz").0 == 503));
    assert_eq!(ask(port, "GET", "/livez").0, 200);
    go_on.send(()).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(gateway.ends_within(LIMIT).expect("did not end").code(), Some(0));
}

#[test]
fn idle_connections_do_not_keep_a_probe_out() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "");
    let _silent: Vec<_> = (0..256).map(|_| Peer::connect(port).unwrap()).collect();
    assert_eq!(ask(port, "GET", "/livez").0, 200);
}

#[test]
fn it_speaks_tls_where_told() {
    let (_gateway, port) = watched(Gateway::to(&Upstream::echo()), "ssl");
    let told = Command::new("curl")
        .args(["-sk", "--max-time", "10", &format!("https://127.0.0.1:{port}/readyz")])
        .stdin(Stdio::null())
        .output()
        .expect("curl is needed");
    assert_eq!(String::from_utf8_lossy(&told.stdout), r#"{"message":"ready"}"#);
    let metrics = format!("https://127.0.0.1:{port}/metrics");
    let told = Command::new("curl").args(["-sk", "--max-time", "10", &metrics]).stdin(Stdio::null()).output().unwrap();
    let expiry =
        value(&String::from_utf8_lossy(&told.stdout), "gateway_certificate_expiry_timestamp_seconds{sni=\"\"}");
    assert!(expiry > Some(1_700_000_000.0));
}

#[test]
fn a_port_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Gateway::to(&Upstream::echo()).set("KONG_STATUS_LISTEN", &address).fails();
    assert!(output.contains(&format!("cannot listen on {address}")), "{output}");
}

/// The value of a metric line.
pub(crate) fn value(metrics: &str, line: &str) -> Option<f64> {
    metrics.lines().find_map(|other| other.strip_prefix(line)?.trim().parse().ok())
}

#[test]
fn prometheus_counts_requests_that_have_a_service() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    let config = format!(
        "_format_version: \"2.1\"\nplugins: [{{name: prometheus, config: {{per_consumer: true}}}}]\n\
         consumers: [{{username: jo, keyauth_credentials: [{{key: k-1}}]}}]\nservices:\n- name: api\n  \
         url: http://127.0.0.1:{}\n  plugins: [{{name: key-auth}}]\n  routes: [{{name: all, paths: [/]}}]\n",
        upstream.port()
    );
    let (gateway, port) = watched(Gateway::with(config), "");
    assert_eq!((gateway.get("/?apikey=k-1").0, gateway.get("/?apikey=k-1").0, gateway.get("/").0), (200, 200, 401));
    let metrics = || ask(port, "GET", "/metrics").2;
    let ok = "kong_http_status{service=\"api\",route=\"all\",code=\"200\"}";
    let refused = "kong_http_status{service=\"api\",route=\"all\",code=\"401\"}";
    let active = "kong_nginx_http_current_connections{state=\"active\"}";
    // A request is counted when it has gone, which its client may see first.
    let all =
        |text: &str| (value(text, ok), value(text, refused), value(text, active)) == (Some(2.0), Some(1.0), Some(0.0));
    assert!(within(LIMIT, || all(&metrics())), "{}", metrics());
    let (_, head, metrics) = ask(port, "GET", "/metrics");
    assert!(head.contains("content-type: text/plain; charset=UTF-8\n"), "{head}");
    for (line, want) in [
        ("kong_http_consumer_status{service=\"api\",route=\"all\",code=\"200\",consumer=\"jo\"}", 2.0),
        ("kong_latency_count{service=\"api\",route=\"all\",type=\"request\"}", 3.0),
        ("kong_latency_count{service=\"api\",route=\"all\",type=\"upstream\"}", 2.0),
        ("kong_datastore_reachable", 1.0),
        ("gateway_config_last_reload_successful", 1.0),
        ("gateway_requests_total", 3.0),
        ("gateway_upstream_connections_total{outcome=\"failed\"}", 0.0),
    ] {
        assert_eq!(value(&metrics, line), Some(want), "{line} in\n{metrics}");
    }
    let sent = "kong_bandwidth{service=\"api\",route=\"all\",type=\"egress\"}";
    assert!(value(&metrics, sent) > Some(100.0), "{metrics}");
    assert!(!metrics.contains("gateway_certificate_expiry_timestamp_seconds{"), "no listener would show one");
}

#[test]
fn connections_to_upstreams_and_tunnels_are_counted() {
    let upstream = Upstream::start(crate::tunnels::shouting);
    let builder = Gateway::with(format!(
        "_format_version: \"3.0\"\nservices:\n- name: up\n  url: http://127.0.0.1:{}\n  routes: [{{paths: [/up]}}]\n\
         - name: down\n  url: http://127.0.0.1:9\n  retries: 0\n  routes: [{{paths: [/down]}}]\n",
        upstream.port()
    ));
    let (gateway, port) = watched(builder.set("KONG_NGINX_WORKER_PROCESSES", "1"), "");
    let counts = || {
        let metrics = ask(port, "GET", "/metrics").2;
        let outcome = |name: &str| format!("gateway_upstream_connections_total{{outcome=\"{name}\"}}");
        let lines = [outcome("opened"), outcome("failed"), outcome("reused")];
        let more = ["gateway_connections{state=\"tunnel\"}", "gateway_connections{state=\"busy\"}"].map(str::to_owned);
        lines.into_iter().chain(more).map(|line| value(&metrics, &line).unwrap_or(-1.0)).collect::<Vec<_>>()
    };
    assert_eq!((gateway.get("/up").0, gateway.get("/up").0, gateway.get("/down").0), (400, 400, 502));
    let mut socket = gateway.connect();
    socket.send("GET /up HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").unwrap();
    assert_eq!(socket.head().unwrap().status(), 101);
    assert!(within(LIMIT, || counts()[1..] == [1.0, 0.0, 1.0, 0.0]), "{:?}", counts());
    assert_eq!(counts()[0], 3.0, "the upstream answers and closes, so that nothing is used twice");
    drop(socket);
    assert!(within(LIMIT, || counts()[3] == 0.0), "{:?}", counts());
}

#[test]
fn kong_3_counts_what_the_plugin_is_told_to() {
    let upstream = Upstream::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let config = format!(
        "_format_version: \"3.0\"\nplugins: [{{name: prometheus, config: {{status_code_metrics: true}}}}]\nservices:\n\
         - name: api\n  url: http://127.0.0.1:{}\n  routes: [{{name: all, paths: [/]}}]\n",
        upstream.port()
    );
    let (gateway, port) = watched(Gateway::with(config), "");
    assert_eq!(gateway.get("/").0, 204);
    let line = "kong_http_requests_total{service=\"api\",route=\"all\",code=\"204\",source=\"service\",\
                workspace=\"default\",consumer=\"\"}";
    let metrics = || ask(port, "GET", "/metrics").2;
    assert!(within(LIMIT, || value(&metrics(), line) == Some(1.0)), "{}", metrics());
    assert!(!metrics().contains("latency_ms") && !metrics().contains("bandwidth_bytes"));
}

/// A gateway with an Admin API over two services and secrets, and its port.
fn administered(change: impl FnOnce(Builder) -> Builder) -> (Gateway, u16) {
    let config = "_format_version: \"2.1\"\nconsumers:\n- username: jo\n  keyauth_credentials: [{key: k-secret}]\n  \
                  basicauth_credentials: [{username: jo, password: p-secret}]\n  \
                  jwt_secrets: [{key: iss, secret: s-secret}]\nservices:\n- name: api\n  url: http://127.0.0.1:1\n  \
                  plugins:\n  - {name: key-auth, config: {key_names: [apikey]}}\n  - name: request-transformer\n    \
                  config: {add: {headers: [\"Authorization: Bearer t-secret\"]}}\n  \
                  routes: [{name: all, paths: [/]}]\n- {name: other, url: \"http://127.0.0.1:2\"}\n";
    let port = free_port();
    let builder = Gateway::with(config).set("KONG_ADMIN_LISTEN", &format!("127.0.0.1:{port}"));
    (change(builder).start(), port)
}

/// All that could hold a secret, asked for under a host name.
fn everything(port: u16, host: &str) -> String {
    let paths = ["/key-auths", "/consumers/jo/key-auth", "/basic-auths", "/jwts", "/plugins", "/services/api/plugins"];
    let told = paths.map(|path| {
        let mut peer = Peer::connect(port).unwrap();
        peer.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).unwrap();
        let head = peer.head().unwrap();
        assert_eq!(head.status(), 200, "{path}");
        String::from_utf8(peer.body(&head).unwrap()).unwrap()
    });
    told.concat()
}

#[test]
fn the_admin_api_hides_secrets_unless_asked_and_local() {
    let (_gateway, port) = administered(|builder| builder);
    let hidden = everything(port, "localhost");
    assert!(!hidden.contains("-secret") && hidden.contains("******") && hidden.contains("[\"apikey\"]"), "{hidden}");
    let (_gateway, port) = administered(|builder| builder.set("KONG_ADMIN_SHOW_SECRETS", "on"));
    let shown = everything(port, &format!("127.0.0.1:{port}"));
    assert!(shown.contains("k-secret") && shown.contains("s-secret") && shown.contains("t-secret"), "{shown}");
    assert!(!shown.contains("p-secret"), "{shown}");
    let from_elsewhere = everything(port, "rebound.test");
    assert!(!from_elsewhere.contains("-secret"), "{from_elsewhere}");
    assert!(!ask(port, "GET", "/services").1.contains("access-control-allow-origin"));
}

#[test]
fn the_admin_api_tells_and_changes_nothing() {
    let (_gateway, port) = administered(|builder| builder);
    let told = |target| -> Value { serde_json::from_str(&ask(port, "GET", target).2).unwrap() };
    assert_eq!(told("/")["version"], "2.8.1");
    let route = &told("/services/api/routes")["data"][0];
    assert_eq!((&route["name"], route.get("expression")), (&"all".into(), None), "no field of another `router_flavor`");
    let page = told("/services?size=1");
    assert_eq!(page["data"][0]["name"], "api");
    assert_eq!(told(page["next"].as_str().unwrap())["data"][0]["name"], "other");
    assert_eq!(ask(port, "DELETE", "/services/api").0, 405);
    assert_eq!((ask(port, "GET", "/services/none").0, ask(port, "GET", "/none").0), (404, 404));
    assert!(ask(port, "GET", "/services").1.contains("access-control-allow-origin: *\n"));
    assert_eq!(told("/services")["data"].as_array().unwrap().len(), 2);
}

/// What a status or admin listener says of configurations: the services that it has, whether the last one was good, and how
/// many were good and refused after the first.
fn configured(port: u16) -> (Vec<String>, [Option<f64>; 3]) {
    let told: Value = serde_json::from_str(&ask(port, "GET", "/services").2).unwrap();
    let names = told["data"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap().to_owned());
    let metrics = ask(port, "GET", "/metrics").2;
    let [good, bad] =
        ["success", "refused"].map(|result| format!("gateway_config_reloads_total{{result=\"{result}\"}}"));
    let lines = ["gateway_config_last_reload_successful", &good, &bad];
    (names.collect(), lines.map(|line| value(&metrics, line)))
}

#[test]
fn a_new_configuration_is_told_of_and_a_broken_one_counted() {
    let pair = Pki::new("test").server("a.test", 7);
    let config = |name: &str, more: &str| {
        format!(
            "_format_version: \"3.0\"\nservices:\n- name: {name}\n  url: http://127.0.0.1:1\n  \
             routes: [{{name: all, paths: [/]}}]\n{more}"
        )
    };
    let port = free_port();
    let admin = format!("127.0.0.1:{port}");
    let gateway = Gateway::with(config("first", "")).set("KONG_ADMIN_LISTEN", &admin).start();
    // The file alone, no signal: so each content is tried once.
    let becomes = |text: &str, name: &str, counts: [f64; 3]| {
        fs::write(gateway.file(), text).unwrap();
        let want = (vec![name.to_owned()], counts.map(Some));
        assert!(
            within(SOON, || configured(port) == want),
            "not {want:?} but {:?}\n{}",
            configured(port),
            gateway.output()
        );
    };
    let shown = || ask(port, "GET", "/metrics").2.contains("expiry_timestamp_seconds{sni=\"a.test\"}");
    assert_eq!((configured(port), shown()), ((vec!["first".to_owned()], [1.0, 0.0, 0.0].map(Some)), false));
    let (cert, key) = (indented(&pair.cert), indented(&pair.key));
    let more = format!("certificates:\n- cert: |\n{cert}  key: |\n{key}  snis: [{{name: a.test}}]\n");
    becomes(&config("second", &more), "second", [1.0, 1.0, 0.0]);
    assert!(shown(), "the certificates are the new file's");
    becomes(&config("third", "").replace("paths", "path"), "second", [0.0, 1.0, 1.0]);
    becomes(&config("fourth", ""), "fourth", [1.0, 2.0, 1.0]);
    assert!(!shown(), "the certificates are the new file's");
}
