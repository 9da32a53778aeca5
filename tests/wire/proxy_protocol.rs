//! The PROXY protocol: what a balancer in front says of the client, and whom that convinces.

use crate::common::gateway::Builder;
use crate::common::{Gateway, Head, LIMIT, Peer, Upstream};
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 4443\r\n";
const GET: &str = "GET /x HTTP/1.1\r\nHost: gw.test\r\n\r\n";

/// An upstream that hands over each head that it gets.
fn witness() -> (Upstream, mpsc::Receiver<Head>) {
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let upstream = Upstream::start(move |peer, _| {
        loop {
            let head = peer.head()?;
            tell.lock().unwrap().send(head).unwrap();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
    });
    (upstream, told)
}

/// A gateway that believes balancers of this machine.
fn believing(upstream: &Upstream) -> Builder {
    Gateway::to(upstream)
        .listen("proxy_protocol")
        .set("KONG_TRUSTED_IPS", "127.0.0.1, ::1")
        .set("KONG_REAL_IP_HEADER", "proxy_protocol")
}

/// What the upstream is told after this header: X-Real-IP, X-Forwarded-For and X-Forwarded-Port.
fn told(gateway: &Gateway, upstream: &mpsc::Receiver<Head>, header: &[u8]) -> [String; 3] {
    let mut client = gateway.connect();
    client.send([header, GET.as_bytes()].concat()).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    let head = upstream.recv_timeout(LIMIT).unwrap();
    ["x-real-ip", "x-forwarded-for", "x-forwarded-port"].map(|name| head.get(name).unwrap_or_default().to_owned())
}

fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &len, payload].concat()
}

#[test]
fn a_trusted_balancer_names_the_client() {
    let (upstream, seen) = witness();
    let gateway = believing(&upstream).start();
    let port = gateway.port().to_string();
    let v4 = v2(0x21, 0x11, &[192, 0, 2, 9, 198, 51, 100, 1, 0xdc, 4, 1, 0xbb]);
    let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 15], &[1], &[0, 1, 0, 2], b"\x04\0\x01x"].concat();
    let headers: [(&[u8], &str); 4] = [
        (V1, "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n", "2001:db8::7"),
        (&v4, "192.0.2.9"),
        (&v2(0x21, 0x21, &v6), "2001:db8::9"),
    ];
    for (header, client) in headers {
        // As with Kong, the port is the listener's own, not the balancer's: `port_maps` is for that.
        assert_eq!(told(&gateway, &seen, header), [client, client, &port], "{header:?}");
    }
}

#[test]
fn a_balancer_that_names_nobody_is_the_client() {
    let (upstream, seen) = witness();
    let gateway = believing(&upstream).start();
    let local = v2(0x20, 0x11, &[192, 0, 2, 9, 198, 51, 100, 1, 0xdc, 4, 1, 0xbb]);
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"PROXY UNKNOWN 192.0.2.7 198.51.100.1 1 2\r\n", &local] {
        assert_eq!(told(&gateway, &seen, header)[0], "127.0.0.1", "{header:?}");
    }
}

#[test]
fn only_a_trusted_balancer_is_believed_and_only_if_its_word_counts() {
    let (upstream, seen) = witness();
    let stranger = believing(&upstream).set("KONG_TRUSTED_IPS", "10.0.0.0/8").start();
    assert_eq!(told(&stranger, &seen, V1)[0], "127.0.0.1", "not trusted");
    // The client that it names is in a trusted network; the balancer is not.
    let named = believing(&upstream).set("KONG_TRUSTED_IPS", "192.0.2.0/24").start();
    assert_eq!(told(&named, &seen, V1)[0], "127.0.0.1", "trusted is the balancer, not the client");
    let header = believing(&upstream).set("KONG_REAL_IP_HEADER", "X-Real-IP").start();
    assert_eq!(told(&header, &seen, V1)[0], "127.0.0.1", "another header counts");
}

