//! What was counted, in Prometheus's text format, under Kong's names: those of 2.8 or of 3.9.

use super::cells::{BOUNDS, Counts, Source, Times};
use super::registry::{Labels, Registry};
use crate::entity::Compat;
use std::borrow::Cow;
use std::fmt::Write;

/// Histograms of 3.9 in the order of [`Kind`](super::cells::Kind): name, and what it says.
const HISTOGRAMS_3: [(&str, &str); 3] = [
    ("kong_request_latency_ms", "Total latency incurred during requests for each service/route in Kong"),
    ("kong_upstream_latency_ms", "Latency added by upstream response for each service/route in Kong"),
    ("kong_kong_latency_ms", "Latency added by Kong and enabled plugins for each service/route in Kong"),
];
/// The same in 2.8, where they are types of one.
const TYPES: [&str; 3] = ["request", "upstream", "kong"];

/// One metric, as it is written.
struct Metric<'a> {
    out: &'a mut String,
    name: &'a str,
    begun: bool,
    help: &'a str,
    kind: &'static str,
}

/// A text as the value of a label.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains(['\\', '"', '\n']) {
        true => text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").into(),
        false => text.into(),
    }
}

/// Begins a metric: what it is, and of which kind.
pub fn begin(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// Everything in a registry that was counted for configurations of this kind.
pub fn write(registry: &Registry, compat: Compat, out: &mut String) {
    let all: Vec<_> = registry.all().into_iter().filter(|(labels, _)| labels.compat == compat).collect();
    let all: Vec<_> = all.iter().map(|(labels, series)| (base(labels), series.counts())).collect();
    match compat {
        Compat::Kong2 => write_2(&all, out),
        Compat::Kong3 => write_3(&all, out),
    }
}

fn base(labels: &Labels) -> String {
    format!("service=\"{}\",route=\"{}\"", escaped(&labels.service), escaped(&labels.route))
}

fn write_2(all: &[(String, Counts)], out: &mut String) {
    let help = "Total bandwidth in bytes consumed per service/route in Kong";
    let mut metric = Metric::new(out, "kong_bandwidth", "counter", help);
    for (base, counts) in all {
        metric.unless_zero(&format!("{base},type=\"egress\""), counts.sent);
        metric.unless_zero(&format!("{base},type=\"ingress\""), counts.received);
    }
    let help = "HTTP status codes for customer per service/route in Kong";
    let mut metric = Metric::new(out, "kong_http_consumer_status", "counter", help);
    for (base, counts) in all {
        for ((consumer, key), count) in &counts.consumers {
            let code = Source::of(*key).1;
            metric.line("", &format!("{base},code=\"{code}\",consumer=\"{}\"", escaped(consumer)), *count);
        }
    }
    let mut metric =
        Metric::new(out, "kong_http_status", "counter", "HTTP status codes per service/route in Kong");
    for (base, counts) in all {
        for (key, count) in &counts.statuses {
            metric.line("", &format!("{base},code=\"{}\"", Source::of(*key).1), *count);
        }
    }
    let help = "Latency added by Kong, total request time and upstream latency for each service/route in Kong";
    let mut metric = Metric::new(out, "kong_latency", "histogram", help);
    for (base, counts) in all {
        for (name, times) in TYPES.iter().zip(&counts.latency) {
            metric.histogram(&format!("{base},type=\"{name}\""), times);
        }
    }
}

fn write_3(all: &[(String, Counts)], out: &mut String) {
    let help = "Total bandwidth (ingress/egress) throughput in bytes";
    let mut metric = Metric::new(out, "kong_bandwidth_bytes", "counter", help);
    for (base, counts) in all {
        for (direction, bytes) in [("egress", counts.sent), ("ingress", counts.received)] {
            metric.unless_zero(
                &format!("{base},direction=\"{direction}\",workspace=\"default\",consumer=\"\""),
                bytes,
            );
        }
    }
    let help = "HTTP status codes per consumer/service/route in Kong";
    let mut metric = Metric::new(out, "kong_http_requests_total", "counter", help);
    for (base, counts) in all {
        requests_3(&mut metric, base, counts);
    }
    for (at, (name, help)) in HISTOGRAMS_3.iter().enumerate() {
        let mut metric = Metric::new(out, name, "histogram", help);
        for (base, counts) in all {
            metric.histogram(&format!("{base},workspace=\"default\""), &counts.latency[at]);
        }
    }
}

/// Requests of known consumers stand under their names, all others under none.
fn requests_3(metric: &mut Metric<'_>, base: &str, counts: &Counts) {
    let labels = |key: u16, consumer: &str| {
        let (source, code) = Source::of(key);
        format!(
            "{base},code=\"{code}\",source=\"{}\",workspace=\"default\",consumer=\"{}\"",
            source.word(),
            escaped(consumer)
        )
    };
    for (key, count) in &counts.statuses {
        let named = counts.consumers.iter().filter(|((_, other), _)| other == key);
        let named: u64 = named.map(|(_, count)| count).sum();
        metric.unless_zero(&labels(*key, ""), count.saturating_sub(named));
    }
    for ((consumer, key), count) in &counts.consumers {
        metric.line("", &labels(*key, consumer), *count);
    }
}

// === impl Metric ===

impl<'a> Metric<'a> {
    fn new(out: &'a mut String, name: &'a str, kind: &'static str, help: &'a str) -> Self {
        Self { out, name, begun: false, help, kind }
    }

    fn line(&mut self, suffix: &str, labels: &str, value: u64) {
        if !self.begun {
            begin(self.out, self.name, self.kind, self.help);
            self.begun = true;
        }
        let _ = writeln!(self.out, "{}{suffix}{{{labels}}} {value}", self.name);
    }

    fn unless_zero(&mut self, labels: &str, value: u64) {
        if value > 0 {
            self.line("", labels, value);
        }
    }

    fn histogram(&mut self, labels: &str, times: &Times) {
        let count = times.count();
        if count == 0 {
            return;
        }
        let mut sum = 0;
        for (bound, bucket) in BOUNDS.iter().zip(times.buckets) {
            sum += bucket;
            self.line("_bucket", &format!("{labels},le=\"{bound}\""), sum);
        }
        self.line("_bucket", &format!("{labels},le=\"+Inf\""), count);
        self.line("_count", labels, count);
        self.line("_sum", labels, times.sum);
    }
}
