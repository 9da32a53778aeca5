//! A new configuration in the place of the old one: by SIGHUP, and by the file itself.

use crate::common::frames::{END_STREAM, Frames, Outcome, head};
use crate::common::gateway::binary;
use crate::common::pki::Pki;
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use crate::renewal::serial;
use crate::tunnels::shouting;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How soon a file that changed must be served.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A file whose only route answers with this text, without an upstream.
pub(crate) fn saying(text: &str) -> String {
    format!(
        "_format_version: \"3.0\"\nroutes:\n- name: all\n  paths: [/]\n  plugins:\n  - name: request-termination\n    \
         config: {{status_code: 200, message: {text}}}\n"
    )
}

pub(crate) fn says(gateway: &Gateway, text: &str) -> bool {
    within(SOON, || gateway.get("/").1.contains(text))
}

/// How often a text was logged.
fn logged(gateway: &Gateway, text: &str) -> usize {
    gateway.output().matches(text).count()
}

/// Writes a file, asks for a reload, and waits for what the log says of it.
fn reload(gateway: &Gateway, text: &str, told: &str) {
    let before = logged(gateway, told);
    fs::write(gateway.file(), text).unwrap();
    gateway.signal("HUP");
    assert!(within(SOON, || logged(gateway, told) > before), "not told: {told}\n{}", gateway.output());
}

const SERVED: &str = "is served anew";
const REFUSED: &str = "the new configuration is not used";

#[test]
fn every_way_of_replacing_the_file_is_noticed() {
    let gateway = Gateway::with(saying("first")).start();
    let (file, folder) = (gateway.file(), gateway.file().parent().unwrap().to_owned());
    assert!(says(&gateway, "first"));
    fs::write(&file, saying("in-place")).unwrap();
    assert!(says(&gateway, "in-place"));
    fs::write(folder.join("new"), saying("renamed")).unwrap();
    fs::rename(folder.join("new"), &file).unwrap();
    assert!(says(&gateway, "renamed"));
    for name in ["one", "two"] {
        fs::write(folder.join(name), saying(name)).unwrap();
        symlink(name, folder.join("new")).unwrap();
        fs::rename(folder.join("new"), &file).unwrap();
        assert!(says(&gateway, name));
    }
    assert!(gateway.output().contains("changed plugin `request-termination` of route `all`"), "{}", gateway.output());
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_once() {
    let gateway = Gateway::with(saying("first")).start();
    fs::write(gateway.file(), saying("second").replace("paths", "path")).unwrap();
    assert!(within(SOON, || logged(&gateway, REFUSED) > 0));
    let place = format!("{}:4:3: error[unknown-field]", gateway.file().display());
    assert!(within(SOON, || gateway.output().contains(&place)), "{}", gateway.output());
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!((logged(&gateway, REFUSED), gateway.get("/").1.contains("first")), (1, true));
    gateway.signal("HUP");
    assert!(within(SOON, || logged(&gateway, REFUSED) == 2), "who asks gets an answer");
    fs::remove_file(gateway.file()).unwrap();
    assert!(within(SOON, || gateway.output().contains("it cannot be read: No such file")), "{}", gateway.output());
    fs::write(gateway.file(), saying("third")).unwrap();
    assert!(says(&gateway, "third"));
}

#[test]
fn the_process_says_what_needs_a_restart() {
    let gateway = Gateway::with(saying("first")).start();
    reload(&gateway, &format!("{}_gateway: {{drain_timeout: 7s}}\n", saying("first")), SERVED);
    assert!(within(SOON, || gateway.output().contains("setting `drain_timeout` in the file changed")));
    assert!(gateway.output().contains("nothing changed"), "{}", gateway.output());
    reload(&gateway, &format!("{}_gateway: {{drain_timeout: never}}\n", saying("second")), REFUSED);
    assert!(says(&gateway, "first"));
}

#[test]
fn gateway_reload_finds_the_process_by_its_prefix() {
    let prefix = tempfile::tempdir().unwrap();
    let ask = || Command::new(binary()).arg("reload").arg("-p").arg(prefix.path()).output().unwrap();
    let gateway = Gateway::with(saying("first")).set("KONG_PREFIX", prefix.path().to_str().unwrap()).start();
    assert!(within(SOON, || prefix.path().join("pids/nginx.pid").exists()));
    let asked = ask();
    assert!(asked.status.success(), "{asked:?}");
    assert!(within(SOON, || gateway.output().contains("as asked") && gateway.output().contains(SERVED)));
    drop(gateway);
    let asked = ask();
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("no gateway runs with the prefix"), "{asked:?}");
}