#[test]
fn a_connection_without_header_is_closed() {
    let (upstream, seen) = witness();
    let gateway = believing(&upstream).start();
    for start in [GET.as_bytes(), b"PROXY TCP4 192.0.2.7\r\n", &v2(0x31, 0x11, &[0; 12]), &[0x16, 3, 1, 0, 5]] {
        let mut client = gateway.connect();
        client.send([start, GET.as_bytes()].concat()).unwrap();
        assert!(client.closes_within(LIMIT), "{start:?}");
    }
    assert!(seen.try_recv().is_err(), "the upstream was asked");
}

#[test]
fn a_header_that_never_ends_is_waited_for_as_long_as_a_head() {
    let (upstream, _seen) = witness();
    let gateway = believing(&upstream).set("KONG_CLIENT_HEADER_TIMEOUT", "1s").start();
    for start in ["", "PROXY TCP4 192."] {
        let begun = Instant::now();
        let mut client = gateway.connect();
        client.send(start).unwrap();
        assert!(client.closes_within(LIMIT), "{start:?}");
        let took = begun.elapsed();
        assert!(took > Duration::from_millis(800) && took < Duration::from_secs(8), "{start:?} took {took:?}");
    }
}

#[test]
fn a_header_in_pieces_is_read() {
    let (upstream, seen) = witness();
    let gateway = believing(&upstream).start();
    let mut client = gateway.connect();
    for piece in V1.chunks(9) {
        client.send(piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    client.send(GET).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(seen.recv_timeout(LIMIT).unwrap().get("x-real-ip"), Some("192.0.2.7"));
}

#[test]
fn tls_begins_behind_the_header() {
    let (upstream, seen) = witness();
    let gateway = believing(&upstream).listen("ssl http2 proxy_protocol").start();
    let balancer = balancer(gateway.port(), V1);
    for version in ["--http1.1", "--http2"] {
        let url = format!("https://127.0.0.1:{balancer}/x");
        let mut curl = Command::new("curl");
        let curl = curl.args([version, "--insecure", "--silent", "--show-error", "--max-time", "15", &url]);
        let out = curl.output().expect("curl is needed");
        assert_eq!(String::from_utf8_lossy(&out.stdout), "ok", "{out:?}");
        let head = seen.recv_timeout(LIMIT).unwrap();
        assert_eq!((head.get("x-real-ip"), head.get("x-forwarded-proto")), (Some("192.0.2.7"), Some("https")));
    }
}

/// A balancer that puts a header in front of every connection, and else only passes bytes on. Gives its port.
fn balancer(to: u16, header: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut gateway = TcpStream::connect(("127.0.0.1", to)).unwrap();
            gateway.write_all(header).unwrap();
            let back = (gateway.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pass(client, gateway));
            std::thread::spawn(move || pass(back.0, back.1));
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn cloudflares_header_convinces_only_from_trusted_peers() {
    let (upstream, seen) = witness();
    let ask = |gateway: &Gateway| {
        let mut client: Peer = gateway.connect();
        client
            .send("GET / HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n")
            .unwrap();
        assert_eq!(client.head().unwrap().status(), 200);
        let head = seen.recv_timeout(LIMIT).unwrap();
        ["x-real-ip", "x-forwarded-proto", "cf-connecting-ip"].map(|name| head.get(name).unwrap_or_default().to_owned())
    };
    let preset = |more: &str| {
        let trusted = format!("cloudflare{more}");
        let gateway = Gateway::to(&upstream).set("KONG_TRUSTED_IPS", &trusted);
        gateway.set("KONG_REAL_IP_HEADER", "CF-Connecting-IP").start()
    };
    // A stranger's words are replaced; the header itself passes, as with nginx, and means nothing.
    assert_eq!(ask(&preset("")), ["127.0.0.1", "http", "192.0.2.7"]);
    assert_eq!(ask(&preset(", 127.0.0.0/8")), ["192.0.2.7", "https", "192.0.2.7"]);
}
