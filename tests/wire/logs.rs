//! Access logs, ids and traces of requests, over real sockets.

use crate::common::gateway::{Builder, free_port};
use crate::common::{Gateway, Head, LIMIT, Peer, Upstream, within};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// An upstream that shows the heads that it gets.
fn showing() -> (Upstream, Receiver<Head>) {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        loop {
            tell.send(peer.head()?).unwrap();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
    });
    (upstream, told)
}

/// A gateway of a format that sends `/a` to an upstream. One worker, so that lines are in the order of requests.
fn gateway(version: &str, upstream: &Upstream) -> Builder {
    Gateway::with(format!(
        "_format_version: '{version}'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', routes: [{{name: r, paths: \
         [/a], strip_path: false}}]}}\n",
        upstream.port()
    ))
    .set("KONG_NGINX_WORKER_PROCESSES", "1")
}

/// Asks with more headers, and gives the answer's head.
fn ask(gateway: &Gateway, target: &str, headers: &str) -> Head {
    let mut client = gateway.connect();
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{headers}Connection: close\r\n\r\n")).unwrap();
    let head = client.head().unwrap();
    client.body(&head).unwrap();
    head
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The lines of a log, once there are so many.
fn lines(path: &Path, many: usize) -> Vec<String> {
    assert!(within(LIMIT, || text(path).lines().count() >= many), "{}", text(path));
    text(path).lines().map(str::to_owned).collect()
}

#[test]
fn the_default_line_is_kongs_of_either_format() {
    let folder = tempfile::tempdir().unwrap();
    let (upstream, _told) = showing();
    for (version, suffix) in [("2.1", false), ("3.0", true)] {
        let path = folder.path().join(version);
        let gateway = gateway(version, &upstream).set("KONG_PROXY_ACCESS_LOG", path.to_str().unwrap()).start();
        let head = ask(&gateway, "/a?apikey=s3cret&b=c", "Referer: http://u:s3cret@h/\r\n");
        let line = lines(&path, 1).remove(0);
        let end = "\"GET /a?apikey=REDACTED&b=c HTTP/1.1\" 200 2 \"http://REDACTED@h/\" \"-\"";
        assert!(line.starts_with("127.0.0.1 - - [") && line.contains(end), "{line}");
        let id = head.get("x-kong-request-id").map(|id| format!("{end} kong_request_id: \"{id}\""));
        assert_eq!(id.is_some(), suffix);
        assert!(line.ends_with(&id.unwrap_or(end.to_owned())), "{line}");
    }
}

#[test]
fn lines_as_json_and_in_a_format_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let (upstream, _told) = showing();
    let path = folder.path().join("json");
    let gone = folder.path().join("own");
    let json = gateway("2.1", &upstream)
        .set("KONG_PROXY_ACCESS_LOG", &format!("{} json", path.display()))
        .set("KONG_LOG_SECRETS", "pin")
        .start();
    ask(&json, "/a?pin=s3cret", &format!("traceparent: {PARENT}\r\n"));
    ask(&json, "/none", "");
    let told: Vec<Value> = lines(&path, 2).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (key, value) in [
        ("path", "/a?pin=REDACTED"),
        ("route", "r"),
        ("service", "s"),
        ("host", "gw.test"),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ] {
        assert_eq!(told[0][key], value);
    }
    assert_eq!(told[0]["upstream"], format!("127.0.0.1:{}", upstream.port()));
    assert!(told[0]["upstream_ms"].is_number() && told[0]["span_id"].is_null());
    assert_eq!((&told[1]["status"], told[1].get("route")), (&404.into(), None));
    let own = gateway("2.1", &upstream)
        .set(
            "KONG_NGINX_HTTP_LOG_FORMAT",
            "mine escape=json '{\"s\":$status,\"l\":$request_length,' '\"x\":\"$sent_http_via\"}'",
        )
        .set("KONG_PROXY_ACCESS_LOG", &format!("{} mine", gone.display()))
        .start();
    let head = ask(&own, "/a", "");
    let told: Value = serde_json::from_str(&lines(&gone, 1)[0]).unwrap();
    let length = "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n".len();
    assert_eq!((&told["s"], &told["l"], told["x"].as_str()), (&200.into(), &length.into(), head.get("via")));
}

#[test]
fn a_format_that_cannot_be_is_refused_with_what_there_is() {
    let (upstream, _told) = showing();
    let failed = gateway("2.1", &upstream).set("KONG_NGINX_HTTP_LOG_FORMAT", "mine '$nope'").fails();
    assert!(failed.contains("unknown variable `$nope`; there are: $arg_NAME, $args, "), "{failed}");
    let failed = gateway("2.1", &upstream).set("KONG_PROXY_ACCESS_LOG", "/dev/stdout mine").fails();
    assert!(failed.contains("unknown log format 'mine'; there are: combined, json"), "{failed}");
}

