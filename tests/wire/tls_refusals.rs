//! What is no TLS handshake, or none that we take, ends in an alert or a close within the time limit, and hurts nobody.

use crate::common::gateway::Builder;
use crate::common::hello::{self, Hello, list8, list16, pairs, record};
use crate::common::tls::Certificate;
use crate::common::{Gateway, LIMIT, Upstream};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// The gateway's time limit for handshakes here.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the gateway ends it.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// A fatal alert with this description (RFC 8446 §6), and the end.
    Alert(u8),
    /// Any fatal alert that says no, for rustls's choice is not always the RFC's, or a close: where the hello is read
    /// before anything is decided, rustls has no word for what is none.
    Refusal,
    /// The end at once, without a word.
    Close,
    /// The end when the time for handshakes was over.
    Late,
    /// An answer: the rest of the handshake is waited for.
    Answer,
    /// An answer, and the end at once: the alert is encrypted, as TLS 1.3 has it from there on.
    Change,
}

use End::{Alert, Answer, Change, Close, Late, Refusal};

const UNEXPECTED_MESSAGE: End = Alert(10);
const HANDSHAKE_FAILURE: End = Alert(40);
const ILLEGAL_PARAMETER: End = Alert(47);
const DECODE_ERROR: End = Alert(50);
const PROTOCOL_VERSION: End = Alert(70);
/// Descriptions that say no to what came, and blame nobody else.
const REFUSALS: [u8; 8] = [10, 20, 22, 40, 47, 50, 51, 109];

/// The gateway, and what it may not lose.
struct Target {
    gateway: Gateway,
    upstream: Upstream,
    /// What it shows; the files are gone with it.
    _certificate: Certificate,
}

// === impl Target ===

impl Target {
    fn start() -> Self {
        let (certificate, upstream) = (Certificate::new(), Upstream::echo());
        let gateway = limited(certificate.shown_by(Gateway::to(&upstream)));
        Self { gateway, upstream, _certificate: certificate }
    }

    /// With a name that asks for client certificates: there the hello is read before anything is decided.
    fn guarded() -> Self {
        let (certificate, upstream) = (Certificate::new(), Upstream::echo());
        let gateway = limited(Gateway::with(certificate.guarding("guarded.test")));
        Self { gateway, upstream, _certificate: certificate }
    }

    /// Sends bytes, and sees what comes of it.
    fn outcome(&self, bytes: &[u8]) -> End {
        let (start, mut client) = (Instant::now(), self.gateway.connect());
        // It may give up before it has read everything.
        let _ = client.send(bytes);
        match client.exact(7) {
            Ok(got) if got[0] == hello::ALERT && got[5] == 2 => {
                assert!(client.closes_within(LIMIT), "an alert, and still open");
                Alert(got[6])
            }
            Ok(got) if got[0] == hello::HANDSHAKE && client.closes_within(PATIENCE / 4) => Change,
            Ok(got) if got[0] == hello::HANDSHAKE => Answer,
            Ok(got) => panic!("neither an alert nor a handshake: {got:?}"),
            Err(e) if !matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                panic!("it hangs: {e}")
            }
            Err(_) if start.elapsed() < PATIENCE * 9 / 10 => Close,
            Err(_) => Late,
        }
    }

    /// What must hold after anything that strangers do: no panic, no word in the log, and others are served.
    fn check(&self) {
        let output = self.gateway.output();
        assert_eq!(output.lines().count(), 2, "more than was said at start:\n{output}");
        assert_eq!(self.outcome(&Hello::modern().record()), Answer);
        assert_eq!(self.upstream.connections(), 0);
    }
}

/// Starts it with a short time for handshakes.
fn limited(gateway: Builder) -> Gateway {
    let seconds = format!("{}s", PATIENCE.as_secs());
    gateway.set("KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT", &seconds).listen("ssl http2").start()
}

/// Runs every case at a gateway, and at one that guards a name.
fn run(cases: &[(&str, Vec<u8>, End)]) {
    std::thread::scope(|scope| {
        scope.spawn(|| run_at(&Target::start(), cases));
        run_at(&Target::guarded(), cases);
    });
}

