//! Names of upstreams: one that does not resolve costs only its own routes, and one that moves is followed.

use crate::common::{Gateway, Upstream, within};
use std::process::Command;
use std::time::Duration;

#[test]
fn a_name_that_does_not_resolve_costs_only_its_own_routes() {
    let upstream = Upstream::echo();
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: absent\n  url: http://absent.invalid:80\n  retries: 0\n  \
         routes:\n  - paths: [/absent]\n- name: here\n  url: http://127.0.0.1:{}\n  routes:\n  - paths: [/here]\n",
        upstream.port()
    ))
    .start();
    let (status, body) = gateway.get("/absent");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("name resolution failed"), "{body}");
    assert_eq!(gateway.get("/here").0, 200);
}

/// Whether this machine lets a process have its own `/etc/hosts`.
fn can_unshare() -> bool {
    Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success())
}

/// A restarted container comes back under the same name with another address.
#[test]
fn a_name_that_moves_is_followed_within_five_seconds() {
    if !can_unshare() {
        eprintln!("skipped: no right to make a mount namespace, so no private hosts file");
        return;
    }
    let answer =
        |text: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    let (first, second) = (answer("first"), answer("second"));
    let serve = |text: String| {
        move |peer: &mut crate::common::Peer, _: usize| {
            peer.head()?;
            peer.send(&text)
        }
    };
    let old = Upstream::start_at("127.0.0.2:0", serve(first));
    let _new = Upstream::start_at(&format!("127.0.0.3:{}", old.port()), serve(second));
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost\n127.0.0.2 moving.test\n").unwrap();
    let script = format!("mount --bind {} /etc/hosts && exec \"$0\" \"$@\"", hosts.display());
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- url: http://moving.test:{}\n  name: moving\n  routes:\n  - paths: [/]\n",
        old.port()
    ))
    .through(&["unshare", "-m", "sh", "-c", &script])
    .start();
    assert_eq!(gateway.get("/").1, "first");
    // Written in place: the mount shows this very file.
    std::fs::write(&hosts, "127.0.0.1 localhost\n127.0.0.3 moving.test\n").unwrap();
    let moved = within(Duration::from_millis(5500), || gateway.get("/").1 == "second");
    assert!(moved, "still at the old address");
}
