//! The Admin API where it changes something: configurations that are posted, and how much is logged.

use crate::common::gateway::{Builder, free_port};
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use crate::process::patient;
use crate::reload::{SOON, saying, says};
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const YAML: &str = "Content-Type: text/yaml\r\n";
const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A gateway with an admin listener, and its port.
fn administered(builder: Builder) -> (Gateway, u16) {
    let port = free_port();
    (builder.set("KONG_ADMIN_LISTEN", &format!("127.0.0.1:{port}")).start(), port)
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The answer to a request on a connection of its own.
pub(crate) fn ask(port: u16, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let host = if headers.to_lowercase().contains("host:") { "" } else { "Host: localhost\r\n" };
    let mut peer = Peer::connect(port).unwrap();
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    peer.send(head).unwrap();
    // One who is refused at once may have gone.
    let _ = peer.send(body);
    answered(&mut peer, method == "HEAD")
}

fn answered(peer: &mut Peer, bodiless: bool) -> Answer {
    let head = peer.head().unwrap();
    let body = if bodiless || head.status() == 304 { Vec::new() } else { peer.body(&head).unwrap() };
    let lines = head.headers.iter().map(|(name, value)| format!("{}: {value}\n", name.to_lowercase())).collect();
    Answer { status: head.status(), head: lines, body: String::from_utf8(body).unwrap() }
}

fn post(port: u16, headers: &str, body: &str) -> Answer {
    ask(port, "POST", "/config", headers, body)
}

#[test]
fn every_form_of_a_configuration_is_taken() {
    let (gateway, port) = administered(Gateway::with(saying("first")));
    let table = |text: &str| {
        let plugin = json!({ "name": "request-termination", "config": { "status_code": 200, "message": text } });
        let route = json!({ "name": "all", "paths": ["/"], "plugins": [plugin] });
        json!({ "_format_version": "3.0", "routes": [route] }).to_string()
    };
    let form = |text: &str| form_urlencoded::Serializer::new(String::new()).append_pair("config", text).finish();
    let part = "--B\r\nContent-Disposition: form-data; name=\"config\"; filename=\"kong.yml\"\r\n\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=B\r\n";
    let forms = [
        ("table", JSON, table("table")),
        ("field", JSON, json!({ "config": saying("field") }).to_string()),
        ("form", FORM, form(&saying("form"))),
        ("parts", multipart, format!("{part}{}\r\n--B--\r\n", saying("parts"))),
        ("yaml", YAML, saying("yaml")),
        ("raw-json", YAML, table("raw-json")),
        // What curl says of `--data-binary @kong.yml`.
        ("mistaken", FORM, saying("mistaken")),
        ("untyped", "", saying("untyped")),
    ];
    for (name, headers, body) in forms {
        let answer = post(port, headers, &body);
        assert_eq!(answer.status, 201, "{name}: {}", answer.body);
        assert!(answer.json()["routes"].as_object().unwrap().values().any(|route| route["name"] == "all"));
        assert!(says(&gateway, name), "{name}");
        let again = ask(port, "POST", "/config?check_hash=1", headers, &body);
        assert_eq!((again.status, &*again.body), (304, ""), "{name}");
    }
    assert!(gateway.output().contains("the posted configuration is served anew (0 services, 1 route"));
    let hash = ask(port, "GET", "/status", "", "").json()["configuration_hash"].clone();
    assert_eq!(hash.as_str().map(str::len), Some(32));
    assert_eq!(post(port, YAML, "_format_version: '3.0'").body, "{}");
    assert_eq!(gateway.get("/").0, 404);
    assert_eq!(ask(port, "GET", "/status", "", "").json()["configuration_hash"], "0".repeat(32));
}

#[test]
fn what_is_served_can_be_read_and_posted_again() {
    let text = "_format_version: '3.0'\nconsumers: [{username: ann, keyauth_credentials: [{key: a-secret-of-ann}]}]\n\
                routes:\n- name: all\n  paths: [/]\n  plugins:\n  - name: key-auth\n  - name: request-termination\n    \
                config: {status_code: 200, message: 'yes: \"no\"'}\n";
    let (gateway, port) = administered(Gateway::with(text).set("KONG_ADMIN_SHOW_SECRETS", "on"));
    let config = ask(port, "GET", "/config", "", "").json()["config"].as_str().unwrap().to_owned();
    assert!(config.starts_with("_format_version: '3.0'\n_transform: false\n") && config.contains("a-secret-of-ann"));
    let there = |keyed: &str| {
        let mut client = gateway.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: x\r\napikey: {keyed}\r\nConnection: close\r\n\r\n")).unwrap();
        client.head().unwrap().status()
    };
    for _ in 0..2 {
        assert_eq!((there("a-secret-of-ann"), there("another")), (200, 401));
        let answer = post(port, JSON, &json!({ "config": config }).to_string());
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert!(gateway.output().contains(": nothing changed"), "{}", gateway.output());
    let elsewhere = ask(port, "GET", "/config", "Host: kong.example\r\n", "");
    assert!(!elsewhere.body.contains("a-secret"), "{}", elsewhere.body);
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let (gateway, port) = administered(Gateway::with(saying("first")));
    let broken = saying("second").replace("[/]", "[x]");
    let answer = post(port, YAML, &broken);
    assert_eq!(answer.status, 400);
    let words = "should start with: / (fixed path) or ~/ (regex path)";
    let told = answer.json();
    assert_eq!(told["fields"], json!({ "routes": [{ "paths": [words] }] }));
    assert_eq!(told["message"], format!("declarative config is invalid: {{routes={{{{paths={{\"{words}\"}}}}}}}}"));
    assert_eq!((&told["code"], &told["name"]), (&json!(14), &json!("invalid declarative configuration")));
    let flat = ask(port, "POST", "/config?flatten_errors=1", YAML, &broken).json();
    assert_eq!(flat["fields"], json!({}));
    let want = json!([{ "type": "field", "field": "paths.1", "message": words }]);
    let one = &flat["flattened_errors"][0];
    assert_eq!((&one["entity_type"], &one["entity_name"], &one["errors"]), (&json!("route"), &json!("all"), &want));
    assert_eq!(one["entity"], json!({ "name": "all", "paths": ["x"] }));
    for (headers, body, words) in [
        (YAML, "", "expected a declarative configuration"),
        (JSON, "{", "Cannot parse JSON body"),
        (JSON, "[]", "failed parsing declarative configuration: "),
        (YAML, "a: [", "failed parsing declarative configuration: "),
        (YAML, "plugins: []", "_format_version=\\\"required field missing\\\""),
    ] {
        let answer = post(port, headers, body);
        assert!(answer.status == 400 && answer.body.contains(words), "{body}: {} {}", answer.status, answer.body);
    }
    for target in ["/config", "/config?flatten_errors=1"] {
        let unset = saying("x").replace("{status_code: 200,", "{status_code: \"${GATEWAY_TEST_UNSET}\",");
        let told = ask(port, "POST", target, YAML, &unset).json();
        assert!(told["fields"]["error"].as_str().unwrap().contains("`GATEWAY_TEST_UNSET`"), "{told}");
    }
    assert!(says(&gateway, "first"));
    assert_eq!(post(port, YAML, &saying("third")).status, 201);
    assert!(says(&gateway, "third"));
}

#[test]
fn the_latest_of_file_and_post_counts() {
    let (gateway, port) = administered(Gateway::with(saying("file")));
    assert_eq!(post(port, YAML, &saying("posted")).status, 201);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(gateway.get("/").1.contains("posted"), "an unchanged file stays behind");
    gateway.signal("HUP");
    assert!(says(&gateway, "file"), "who asks for the file gets it");
    assert_eq!(post(port, YAML, &saying("again")).status, 201);
    fs::write(gateway.file(), saying("file").replace("paths", "path")).unwrap();
    assert!(within(SOON, || gateway.output().contains("the new configuration is not used")));
    assert!(gateway.get("/").1.contains("again"), "a broken file changes nothing");
    fs::write(gateway.file(), saying("changed")).unwrap();
    assert!(says(&gateway, "changed"));
}

#[test]
fn without_a_file_a_reload_keeps_what_was_posted() {
    let builder = Gateway::with("").through(&["sh", "-c", "exec \"$1\" run", "sh"]);
    let (gateway, port) = administered(builder.set("KONG_DECLARATIVE_CONFIG_STRING", &saying("text")));
    assert!(says(&gateway, "text"));
    assert_eq!(post(port, YAML, &saying("posted")).status, 201);
    gateway.signal("HUP");
    assert!(within(SOON, || gateway.output().contains("the configuration that was posted stays")));
    assert!(gateway.get("/").1.contains("posted"));
}

#[test]
fn no_request_fails_while_configurations_come() {
    let upstream = Upstream::echo();
    let text = |n: usize| {
        format!(
            "_format_version: '3.0'\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - name: all\n    \
             paths: [/]\n  - {{name: other-{n}, paths: [/other-{n}]}}\n",
            upstream.port()
        )
    };
    let (gateway, port) = administered(Gateway::with(text(0)));
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = gateway.connect();
                while !done.load(Ordering::Relaxed) {
                    client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                    let head = client.head().unwrap();
                    assert_eq!(head.status(), 200);
                    client.body(&head).unwrap();
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let results: Vec<_> = (1..=30).map(|n| post(port, YAML, &text(n)).status).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(results, [201; 30]);
    });
    assert!(asked.load(Ordering::Relaxed) > 30, "{asked:?}");
    assert_eq!((gateway.get("/other-30").0, gateway.output().matches("is served anew").count()), (200, 30));
}

#[test]
fn counts_survive_a_posted_configuration() {
    let text = |more: &str| saying("x") + "  - name: rate-limiting\n    config: {minute: 2, policy: local}\n" + more;
    let (gateway, port) = administered(Gateway::with(text("")));
    assert_eq!((gateway.get("/").0, gateway.get("/").0), (200, 200));
    assert_eq!(post(port, YAML, &text("- {name: more, paths: [/more]}\n")).status, 201);
    assert_eq!(gateway.get("/").0, 429);
}

#[test]
fn of_configurations_at_once_one_is_loaded_and_others_may_come_again() {
    let (gateway, port) = administered(Gateway::with(saying("first")));
    let routes = |n: usize| {
        let route = |at: usize| format!("- {{name: r{at}, paths: [/n{n}/r{at}]}}\n");
        saying(&format!("from-{n}")) + &(0..1500).map(route).collect::<String>()
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..6).map(|n| scope.spawn(move || post(port, YAML, &routes(n)))).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let served = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(served > 0);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.status, 429, "{}", answer.body);
        assert!(
            answer.head.contains("retry-after: 1\n") && answer.body.contains("Currently loading"),
            "{}",
            answer.head
        );
    }
    assert_eq!(gateway.output().matches("is served anew").count(), served);
    assert!(gateway.get("/").1.contains("from-"));
    assert_eq!(post(port, YAML, &saying("last")).status, 201);
    assert!(says(&gateway, "last"));
}

