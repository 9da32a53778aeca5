//! The plugin `htpasswd`: who comes in, what a change of the file does, and that checks hold up nobody.

use crate::common::{Gateway, Head, LIMIT, Peer, Upstream, within};
use crate::tunnels::shouting;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Of `secret`, by `htpasswd -nbB -C 4`.
const ADMIN: &str = "admin:$2y$04$dxYkxNptbNq/ecgMBZjJp.uVmFJ/HEjl3/biXUia3kzj1gfUSfvhG\n";
/// Of `secret`, by `htpasswd -nbB -C 12`: takes some tenths of a second.
const SLOW: &str = "slow:$2y$12$4t7twnDGGSK9oeuGXhd3ruFLvnT/GEjY3w6rQ5yYYsaKlzRqI1M9.\n";

/// `admin:secret`, `admin:wrong`, `slow:wrong`, `eve:other`.
const RIGHT: &str = "YWRtaW46c2VjcmV0";
const WRONG: &str = "YWRtaW46d3Jvbmc=";
const WRONG_SLOW: &str = "c2xvdzp3cm9uZw==";
const EVE: &str = "ZXZlOm90aGVy";

/// A folder with the file `users`.
fn folder(content: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// `/studio` behind the file, `/open` before it.
fn config(file: &Path, more: &str, upstream: &Upstream) -> String {
    format!(
        "_format_version: \"3.0\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  retries: 0\n  routes:\n\
         \x20 - {{name: open, paths: [/open], strip_path: false}}\n\
         \x20 - name: studio\n    paths: [/studio]\n    strip_path: false\n    plugins:\n\
         \x20   - name: htpasswd\n      config: {{file: {}, realm: Studio{more}}}\n",
        upstream.port(),
        file.display()
    )
}

fn ask(client: &mut Peer, target: &str, more: &str) {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{more}\r\n")).unwrap();
}

fn basic(pair: &str) -> String {
    format!("Authorization: Basic {pair}\r\n")
}

fn get(gateway: &Gateway, pair: &str) -> (Head, String) {
    let mut client = gateway.connect();
    ask(&mut client, "/studio", &basic(pair));
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn status(gateway: &Gateway, pair: &str) -> u16 {
    get(gateway, pair).0.status()
}

#[test]
fn only_users_of_the_file_reach_the_upstream() {
    let (_folder, file) = folder(ADMIN);
    let upstream = Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            let text = head.get("authorization").unwrap_or("none").to_owned();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()))?;
        }
    });
    let gateway = Gateway::with(config(&file, ", max_failures: 0", &upstream)).start();
    let (head, body) = get(&gateway, WRONG);
    assert_eq!((head.status(), head.get("www-authenticate")), (401, Some("Basic realm=\"Studio\"")));
    assert_eq!(body, "{\"message\":\"Unauthorized\"}");
    assert_eq!((gateway.get("/studio").0, status(&gateway, EVE)), (401, 401));
    assert_eq!(upstream.connections(), 0);
    let (head, body) = get(&gateway, RIGHT);
    assert_eq!((head.status(), body), (200, format!("Basic {RIGHT}")));
    assert_eq!(gateway.get("/open").0, 200);

    let hiding = Gateway::with(config(&file, ", hide_credentials: true", &upstream)).start();
    assert_eq!(get(&hiding, RIGHT).1, "none");
}

