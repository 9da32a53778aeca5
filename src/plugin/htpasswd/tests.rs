#![allow(clippy::unwrap_used)]

use super::Htpasswd;
use crate::config::report::{Report, Severity};
use crate::entity::Compat;
use crate::live::LiveFile;
use crate::plugin::testing::{checked, context, lines, request, text};
use crate::plugin::{Build, Ctx, Define, Flow, Plugin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Extensions, Response, header};
use serde_json::{Value as Json, json};
use std::io;
use std::path::Path;
use std::time::Duration;

type Body = crate::body::Body;

/// What came of a configuration.
struct Built {
    plugin: Option<Htpasswd>,
    report: Report,
    watch: Vec<LiveFile>,
}

/// A plugin whose file holds this, with more of its configuration.
fn build(content: &str, more: &Json) -> Built {
    build_beside(&mut Extensions::new(), content, more)
}

fn build_beside(shared: &mut Extensions, content: &str, more: &Json) -> Built {
    build_after(&Extensions::new(), shared, content, more)
}

fn build_after(before: &Extensions, shared: &mut Extensions, content: &str, more: &Json) -> Built {
    let mut config = json!({ "file": "/users", "realm": "restricted", "max_failures": 3, "failure_window": 60,
        "lockout": 60 });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let files = |path: &Path| match path.to_str() {
        Some("/users") => Ok(content.as_bytes().to_vec()),
        Some("/secret") => Err(io::ErrorKind::PermissionDenied.into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let (mut report, mut watch) = (Report::default(), Vec::new());
    let (report_to, compat) = (&mut report, Compat::Kong3);
    let (files, watch_to, standing) = (&files, &mut watch, &String::new);
    let mut cx =
        Build { compat, report: report_to, path: &[], files, watch: watch_to, shared, before, standing };
    let plugin = Htpasswd::build(&checked(&config), &mut cx);
    Built { plugin, report, watch }
}

fn plugin(content: &str, more: &Json) -> Htpasswd {
    let built = build(content, more);
    assert_eq!(built.report.found, []);
    built.plugin.unwrap()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// Sends `user:password`, or a whole header line. What the plugin does in `access`, and what `wait` makes of it.
fn send(plugin: &Htpasswd, said: Option<&str>, cx: &mut Ctx) -> (Option<Response<Body>>, bool, Option<String>) {
    let line = said.map(|said| if said.starts_with("Basic") { said.to_owned() } else { basic(said) });
    let headers: Vec<_> = line.iter().map(|line| ("authorization", &**line)).collect();
    let mut req = request("GET", "/", &headers, "");
    let (waits, flow) = match plugin.access(&mut req, cx) {
        Flow::Wait => (true, timed(plugin.wait(&mut req, cx))),
        flow => (false, flow),
    };
    let passed = req.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    match flow {
        Flow::Respond(res) => (Some(res), waits, passed),
        _ => (None, waits, passed),
    }
}

fn timed<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn status(plugin: &Htpasswd, said: &str) -> u16 {
    send(plugin, Some(said), &mut context(Compat::Kong3)).0.map_or(200, |res| res.status().as_u16())
}

/// Of `secret`.
const BCRYPT: &str = "admin:$2y$04$dxYkxNptbNq/ecgMBZjJp.uVmFJ/HEjl3/biXUia3kzj1gfUSfvhG\n";

#[test]
fn a_refusal_names_the_realm_in_kongs_words() {
    let plugin = plugin(BCRYPT, &json!({ "realm": "the \"Studio\" \\ for me" }));
    for said in [None, Some("Basic"), Some("admin:wrong"), Some("nobody:secret")] {
        let mut cx = context(Compat::Kong3);
        let res = send(&plugin, said, &mut cx).0.unwrap();
        let want = [
            "content-type: application/json; charset=utf-8",
            "www-authenticate: Basic realm=\"the \\\"Studio\\\" \\\\ for me\"",
        ];
        assert_eq!((res.status().as_u16(), lines(res.headers())), (401, want.map(str::to_owned).to_vec()));
        assert_eq!((text(res.into_body()), cx.user), ("{\"message\":\"Unauthorized\"}".to_owned(), None));
    }
}

#[test]
fn a_slow_check_waits_elsewhere_and_is_remembered() {
    let plugin = plugin(BCRYPT, &json!({}));
    let mut cx = context(Compat::Kong3);
    let (answer, waits, passed) = send(&plugin, Some("admin:secret"), &mut cx);
    assert!(answer.is_none() && waits);
    assert_eq!((passed, cx.user.as_deref()), (Some(basic("admin:secret")), Some("admin")));
    for _ in 0..2 {
        let (answer, waits, _) = send(&plugin, Some("admin:secret"), &mut cx);
        assert!(answer.is_none() && !waits);
        let (answer, waits, _) = send(&plugin, Some("admin:wrong"), &mut cx);
        assert!(answer.is_some() && waits);
    }
}

#[test]
fn cheap_checks_do_not_wait() {
    let plugin = plugin("a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nb:{PLAIN}x\n", &json!({}));
    for (said, passes) in [("a:secret", true), ("a:x", false), ("b:x", true), ("c:x", false)] {
        let (answer, waits, _) = send(&plugin, Some(said), &mut context(Compat::Kong3));
        assert_eq!((answer.is_none(), waits), (passes, false), "{said}");
    }
}

#[test]
fn the_upstream_need_not_see_the_password() {
    let plugin = plugin("a:{PLAIN}x\n", &json!({ "hide_credentials": true }));
    let (answer, _, passed) = send(&plugin, Some("a:x"), &mut context(Compat::Kong3));
    assert!(answer.is_none() && passed.is_none());
}

#[test]
fn whoever_fails_too_often_has_to_wait() {
    let plugin = plugin("a:{PLAIN}x\n", &json!({}));
    let mut cx = context(Compat::Kong3);
    for _ in 0..10 {
        assert_eq!(send(&plugin, None, &mut cx).0.unwrap().status().as_u16(), 401, "says nothing, so fails nothing");
    }
    for said in ["a:y", "b:x", "a:y"] {
        assert_eq!(send(&plugin, Some(said), &mut cx).0.unwrap().status().as_u16(), 401);
    }
    cx.now += Duration::from_millis(100);
    for said in [Some("a:x"), Some("a:y"), None] {
        let res = send(&plugin, said, &mut cx).0.unwrap();
        let want = ["content-type: application/json; charset=utf-8", "retry-after: 60"].map(str::to_owned).to_vec();
        assert_eq!((res.status().as_u16(), lines(res.headers())), (429, want));
        assert_eq!(text(res.into_body()), "{\"message\":\"Too many failed logins\"}");
    }
    let mut other = Ctx { client: [127, 0, 0, 2].into(), ..context(Compat::Kong3) };
    assert!(send(&plugin, Some("a:x"), &mut other).0.is_none());
    cx.now += Duration::from_secs(60);
    assert!(send(&plugin, Some("a:x"), &mut cx).0.is_none());
}

#[test]
fn instances_that_are_configured_alike_are_one() {
    let mut shared = Extensions::new();
    let mut beside = |more: &Json| build_beside(&mut shared, BCRYPT, more);
    let first = beside(&json!({}));
    let (alike, other) = (beside(&json!({ "hide_credentials": true })), beside(&json!({ "realm": "other" })));
    assert_eq!([&first, &alike, &other].map(|built| built.watch.len()), [1, 0, 1]);
    let [first, alike, other] = [first, alike, other].map(|built| built.plugin.unwrap());
    let ask = |plugin: &Htpasswd, said| send(plugin, Some(said), &mut context(Compat::Kong3));
    assert!(ask(&first, "admin:secret").1);
    assert!(!ask(&alike, "admin:secret").1 && ask(&other, "admin:secret").1);
    for plugin in [&first, &alike, &first] {
        ask(plugin, "admin:wrong");
    }
    assert_eq!([&first, &alike, &other].map(|plugin| status(plugin, "admin:secret")), [429, 429, 200]);
}

#[test]
fn the_next_configuration_remembers_unless_it_counts_otherwise() {
    let mut before = Extensions::new();
    let first = build_beside(&mut before, BCRYPT, &json!({})).plugin.unwrap();
    let ask = |plugin: &Htpasswd, said| send(plugin, Some(said), &mut context(Compat::Kong3));
    assert!(ask(&first, "admin:secret").1);
    let after = |more| build_after(&before, &mut Extensions::new(), BCRYPT, &more).plugin.unwrap();
    let (same, other) = (after(json!({})), after(json!({ "max_failures": 4 })));
    assert!(!ask(&same, "admin:secret").1 && ask(&other, "admin:secret").1);
    for _ in 0..3 {
        ask(&first, "admin:wrong");
    }
    assert_eq!([&same, &other].map(|plugin| status(plugin, "admin:secret")), [429, 200]);
    let gone = build_after(&before, &mut Extensions::new(), "", &json!({}));
    assert!(gone.plugin.is_none() && gone.report.has_errors(), "the file must be good all the same");
}

#[test]
fn a_new_file_counts_and_a_broken_one_does_not() {
    let built = build(BCRYPT, &json!({}));
    let (plugin, live) = (built.plugin.unwrap(), &built.watch[0]);
    assert_eq!(live.paths.to_vec(), [Path::new("/users")]);
    let take = |content: &str| (live.take)(&[content.as_bytes().to_vec()]);
    assert_eq!(status(&plugin, "admin:secret"), 200);
    assert_eq!(take(BCRYPT), Ok(()));
    assert!(!send(&plugin, Some("admin:secret"), &mut context(Compat::Kong3)).1, "the same file: still remembered");
    assert_eq!(take("admin:{PLAIN}new\nbad\n"), Ok(()));
    assert_eq!((status(&plugin, "admin:secret"), status(&plugin, "admin:new")), (401, 200));
    assert_eq!(take(""), Err("/users has no user: nobody could come in".to_owned()));
    let broken = "/users has no user who could come in; line 1: it is not USER:HASH";
    assert_eq!(take("hunter2\n"), Err(broken.to_owned()));
    assert_eq!(status(&plugin, "admin:new"), 200);
}

#[test]
fn a_file_that_cannot_serve_is_an_error_at_its_place() {
    for (content, more, code, message) in [
        ("", json!({ "file": "/none" }), "no-such-file", "there is no file /none"),
        ("", json!({ "file": "/secret" }), "unreadable-file", "/secret cannot be read: permission denied"),
        ("# none\n", json!({}), "no-users", "/users has no user: nobody could come in"),
        ("\na:\n", json!({}), "no-users", "/users has no user who could come in; line 2: there is no hash"),
    ] {
        let built = build(content, &more);
        let found = &built.report.found[0];
        assert_eq!((found.code, &*found.message, found.severity), (code, message, Severity::Error));
        assert!(built.plugin.is_none() && built.report.found.len() == 1);
    }
}

#[test]
fn a_bad_line_is_a_warning() {
    let built = build("a:F5ZnvKZDES.QU\nb:{PLAIN}x\n", &json!({}));
    let found = &built.report.found[0];
    assert!(built.plugin.is_some());
    assert_eq!((found.code, found.severity), ("bad-htpasswd-line", Severity::Warning));
    assert!(found.message.starts_with("/users, line 1: crypt(3)'s DES is not accepted"), "{}", found.message);
}

#[test]
fn it_runs_where_kongs_basic_auth_does_and_is_no_plugin_of_kongs() {
    assert_eq!((Htpasswd::priority(Compat::Kong2), Htpasswd::priority(Compat::Kong3)), (1001, 1100));
    const { assert!(Htpasswd::EXTENSION && !Htpasswd::CONSUMER_SCOPE) };
}
