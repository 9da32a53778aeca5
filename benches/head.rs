//! What the heads of a message cost on their way through: taken off a buffer, changed from one hop to the next, written down
//! again. A browser's request, and PostgREST's answer to it; as the first on their connection, but over HTTP/2 as a later one.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gateway::body::Body;
use gateway::entity::Compat;
use gateway::http1::names::{Names, Shared};
use gateway::http1::sending::Framing;
use gateway::http2::hpack::{Broken, Decoder, Encoder, TABLE};
use gateway::plugin::Origin;
use gateway::proxy::client::Connection;
use gateway::proxy::request::{self, Forwarded, Own, Upgrade};
use gateway::proxy::response::{self, Closing, Latencies};
use gateway::server::http1::answer::Plan;
use gateway::server::http1::request::{Head, Heads, Limits};
use gateway::settings::Settings;
use gateway::upstream::http1;
use http::{HeaderMap, Response};
use std::hint::black_box;
use std::time::Duration;

const REQUEST: &[u8] = b"GET /rest/v1/todos?select=*&id=eq.1 HTTP/1.1\r\nHost: localhost:54321\r\nAccept: */*\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Apikey: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl\r\n\
    Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl\r\n\
    Connection: keep-alive\r\nOrigin: http://localhost:3737\r\nReferer: http://localhost:3737/\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    X-Client-Info: supabase-js/2.45.0\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: postgrest/12.2\r\n\
    Content-Range: 0-24/*\r\nContent-Location: /todos?select=%2A\r\nContent-Profile: public\r\n\
    Content-Type: application/json; charset=utf-8\r\nContent-Length: 1024\r\n\r\n";
/// Longest answer's head.
const LIMIT: usize = 1 << 16;

fn head(mut buf: BytesMut, names: &Shared) -> Head {
    let limits = Limits { size: 1 << 15, fields: 100 };
    let mut head = Head::default();
    head.request.headers_mut().reserve(24);
    assert!(Heads::new(limits, names.clone()).take(&mut buf, &mut head).unwrap());
    head
}

fn answer(mut buf: BytesMut, names: &mut Names) -> Response<Body> {
    let mut headers = HeaderMap::with_capacity(32);
    http1::response::take(&mut buf, LIMIT, false, &mut headers, names).unwrap().unwrap();
    let mut res = Response::new(Body::Full(Some(Bytes::from_static(&[b'1'; 1024]))));
    *res.headers_mut() = headers;
    res
}

fn connection() -> Connection {
    let [peer, local] = [40_000, 54_321].map(|port| ([127, 0, 0, 1], port).into());
    Connection::new(peer, local, None, &Settings::default())
}

/// Hop-by-hop fields out, and what the upstream is told of the client.
fn towards_upstream(headers: &mut HeaderMap, on: &Connection) -> Own {
    let told = Forwarded::new(headers, b"/rest/v1/todos", Some(b"/rest/v1/"), on.peer.ip(), on);
    let upgrade = request::wanted_upgrade(headers);
    request::remove_named_by_connection(headers);
    request::clean(headers, &upgrade);
    Own::new(told, &upgrade)
}

/// Hop-by-hop fields out, Kong's own in.
fn towards_client(res: &mut Response<Body>, closing: &Closing<'_>) {
    let status = res.status();
    response::clean(status, res.headers_mut(), &Upgrade::None, false);
    response::close(res, closing);
}

/// A header block of HTTP/2.
fn block(encoder: &mut Encoder, out: &mut Vec<u8>, headers: &HeaderMap) {
    out.clear();
    encoder.begin(out);
    for (name, value) in headers {
        encoder.field(out, name, value);
    }
}

fn unpack(decoder: &mut Decoder, names: &mut Names, block: &[u8]) -> usize {
    let mut count = 0;
    let counted = decoder.decode(block, names, |_, size| {
        count += size;
        Ok::<_, Broken>(())
    });
    counted.map(|()| count).unwrap()
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("request head");
    let names = Shared::default();
    group.bench_function("taken", |b| {
        b.iter_batched(|| BytesMut::from(REQUEST), |buf| head(buf, &names), BatchSize::SmallInput);
    });
    let (on, mut asked) = (connection(), head(BytesMut::from(REQUEST), &names).request);
    group.bench_function("rewritten", |b| {
        b.iter_batched_ref(|| asked.headers().clone(), |headers| towards_upstream(headers, &on), BatchSize::SmallInput);
    });
    let own = towards_upstream(asked.headers_mut(), &on);
    let mut out = Vec::with_capacity(1 << 12);
    group.bench_function("written", |b| {
        b.iter(|| {
            out.clear();
            http1::request::write(&mut out, black_box(&asked), |out| own.write(out), Framing::None);
        });
    });
    let (mut encoder, mut decoder, mut names) = (Encoder::new(), Decoder::new(TABLE), Names::default());
    for _ in 0..3 {
        block(&mut encoder, &mut out, asked.headers());
        unpack(&mut decoder, &mut names, &out);
    }
    group.bench_function("unpacked", |b| b.iter(|| unpack(&mut decoder, &mut names, black_box(&out))));
}

fn answers(c: &mut Criterion) {
    let mut group = c.benchmark_group("answer head");
    let mut names = Names::default();
    group.bench_function("taken", |b| {
        b.iter_batched(|| BytesMut::from(ANSWER), |buf| answer(buf, &mut names), BatchSize::SmallInput);
    });
    let latencies = Latencies { gateway: Duration::from_millis(1), upstream: Duration::from_millis(12) };
    let (tokens, compat) = (Settings::default().headers, Compat::Kong2);
    let closing = Closing { tokens, compat, origin: Origin::Upstream, latencies, request_id: None };
    group.bench_function("rewritten", |b| {
        let fresh = || answer(BytesMut::from(ANSWER), &mut names);
        b.iter_batched_ref(fresh, |res| towards_client(res, &closing), BatchSize::SmallInput);
    });
    let asked = head(BytesMut::from(REQUEST), &Shared::default()).asked;
    let (parts, body) = answer(BytesMut::from(ANSWER), &mut names).into_parts();
    let mut out = Vec::with_capacity(1 << 12);
    group.bench_function("written", |b| {
        b.iter(|| {
            out.clear();
            Plan::of(asked, &parts, &body).write(&mut out, asked, black_box(&parts));
        });
    });
    let mut encoder = Encoder::new();
    group.bench_function("packed", |b| b.iter(|| block(&mut encoder, &mut out, black_box(&parts.headers))));
}

criterion_group!(benches, requests, answers);
criterion_main!(benches);
