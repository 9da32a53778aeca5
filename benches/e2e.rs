//! What the gateway adds to one request: latency of a round trip through it, against one straight to the upstream.
//!
//! One client, one request at a time, over a kept connection; the gateway runs as a process of its own.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Gateway, Peer, Upstream};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const REQUEST: &str = "GET /rest/v1/items?select=* HTTP/1.1\r\nHost: gw.test\r\nAccept: application/json\r\n\
                       Authorization: Bearer client\r\nUser-Agent: bench\r\n\r\n";

/// The seed's job: strip a prefix, replace a header, add CORS.
fn gateway(upstream: &Upstream) -> Gateway {
    Gateway::with(format!(
        "_format_version: \"1.1\"\nservices:\n- name: rest\n  url: http://127.0.0.1:{}/\n  routes:\n  \
         - {{name: rest, paths: [/rest/v1/], strip_path: true}}\n  plugins:\n  - name: cors\n  \
         - name: request-transformer\n    config:\n      remove: {{headers: [Authorization]}}\n      \
         add: {{headers: [\"Authorization: Bearer service\"]}}\n",
        upstream.port()
    ))
    .set("KONG_PROXY_ACCESS_LOG", "off")
    // One connection on each side for the whole run.
    .set("KONG_NGINX_HTTP_KEEPALIVE_REQUESTS", "100000000")
    .set("KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS", "100000000")
    .start()
}

fn answer(size: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n");
    [head.into_bytes(), vec![b'1'; size]].concat()
}

fn round_trip(peer: &mut Peer) -> usize {
    peer.send(REQUEST).unwrap();
    let head = peer.head().unwrap();
    assert_eq!(head.status(), 200);
    peer.body(&head).unwrap().len()
}

fn latency(c: &mut Criterion) {
    let mut group = c.benchmark_group("e2e");
    for size in [1 << 10, 64 << 10] {
        let upstream = Upstream::answering(answer(size));
        let gateway = gateway(&upstream);
        group.throughput(Throughput::Bytes(size as u64));
        for (name, port) in [("direct", upstream.port()), ("gateway", gateway.port())] {
            let mut peer = Peer::connect(port).unwrap();
            group.bench_function(BenchmarkId::new(name, size), |b| b.iter(|| black_box(round_trip(&mut peer))));
        }
    }
    group.finish();
}

criterion_group!(benches, latency);
criterion_main!(benches);