fn run_at(target: &Target, cases: &[(&str, Vec<u8>, End)]) {
    let fits = |want: &End, got: &End| match (want, got) {
        (Refusal, Alert(description)) => REFUSALS.contains(description),
        (Refusal, Close) => true,
        _ => want == got,
    };
    let outcomes = cases.iter().map(|(name, bytes, want)| (name, target.outcome(bytes), want));
    let wrong: Vec<_> = outcomes.filter(|(_, got, want)| !fits(want, got)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    target.check();
}

/// A hello with something changed.
fn changed(change: impl FnOnce(&mut Hello)) -> Vec<u8> {
    let mut hello = Hello::modern();
    change(&mut hello);
    hello.record()
}

fn with(extension: u16, body: Vec<u8>) -> Vec<u8> {
    Hello::modern().with(extension, body).record()
}

fn without(extension: u16) -> Vec<u8> {
    Hello::modern().without(extension).record()
}

#[test]
fn hellos_that_are_sound_are_answered() {
    let whole = Hello::modern().message();
    let pieces: Vec<u8> = whole.chunks(1).flat_map(|piece| record(hello::HANDSHAKE, piece)).collect();
    run(&[
        ("TLS 1.3", Hello::modern().record(), Answer),
        ("TLS 1.2", Hello::old(0x0303).record(), Answer),
        ("a version to come", with(hello::SUPPORTED_VERSIONS, list8(&pairs(&[0x0305, 0x0304]))), Answer),
        ("a group without its share, asked for again", with(hello::KEY_SHARE, list16(&[])), Answer),
        ("no name", without(hello::SERVER_NAME), Answer),
        ("a name that nobody serves", with(hello::SERVER_NAME, hello::server_name(b"else.test")), Answer),
        ("an extension that nobody knows", with(0x5a5a, vec![1; 200]), Answer),
        ("a record for each byte", pieces, Answer),
        ("a ChangeCipherSpec for middleboxes", [changed(|_| {}), record(20, &[1])].concat(), Answer),
    ]);
}

#[test]
fn versions_and_algorithms_that_we_do_not_take_are_refused() {
    run(&[
        ("SSL 2", ssl_2(), Refusal),
        ("SSL 3", Hello::old(0x0300).record(), PROTOCOL_VERSION),
        ("TLS 1.0", Hello::old(0x0301).record(), PROTOCOL_VERSION),
        ("TLS 1.1", Hello::old(0x0302).record(), PROTOCOL_VERSION),
        ("TLS 1.1 as its time knew it", Hello::old(0x0302).without(hello::SIGNATURE_ALGORITHMS).record(), Refusal),
        ("TLS 1.1, the new way", with(hello::SUPPORTED_VERSIONS, list8(&pairs(&[0x0302, 0x0301]))), PROTOCOL_VERSION),
        ("no suite in common", changed(|h| h.suites = vec![0x1304, 0x1305]), HANDSHAKE_FAILURE),
        ("no suites", changed(|h| h.suites.clear()), Refusal),
        ("RSA key exchange", suites_of_12(&[0x009c, 0x002f, 0x0035]), HANDSHAKE_FAILURE),
        ("finite-field key exchange", suites_of_12(&[0x009e, 0x0033]), HANDSHAKE_FAILURE),
        ("CBC", suites_of_12(&[0xc009, 0xc013, 0xc027]), HANDSHAKE_FAILURE),
        ("RC4, 3DES, NULL, export", suites_of_12(&[0xc007, 0xc008, 0xc006, 0x0003]), HANDSHAKE_FAILURE),
        ("no group in common", with(hello::SUPPORTED_GROUPS, list16(&pairs(&[0x001e]))), HANDSHAKE_FAILURE),
        ("SHA-1 only", with(hello::SIGNATURE_ALGORITHMS, list16(&pairs(&[0x0203, 0x0201]))), Change),
        ("no protocol in common", with(hello::ALPN, list16(&list8(b"spdy/3"))), Change),
    ]);
}

fn suites_of_12(suites: &[u16]) -> Vec<u8> {
    let mut hello = Hello::old(0x0303);
    hello.suites = suites.to_vec();
    hello.record()
}

/// SSL 2's CLIENT-HELLO: one suite, and a challenge of 16 bytes.
fn ssl_2() -> Vec<u8> {
    [&[0x80, 28, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80][..], &[9; 16]].concat()
}

#[test]
fn malformed_hellos_are_refused() {
    let empty_ticket = list16(&[&list16(&[])[..], &[0; 4]].concat());
    run(&[
        ("no null compression", changed(|h| h.compression = vec![1]), ILLEGAL_PARAMETER),
        ("deflate beside none", changed(|h| h.compression = vec![1, 0]), ILLEGAL_PARAMETER),
        ("no compression methods", changed(|h| h.compression.clear()), Refusal),
        ("too long a session id", changed(|h| h.session = vec![7; 33]), DECODE_ERROR),
        ("no extensions", changed(|h| h.extensions.clear()), Refusal),
        ("an extension twice", twice(), Refusal),
        ("no signature algorithms", without(hello::SIGNATURE_ALGORITHMS), Refusal),
        ("no groups", without(hello::SUPPORTED_GROUPS), Refusal),
        ("no key share", without(hello::KEY_SHARE), Refusal),
        ("an empty name", with(hello::SERVER_NAME, hello::server_name(b"")), DECODE_ERROR),
        ("a name with NUL", with(hello::SERVER_NAME, hello::server_name(b"gw\0.test")), ILLEGAL_PARAMETER),
        ("a name of 16,000 bytes", with(hello::SERVER_NAME, hello::server_name(&[b'a'; 16_000])), ILLEGAL_PARAMETER),
        ("no names", with(hello::SERVER_NAME, list16(&[])), DECODE_ERROR),
        ("an ALPN list without protocols", with(hello::ALPN, list16(&[])), DECODE_ERROR),
        ("an ALPN protocol without name", with(hello::ALPN, list16(&[0])), DECODE_ERROR),
        ("a length beyond the end", with(hello::ALPN, vec![0, 200, 2, b'h', b'2']), DECODE_ERROR),
        ("a point at infinity", with(hello::KEY_SHARE, hello::key_share(hello::X25519, &[0; 32])), ILLEGAL_PARAMETER),
        ("too short a key", with(hello::KEY_SHARE, hello::key_share(hello::X25519, &[9; 31])), ILLEGAL_PARAMETER),
        ("a point off its curve", off_curve(), ILLEGAL_PARAMETER),
        ("a ticket that is not last", ticket_first(empty_ticket.clone()), Refusal),
        ("a ticket without binder", with(hello::PRE_SHARED_KEY, empty_ticket), DECODE_ERROR),
        // RFC 5746 §3.6 asks for a refusal; where nothing is ever renegotiated it protects nobody.
        ("a renegotiation that never began", renegotiation(), Answer),
    ]);
}

fn twice() -> Vec<u8> {
    changed(|h| h.extensions.extend([(0x5a5a, vec![]), (0x5a5a, vec![])]))
}

fn off_curve() -> Vec<u8> {
    let point = [&[4][..], &[1; 64]].concat();
    Hello::modern()
        .with(hello::SUPPORTED_GROUPS, list16(&pairs(&[hello::SECP256R1])))
        .with(hello::KEY_SHARE, hello::key_share(hello::SECP256R1, &point))
        .record()
}

fn ticket_first(body: Vec<u8>) -> Vec<u8> {
    changed(|h| h.extensions.insert(0, (hello::PRE_SHARED_KEY, body)))
}

fn renegotiation() -> Vec<u8> {
    Hello::old(0x0303).with(hello::RENEGOTIATION_INFO, list8(&[1; 12])).record()
}

#[test]
fn malformed_records_and_messages_are_refused() {
    let good = Hello::modern().record();
    let message = Hello::modern().message();
    run(&[
        ("garbage", (0..200).map(|n| (n * 37 + 129) as u8).collect(), Refusal),
        ("zeros", vec![0; 5000], Refusal),
        ("a record that is too long", [&[22, 3, 1, 0xff, 0xff][..], &[1; 70_000]].concat(), Refusal),
        ("a record without content", record(hello::HANDSHAKE, &[]), DECODE_ERROR),
        ("a record of an unknown kind", record(30, &[1, 2, 3]), Refusal),
        ("a heartbeat", record(24, &[1, 0x40, 0]), Refusal),
        ("data before a hello", record(hello::APPLICATION_DATA, b"GET / HTTP/1.1\r\n\r\n"), Refusal),
        ("a ServerHello", record(hello::HANDSHAKE, &hello::message(2, &message[4..])), Refusal),
        ("a message of an unknown kind", record(hello::HANDSHAKE, &hello::message(99, b"?")), Refusal),
        ("the beginning of 16 MiB", record(hello::HANDSHAKE, &[1, 0xff, 0xff, 0xff, 3, 3]), Close),
        ("too short a message", record(hello::HANDSHAKE, &hello::message(1, &message[4..50])), DECODE_ERROR),
        ("bytes after a hello", record(hello::HANDSHAKE, &[&message[..], &[1]].concat()), UNEXPECTED_MESSAGE),
        ("two hellos in a record", record(hello::HANDSHAKE, &[&message[..], &message].concat()), UNEXPECTED_MESSAGE),
        ("a fatal alert", [record(hello::ALERT, &[2, 80]), good.clone()].concat(), Close),
        ("an alert of three bytes", record(hello::ALERT, &[2, 80, 0]), DECODE_ERROR),
        ("ChangeCipherSpec first", record(hello::CHANGE_CIPHER_SPEC, &[1]).repeat(3), Refusal),
    ]);
}

#[test]
fn nobody_may_take_longer_than_the_limit() {
    let hello = Hello::modern().record();
    let target = Target::start();
    for begun in [&[][..], &hello[..1], &hello[..5], &hello[..hello.len() / 2], &hello] {
        let start = Instant::now();
        let mut client = target.gateway.connect();
        client.send(begun).unwrap();
        assert!(client.closes_within(PATIENCE * 5), "{} bytes", begun.len());
        assert!(start.elapsed() > PATIENCE * 9 / 10, "{} bytes: after {:?}", begun.len(), start.elapsed());
        let mut client = target.gateway.connect();
        client.send(begun).unwrap();
        client.finish();
        assert!(client.closes_within(PATIENCE / 2), "{} bytes, and the end", begun.len());
    }
    target.check();
}

#[test]
fn dripping_buys_no_time() {
    let target = Target::start();
    let (start, mut client) = (Instant::now(), target.gateway.connect());
    let mut drops = Hello::modern().record().into_iter();
    while let Some(byte) = drops.next().filter(|_| start.elapsed() < LIMIT) {
        if client.send([byte]).is_err() || client.closes_within(Duration::from_millis(100)) {
            break;
        }
    }
    assert!(start.elapsed() < PATIENCE * 5, "each byte bought more time");
    assert!(drops.next().is_some(), "it was over before the limit");
    target.check();
}

#[test]
fn floods_end_and_cost_no_memory() {
    let endless = record(hello::HANDSHAKE, &[&[1, 0xff, 0xff, 0xff][..], &[0; 16_000]].concat());
    let target = Target::start();
    let (before, _) = target.gateway.memory();
    for flood in [
        record(hello::ALERT, &[1, 90]),
        record(hello::CHANGE_CIPHER_SPEC, &[1]),
        record(hello::HANDSHAKE, &[]),
        endless,
    ] {
        for first in [vec![], Hello::modern().record(), Hello::old(0x0303).record()] {
            let mut client = target.gateway.connect();
            client.send(first).unwrap();
            let start = Instant::now();
            while start.elapsed() < LIMIT && client.send(flood.repeat(50)).is_ok() {}
            assert!(start.elapsed() < PATIENCE * 5, "{:?} went on", &flood[..6]);
        }
    }
    assert!(target.gateway.memory().1 < before + 8 * 1024);
    target.check();
}

#[test]
fn half_open_handshakes_hold_up_nobody() {
    let upstream = Upstream::echo();
    let gateway = Gateway::to(&upstream).listen("ssl http2").set("KONG_NGINX_WORKER_PROCESSES", "1").start();
    let begun = || {
        let mut client = gateway.connect();
        client.send(&Hello::modern().record()[..40]).unwrap();
        client
    };
    let held: Vec<_> = (0..300).map(|_| begun()).collect();
    let (start, mut client) = (Instant::now(), gateway.connect());
    client.send(Hello::modern().record()).unwrap();
    assert_eq!(client.exact(1).unwrap(), [hello::HANDSHAKE]);
    assert!(start.elapsed() < LIMIT / 3);
    drop(held);
}

#[test]
fn plain_http_is_told_what_it_did() {
    let target = Target::start();
    let upload = format!("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 300000\r\n\r\n{}", "x".repeat(300_000));
    for request in [
        "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &upload,
    ] {
        let mut client = target.gateway.connect();
        client.send(request).unwrap();
        let head = client.head().unwrap();
        assert_eq!((head.status(), head.get("connection")), (400, Some("close")), "{request:.20}");
        let body = String::from_utf8(client.body(&head).unwrap()).unwrap();
        assert!(body.contains("speaks HTTPS"), "{body}");
        assert!(client.closes_within(LIMIT));
    }
    target.check();
}

#[test]
fn hellos_with_bytes_changed_at_random_end() {
    let target = Target::start();
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        // Knuth's MMIX generator; its upper bits are the good ones.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..1000 {
        let mut bytes = [Hello::modern(), Hello::old(0x0303)][random(2)].record();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            bytes[at] = u8::try_from(random(256)).unwrap();
        }
        let mut client = target.gateway.connect();
        client.send(&bytes).unwrap();
        client.finish();
        assert!(client.closes_within(PATIENCE * 2), "{bytes:02x?}");
    }
    target.check();
}
