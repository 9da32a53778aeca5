//! What a line of the access log costs: noting what it needs of a request, and writing it.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use gateway::observe::access::{Access, Met, Outcome};
use gateway::observe::format::{Escape, Format};
use gateway::observe::writer::Logs;
use gateway::settings::{AccessLog, Layout, Target};
use http::{Request, StatusCode};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn request(target: &str) -> Request<()> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36";
    let request = Request::builder().uri(target).header("host", "localhost:8000").header("user-agent", agent);
    request.header("referer", "http://localhost:3000/").body(()).unwrap()
}

fn lines(c: &mut Criterion) {
    let mut logs = Logs::default();
    let to = Target::File("/dev/null".into());
    let sink = logs.open(&to).unwrap();
    let own = r#"$remote_addr "$request" $status rt=$request_time ua="$http_user_agent""#;
    let own = Arc::new(Format::compile(own, Escape::Default).unwrap());
    let targets = [
        ("plain", "/rest/v1/todos"),
        ("query", "/rest/v1/todos?select=id,title&order=id.desc"),
        ("secret", "/realtime/v1/websocket?apikey=abcdefgh&vsn=1.0.0"),
    ];
    for (format, layout) in [("combined", Layout::Kong), ("json", Layout::Json), ("own", Layout::Lines(own))] {
        let access = Access::new(sink.clone(), &AccessLog { to: to.clone(), layout });
        for (name, target) in targets {
            let (req, now) = (request(target), SystemTime::now());
            let met = Met { client: [127, 0, 0, 1].into(), tls: false, handshake: None };
            let status = StatusCode::OK.as_u16();
            let (took, secrets) = (Duration::from_millis(12), &[][..]);
            let end = Outcome { status, bytes: 345, whole: true, took, secrets, known: None };
            c.bench_function(&format!("access log line/{format}/{name}"), |b| {
                b.iter(|| access.write(&access.entry(black_box(&req), met).unwrap(), black_box(&end), now));
            });
        }
    }
}

criterion_group!(benches, lines);
criterion_main!(benches);
