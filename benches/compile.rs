//! From text to snapshot: what a start and a reload cost, for 10 to 10,000 services with a route and a plugin each, and
//! for 1,000 of those with up to 10,000 consumers that have a plugin each.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gateway::config::{load, report::Source};
use gateway::settings::Settings;
use gateway::world::World;
use std::fmt::Write;
use std::hint::black_box;

fn document(services: usize) -> Source {
    let mut text = "_format_version: \"2.1\"\nservices:\n".to_owned();
    for n in 0..services {
        let routes = format!("routes: [{{name: r{n}, paths: [/p{n}/], hosts: [h{n}.test], strip_path: true}}]");
        writeln!(text, "- name: s{n}\n  url: http://h{n}.test:8080/base\n  {routes}\n  plugins:\n  - name: cors")
            .unwrap();
    }
    Source::new("kong.yml", text)
}

fn compile(c: &mut Criterion) {
    let settings = Settings::default();
    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    for services in [10, 100, 1_000, 10_000] {
        let source = document(services);
        assert!(load(&source, World::EMPTY, &settings).0.is_some());
        group.throughput(Throughput::Elements(services as u64));
        group.bench_with_input(BenchmarkId::from_parameter(services), &source, |b, source| {
            b.iter(|| load(black_box(source), World::EMPTY, &settings));
        });
    }
    group.finish();
}

fn with_consumers(consumers: usize) -> Source {
    let mut text = document(1_000).text.to_string() + "consumers:\n";
    for n in 0..consumers {
        writeln!(text, "- {{username: c{n}, plugins: [{{name: request-termination}}]}}").unwrap();
    }
    Source::new("kong.yml", text)
}

fn consumers(c: &mut Criterion) {
    let settings = Settings::default();
    let mut group = c.benchmark_group("compile with consumers");
    group.sample_size(10);
    for consumers in [0, 2_000, 10_000] {
        let source = with_consumers(consumers);
        assert!(load(&source, World::EMPTY, &settings).0.is_some());
        group.bench_with_input(BenchmarkId::from_parameter(consumers), &source, |b, source| {
            b.iter(|| load(black_box(source), World::EMPTY, &settings));
        });
    }
    group.finish();
}

criterion_group!(benches, compile, consumers);
criterion_main!(benches);
