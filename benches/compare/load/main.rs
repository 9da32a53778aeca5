//! The loads of `run.py` that wrk and h2load cannot make. It starts them; by hand:
//!
//!   load handshakes PORT CERTIFICATE SECONDS full|resumed|hybrid        new TLS connections, one request each
//!   load paced PORT CERTIFICATE SECONDS clear|again|tls|h2 PATH RATE    requests at a fixed rate, however late answers are
//!   load idle PORT CERTIFICATE SECONDS clear|tls COUNT                  connections that asked once, and stay
//!   load websocket PORT CERTIFICATE SECONDS PATH BYTES                  messages through tunnels, each awaited back
//!
//! Prints `DONE ERRORS P50 P99 P99.9`, times in microseconds.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod handshakes;
mod idle;
mod paced;
mod tls;
mod websocket;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// No answer takes longer, or it is an error.
const LIMIT: Duration = Duration::from_secs(10);

/// What all loads are told.
#[derive(Clone)]
struct Target {
    port: u16,
    /// The server's, which vouches for itself.
    certificate: CertificateDer<'static>,
    /// When to stop.
    end: Instant,
}

/// What a task saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    errors: usize,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [kind, port, certificate, seconds, rest @ ..] = words.as_slice() else {
        // `cargo bench` runs every bench, this one without anything to measure.
        return eprintln!("run by benches/compare/run.py");
    };
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let target = Target { port: port.parse().unwrap(), certificate, end };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    report(runtime.block_on(run(kind, target, rest)));
}

async fn run(kind: &str, target: Target, words: &[&str]) -> Seen {
    match (kind, words) {
        ("handshakes", [kind]) => handshakes::run(&target, kind).await,
        ("paced", [mode, path, rate]) => paced::run(&target, mode, path, rate.parse().unwrap()).await,
        ("idle", [mode, count]) => idle::run(&target, mode, count.parse().unwrap()).await,
        ("websocket", [path, bytes]) => websocket::run(&target, path, bytes.parse().unwrap()).await,
        _ => panic!("no such load: {kind} {words:?}"),
    }
}

/// Runs so many tasks to their end.
async fn together<F: Future<Output = Seen> + 'static>(count: usize, task: impl Fn(usize) -> F) -> Seen {
    let local = tokio::task::LocalSet::new();
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn_local_on(task(number), &local);
    }
    let mut all = Seen::default();
    let ends = async {
        while let Some(seen) = tasks.join_next().await {
            let seen = seen.unwrap();
            all.times.extend(seen.times);
            all.errors += seen.errors;
        }
    };
    local.run_until(ends).await;
    all
}

fn report(mut seen: Seen) {
    seen.times.sort();
    let count = seen.times.len();
    let at = |thousandth: usize| seen.times.get(count * thousandth / 1000).map_or(0, Duration::as_micros);
    println!("{count} {} {} {} {}", seen.errors, at(500), at(990), at(999));
}
