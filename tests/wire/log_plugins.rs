//! Log plugins with real collectors: those that refuse for a while, that hang, that go away, and a gateway that stops.

use crate::common::{Gateway, Peer, Upstream, gateway::Builder, within};
use std::io::{self, Read};
use std::net::{TcpListener, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// A gateway in front of an upstream, with one plugin for all.
fn gateway(version: &str, upstream: &Upstream, plugin: &str) -> Builder {
    Gateway::with(format!(
        "_format_version: '{version}'\nservices:\n- {{name: s, url: 'http://127.0.0.1:{}', routes: [{{name: r, paths: \
         [/a]}}]}}\nplugins:\n- {plugin}\n",
        upstream.port()
    ))
}

/// A server that takes log lines: head and body of each request, with the number of its connection and of the request.
fn collector(
    answer: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
) -> (Upstream, Receiver<(usize, String, String)>) {
    let (tell, told) = mpsc::channel();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Upstream::start(move |peer, connection| {
        loop {
            let head = peer.head()?;
            let body = String::from_utf8(peer.body(&head)?).unwrap();
            let _ = tell.send((connection, format!("{head:?}"), body));
            match answer(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
                Some(status) => peer.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))?,
                None => std::thread::sleep(LONG),
            }
        }
    });
    (server, told)
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_collector_that_refuses_twice_gets_its_records_in_the_end() {
    let refusing = |n: usize| Some(if n < 2 { "500 Internal Server Error" } else { "200 OK" });
    let (server, told) = collector(refusing);
    let upstream = Upstream::echo();
    let url = format!("http://us%40er:pass@127.0.0.1:{}/in?token=dropped", server.port());
    let plugin = format!("{{name: http-log, config: {{http_endpoint: '{url}', headers: {{x-a: b}}}}}}");
    let gateway = gateway("3.0", &upstream, &plugin).start();
    assert_eq!(gateway.get("/a?x=1").0, 200);
    let times: Vec<_> = (0..3).map(|_| told.recv_timeout(LONG).unwrap()).collect();
    assert!(times.iter().all(|(_, _, body)| *body == times[0].2), "the same record three times");
    let (_, head, body) = &times[2];
    assert!(head.contains("POST /in HTTP/1.1") && head.contains("Basic dXNAZXI6cGFzcw=="), "{head}");
    assert_eq!(json(body)["request"]["uri"], "/a?x=1");
    assert_eq!(json(body)["source"], "service");
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err(), "once it was taken, it is not sent again");
    assert_eq!(server.connections(), 1, "one connection for all");
    let output = gateway.output();
    assert!(output.contains("a log did not take its lines") && !output.contains("pass@"), "{output}");
}

#[test]
fn records_go_together_where_they_may() {
    let (server, told) = collector(|_| Some("204 No Content"));
    let upstream = Upstream::echo();
    let config = format!("{{http_endpoint: 'http://127.0.0.1:{}', queue_size: 3, flush_timeout: 60}}", server.port());
    let mut gateway = gateway("2.1", &upstream, &format!("{{name: http-log, config: {config}}}")).start();
    (0..4).for_each(|_| assert_eq!(gateway.get("/none").0, 404));
    assert_eq!(json(&told.recv_timeout(LONG).unwrap().2).as_array().unwrap().len(), 3);
    // The fourth waits for company, until the gateway stops.
    gateway.signal("TERM");
    assert_eq!(json(&told.recv_timeout(LONG).unwrap().2).as_array().unwrap().len(), 1);
    assert!(gateway.ends_within(LONG).unwrap().success());
}

#[test]
fn a_collector_that_hangs_holds_up_nobody_and_lost_lines_are_told() {
    let (server, told) = collector(|_| None);
    let upstream = Upstream::echo();
    let queue = "queue: {max_entries: 2}, timeout: 60000";
    let config = format!("{{http_endpoint: 'http://127.0.0.1:{}', {queue}}}", server.port());
    let mut gateway = gateway("3.0", &upstream, &format!("{{name: http-log, config: {config}}}")).start();
    assert_eq!(gateway.get("/a").0, 200);
    told.recv_timeout(LONG).unwrap();
    let begun = Instant::now();
    (0..20).for_each(|_| assert_eq!(gateway.get("/a").0, 200));
    assert!(begun.elapsed() < LONG / 4, "{:?}", begun.elapsed());
    assert!(within(LONG, || gateway.output().contains("its queue is full and lines are dropped")));
    gateway.signal("TERM");
    assert!(gateway.ends_within(LONG).unwrap().success());
    assert!(gateway.output().contains("the time to write logs ran out"), "{}", gateway.output());
}

#[test]
fn lines_go_over_tcp_and_again_when_the_other_side_went_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let upstream = Upstream::echo();
    let plugin = format!("{{name: tcp-log, config: {{host: 127.0.0.1, port: {port}}}}}");
    let mut gateway = gateway("2.1", &upstream, &plugin).start();
    let line = |peer: &mut Peer| json(std::str::from_utf8(&peer.until(b"\n").unwrap()).unwrap());
    let accept = || -> io::Result<Peer> { Peer::new(listener.accept()?.0) };
    assert_eq!(gateway.get("/a?n=1").0, 200);
    let mut first = accept().unwrap();
    assert_eq!(line(&mut first)["request"]["uri"], "/a?n=1");
    assert_eq!(gateway.get("/a?n=2").0, 200);
    assert_eq!(line(&mut first)["request"]["uri"], "/a?n=2", "the same connection");
    drop(first);
    assert_eq!(gateway.get("/a?n=3").0, 200);
    let mut second = accept().unwrap();
    assert_eq!(line(&mut second)["request"]["uri"], "/a?n=3");
    gateway.signal("TERM");
    assert!(gateway.ends_within(LONG).unwrap().success());
    assert!(second.rest().unwrap().is_empty(), "closed in good order");
}

#[test]
fn a_datagram_is_one_record() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let upstream = Upstream::echo();
    let plugin =
        format!("{{name: udp-log, config: {{host: 127.0.0.1, port: {}}}}}", socket.local_addr().unwrap().port());
    let gateway = gateway("2.1", &upstream, &plugin).start();
    for target in ["/a", "/none"] {
        gateway.get(target);
        let mut buffer = vec![0; 65536];
        let read = socket.recv(&mut buffer).unwrap();
        assert_eq!(json(std::str::from_utf8(&buffer[..read]).unwrap())["request"]["uri"], target);
    }
}

#[test]
fn a_file_is_made_anew_when_it_was_moved_away_and_flushed_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let upstream = Upstream::echo();
    let plugin = format!("{{name: file-log, config: {{path: '{}'}}}}", path.display());
    let mut gateway = gateway("2.1", &upstream, &plugin).start();
    let lines = || {
        let mut text = String::new();
        std::fs::File::open(&path).map(|mut file| file.read_to_string(&mut text).unwrap()).unwrap_or_default();
        text.lines().count()
    };
    assert_eq!(gateway.get("/a").0, 200);
    assert!(within(LONG, || lines() == 1));
    std::fs::rename(&path, folder.path().join("a.log.1")).unwrap();
    (0..50).for_each(|_| assert_eq!(gateway.get("/a").0, 200));
    gateway.signal("TERM");
    assert!(gateway.ends_within(LONG).unwrap().success());
    assert_eq!(lines(), 50);
}
