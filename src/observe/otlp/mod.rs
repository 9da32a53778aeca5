//! Traces for a collector of OpenTelemetry's: the spans of a request, in OTLP's own JSON over HTTP (the specification,
//! "OTLP/HTTP", "JSON Protobuf Encoding"), queued and sent as lines of log plugins are.

mod span;

use super::access::{Entry, Outcome};
use super::exporter::Exporter;
use crate::outbox::{Destination, Http, Outbox, Pace, Plan, Retry, Server, Tcp};
use crate::settings::Otlp;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method};
use span::{Attributes, spans};
use std::sync::Arc;
use std::time::Duration;

/// Longest time for a connection and for an answer: the specification's default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How many requests' spans are sent together, how long they wait for company, and how many may wait.
const BATCH: usize = 256;
const GATHER: Duration = Duration::from_secs(1);
const WAITING: usize = 8192;
const BYTES: usize = 16 << 20;
/// A collector that fails is asked again after one second, two, four …, for half a minute.
const RETRY: Retry =
    Retry::Doubling { first: Duration::from_secs(1), longest: Duration::from_secs(16), total: Duration::from_secs(30) };

/// Makes spans of requests.
#[derive(Debug)]
pub struct Spans(Arc<Outbox>);

// === impl Spans ===

impl Spans {
    /// For this collector.
    #[must_use]
    pub fn new(to: &Otlp) -> Self {
        let pace = Pace { entries: WAITING, bytes: BYTES, batch: BATCH, gather: GATHER, retry: RETRY };
        Self(Arc::new(Outbox::new(Plan { to: Destination::Http(Box::new(collector(to))), pace })))
    }
}

impl Exporter for Spans {
    fn tell(&self, entry: &Entry, end: &Outcome<'_>) {
        if let Some(spans) = spans(entry, end) {
            self.0.push(spans);
        }
    }

    fn outbox(&self) -> &Arc<Outbox> {
        &self.0
    }
}

fn collector(to: &Otlp) -> Http {
    let mut headers = to.headers.clone();
    headers.insert(HOST, to.authority.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let server = Server { host: to.host.clone(), port: to.port, timeout: TIMEOUT };
    Http {
        at: Tcp { server, keepalive: KEEPALIVE, tls: to.https.then(|| to.host.clone()) },
        verify: true,
        method: Method::POST,
        path: to.path.clone(),
        headers,
        failure: 300,
        around: around(&to.service),
    }
}

/// What stands before and after spans.
fn around(service: &str) -> [Box<str>; 2] {
    let (mut resource, version) = (Vec::new(), env!("CARGO_PKG_VERSION"));
    let mut attributes = Attributes::new(&mut resource);
    attributes.text("service.name", Some(service));
    attributes.text("service.version", Some(version));
    let resource = String::from_utf8_lossy(&resource);
    let scope = format!("{{\"name\":\"gateway\",\"version\":\"{version}\"}}");
    let before = format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{resource}]}},\"scopeSpans\":[{{\"scope\":{scope},\"spans\":["
    );
    [before.into(), "]}]}]}".into()]
}

#[cfg(test)]
mod tests;