#[test]
fn a_body_may_be_slow_but_neither_silent_nor_huge() {
    let (gateway, port) = administered(Gateway::with(saying("first")));
    let text = saying("slow");
    let head = |length: usize| format!("POST /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    let mut silent = Peer::connect(port).unwrap();
    silent.send(head(text.len()) + "_format").unwrap();
    let mut slow = Peer::connect(port).unwrap();
    slow.send(head(text.len())).unwrap();
    for piece in text.as_bytes().chunks(text.len() / 3) {
        std::thread::sleep(Duration::from_millis(400));
        slow.send(piece).unwrap();
    }
    assert_eq!(answered(&mut slow, false).status, 201);
    assert!(says(&gateway, "slow"));
    for headers in ["Content-Length: 11000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut huge = Peer::connect(port).unwrap();
        huge.send(format!("POST /config HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).unwrap();
        let piece = "# nothing\n".repeat(100_000);
        let chunked = headers.starts_with('T');
        // It may be refused before all is sent.
        let _ = (0..11).try_for_each(|_| if chunked { huge.send_chunk(&piece) } else { huge.send(&piece) });
        assert_eq!(answered(&mut huge, false).status, 413);
    }
    let (_small, port) = administered(Gateway::with(&text).set("KONG_NGINX_ADMIN_CLIENT_MAX_BODY_SIZE", "100"));
    assert_eq!(post(port, YAML, &text).status, 413);
    silent.limit(LIMIT * 2);
    assert_eq!(answered(&mut silent, false).status, 408);
    assert!(says(&gateway, "slow"));
}

#[test]
fn pages_in_a_browser_change_nothing() {
    let (gateway, port) = administered(Gateway::with(saying("first")));
    let evil = saying("evil");
    for headers in [
        "Origin: http://evil.test\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: http://localhost:{}\r\n", port + 1),
        format!("Host: evil.test:{port}\r\n"),
        format!("Host: evil.test:{port}\r\nOrigin: http://evil.test:{port}\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
    ] {
        let answer = post(port, &(headers.clone() + "Content-Type: text/plain\r\n"), &evil);
        assert_eq!(answer.status, 403, "{headers}: {}", answer.body);
        assert_eq!(ask(port, "GET", "/status", &headers, "").status, 200, "{headers}");
    }
    assert!(gateway.get("/").1.contains("first"));
    for headers in ["Host: 127.0.0.1\r\n", "Host: kong:8001\r\n", "Host: localhost:1\r\nOrigin: http://localhost:1\r\n"]
    {
        assert_eq!(post(port, headers, &saying("good")).status, 201, "{headers}");
    }
}

#[test]
fn it_can_be_read_only() {
    let (gateway, port) = administered(Gateway::with(saying("first")).set("KONG_ADMIN_READ_ONLY", "on"));
    let answer = post(port, YAML, &saying("second"));
    assert!(answer.status == 403 && answer.body.contains("admin_read_only"), "{}", answer.body);
    assert_eq!(ask(port, "PUT", "/debug/node/log-level/debug", "", "").status, 403);
    assert_eq!(ask(port, "POST", "/schemas/services/validate", JSON, r#"{"host":"a"}"#).status, 200);
    assert!(gateway.get("/").1.contains("first"));
}

#[test]
fn a_status_listener_and_a_demo_take_no_configuration() {
    let (demo, port) = administered(Gateway::demo().set("KONG_STATUS_LISTEN", "off"));
    let answer = post(port, YAML, &saying("x"));
    assert!(answer.status == 400 && answer.body.contains("cannot be replaced"), "{} {}", answer.status, answer.body);
    drop(demo);
    let status = free_port();
    let (gateway, _) =
        administered(Gateway::with(saying("first")).set("KONG_STATUS_LISTEN", &format!("127.0.0.1:{status}")));
    assert_eq!(ask(status, "GET", "/config", "", "").status, 404);
    assert_eq!(ask(status, "POST", "/config", YAML, &saying("x")).status, 413);
    assert!(gateway.get("/").1.contains("first"));
}

#[test]
fn while_it_stops_nothing_is_loaded() {
    let (upstream, was_asked, go_on) = patient();
    let (mut gateway, port) = administered(Gateway::to(&upstream));
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    gateway.signal("TERM");
    assert!(within(LIMIT, || post(port, YAML, &saying("late")).status == 503));
    go_on.send(()).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    assert!(gateway.ends_within(LIMIT).is_some());
}

#[test]
fn entities_are_checked_before_they_are_turned_down() {
    let (_gateway, port) = administered(Gateway::with(saying("first")));
    let write = |method: &str, target: &str, headers: &str, body: &str| {
        let answer = ask(port, method, target, headers, body);
        (answer.status, answer.body)
    };
    let (status, body) = write("POST", "/routes", JSON, r#"{"paths":["x"],"protocols":["nope"]}"#);
    assert!(status == 400 && body.contains("2 schema violations (paths.1: should start with"), "{body}");
    assert_eq!(write("POST", "/services", FORM, "name=a&url=http://a.test&retries=3").0, 405);
    let (status, body) = write("POST", "/services", FORM, "name=a&url=http://a.test&retries=x");
    assert!(status == 400 && body.contains("retries: expected an integer"), "{body}");
    let (status, body) = write("POST", "/plugins", FORM, "name=cors&config.max_age=5&config.origins=*");
    assert!(status == 405, "{body}");
    assert_eq!(write("POST", "/services", YAML, "name: a"), (415, String::new()));
    assert_eq!(write("POST", "/services", JSON, "{").1, r#"{"message":"Cannot parse JSON body"}"#);
    assert_eq!(write("PATCH", "/routes/all", JSON, r#"{"strip_path":"x"}"#).0, 400);
    assert_eq!(write("PATCH", "/routes/all", JSON, r#"{"strip_path":false}"#).0, 405);
    assert_eq!(write("PUT", "/consumers/ann", JSON, "{}").0, 405);
    assert_eq!(write("DELETE", "/routes/all", "", "").0, 405);
}

#[test]
fn the_log_can_be_made_to_tell_more_for_a_while() {
    let (gateway, port) = administered(Gateway::with(saying("first")).set("KONG_LOG_LEVEL", "error"));
    let level = || ask(port, "GET", "/debug/node/log-level", "", "").body;
    assert_eq!(level(), r#"{"message":"log level: error"}"#);
    let put = |target: &str| ask(port, "PUT", &format!("/debug/node/log-level/{target}"), "", "");
    assert_eq!((put("loud").status, put("debug?timeout=x").status), (400, 400));
    assert_eq!(post(port, YAML, &saying("quiet")).status, 201);
    assert_eq!(put("debug?timeout=600").body, r#"{"message":"log level changed"}"#);
    assert_eq!(level(), r#"{"message":"log level: debug"}"#);
    assert_eq!(post(port, YAML, &saying("told")).status, 201);
    assert!(within(LIMIT, || gateway.output().matches("is served anew").count() == 1), "{}", gateway.output());
    assert_eq!(put("notice?timeout=1").status, 200);
    assert!(within(LIMIT, || level() == r#"{"message":"log level: error"}"#));
    put("debug?timeout=600");
    put("debug?timeout=0");
    assert_eq!(level(), r#"{"message":"log level: error"}"#);
}

#[test]
fn what_there_is_depends_on_whose_behaviour_it_is() {
    let tagged = saying("x").replace("- name: all", "- name: all\n  tags: [one, 'two three']");
    let (_gateway, port) = administered(Gateway::with(&tagged).set("KONG_PLUGINS", "request-termination"));
    let get = |target: &str| ask(port, "GET", target, "", "");
    assert_eq!(get("/tags/two%20three").json()["data"][0]["entity_name"], "routes");
    assert_eq!(get("/tags/three").json()["data"], json!([]));
    assert_eq!(get("/timers").json()["stats"]["sys"]["total"], 0);
    assert_eq!(get("/").json()["edition"], "community");
    assert_eq!(get("/plugins/enabled").json(), json!({ "enabled_plugins": ["request-termination"] }));
    assert_eq!(post(port, YAML, "_format_version: '2.1'").status, 201);
    assert_eq!((get("/timers").status, get("/debug/node/log-level").status), (404, 404));
    assert_eq!(
        (get("/tags/one").json()["data"].clone(), get("/").json()["version"].clone()),
        (json!({}), json!("2.8.1"))
    );
    let head = ask(port, "HEAD", "/config", "Accept: */*\r\n", "");
    assert_eq!((head.status, &*head.body), (200, ""));
    let allowed = ask(port, "OPTIONS", "/schemas/services", "", "").head;
    assert!(allowed.contains("allow: GET, HEAD, OPTIONS\n"), "{allowed}");
}
