//! What plugins cost a request: the seed's chain, and cors alone, over the headers of a browser's request.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use gateway::body::Body;
use gateway::config::report::{Report, Span};
use gateway::config::value::{Checked, Value};
use gateway::entity::Compat;
use gateway::plugin::{Build, Chain, Ctx, Entry, Slot};
use gateway::world::World;
use http::{Extensions, Request, Response};
use std::hint::black_box;
use std::time::{Instant, SystemTime};

const HEADERS: [(&str, &str); 14] = [
    ("host", "localhost:54321"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("apikey", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"),
    ("authorization", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"),
    ("origin", "http://localhost:3737"),
    ("prefer", "return=representation"),
    ("referer", "http://localhost:3737/"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "cross-site"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("x-client-info", "supabase-js/2.45.0"),
    ("content-type", "application/json"),
];

fn text(text: &str) -> Checked {
    Checked { value: Value::Str(text.to_owned().into()), span: Span::default() }
}

fn list(texts: &[&str]) -> Checked {
    Checked { value: Value::List(texts.iter().map(|t| text(t)).collect()), span: Span::default() }
}

fn record(fields: Vec<(&'static str, Checked)>) -> Checked {
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Checked { value: Value::Map(fields), span: Span::default() }
}

fn slot(name: &str, config: &Checked) -> Slot {
    let entry = Entry::named(name).unwrap();
    let (mut report, mut shared) = (Report::default(), Extensions::new());
    let (files, watch) = (World::EMPTY.file, &mut Vec::new());
    let (compat, path) = (Compat::Kong2, Vec::new());
    let mut cx = Build {
        compat,
        report: &mut report,
        path: &path,
        files,
        watch,
        shared: &mut shared,
        before: &Extensions::new(),
        standing: &String::new,
    };
    let plugin = (entry.build)(config, &mut cx);
    Slot { name: entry.name, base: Some(plugin.unwrap()), special: Vec::new() }
}

fn transformer() -> Slot {
    let bearer = format!("Authorization: Bearer {}", "x".repeat(200));
    let remove = record(vec![("headers", list(&["Authorization", "authorization"]))]);
    let add = record(vec![("headers", list(&[&bearer, "Content-Profile: graphql_public"]))]);
    slot("request-transformer", &record(vec![("remove", remove), ("add", add)]))
}

/// As in Supabase's file for self-hosting: which key becomes which token.
fn templates() -> Slot {
    let value = "Authorization: $((headers.authorization ~= nil and headers.authorization:sub(1, 10) ~= 'Bearer sb_' \
        and headers.authorization) or (headers.apikey == 'sb_secret' and 'Bearer a') or headers.apikey)";
    let fields = ["add", "replace"].map(|step| (step, record(vec![("headers", list(&[value]))])));
    slot("request-transformer", &record(fields.into()))
}

fn request() -> Request<Body> {
    let mut req = Request::builder().uri("/rest/v1/todos?select=*&id=eq.1");
    for (name, value) in HEADERS {
        req = req.header(name, value);
    }
    req.body(Body::Empty).unwrap()
}

fn context() -> Ctx {
    Ctx::new(Compat::Kong2, [127, 0, 0, 1].into(), false, Instant::now(), SystemTime::now())
}

fn answer() -> Response<Body> {
    let res = Response::builder().header("content-type", "application/json").header("content-range", "0-9/*");
    res.header("server", "postgrest/12.2").header("content-profile", "public").body(Body::Empty).unwrap()
}

/// All phases of one request, as the proxy runs them.
fn run(chain: &Chain, req: &mut Request<Body>, res: &mut Response<Body>, cx: &mut Ctx) {
    chain.keep(req, cx);
    let early = chain.access(req, cx).now_or_never().expect("nothing to wait for");
    assert!(early.is_none());
    chain.response(res, cx);
    chain.log(cx);
}

fn bench(c: &mut Criterion, name: &str, slots: Vec<Slot>) {
    let chain = Chain::new(slots);
    c.bench_function(name, |b| {
        b.iter_batched_ref(
            || (request(), answer(), context()),
            |(req, res, cx)| run(black_box(&chain), req, res, cx),
            BatchSize::SmallInput,
        );
    });
}

fn benches(c: &mut Criterion) {
    let cors = || slot("cors", &record(vec![]));
    let listed = record(vec![("origins", list(&["http://localhost:3737", "https://app.example.com"]))]);
    bench(c, "seed chain", vec![cors(), transformer()]);
    bench(c, "templates", vec![templates()]);
    bench(c, "cors, everyone", vec![cors()]);
    bench(c, "cors, two origins", vec![slot("cors", &listed)]);
    bench(c, "no plugin", vec![]);
}

criterion_group!(group, benches);
criterion_main!(group);
