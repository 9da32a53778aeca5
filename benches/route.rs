//! What finding a route costs, by number and kind of routes, and what normalising a path costs.
//!
//! The claim under test: 10,000 routes cost at most twice what 10 do.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gateway::entity::{Compat, RouteId};
use gateway::route::normalize::{escape, normalize};
use gateway::route::rewrite::{PathHandling, upstream_path};
use gateway::route::{Ends, Query, Router, Spec};
use http::HeaderMap;
use std::hint::black_box;

/// Requests per round; they differ, so that no branch predictor learns one of them.
const REQUESTS: u32 = 64;

/// A kind of routes: the host and path of route `n`, and of a request for it.
struct Kind {
    name: &'static str,
    route: fn(u32) -> (Option<String>, String),
    request: fn(u32) -> (String, String),
}

const KINDS: &[Kind] = &[
    Kind {
        name: "prefix",
        route: |n| (None, format!("/api/v1/service-{n}")),
        request: |n| ("gw.test".into(), format!("/api/v1/service-{n}/items/42")),
    },
    Kind {
        name: "host+prefix",
        route: |n| {
            (Some(format!("tenant-{}.example.com", n / 4)), ["/", "/api", "/api/v2", "/static"][n as usize % 4].into())
        },
        request: |n| (format!("tenant-{}.example.com", n / 4), "/api/v2/items/42".into()),
    },
    Kind {
        name: "wildcard+prefix",
        route: |n| {
            (
                Some(format!("*.tenant-{}.example.com", n / 4)),
                ["/", "/api", "/api/v2", "/static"][n as usize % 4].into(),
            )
        },
        request: |n| (format!("www.tenant-{}.example.com", n / 4), "/api/v2/items/42".into()),
    },
    Kind {
        name: "regex",
        route: |n| (None, format!("/api/service-{n}/\\d+/items$")),
        request: |n| ("gw.test".into(), format!("/api/service-{n}/42/items")),
    },
    Kind {
        name: "host+regex",
        route: |n| (Some(format!("tenant-{n}.example.com")), "/api/v\\d+/items".into()),
        request: |n| (format!("tenant-{n}.example.com"), "/api/v2/items/42".into()),
    },
];

fn spec(number: u32, host: Option<String>, path: String) -> Spec {
    Spec {
        id: RouteId(number),
        uuid: uuid::Uuid::from_u128(number.into()),
        hosts: host.into_iter().collect(),
        paths: vec![path],
        methods: Vec::new(),
        headers: Vec::new(),
        snis: Vec::new(),
        regex_priority: 0,
        created_at: 0,
        expression: None,
    }
}

fn router(kind: &Kind, routes: u32) -> Router {
    let specs: Vec<_> = (0..routes)
        .map(|number| {
            let (host, path) = (kind.route)(number);
            spec(number, host, path)
        })
        .collect();
    Router::build(&specs, Compat::Kong2).unwrap()
}

fn find(c: &mut Criterion) {
    let headers = HeaderMap::new();
    for kind in KINDS {
        let mut group = c.benchmark_group(format!("find {}", kind.name));
        group.throughput(Throughput::Elements(REQUESTS.into()));
        for routes in [10, 100, 1_000, 10_000] {
            let router = router(kind, routes);
            let requests: Vec<_> = (0..REQUESTS).map(|n| (kind.request)(n * 157 % routes)).collect();
            group.bench_function(BenchmarkId::from_parameter(routes), |b| {
                b.iter(|| {
                    for (host, path) in &requests {
                        let (host, path) = (Some(host.as_bytes()), path.as_bytes());
                        let (tls, sni, port, query, ends) = (false, None, 80, None, Ends::default());
                        let query = Query { method: "GET", host, path, headers: &headers, tls, sni, port, query, ends };
                        assert!(black_box(router.find(black_box(&query))).is_some());
                    }
                });
            });
        }
    }
}

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    group.sample_size(10);
    group.bench_function("10000 host+prefix", |b| b.iter(|| router(&KINDS[1], 10_000)));
    group.bench_function("10000 host+regex", |b| b.iter(|| router(&KINDS[4], 10_000)));
    group.bench_function("10000 distinct regexes", |b| b.iter(|| router(&KINDS[3], 10_000)));
}

fn path(c: &mut Criterion) {
    for (name, path) in [("plain", "/api/v1/items/42"), ("escape", "/api/a%20b/%C3%A9"), ("dots", "/api/./v1/../v2//x")]
    {
        c.bench_function(&format!("normalize {name}"), |b| {
            b.iter(|| normalize(black_box(path.as_bytes())).unwrap().len())
        });
    }
    c.bench_function("escape plain", |b| b.iter(|| escape(black_box(b"/api/v1/items/42")).len()));
    c.bench_function("upstream path", |b| {
        b.iter(|| upstream_path(black_box("/base"), black_box(b"/api/v1/items/42"), Some(7), true, PathHandling::V0));
    });
}

criterion_group!(benches, find, build, path);
criterion_main!(benches);
