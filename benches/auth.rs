//! What knowing who asks costs a request, among ten thousand consumers: key-auth, basic-auth, and what Supabase's file puts
//! in front of its REST service (key-auth, acl and a template), against a route without plugins.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use gateway::body::Body;
use gateway::config::{load, report::Source};
use gateway::entity::Compat;
use gateway::plugin::{Chain, Ctx};
use gateway::settings::Settings;
use gateway::snapshot::Snapshot;
use gateway::world::World;
use http::{Request, Response};
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Instant, SystemTime};

const CONSUMERS: usize = 10_000;

/// A route without plugins, and one with each of these.
const PLUGINS: [&str; 6] = [
    "",
    "{name: key-auth}",
    "{name: key-auth, config: {hide_credentials: true}}",
    "{name: basic-auth}",
    "{name: key-auth}, {name: acl, config: {allow: [admin, anon]}}",
    "{name: key-auth}, {name: acl, config: {allow: [admin, anon]}}, {name: request-transformer, config: {add: {headers: \
     [\"Authorization: $((headers.authorization ~= nil and headers.authorization:sub(1, 10) ~= 'Bearer sb_' and \
     headers.authorization) or (headers.apikey == 'sb_secret' and 'Bearer a') or headers.apikey)\"]}}}",
];

/// The key of the last consumer; his password is the same.
fn key() -> String {
    format!("key-{}-0123456789abcdef0123456789abcdef", CONSUMERS - 1)
}

fn snapshot() -> Snapshot {
    let mut text = "_format_version: \"2.1\"\nservices:\n- name: s\n  url: http://h.test\n  routes:\n".to_owned();
    for (at, plugin) in PLUGINS.iter().enumerate() {
        writeln!(text, "  - {{name: r{at}, paths: [/r{at}], plugins: [{plugin}]}}").unwrap();
    }
    text.push_str("consumers:\n");
    for at in 0..CONSUMERS {
        let key = format!("key-{at}-0123456789abcdef0123456789abcdef");
        let credentials = format!("keyauth_credentials: [{{key: {key}}}]");
        let passwords =
            format!("acls: [{{group: anon}}], basicauth_credentials: [{{username: u{at}, password: {key}}}]");
        writeln!(text, "- {{username: c{at}, {credentials}, {passwords}}}").unwrap();
    }
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default()).0.expect("a good file")
}

fn request(target: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let usual = [("host", "h.test"), ("accept", "*/*"), ("user-agent", "curl/8.5.0"), ("x-client-info", "a/1")];
    let mut req = Request::builder().uri(target);
    for (name, value) in usual.iter().chain(headers) {
        req = req.header(*name, *value);
    }
    req.body(Body::Empty).unwrap()
}

/// All phases of one request, as the proxy runs them.
fn run(chain: &Chain, req: &mut Request<Body>, res: &mut Response<Body>, cx: &mut Ctx) {
    chain.keep(req, cx);
    let early = chain.access(req, cx).now_or_never().expect("nothing to wait for");
    assert!(early.is_none());
    chain.response(res, cx);
    chain.log(cx);
}

fn bench(c: &mut Criterion, name: &str, chain: &Chain, target: &str, headers: &[(&str, &str)]) {
    let context = || Ctx::new(Compat::Kong2, [127, 0, 0, 1].into(), false, Instant::now(), SystemTime::now());
    c.bench_function(name, |b| {
        b.iter_batched_ref(
            || (request(target, headers), Response::new(Body::Empty), context()),
            |(req, res, cx)| run(black_box(chain), req, res, cx),
            BatchSize::SmallInput,
        );
    });
}

fn benches(c: &mut Criterion) {
    let (snapshot, key) = (snapshot(), key());
    let chain = |at: usize| &snapshot.routes[at].chain;
    let query = format!("/rest/v1/todos?select=*&id=eq.1&apikey={key}");
    bench(c, "no plugin", chain(0), "/", &[("apikey", &key)]);
    bench(c, "key-auth, header", chain(1), "/", &[("apikey", &key)]);
    bench(c, "key-auth, query", chain(1), &query, &[]);
    bench(c, "key-auth, query, hidden", chain(2), &query, &[]);
    let pair = base64(&format!("u{}:{key}", CONSUMERS - 1));
    bench(c, "basic-auth", chain(3), "/", &[("authorization", &pair)]);
    bench(c, "key-auth, acl", chain(4), "/", &[("apikey", &key)]);
    bench(c, "key-auth, acl, template", chain(5), "/", &[("apikey", &key)]);
}

fn base64(pair: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

criterion_group!(group, benches);
criterion_main!(group);
