//! The load of `handshakes.py`: new TLS 1.3 connections, one after another on each of some tasks, each with one request.
//!
//!   handshakes PORT CERTIFICATE SECONDS full|resumed|hybrid
//!
//! Prints `CONNECTIONS ERRORS P50 P99`, the last two in microseconds from the first packet to the end of the answer. A
//! handshake that is not of the kind asked for is an error: each task's first cannot be resumed and counts for nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

const TASKS: usize = 16;
const LIMIT: Duration = Duration::from_secs(10);
const REQUEST: &[u8] = b"GET /rest/v1/1k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What kind of handshakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With a certificate, and X25519.
    Full,
    /// With a ticket of the connection before.
    Resumed,
    /// With a certificate, and X25519MLKEM768 where the server knows it.
    Hybrid,
}

/// What a task saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    errors: usize,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [port, certificate, seconds, kind] = words.as_slice() else {
        // `cargo bench` runs every bench, this one without anything to measure.
        return eprintln!("run by benches/compare/handshakes.py");
    };
    let kind = match kind.as_str() {
        "full" => Kind::Full,
        "resumed" => Kind::Resumed,
        _ => Kind::Hybrid,
    };
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let time = Duration::from_secs(seconds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    report(runtime.block_on(run(port.parse().unwrap(), &certificate, time, kind)));
}

async fn run(port: u16, certificate: &CertificateDer<'static>, time: Duration, kind: Kind) -> Seen {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        // Tickets are each task's own: it never lacks one, and never has a choice.
        let client = TlsConnector::from(Arc::new(client(certificate, kind)));
        tasks.spawn(async move { work(port, &client, end, kind).await });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.unwrap();
        all.times.extend(seen.times);
        all.errors += seen.errors;
    }
    all
}

fn client(certificate: &CertificateDer<'static>, kind: Kind) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut provider = aws_lc_rs::default_provider();
    let wanted =
        |group: NamedGroup| group == NamedGroup::X25519 || kind == Kind::Hybrid && group == NamedGroup::X25519MLKEM768;
    provider.kx_groups.retain(|group| wanted(group.name()));
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    if kind != Kind::Resumed {
        client.resumption = Resumption::disabled();
    }
    client
}

async fn work(port: u16, client: &TlsConnector, end: Instant, kind: Kind) -> Seen {
    let mut seen = Seen::default();
    let mut first = true;
    while Instant::now() < end {
        let start = Instant::now();
        let got = tokio::time::timeout(LIMIT, connect(port, client)).await;
        let wanted = if kind == Kind::Resumed && !first { HandshakeKind::Resumed } else { HandshakeKind::Full };
        match got {
            Ok(Ok(kind)) if kind == wanted && first => {}
            Ok(Ok(kind)) if kind == wanted => seen.times.push(start.elapsed()),
            _ => seen.errors += 1,
        }
        first = false;
    }
    seen
}

/// One connection, from its handshake to the end of an answer.
async fn connect(port: u16, client: &TlsConnector) -> io::Result<HandshakeKind> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    let mut stream = client.connect(ServerName::try_from("localhost").unwrap(), socket).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::with_capacity(4096);
    let ended = stream.read_to_end(&mut answer).await;
    let whole = answer.starts_with(b"HTTP/1.1 200") && answer.len() > 1024;
    if !whole {
        return Err(ended.err().unwrap_or_else(|| io::ErrorKind::InvalidData.into()));
    }
    stream.get_ref().1.handshake_kind().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn report(mut seen: Seen) {
    seen.times.sort();
    let at = |percent: usize| seen.times.get(seen.times.len() * percent / 100).map_or(0, Duration::as_micros);
    println!("{} {} {} {}", seen.times.len(), seen.errors, at(50), at(99));
}