#[test]
fn a_client_that_fails_too_often_is_shut_out_and_both_are_logged() {
    let (_folder, file) = folder(ADMIN);
    let upstream = Upstream::echo();
    let gateway = Gateway::with(config(&file, ", max_failures: 3, lockout: 600", &upstream)).start();
    assert_eq!(status(&gateway, RIGHT), 200);
    assert_eq!([WRONG, EVE, WRONG].map(|pair| status(&gateway, pair)), [401; 3]);
    for pair in [RIGHT, WRONG] {
        let (head, body) = get(&gateway, pair);
        assert_eq!((head.status(), &*body), (429, "{\"message\":\"Too many failed logins\"}"));
        let after: u64 = head.get("retry-after").unwrap().parse().unwrap();
        assert!((1..=600).contains(&after), "{after}");
    }
    let lines = [
        "htpasswd: wrong password client=127.0.0.1 realm=\"Studio\" user=\"admin\"",
        "htpasswd: unknown user client=127.0.0.1 realm=\"Studio\"",
        "htpasswd: too many failures, shut out client=127.0.0.1 realm=\"Studio\" seconds=600",
        "127.0.0.1 - admin [",
    ];
    assert!(within(LIMIT, || lines.iter().all(|line| gateway.output().contains(line))), "{}", gateway.output());
    let output = gateway.output();
    for secret in [RIGHT, WRONG, EVE, "secret", "eve", "$2y$"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

#[test]
fn a_file_that_is_replaced_in_whatever_way_counts() {
    let (folder, file) = folder(ADMIN);
    let place = |name: &str| folder.path().join(name);
    let upstream = Upstream::echo();
    let link = place("link");
    symlink("users", &link).unwrap();
    let gateway = Gateway::with(config(&link, ", max_failures: 0", &upstream)).start();
    let lets_in = |admin: bool, eve: bool| {
        let want = [admin, eve].map(|comes_in| if comes_in { 200 } else { 401 });
        let is = within(LIMIT, || [RIGHT, EVE].map(|pair| status(&gateway, pair)) == want);
        assert!(is, "admin {admin}, eve {eve}");
    };
    lets_in(true, false);

    std::fs::write(place("new"), "eve:{PLAIN}other\n").unwrap();
    std::fs::rename(place("new"), &file).unwrap();
    lets_in(false, true);

    std::fs::write(&file, ADMIN).unwrap();
    lets_in(true, false);

    std::fs::write(place("both"), format!("{ADMIN}eve:{{PLAIN}}other\n")).unwrap();
    symlink("both", place("other")).unwrap();
    std::fs::rename(place("other"), &link).unwrap();
    lets_in(true, true);

    // What lets nobody in is not used, and said to be so.
    std::fs::write(place("both"), "hunter2\n").unwrap();
    let said = "no user who could come in; line 1";
    assert!(within(LIMIT, || gateway.output().contains(said)), "{}", gateway.output());
    lets_in(true, true);
    assert!(!gateway.output().contains("hunter2"));
}

#[test]
fn slow_checks_hold_up_nobody_else() {
    let (_folder, file) = folder(SLOW);
    let upstream = Upstream::echo();
    let gateway = Gateway::with(config(&file, ", max_failures: 0", &upstream));
    let gateway = gateway.set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    // More than there are threads for such checks: the last ones wait for the first.
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut checks: Vec<_> = (0..3 * cores.div_ceil(2)).map(|_| gateway.connect()).collect();
    for (number, client) in checks.iter_mut().enumerate() {
        ask(client, &format!("/studio/{number}"), &basic(WRONG_SLOW));
    }
    for _ in 0..3 {
        assert_eq!(gateway.get("/open"), (200, "GET /open ".to_owned()));
        assert_eq!(gateway.get("/studio").0, 401);
    }
    let last = checks.last_mut().unwrap();
    assert!(last.silent_for(Duration::from_millis(1)), "all were checked before anything else was done");
    for client in &mut checks {
        let head = client.head().unwrap();
        // A machine under load does not get round to all of them.
        assert!(matches!(head.status(), 401 | 503), "{}", head.line);
        assert_eq!(head.get("retry-after").is_some(), head.status() == 503);
    }
}

#[test]
fn more_checks_than_can_wait_are_refused_at_once() {
    let (_folder, file) = folder(SLOW);
    let upstream = Upstream::echo();
    let gateway = Gateway::with(config(&file, ", max_failures: 0", &upstream)).start();
    let mut checks: Vec<_> = (0..200).map(|_| gateway.connect()).collect();
    for client in &mut checks {
        ask(client, "/studio", &basic(WRONG_SLOW));
    }
    let heads: Vec<_> = checks.iter_mut().map(|client| client.head().unwrap()).collect();
    assert!(heads.iter().all(|head| matches!(head.status(), 401 | 503)));
    let refused = heads.iter().find(|head| head.status() == 503).expect("all 200 were checked");
    assert_eq!(refused.get("retry-after"), Some("5"));
    assert_eq!(gateway.get("/open").0, 200);
}

#[test]
fn a_websocket_comes_in_with_a_password() {
    let (_folder, file) = folder(ADMIN);
    let upstream = Upstream::start(shouting);
    let gateway = Gateway::with(config(&file, "", &upstream)).start();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a2V5\r\n";
    let mut stranger = gateway.connect();
    ask(&mut stranger, "/studio/socket", upgrade);
    assert_eq!(stranger.head().unwrap().status(), 401);
    assert_eq!(upstream.connections(), 0);

    let mut client = gateway.connect();
    ask(&mut client, "/studio/socket", &(basic(RIGHT) + upgrade));
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.get("sec-websocket-accept")), (101, Some("for-a2V5")));
    assert_eq!(client.until(b";").unwrap(), b"welcome");
    client.send("hello;").unwrap();
    assert_eq!(client.until(b";").unwrap(), b"HELLO");
}