#[test]
fn a_log_that_logrotate_moves_loses_nothing() {
    const CLIENTS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("a.log"), |n: usize| folder.path().join(format!("a.log.{n}")));
    let upstream = Upstream::echo();
    let mut gateway = gateway("2.1", &upstream)
        .set("KONG_NGINX_WORKER_PROCESSES", "2")
        .set("KONG_PROXY_ACCESS_LOG", path.to_str().unwrap())
        .start();
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = gateway.connect();
                while !stop.load(Ordering::SeqCst) {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    client.send(format!("GET /a/{number}? HTTP/1.1\r\nHost: gw.test\r\n\r\n")).unwrap();
                    let head = client.head().unwrap();
                    client.body(&head).unwrap();
                }
            });
        }
        for round in 0..5 {
            thread::sleep(Duration::from_millis(300));
            fs::rename(&path, moved(round)).unwrap();
            gateway.signal("USR1");
            assert!(within(LIMIT, || path.exists()), "a new file");
        }
        stop.store(true, Ordering::SeqCst);
    });
    gateway.signal("TERM");
    assert!(gateway.ends_within(LIMIT).unwrap().success());
    let all: String = (0..5).map(moved).chain([path.clone()]).map(|path| text(&path)).collect();
    let mut numbers: Vec<usize> = all
        .lines()
        .map(|line| {
            assert!(line.starts_with("127.0.0.1 - - [") && line.ends_with("\"-\" \"-\""), "torn: {line}");
            line.split("/a/").nth(1).unwrap().split('?').next().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..asked.into_inner()).collect::<Vec<_>>(), "each once");
    assert!((0..5).filter(|round| text(&moved(*round)).lines().count() > 0).count() > 2, "lines were spread");
}

#[test]
fn a_disk_that_is_full_stops_no_request_and_is_told_once() {
    let (upstream, _told) = showing();
    let mut gateway = gateway("2.1", &upstream).set("KONG_PROXY_ACCESS_LOG", "/dev/full").start();
    for _ in 0..3 {
        assert_eq!(gateway.get("/a").0, 200);
        thread::sleep(Duration::from_millis(600));
    }
    assert_eq!(gateway.output().matches("the access log cannot be written").count(), 1, "{}", gateway.output());
    gateway.signal("TERM");
    assert!(gateway.ends_within(LIMIT).unwrap().success());
    assert!(gateway.output().contains("lines of the access log were lost"), "{}", gateway.output());
}

#[test]
fn a_pipe_that_nobody_reads_stops_no_request() {
    let (upstream, _told) = showing();
    // The reader of standard output ends at once; the gateway must not.
    let gateway = gateway("2.1", &upstream)
        .through(&["bash", "-c", "exec \"$@\" > >(true)", "bash"])
        .set("KONG_PROXY_ACCESS_LOG", "/dev/stdout")
        .start();
    for _ in 0..3 {
        assert_eq!(gateway.get("/a").0, 200);
        thread::sleep(Duration::from_millis(600));
    }
    assert!(gateway.output().contains("the access log cannot be written"), "{}", gateway.output());
}

#[test]
fn a_client_that_goes_before_there_is_an_answer_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        thread::sleep(LIMIT);
        Ok(())
    });
    let gateway = gateway("2.1", &upstream).set("KONG_PROXY_ACCESS_LOG", path.to_str().unwrap()).start();
    let mut client = gateway.connect();
    client.send("GET /a?n=1 HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    assert!(within(LIMIT, || upstream.connections() == 1));
    drop(client);
    let line = lines(&path, 1).remove(0);
    assert!(line.contains("\"GET /a?n=1 HTTP/1.1\" 499 0 "), "{line}");
}

#[test]
fn a_request_has_one_id_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (upstream, told) = showing();
    let log = format!("{} json", path.display());
    let gateway = gateway("2.1", &upstream)
        .set("KONG_PROXY_ACCESS_LOG", &log)
        .set("KONG_REQUEST_ID_HEADER", "X-Request-Id")
        .start();
    let mut ids = Vec::new();
    for (said, taken) in [("X-Request-Id: mine-1\r\n", true), ("", false), ("X-Request-Id: a \"b\"\r\n", false)] {
        let answer = ask(&gateway, "/a", said);
        let id = answer.get("x-request-id").unwrap().to_owned();
        assert_eq!((id == "mine-1", id.len() == 32), (taken, !taken), "{id}");
        assert_eq!(told.recv_timeout(LIMIT).unwrap().get("x-request-id"), Some(&*id));
        assert_eq!(answer.get("x-kong-request-id"), None, "Kong 2 has none");
        ids.push(id);
    }
    ids.push(ask(&gateway, "/none", "").get("x-request-id").unwrap().to_owned());
    let logged: Vec<Value> = lines(&path, 4).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged.iter().map(|line| line["request_id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
}

#[test]
fn the_id_of_correlation_id_is_the_one_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (upstream, told) = showing();
    let gateway = Gateway::with(format!(
        "_format_version: '2.1'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', routes: [{{name: r, paths: [/a]}}]}}\n\
         plugins:\n- {{name: correlation-id, config: {{header_name: X-Id, generator: uuid}}}}\n",
        upstream.port()
    ))
    .set("KONG_PROXY_ACCESS_LOG", &format!("{} json", path.display()))
    .start();
    ask(&gateway, "/a", "");
    let line: Value = serde_json::from_str(&lines(&path, 1)[0]).unwrap();
    assert_eq!(line["request_id"].as_str(), told.recv_timeout(LIMIT).unwrap().get("x-id"));
}

