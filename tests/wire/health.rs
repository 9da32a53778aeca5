//! Targets that fall ill and get well: by checks, by requests, by word of the Admin API, and over reloads.

use crate::common::gateway::free_port;
use crate::common::pki::Pki;
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use crate::reload::SOON;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A target that answers with its name, and with the status that it is told to have.
struct Target {
    upstream: Upstream,
    status: Arc<AtomicUsize>,
    checks: Arc<AtomicUsize>,
}

impl Target {
    fn start(name: &'static str) -> Self {
        let (status, checks) = (Arc::new(AtomicUsize::new(200)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (Arc::clone(&status), Arc::clone(&checks));
        let upstream = Upstream::start(move |peer, _| {
            loop {
                let head = peer.head()?;
                count.fetch_add(usize::from(head.line.contains(" /health ")), Ordering::SeqCst);
                let status = now.load(Ordering::SeqCst);
                peer.send(format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{name}", name.len()))?;
            }
        });
        Self { upstream, status, checks }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.upstream.port())
    }

    fn says(&self, status: usize) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn checks(&self) -> usize {
        self.checks.load(Ordering::SeqCst)
    }
}

/// A file with one upstream of these targets, with these fields besides.
fn file(targets: &[&str], fields: &str) -> String {
    let targets: String = targets.iter().map(|target| format!("{{target: '{target}'}}, ")).collect();
    format!(
        "_format_version: '2.1'\nupstreams:\n- name: pool\n  targets: [{targets}]\n{fields}\nservices:\n- name: all\n  \
         host: pool\n  retries: 2\n  routes: [{{name: all, paths: [/]}}]\n"
    )
}

const ACTIVE: &str = "  healthchecks:\n    active:\n      http_path: /health\n      healthy: {interval: 0.2, successes: 1}\n      \
                      unhealthy: {interval: 0.2, http_failures: 1, tcp_failures: 1, timeouts: 1}";
const PASSIVE: &str = "  healthchecks: {passive: {unhealthy: {http_failures: 1}}}";

fn ask(port: u16, method: &str, target: &str) -> (u16, String) {
    let mut peer = Peer::connect(port).unwrap();
    peer.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).unwrap();
    let head = peer.head().unwrap();
    (head.status(), String::from_utf8(peer.body(&head).unwrap()).unwrap())
}

/// The health of each target, by its name.
fn healths(port: u16) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(&ask(port, "GET", "/upstreams/pool/health").1).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["data"].as_array().unwrap().iter().map(|one| (text(&one["target"]), text(&one["health"]))).collect()
}

/// Who answers, of so many requests.
fn answerers(gateway: &Gateway, requests: usize) -> BTreeSet<String> {
    (0..requests).map(|_| gateway.get("/").1).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Writes another file and has it served.
fn reload(gateway: &Gateway, text: &str) {
    let told = || gateway.output().matches("is served anew").count();
    let before = told();
    fs::write(gateway.file(), text).unwrap();
    gateway.signal("HUP");
    assert!(within(SOON, || told() > before), "{}", gateway.output());
}

#[test]
fn checks_take_a_target_out_and_bring_it_back() {
    let (one, two, port) = (Target::start("one"), Target::start("two"), free_port());
    let config = file(&[&one.address(), &two.address()], ACTIVE);
    let gateway = Gateway::with(config).set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port}")).start();
    assert_eq!(answerers(&gateway, 8), set(&["one", "two"]));
    two.says(500);
    let is = |word: &str| healths(port)[&two.address()] == word;
    assert!(within(LIMIT, || is("UNHEALTHY")), "{:?}", healths(port));
    assert_eq!(answerers(&gateway, 8), set(&["one"]));
    let metric = format!("target=\"{0}\",address=\"{0}\",state=\"unhealthy\",subsystem=\"http\"}} 1", two.address());
    assert!(ask(port, "GET", "/metrics").1.contains(&metric));
    two.says(200);
    assert!(within(LIMIT, || is("HEALTHY")));
    assert_eq!(answerers(&gateway, 8), set(&["one", "two"]));
    let log = gateway.output();
    assert!(log.contains("a target is unhealthy: it gets no requests") && log.contains("status 500"), "{log}");
    assert!(log.contains("a target is healthy again"), "{log}");
    assert_eq!(ask(port, "GET", "/upstreams/nope/health").0, 404);
    assert_eq!(ask(port, "POST", &format!("/upstreams/pool/targets/{}/unhealthy", one.address())).0, 404, "read only");
}

#[test]
fn a_target_is_asked_once_for_the_process_and_no_more_when_its_upstream_is_gone() {
    let one = Target::start("one");
    let gateway = Gateway::with(file(&[&one.address()], ACTIVE)).set("KONG_NGINX_WORKER_PROCESSES", "4").start();
    assert!(within(LIMIT, || one.checks() > 0));
    let before = one.checks();
    std::thread::sleep(Duration::from_secs(2));
    assert!((4..=14).contains(&(one.checks() - before)), "{} in two seconds", one.checks() - before);
    let gone = "_format_version: '2.1'\nroutes: [{name: all, paths: [/], protocols: [http]}]\n";
    reload(&gateway, gone);
    std::thread::sleep(Duration::from_millis(300));
    let last = one.checks();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(one.checks(), last);
}

