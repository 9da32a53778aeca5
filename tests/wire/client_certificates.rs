//! Clients that must show a certificate: of a listener's authority, or of a server name's.

use crate::common::pki::Pki;
use crate::common::{Gateway, Upstream};
use std::path::PathBuf;
use std::process::Command;

/// An authority, its server's and its client's files, and another authority's client.
struct Files {
    pki: Pki,
    server: (PathBuf, PathBuf),
    good: (PathBuf, PathBuf),
    bad: (PathBuf, PathBuf),
}

fn files() -> Files {
    let (pki, other) = (Pki::new("ours"), Pki::new("other"));
    let server = pki.write("server", &pki.server("*.a.test", 1));
    let good = pki.write("good", &pki.client("good"));
    let bad = pki.write("bad", &other.client("bad"));
    Files { pki, server, good, bad }
}

/// What curl says of one request: the status, or `000` where the handshake failed, and the upstream's `Client-Cert`.
fn ask(gateway: &Gateway, sni: &str, host: &str, pair: Option<&(PathBuf, PathBuf)>) -> (String, String) {
    let port = gateway.port();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "10", "--http1.1", "--write-out", "\n%{http_code}"])
        .args(["--resolve", &format!("{sni}:{port}:127.0.0.1"), "--header", &format!("Host: {host}")])
        .args(["--header", "Client-Cert: :bGllcw==:"])
        .arg(format!("https://{sni}:{port}/"));
    if let Some((cert, key)) = pair {
        curl.arg("--cert").arg(cert).arg("--key").arg(key);
    }
    let out = String::from_utf8(curl.output().expect("curl is needed").stdout).unwrap();
    let (body, status) = out.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

/// Answers with the `Client-Cert` that it got, or with a dash.
fn upstream() -> Upstream {
    Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            let told = head.get("client-cert").unwrap_or("-").to_owned();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}", told.len()))?;
        }
    })
}

fn config(upstream: &Upstream, certificates: &str) -> String {
    format!(
        "_format_version: \"3.0\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - paths: [/]\n\
         {certificates}",
        upstream.port()
    )
}

fn guarded_name(files: &Files, verify: &str) -> String {
    format!(
        "certificates:\n- cert: '{{vault://file{}}}'\n  key: '{{vault://file{}}}'\n  snis:\n  - name: open.a.test\n  \
         - name: admin.a.test\n    client_ca: '{{vault://file{}}}'\n    client_verify: '{verify}'\n",
        files.server.0.display(),
        files.server.1.display(),
        files.pki.path("ca.pem").display()
    )
}

#[test]
fn a_name_asks_for_a_certificate() {
    let (upstream, files) = (upstream(), files());
    let gateway = Gateway::with(config(&upstream, &guarded_name(&files, "on"))).listen("ssl http2").start();
    let (status, told) = ask(&gateway, "admin.a.test", "admin.a.test", Some(&files.good));
    assert_eq!(status, "200");
    assert!(told.starts_with(":MII") && told.ends_with(':'), "{told}");
    assert_eq!(ask(&gateway, "admin.a.test", "admin.a.test", None).0, "000");
    assert_eq!(ask(&gateway, "admin.a.test", "admin.a.test", Some(&files.bad)).0, "000");
    // Other names ask nobody, and what a client says of itself does not reach the upstream.
    assert_eq!(ask(&gateway, "open.a.test", "open.a.test", None), ("200".to_owned(), "-".to_owned()));
}

#[test]
fn another_names_connection_does_not_open_it() {
    let (upstream, files) = (upstream(), files());
    let gateway = Gateway::with(config(&upstream, &guarded_name(&files, "on"))).listen("ssl http2").start();
    let (status, page) = ask(&gateway, "open.a.test", "admin.a.test", None);
    assert_eq!(status, "421", "{page}");
    assert_eq!(ask(&gateway, "open.a.test", "ADMIN.a.test:443", Some(&files.good)).0, "421");
    assert_eq!(ask(&gateway, "admin.a.test", "open.a.test", Some(&files.good)).0, "200");
}

#[test]
fn optional_lets_in_those_without_and_nobody_with_a_bad_one() {
    let (upstream, files) = (upstream(), files());
    let gateway = Gateway::with(config(&upstream, &guarded_name(&files, "optional"))).listen("ssl").start();
    assert_eq!(ask(&gateway, "admin.a.test", "admin.a.test", None), ("200".to_owned(), "-".to_owned()));
    assert!(ask(&gateway, "admin.a.test", "admin.a.test", Some(&files.good)).1.starts_with(":MII"));
    assert_eq!(ask(&gateway, "admin.a.test", "admin.a.test", Some(&files.bad)).0, "000");
}

#[test]
fn a_listener_asks_for_a_certificate() {
    let (upstream, files) = (upstream(), files());
    let flags = format!("ssl client_ca={}", files.pki.path("ca.pem").display());
    let gateway = Gateway::with(config(&upstream, "")).listen(&flags).start();
    assert_eq!(ask(&gateway, "any.a.test", "any.a.test", Some(&files.good)).0, "200");
    assert_eq!(ask(&gateway, "any.a.test", "any.a.test", None).0, "000");
}

#[test]
fn plain_http_at_a_tls_listener_is_told() {
    let upstream = upstream();
    let gateway = Gateway::with(config(&upstream, "")).listen("ssl").start();
    let (status, body) = gateway.get("/");
    assert_eq!(status, 400);
    assert!(body.contains("speaks HTTPS"), "{body}");
}
