//! `gateway check --online`: what it says of servers of every kind, in `online.txt`.
//!
//! `BLESS=1 cargo test --test wire online` writes the text anew; look at the difference before you commit it.

use crate::common::Upstream;
use crate::common::gateway::{binary, free_port};
use crate::common::pki::Pki;
use crate::common::tls;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A TLS server with a certificate; answers every connection once.
fn tls_server(pki: &Pki, name: &str) -> u16 {
    tls::upstream(pki, name, |mut stream, _| {
        // Who only shakes hands sends nothing.
        if stream.read(&mut [0; 1024])? > 0 {
            stream.write_all(b"HTTP/1.1 204 No Content\r\nServer: tls\r\n\r\n")?;
        }
        Ok(())
    })
}

/// Answers paths under `/api` only.
fn below_api() -> Upstream {
    Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            let status = if head.line.contains(" /api") { "200 OK" } else { "404 Not Found" };
            peer.send(format!("HTTP/1.1 {status}\r\nServer: app\r\nContent-Length: 0\r\n\r\n"))?;
        }
    })
}

fn closing() -> Upstream {
    Upstream::start(|peer, _| peer.head().map(drop))
}

fn mute() -> Upstream {
    Upstream::start(|peer, _| {
        peer.head()?;
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    })
}

fn speaking(words: &'static str) -> Upstream {
    Upstream::start(move |peer, _| peer.send(words))
}

/// Runs the check; what it printed, with names for what changes, and its exit code.
fn check(folder: &Path, yaml: &str, ports: &[(u16, &str)]) -> (String, i32) {
    fs::write(folder.join("kong.yml"), yaml).unwrap();
    let mut command = Command::new(binary());
    let done = command.current_dir(folder).args(["check", "--online", "--timeout", "2s", "kong.yml"]).output().unwrap();
    let mut text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    for (port, name) in ports {
        text = text
            .replace(&format!(":{port}"), &format!(":{name}"))
            .replace(&format!("port {port}"), &format!("port {name}"));
    }
    let times = regex::Regex::new(r"\d+ ms|\d{4}-\d\d-\d\d \d\d:\d\d UTC").unwrap();
    // The words of the C library.
    let unknown = regex::Regex::new(r"its name is not known \([^)]*\)").unwrap();
    let text = unknown.replace_all(&text, "its name is not known (REASON)");
    (times.replace_all(&text, "TIME").into_owned(), done.status.code().unwrap())
}

#[test]
fn what_answers_is_told() {
    let (pki, other) = (Pki::new("Our CA"), Pki::new("Another CA"));
    let (app, closed, silent, ssh) = (below_api(), closing(), mute(), speaking("SSH-2.0-x\r\n"));
    let ports = [
        (app.port(), "11111"),
        (tls_server(&pki, "localhost"), "22222"),
        (closed.port(), "33333"),
        (silent.port(), "44444"),
        (ssh.port(), "55555"),
        (free_port(), "66666"),
    ];
    let ca = |pki: &Pki| fs::read_to_string(pki.path("ca.pem")).unwrap().replace('\n', "\\n");
    let yaml = include_str!("online.yml").replace("OURS", &ca(&pki)).replace("THEIRS", &ca(&other));
    let yaml = ports.iter().fold(yaml, |yaml, (port, name)| yaml.replace(name, &port.to_string()));
    let start = Instant::now();
    let (said, code) = check(pki.folder(), &yaml, &ports);
    assert!(start.elapsed() < Duration::from_secs(8), "they are asked side by side: {:?}", start.elapsed());
    assert_eq!(code, 1);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/online.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, said).unwrap();
    } else {
        assert_eq!(said, fs::read_to_string(path).unwrap());
    }
}

#[test]
fn all_is_well_where_all_answer() {
    let (folder, app) =
        (tempfile::tempdir().unwrap(), Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    let yaml = format!("_format_version: '2.1'\nservices: [{{name: a, url: 'http://127.0.0.1:{}'}}]\n", app.port());
    let (said, code) = check(folder.path(), &yaml, &[(app.port(), "PORT")]);
    let want = "ok  http://127.0.0.1:PORT  a\n    answers `OPTIONS *` with 200, TIME, at 127.0.0.1:PORT\n\
                all upstream servers can be used (1)\n\
                kong.yml: fine, 0 routes, 1 service, 0 plugins\n";
    assert_eq!((said.as_str(), code), (want, 0));
    assert_eq!(app.connections(), 1);
}
