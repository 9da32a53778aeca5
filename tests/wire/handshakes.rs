//! What a TLS client and the gateway agree on, and what neither may do afterwards.

use crate::common::tls::{Certificate, algorithms, connect, get, group};
use crate::common::{Gateway, Upstream, within};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion};
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

fn start(upstream: &Upstream) -> (Gateway, Certificate) {
    let certificate = Certificate::new();
    let gateway = certificate.shown_by(Gateway::to(upstream).listen("ssl http2")).start();
    (gateway, certificate)
}

#[test]
fn the_key_exchange_is_the_post_quantum_hybrid_where_the_client_knows_it() {
    let upstream = Upstream::echo();
    let (gateway, certificate) = start(&upstream);
    let today = Arc::new(certificate.client(algorithms(|_| ())));
    assert_eq!(group(&connect(&gateway, &today).unwrap().conn), NamedGroup::X25519MLKEM768);
    for one in [NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1] {
        let client = Arc::new(certificate.client(algorithms(|p| p.kx_groups.retain(|known| known.name() == one))));
        assert_eq!(group(&connect(&gateway, &client).unwrap().conn), one);
    }
}

#[test]
fn every_suite_has_forward_secrecy_and_works() {
    let upstream = Upstream::echo();
    let (gateway, certificate) = start(&upstream);
    let mut worked = Vec::new();
    for suite in algorithms(|_| ()).cipher_suites {
        let client = Arc::new(certificate.client(algorithms(|p| p.cipher_suites = vec![suite])));
        let name = format!("{:?}", suite.suite());
        match connect(&gateway, &client) {
            Ok(stream) => assert!(get(stream).1.starts_with("HTTP/1.1 200"), "{name}"),
            // The certificate's key is none for RSA suites.
            Err(e) => assert!(name.contains("RSA"), "{name}: {e}"),
        }
        worked.push(name);
    }
    worked.retain(|name| !name.contains("RSA"));
    assert!(worked.iter().all(|name| name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_ECDSA_")), "{worked:?}");
    assert_eq!(worked.len(), 6, "{worked:?}");
}

/// A client of one version.
fn of_version(certificate: &Certificate, version: ProtocolVersion) -> ClientConfig {
    let tls13 = version == ProtocolVersion::TLSv1_3;
    certificate.client(algorithms(|p| p.cipher_suites.retain(|suite| suite.tls13().is_some() == tls13)))
}

#[test]
fn sessions_resume_at_any_worker() {
    let upstream = Upstream::echo();
    let certificate = Certificate::new();
    let two = Gateway::to(&upstream).listen("ssl http2").set("KONG_NGINX_WORKER_PROCESSES", "2");
    let gateway = certificate.shown_by(two).start();
    for version in [ProtocolVersion::TLSv1_3, ProtocolVersion::TLSv1_2] {
        let client = Arc::new(of_version(&certificate, version));
        let mut kinds = Vec::new();
        for _ in 0..12 {
            let (connection, answer) = get(connect(&gateway, &client).unwrap());
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(connection.protocol_version(), Some(version));
            kinds.push(connection.handshake_kind().unwrap());
        }
        assert_eq!(kinds[0], HandshakeKind::Full);
        assert!(kinds[1..].iter().all(|kind| *kind == HandshakeKind::Resumed), "{version:?}: {kinds:?}");
    }
}

#[test]
fn the_suite_modern_is_tls_13_alone_and_without_tickets_nobody_resumes() {
    let upstream = Upstream::echo();
    let certificate = Certificate::new();
    let strict = Gateway::to(&upstream).listen("ssl").set("KONG_SSL_CIPHER_SUITE", "modern");
    let gateway = certificate.inlined(strict.set("KONG_SSL_SESSION_TICKETS", "off")).start();
    assert!(connect(&gateway, &Arc::new(of_version(&certificate, ProtocolVersion::TLSv1_2))).is_err());
    let client = Arc::new(of_version(&certificate, ProtocolVersion::TLSv1_3));
    for _ in 0..3 {
        let (connection, answer) = get(connect(&gateway, &client).unwrap());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn nothing_is_taken_before_the_handshake_is_done() {
    // A request in 0-RTT data could be replayed (RFC 8446 §8).
    let upstream = Upstream::echo();
    let (gateway, certificate) = start(&upstream);
    let mut client = certificate.client(algorithms(|_| ()));
    client.enable_early_data = true;
    let client = Arc::new(client);
    get(connect(&gateway, &client).unwrap());
    let name = "gw.test".try_into().unwrap();
    let mut again = rustls::ClientConnection::new(client, name).unwrap();
    assert!(again.early_data().is_none(), "the ticket allows early data");
}

#[test]
fn protocols_are_chosen_by_alpn() {
    let upstream = Upstream::echo();
    let (gateway, certificate) = start(&upstream);
    let chosen = |offered: &[&str]| {
        let mut client = certificate.client(algorithms(|_| ()));
        client.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = connect(&gateway, &Arc::new(client))?;
        Ok::<_, io::Error>(stream.conn.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap()))
    };
    assert_eq!(chosen(&["http/1.1", "h2"]).unwrap().as_deref(), Some("h2"));
    assert_eq!(chosen(&["http/1.0", "http/1.1"]).unwrap().as_deref(), Some("http/1.1"));
    assert_eq!(chosen(&[]).unwrap(), None);
    assert!(chosen(&["spdy/3"]).unwrap_err().to_string().contains("NoApplicationProtocol"));
}

#[test]
fn keys_may_be_changed_but_not_for_ever() {
    let upstream = Upstream::echo();
    let (gateway, certificate) = start(&upstream);
    let mut stream = connect(&gateway, &Arc::new(certificate.client(algorithms(|_| ())))).unwrap();
    stream.conn.refresh_traffic_keys().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 15]).unwrap();
    let mut again = || -> io::Result<()> {
        stream.conn.refresh_traffic_keys().map_err(io::Error::other)?;
        stream.conn.complete_io(&mut stream.sock).map(|_| ())
    };
    assert!((0..10_000).any(|_| again().is_err()), "it goes on");
    assert!(!gateway.output().contains("panicked"));
}

#[test]
fn nothing_is_renegotiated() {
    let upstream = Upstream::echo();
    let (gateway, _) = start(&upstream);
    let mut client = Command::new("openssl")
        .args(["s_client", "-tls1_2", "-connect", &format!("127.0.0.1:{}", gateway.port())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is needed");
    // A line of this letter alone tells it to ask for a new handshake.
    client.stdin.as_mut().unwrap().write_all(b"R\n").unwrap();
    let ended = within(Duration::from_secs(10), || client.try_wait().unwrap().is_some());
    let _ = client.kill();
    let out = client.wait_with_output().unwrap();
    let text = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(ended && text.contains("RENEGOTIATING") && text.contains("no renegotiation"), "{text}");
}