#[test]
fn a_reload_keeps_an_unhealthy_target_out_unless_the_checks_are_others() {
    let (one, two) = (Target::start("one"), Target::start("two"));
    let targets = [&*one.address(), &*two.address()];
    let gateway = Gateway::with(file(&targets, PASSIVE)).set("KONG_NGINX_WORKER_PROCESSES", "2").start();
    two.says(500);
    assert_eq!(answerers(&gateway, 12), set(&["one", "two"]));
    two.says(200);
    assert_eq!(answerers(&gateway, 12), set(&["one"]));
    let three = Target::start("three");
    reload(&gateway, &file(&[targets[0], targets[1], &three.address()], PASSIVE));
    assert_eq!(answerers(&gateway, 24), set(&["one", "three"]), "it stays out among others");
    reload(&gateway, &file(&targets, &PASSIVE.replace(": 1", ": 2")));
    assert_eq!(answerers(&gateway, 24), set(&["one", "two"]), "other checks begin anew");
}

#[test]
fn the_admin_api_says_how_a_target_is() {
    let (one, two, port) = (Target::start("one"), Target::start("two"), free_port());
    let config = file(&[&one.address(), &two.address()], PASSIVE);
    let gateway = Gateway::with(config).set("KONG_ADMIN_LISTEN", &format!("127.0.0.1:{port}")).start();
    let post = |word: &str| ask(port, "POST", &format!("/upstreams/pool/targets/{}{word}", two.address())).0;
    assert_eq!(post("/unhealthy"), 204);
    assert_eq!(answerers(&gateway, 8), set(&["one"]));
    assert_eq!(post(&format!("/{}/healthy", two.address())), 204);
    assert_eq!(answerers(&gateway, 8), set(&["one", "two"]));
    assert_eq!((post("/10.9.9.9:1/healthy"), post("/ill")), (404, 404));
    assert_eq!(ask(port, "GET", &format!("/upstreams/pool/targets/{}/healthy", two.address())).0, 405);
    assert_eq!(ask(port, "PUT", "/upstreams/pool/targets/10.9.9.9:1/healthy").0, 404);
    for target in [&one, &two] {
        assert_eq!(ask(port, "POST", &format!("/upstreams/pool/targets/{}/unhealthy", target.address())).0, 204);
    }
    let (status, body) = gateway.get("/");
    assert_eq!((status, &*body), (503, r#"{"message":"failure to get a peer from the ring-balancer"}"#));
    let whole = ask(port, "GET", "/upstreams/pool/health?balancer_health=1").1;
    assert!(whole.contains(r#""health":"UNHEALTHY""#), "{whole}");
}

#[test]
fn a_name_that_leads_nowhere_is_told() {
    let (one, port) = (Target::start("one"), free_port());
    let config = file(&[&one.address(), "nowhere.invalid:80"], "");
    let gateway = Gateway::with(config).set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port}")).start();
    let off = (one.address(), "HEALTHCHECKS_OFF".to_owned());
    let wanted = BTreeMap::from([off, ("nowhere.invalid:80".into(), "DNS_ERROR".into())]);
    assert!(within(LIMIT, || healths(port) == wanted), "{:?}", healths(port));
    assert_eq!(answerers(&gateway, 4), set(&["one"]));
    assert!(ask(port, "GET", "/metrics").1.contains("address=\"\",state=\"dns_error\",subsystem=\"http\"} 1"));
}

#[test]
fn a_client_without_a_cookie_gets_one_and_stays_where_it_is() {
    let (one, two) = (Target::start("one"), Target::start("two"));
    let hashing = "  hash_on: cookie\n  hash_on_cookie: node\n  hash_on_cookie_path: /p";
    let gateway = Gateway::with(file(&[&one.address(), &two.address()], hashing)).start();
    let ask = |cookie: &str| {
        let mut client = gateway.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: gw\r\n{cookie}Connection: close\r\n\r\n")).unwrap();
        let head = client.head().unwrap();
        let body = String::from_utf8(client.body(&head).unwrap()).unwrap();
        (head.get("set-cookie").map(str::to_owned), body)
    };
    let mut met = BTreeSet::new();
    for _ in 0..20 {
        let (cookie, answerer) = ask("");
        let cookie = cookie.unwrap();
        let pair = cookie.strip_suffix("; Path=/p; Same-Site=Lax; HttpOnly").unwrap();
        assert_eq!(ask(&format!("Cookie: {pair}\r\n")), (None, answerer.clone()));
        met.insert(answerer);
    }
    assert_eq!(met, set(&["one", "two"]));
}

#[test]
fn checks_over_tls_look_at_the_certificate() {
    let (pki, port, backend) = (Pki::new("test"), free_port(), Target::start("one"));
    let (cert, key) = pki.write("a", &pki.server("a.test", 1));
    let target = Gateway::to(&backend.upstream)
        .listen("ssl")
        .set("KONG_SSL_CERT", cert.to_str().unwrap())
        .set("KONG_SSL_CERT_KEY", key.to_str().unwrap())
        .start();
    let address = format!("127.0.0.1:{}", target.port());
    let checks =
        |sni: &str| ACTIVE.replace("http_path", &format!("type: https\n      https_sni: {sni}\n      http_path"));
    let gateway = Gateway::with(file(&[&address], &checks("a.test")))
        .set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port}"))
        .set("KONG_LUA_SSL_TRUSTED_CERTIFICATE", pki.path("ca.pem").to_str().unwrap())
        .start();
    assert!(within(LIMIT, || backend.checks() > 2));
    assert_eq!(healths(port)[&address], "HEALTHY");
    reload(&gateway, &file(&[&address], &checks("b.test")));
    assert!(within(LIMIT, || healths(port)[&address] == "UNHEALTHY"), "the certificate is for another name");
    let unverified = checks("b.test").replace("http_path", "https_verify_certificate: false\n      http_path");
    reload(&gateway, &file(&[&address], &unverified));
    assert!(within(LIMIT, || backend.checks() > 6));
    assert_eq!(healths(port)[&address], "HEALTHY");
}

#[test]
fn a_target_that_refuses_is_found_out_by_connecting_and_by_requests() {
    let (one, gone, port) = (Target::start("one"), free_port(), free_port());
    let gone = format!("127.0.0.1:{gone}");
    let tcp = ACTIVE.replace("http_path: /health", "type: tcp");
    let gateway = Gateway::with(file(&[&one.address(), &gone], &tcp))
        .set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{port}"))
        .start();
    assert!(within(LIMIT, || healths(port)[&gone] == "UNHEALTHY" && healths(port)[&one.address()] == "HEALTHY"));
    reload(&gateway, &file(&[&one.address(), &gone], "  healthchecks: {passive: {unhealthy: {tcp_failures: 1}}}"));
    assert_eq!(answerers(&gateway, 12), set(&["one"]), "retries find another");
    assert_eq!(healths(port)[&gone], "UNHEALTHY");
    let told = gateway.output().matches("a target is unhealthy").count();
    assert_eq!(answerers(&gateway, 12), set(&["one"]));
    assert_eq!(gateway.output().matches("a target is unhealthy").count(), told, "told once");
}

#[test]
fn the_least_busy_target_is_asked_until_answers_end() {
    let (quick, release) = (Target::start("quick"), Arc::new(AtomicUsize::new(0)));
    let go = Arc::clone(&release);
    // Sends the heads of its answers and keeps the rest to itself.
    let slow = Upstream::start(move |peer, _| {
        loop {
            peer.head()?;
            peer.send("HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nsl")?;
            within(LIMIT, || go.load(Ordering::SeqCst) > 0);
            peer.send("ow")?;
        }
    });
    let targets = [&*quick.address(), &*format!("127.0.0.1:{}", slow.port())];
    let fields = "  algorithm: least-connections";
    let gateway = Gateway::with(file(&targets, fields)).set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    let mut held = Vec::new();
    while held.is_empty() {
        let mut client = gateway.connect();
        client.send("GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n").unwrap();
        let head = client.head().unwrap();
        if client.exact(2).unwrap() == b"sl" {
            held.push((client, head));
        }
    }
    assert_eq!(answerers(&gateway, 10), set(&["quick"]), "the other one has a request");
    release.store(1, Ordering::SeqCst);
    assert_eq!(held[0].0.exact(2).unwrap(), b"ow");
    assert!(within(LIMIT, || answerers(&gateway, 4) == set(&["quick", "slow"])), "and is free again");
}

#[test]
fn a_process_that_stops_asks_nobody() {
    let one = Target::start("one");
    let gateway = Gateway::with(file(&[&one.address()], ACTIVE)).start();
    assert!(within(LIMIT, || one.checks() > 0));
    let mut under_way = gateway.connect();
    under_way.send("POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 2\r\n\r\n1").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    gateway.signal("TERM");
    assert!(within(SOON, || gateway.output().contains("stopping")));
    std::thread::sleep(Duration::from_millis(300));
    let last = one.checks();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(one.checks(), last);
    under_way.send("2").unwrap();
    assert_eq!(under_way.head().unwrap().status(), 200, "what was under way ends");
}

#[test]
fn the_faster_target_gets_most() {
    let quick = Target::start("quick");
    let slow = Upstream::start(|peer, _| {
        loop {
            peer.head()?;
            std::thread::sleep(Duration::from_millis(150));
            peer.send("HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nslow")?;
        }
    });
    let config = file(&[&quick.address(), &format!("127.0.0.1:{}", slow.port())], "  algorithm: latency");
    let gateway = Gateway::with(config.replace("2.1", "3.0")).set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    let answers: Vec<_> = (0..40).map(|_| gateway.get("/").1).collect();
    assert!(answers.iter().filter(|answer| *answer == "slow").count() < 5, "{answers:?}");
}
