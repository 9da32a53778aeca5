//! What systemd does for a service, done by a shell: sockets passed in (sd_listen_fds(3)), a socket for news
//! (sd_notify(3)), and a user who may not bind low ports.

use crate::common::{Gateway, LIMIT, Peer, Upstream, gateway};
use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

/// Hands standard input on as the first passed socket. The shell becomes the gateway, so its number is the gateway's.
pub(crate) const PASS: [&str; 3] = [
    "sh",
    "-c",
    "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_FDNAMES=web.socket LISTEN_PID=$$; export LISTEN_FDS LISTEN_FDNAMES \
     LISTEN_PID; exec \"$0\" \"$@\"",
];
/// Becomes a user without any right.
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// A listener on a port that only privileged users may bind; `None`, with a word, where this process may not either.
fn low_port(mut range: Range<u16>) -> Option<TcpListener> {
    let found = range.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let start = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    let is_low = |listener: &TcpListener| port_of(listener) < start.trim().parse().unwrap_or(1024);
    let found = found.filter(is_low);
    if found.is_none() {
        eprintln!("skipped: no port here that takes a privilege which this process has");
    }
    found
}

/// Whether another user may run the gateway; says so if not.
fn nobody_may_run(program: &str) -> bool {
    let may = Command::new(NOBODY[0]).args(&NOBODY[1..]).args([program, "version"]).output();
    let may = may.is_ok_and(|out| out.status.success());
    if !may {
        eprintln!("skipped: cannot run {program} as another user");
    }
    may
}

#[test]
fn a_passed_socket_serves_a_port_that_may_not_be_bound() {
    let Some(listener) = low_port(600..800) else { return };
    if !nobody_may_run(&gateway::binary()) {
        return;
    }
    let (upstream, port) = (Upstream::echo(), port_of(&listener));
    let kept = listener.try_clone().unwrap();
    let wrapper = [&PASS[..], &NOBODY].concat();
    let served = Gateway::to(&upstream).at(port).through(&wrapper).stdin(OwnedFd::from(listener)).start();
    assert_eq!(served.get("/passed"), (200, "GET /passed ".to_owned()));
    drop((served, kept));
    let refused = Gateway::to(&upstream).at(port).through(&NOBODY).fails();
    let want = format!("cannot listen on 127.0.0.1:{port}: permission denied; ports below 1024 need the capability");
    assert!(refused.contains(&want), "{refused}");
}

#[test]
fn a_capability_of_the_file_serves_a_low_port() {
    let Some(listener) = low_port(800..1000) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("gateway");
    std::fs::copy(gateway::binary(), &program).unwrap();
    Command::new("chmod").arg("755").arg(folder.path()).status().unwrap();
    let capable = Command::new("setcap").arg("cap_net_bind_service=+ep").arg(&program).output();
    if !capable.is_ok_and(|out| out.status.success()) {
        eprintln!("skipped: no setcap here, or a file system without capabilities");
        return;
    }
    let program = program.to_str().unwrap();
    if !nobody_may_run(program) {
        return;
    }
    let (upstream, port) = (Upstream::echo(), port_of(&listener));
    drop(listener);
    // The program that the builder names is dropped: the copy runs in its place.
    let script = format!("shift; exec {} {program} \"$@\"", NOBODY.join(" "));
    let served = Gateway::to(&upstream).at(port).through(&["sh", "-c", &script, "sh"]).start();
    assert_eq!(served.get("/capable").0, 200);
}

#[test]
fn all_workers_share_a_passed_socket() {
    let upstream = Upstream::echo();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port_of(&listener);
    let builder = Gateway::to(&upstream).at(port).set("KONG_NGINX_WORKER_PROCESSES", "4");
    let served = builder.through(&PASS).stdin(OwnedFd::from(listener)).start();
    let clients: Vec<_> = (0..40).map(|_| served.connect()).collect();
    for mut client in clients {
        client.send("GET /shared HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        assert_eq!(client.head().unwrap().status(), 200);
    }
}

#[test]
fn no_connection_is_lost_while_the_gateway_restarts() {
    let upstream = Upstream::echo();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port_of(&listener);
    let start = || {
        let socket = OwnedFd::from(listener.try_clone().unwrap());
        Gateway::to(&upstream).at(port).through(&PASS).stdin(socket).start()
    };
    let mut first = start();
    first.signal("TERM");
    assert!(first.ends_within(LIMIT).is_some(), "did not stop");
    let mut waiting = Peer::connect(port).expect("the socket is still there");
    waiting.send("GET /waited HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    let _second = start();
    assert_eq!(waiting.head().unwrap().status(), 200);
}

#[test]
fn one_passed_socket_serves_both_families() {
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None);
    let Ok(socket) = socket else { return eprintln!("skipped: this machine has no IPv6") };
    socket.set_only_v6(false).unwrap();
    socket.bind(&"[::]:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(16).unwrap();
    let listener = TcpListener::from(socket);
    let (upstream, port) = (Upstream::echo(), port_of(&listener));
    let both = format!("0.0.0.0:{port}, [::]:{port}");
    let builder = Gateway::to(&upstream).at(port).set("KONG_PROXY_LISTEN", &both);
    let served = builder.through(&PASS).stdin(OwnedFd::from(listener)).start();
    assert_eq!(served.get("/four").0, 200);
    let mut six = Peer::connect_to(("::1", port)).unwrap();
    six.send("GET /six HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    assert_eq!(six.head().unwrap().status(), 200);
}

#[test]
fn a_socket_that_no_listener_asks_for_is_an_error() {
    let upstream = Upstream::echo();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port_of(&listener);
    let text = Gateway::to(&upstream).through(&PASS).stdin(OwnedFd::from(listener)).fails();
    let want =
        format!("error: the supervisor passed a socket on 127.0.0.1:{port} (web.socket), which proxy_listen does");
    assert!(text.contains(&want), "{text}");
}

#[test]
fn what_is_no_listening_socket_is_an_error() {
    let upstream = Upstream::echo();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let text = Gateway::to(&upstream).through(&PASS).stdin(OwnedFd::from(datagrams)).fails();
    let want = "error: socket 1 that systemd passed (web.socket) is no listening TCP socket: fd 3 is not a valid tcp";
    assert!(text.contains(want), "{text}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let text = Gateway::to(&upstream).through(&PASS).stdin(OwnedFd::from(client)).fails();
    assert!(text.contains("it does not listen (Accept= must be no)"), "{text}");
}

#[test]
fn the_supervisor_hears_when_it_serves_and_when_it_stops() {
    let upstream = Upstream::echo();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let news = UnixDatagram::bind(&path).unwrap();
    news.set_read_timeout(Some(LIMIT)).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let len = news.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let mut gateway = Gateway::to(&upstream).set("NOTIFY_SOCKET", path.to_str().unwrap()).start();
    assert_eq!(heard(), "READY=1\n");
    gateway.signal("TERM");
    assert_eq!(heard(), "STOPPING=1\n");
    assert_eq!(gateway.ends_within(LIMIT).unwrap().code(), Some(0));
}

#[test]
fn a_gateway_that_cannot_listen_is_never_called_ready() {
    let (upstream, folder) = (Upstream::echo(), tempfile::tempdir().unwrap());
    let path = folder.path().join("notify");
    let news = UnixDatagram::bind(&path).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = Gateway::to(&upstream).at(port_of(&taken)).set("NOTIFY_SOCKET", path.to_str().unwrap());
    assert!(builder.fails().contains("address already in use"));
    news.set_nonblocking(true).unwrap();
    assert!(news.recv(&mut [0; 16]).is_err());
}