/// Two clients that keep their connections, one over HTTP/2, and a WebSocket; valid and broken files in turn.
#[test]
fn nobody_notices_a_hundred_reloads_under_load() {
    let upstream = Upstream::echo();
    let sockets = Upstream::start(shouting);
    let config = |name: &str| {
        format!(
            "_format_version: \"3.0\"\nservices:\n- name: {name}\n  url: http://127.0.0.1:{}\n  routes:\n  - name: all\n    \
             paths: [/]\n    plugins:\n    - name: pre-function\n      config: {{access: [\"local a = '{name}'\"]}}\n\
             - name: sockets\n  url: http://127.0.0.1:{}\n  routes:\n  - paths: [/socket]\n",
            upstream.port(),
            sockets.port()
        )
    };
    let gateway = Gateway::with(config("a")).start();
    let mut socket = gateway.connect();
    socket.send("GET /socket HTTP/1.1\r\nHost: gw.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").unwrap();
    assert_eq!(socket.head().unwrap().status(), 101);
    assert_eq!(socket.until(b";").unwrap(), b"welcome");

    let (done, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut memory = 0;
    std::thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| keep_asking(&gateway, &done, &count)));
        let over_2 = scope.spawn(|| keep_asking_over_2(&gateway, &done, &count));
        for round in 0..50 {
            reload(&gateway, &config(if round % 2 == 0 { "b" } else { "a" }), SERVED);
            reload(&gateway, "_format_version: \"3.0\"\nservices: [{name: b}, 7]\n", REFUSED);
            socket.send(format!("round{round};")).unwrap();
            assert_eq!(socket.until(b";").unwrap(), format!("ROUND{round}").into_bytes());
            if round == 9 {
                memory = gateway.memory().0;
            }
        }
        done.store(true, Ordering::SeqCst);
        clients.into_iter().for_each(|client| client.join().unwrap());
        over_2.join().unwrap();
    });
    let grown = gateway.memory().0.saturating_sub(memory);
    assert!(count.load(Ordering::SeqCst) > 300, "too little load: {count:?}");
    assert!(grown < 4096, "{grown} KiB more after 80 reloads more");
}

