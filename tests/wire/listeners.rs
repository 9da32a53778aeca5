//! Listeners: both families are served, connected to and told of, and addresses may overlap.

use crate::common::gateway::free_port;
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

/// Whether this machine has `::1`; says so if not.
fn has_ipv6() -> bool {
    let has = TcpListener::bind("[::1]:0").is_ok();
    if !has {
        eprintln!("skipped: this machine has no ::1");
    }
    has
}

/// Status of an answer over an address.
fn status(host: &str, port: u16) -> u16 {
    let mut peer = Peer::connect_to((host, port)).unwrap();
    peer.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    peer.head().unwrap().status()
}

#[test]
fn two_listeners_or_one_serve_both_families() {
    if !has_ipv6() {
        return;
    }
    let upstream = Upstream::echo();
    for form in ["0.0.0.0:PORT, [::]:PORT", "[::]:PORT ipv6only=off", "127.0.0.1:PORT, [::1]:PORT ipv6only=on"] {
        let port = free_port();
        let listen = form.replace("PORT", &port.to_string());
        let _gateway = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &listen).start();
        assert_eq!([status("127.0.0.1", port), status("::1", port)], [200, 200], "{form}");
    }
}

#[test]
fn tls_is_spoken_to_both_families() {
    if !has_ipv6() {
        return;
    }
    let (upstream, port) = (Upstream::echo(), free_port());
    let listen = format!("0.0.0.0:{port} ssl http2, [::]:{port} ssl http2");
    let _gateway = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &listen).start();
    for host in ["127.0.0.1", "[::1]"] {
        let url = format!("https://{host}:{port}/six");
        let out = Command::new("curl").args(["--insecure", "--silent", "--max-time", "15", "--globoff", &url]).output();
        assert_eq!(String::from_utf8_lossy(&out.unwrap().stdout), "GET /six ", "{host}");
    }
}

#[test]
fn an_upstream_has_an_ipv6_address_and_so_has_the_client() {
    if !has_ipv6() {
        return;
    }
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let upstream = Upstream::start_at("[::1]:0", move |peer, _| {
        let head = peer.head()?;
        tell.lock().unwrap().send(head).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let port = free_port();
    let gateway = Gateway::with(format!(
        "_format_version: \"2.1\"\nservices:\n- name: six\n  url: http://[::1]:{}\n  routes:\n  - paths: [/]\n",
        upstream.port()
    ));
    let listen = format!("127.0.0.1:{port}, [::1]:{port}");
    let gateway = gateway.at(port).set("KONG_PROXY_LISTEN", &listen).start();
    assert_eq!(status("::1", port), 200);
    let head = told.recv_timeout(LIMIT).unwrap();
    assert_eq!((head.get("x-real-ip"), head.get("x-forwarded-for")), (Some("::1"), Some("::1")));
    assert_eq!(head.get("host"), Some(format!("[::1]:{}", upstream.port()).as_str()));
    assert_eq!(status("127.0.0.1", port), 200);
    assert_eq!(told.recv_timeout(LIMIT).unwrap().get("x-real-ip"), Some("127.0.0.1"));
    let logged = || gateway.output().lines().any(|line| line.starts_with("::1 - - "));
    assert!(within(LIMIT, logged), "{}", gateway.output());
}

#[test]
fn a_client_of_a_dual_stack_socket_has_its_ipv4_address() {
    if !has_ipv6() {
        return;
    }
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let upstream = Upstream::start(move |peer, _| {
        let head = peer.head()?;
        tell.lock().unwrap().send(head).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let port = free_port();
    let listen = format!("[::]:{port} ipv6only=off");
    let _gateway = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &listen).start();
    assert_eq!(status("127.0.0.1", port), 200);
    assert_eq!(told.recv_timeout(LIMIT).unwrap().get("x-real-ip"), Some("127.0.0.1"));
}

/// An address that cannot be had stops the start, though the other could be had: half a service is no service.
#[test]
fn a_machine_without_ipv6_says_so() {
    let script = "ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec \"$0\" \"$@\"";
    let unshare = ["unshare", "--net", "sh", "-c", script];
    if !Command::new("unshare").args(&unshare[1..]).arg("true").status().is_ok_and(|s| s.success()) {
        return eprintln!("skipped: no right to make a network namespace without IPv6");
    }
    let upstream = Upstream::echo();
    let both = "127.0.0.1:8000, [::1]:8000";
    let text = Gateway::to(&upstream).set("KONG_PROXY_LISTEN", both).through(&unshare).fails();
    assert!(text.contains("error: cannot listen on [::1]:8000: address not available; no interface"), "{text}");
}

#[test]
fn the_closer_of_two_addresses_serves() {
    let (upstream, port) = (Upstream::echo(), free_port());
    let listen = format!("0.0.0.0:{port} ssl, 127.0.0.1:{port}");
    let gateway = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &listen).start();
    assert_eq!(gateway.get("/clear").0, 200);
    let url = format!("https://127.0.0.2:{port}/tls");
    let out = Command::new("curl").args(["--insecure", "--silent", "--max-time", "15", &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "GET /tls ");
    let again = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &listen).fails();
    assert!(again.contains(&format!("cannot listen on 0.0.0.0:{port}: address already in use; another")), "{again}");
}