#[test]
fn traces_pass_as_they_are_unless_the_gateway_takes_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (upstream, told) = showing();
    let headers = format!("traceparent: {PARENT}\r\ntracestate: a=b\r\n");
    let passive = gateway("2.1", &upstream).start();
    ask(&passive, "/a", &headers);
    let head = told.recv_timeout(LIMIT).unwrap();
    assert_eq!((head.get("traceparent"), head.get("tracestate")), (Some(PARENT), Some("a=b")));
    ask(&passive, "/a", "");
    assert_eq!(told.recv_timeout(LIMIT).unwrap().get("traceparent"), None);
    let active = gateway("2.1", &upstream)
        .set("KONG_TRACE_CONTEXT", "on")
        .set("KONG_TRACE_SAMPLING_RATE", "0")
        .set("KONG_PROXY_ACCESS_LOG", &format!("{} json", path.display()))
        .start();
    let sent = |said: &str| {
        ask(&active, "/a", said);
        let head = told.recv_timeout(LIMIT).unwrap();
        (head.get("traceparent").unwrap().to_owned(), head.get("tracestate").map(str::to_owned))
    };
    let (parent, state) = sent(&headers);
    assert!(parent.starts_with(&PARENT[..36]) && parent.ends_with("-01") && parent != PARENT, "{parent}");
    assert_eq!(state.as_deref(), Some("a=b"));
    let (parent, state) = sent("traceparent: 00-nonsense\r\ntracestate: a=b\r\n");
    assert!(parent.len() == 55 && parent.ends_with("-00") && state.is_none(), "{parent}");
    let line: Value = serde_json::from_str(&lines(&path, 2)[1]).unwrap();
    assert_eq!(line["trace_id"], parent[3..35]);
    assert_ne!(line["span_id"], parent[36..52], "the upstream's parent is the span of asking it");
}

#[test]
fn the_admin_api_has_a_log_and_the_status_api_may() {
    let folder = tempfile::tempdir().unwrap();
    let [admin, status] = ["admin.log", "status.log"].map(|name| folder.path().join(name));
    let (upstream, _told) = showing();
    let ports = [free_port(), free_port()];
    let listen = |port: u16| format!("127.0.0.1:{port}");
    let gateway = gateway("2.1", &upstream)
        .set("KONG_ADMIN_LISTEN", &listen(ports[0]))
        .set("KONG_STATUS_LISTEN", &listen(ports[1]))
        .set("KONG_ADMIN_ACCESS_LOG", admin.to_str().unwrap())
        .set("KONG_STATUS_ACCESS_LOG", &format!("{} json", status.display()))
        .start();
    let get = |port: u16, target: &str| {
        let mut client = Peer::connect(port).unwrap();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).unwrap();
        client.head().unwrap().status()
    };
    assert_eq!(get(ports[0], "/key-auths/s3cret"), 404);
    assert_eq!(get(ports[1], "/readyz"), 200);
    let line = lines(&admin, 1).remove(0);
    assert!(line.contains("\"GET /key-auths/REDACTED HTTP/1.1\" 404 "), "{line}");
    let line: Value = serde_json::from_str(&lines(&status, 1)[0]).unwrap();
    assert_eq!((line["path"].as_str(), &line["status"]), (Some("/readyz"), &200.into()));
    drop(gateway);
}

#[test]
fn errors_go_to_a_file_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("error.log");
    let refusing = free_port();
    let gateway = Gateway::with(format!(
        "_format_version: '2.1'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{refusing}', routes: [{{paths: [/]}}]}}\n"
    ))
    .set("KONG_PROXY_ERROR_LOG", path.to_str().unwrap())
    .start();
    assert_eq!(gateway.get("/").0, 502);
    assert!(within(LIMIT, || text(&path).contains("cannot connect to the upstream")));
    assert!(!gateway.output().contains("cannot connect"), "{}", gateway.output());
    fs::rename(&path, folder.path().join("error.log.1")).unwrap();
    gateway.signal("HUP");
    assert!(within(LIMIT, || path.exists()), "one that was moved away is made anew");
}