fn keep_asking(gateway: &Gateway, done: &AtomicBool, count: &AtomicUsize) {
    let mut client = gateway.connect();
    while !done.load(Ordering::SeqCst) {
        client.send("GET /x HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        let head = client.head().unwrap();
        assert_eq!(head.status(), 200);
        client.body(&head).unwrap();
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn keep_asking_over_2(gateway: &Gateway, done: &AtomicBool, count: &AtomicUsize) {
    let mut client = Frames::open(gateway);
    for stream in (1..).step_by(2) {
        if done.load(Ordering::SeqCst) {
            return;
        }
        let fields = [(":method", "HEAD"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/x")];
        client.send(head(stream, END_STREAM, &fields)).unwrap();
        assert_eq!(client.outcome(stream), Outcome::Status(200));
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A request goes on with the upstreams that it began with, although their numbers mean others by now, or none.
#[test]
fn a_request_under_way_ends_as_it_began() {
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    // Takes the first request and hangs up; answers the next, which is the same one again.
    let upstream = Upstream::start(move |peer, number| {
        peer.head()?;
        if number > 0 {
            return peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
        }
        asked.send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv_timeout(LIMIT * 2);
        Ok(())
    });
    let port = upstream.port();
    let gateway = Gateway::with(format!(
        "_format_version: \"3.0\"\nupstreams:\n- name: other.test\n- name: up.test\n  targets:\n  - \
         target: 127.0.0.1:{port}\nservices:\n- {{name: all, host: up.test, retries: 3, routes: [{{paths: [/]}}]}}\n"
    ))
    .start();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    was_asked.recv_timeout(LIMIT).unwrap();
    reload(&gateway, &saying("without-upstreams"), SERVED);
    assert!(says(&gateway, "without-upstreams"));
    go_on.send(()).unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (200, b"done".to_vec()));
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    assert!(String::from_utf8_lossy(&body).contains("without-upstreams"), "the next request sees the new file");
}

#[test]
fn counts_survive_where_the_limit_stays() {
    let config = |rate: &str, more: &str| {
        format!(
            "_format_version: \"3.0\"\nroutes:\n{more}- name: all\n  paths: [/]\n  plugins:\n  - {{name: limit-req, config: \
             {{rate: {rate}, burst: 1}}}}\n  - {{name: request-termination, config: {{status_code: 200}}}}\n"
        )
    };
    let gateway = Gateway::with(config("1r/m", "")).start();
    let status = || gateway.get("/").0;
    assert_eq!([status(), status(), status()], [200, 200, 429]);
    reload(&gateway, &config("1r/m", "- {name: before, paths: [/before]}\n"), SERVED);
    assert_eq!(status(), 429, "the same limit, at another place of the file");
    reload(&gateway, &config("2r/m", ""), SERVED);
    // The log may tell of the file before a worker has it, and of one file twice: by the watch, and by the signal.
    assert!(within(SOON, || status() == 200), "another limit");
    assert_eq!([status(), status()], [200, 429], "another limit");
}

#[test]
fn certificates_and_who_must_show_one_are_replaced() {
    let pki = Pki::new("test");
    let config = |number: u64, more: &str| {
        let pair = pki.server("a.test", number);
        let (cert, key) = (indented(&pair.cert), indented(&pair.key));
        format!(
            "{}certificates:\n- cert: |\n{cert}  key: |\n{key}  snis:\n  - name: a.test\n{more}",
            saying("greeting")
        )
    };
    let gateway = Gateway::with(config(11, "")).listen("ssl").start();
    let answers = |pair: bool| asks(&gateway, &pki, pair);
    assert_eq!((serial(&gateway, "a.test"), answers(false)), (Some(11), true));
    reload(&gateway, &config(12, ""), SERVED);
    assert_eq!((serial(&gateway, "a.test"), answers(false)), (Some(12), true));
    let authority = format!("    client_ca: '{{vault://file{}}}'\n", pki.path("ca.pem").display());
    reload(&gateway, &config(13, &authority), SERVED);
    assert!(within(SOON, || answers(true) && !answers(false)), "only with a certificate");
    reload(&gateway, &config(14, ""), SERVED);
    assert!(within(SOON, || answers(false)));
    assert_eq!(serial(&gateway, "a.test"), Some(14));
}

pub(crate) fn indented(pem: &str) -> String {
    pem.lines().map(|line| format!("    {line}\n")).collect()
}

/// Whether a client gets an answer, with or without a certificate of its own.
fn asks(gateway: &Gateway, pki: &Pki, shows: bool) -> bool {
    let port = gateway.port();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "10", "--resolve", &format!("a.test:{port}:127.0.0.1")]);
    curl.arg(format!("https://a.test:{port}/"));
    if shows {
        let (cert, key) = pki.write("client", &pki.client("client"));
        curl.arg("--cert").arg(cert).arg("--key").arg(key);
    }
    String::from_utf8_lossy(&curl.output().expect("curl is needed").stdout).contains("greeting")
}

#[test]
fn a_connection_that_waits_sees_the_new_file_at_once() {
    let gateway = Gateway::with(saying("first")).set("KONG_NGINX_WORKER_PROCESSES", "2").start();
    let mut clients: Vec<Peer> = (0..8).map(|_| gateway.connect()).collect();
    clients.iter_mut().for_each(|client| assert!(ask(client).contains("first")));
    reload(&gateway, &saying("second"), SERVED);
    let start = Instant::now();
    for client in &mut clients {
        while !ask(client).contains("second") {
            assert!(start.elapsed() < Duration::from_secs(1), "a worker goes on with the old file");
        }
    }
}

fn ask(client: &mut Peer) -> String {
    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let head = client.head().unwrap();
    String::from_utf8_lossy(&client.body(&head).unwrap()).into_owned()
}
