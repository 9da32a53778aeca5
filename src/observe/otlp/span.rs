//! A request's spans in JSON: how it was answered, and how its upstream was asked. Names and attributes are those of
//! OpenTelemetry's semantic conventions for HTTP; secrets are masked as in the log. Pure.

use crate::observe::access::clock::Clock;
use crate::observe::access::value::Line;
use crate::observe::access::{CLIENT_GONE, Entry, Known, Outcome};
use crate::observe::trace::{Spans, Trace};
use crate::plugin::Origin;
use http::{HeaderValue, Version};
use std::fmt::Display;
use std::io::Write;
use std::time::{Duration, SystemTime};

/// The methods that the conventions know; others are told as `_OTHER`.
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// `Span.SpanKind`.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// Attributes under way: objects, by commas.
pub(super) struct Attributes<'a> {
    out: &'a mut Vec<u8>,
    some: bool,
}

/// What both spans have.
struct Head<'a> {
    kind: u8,
    id: &'a dyn Display,
    parent: Option<&'a dyn Display>,
    name: &'a str,
    start: SystemTime,
    end: SystemTime,
    failed: bool,
}

/// The spans of a request that is recorded.
pub(super) fn spans(entry: &Entry, end: &Outcome<'_>) -> Option<Vec<u8>> {
    let known = end.known?;
    let trace = known.cx.trace.filter(|trace| trace.sampled)?;
    let own = trace.own?;
    let clock = Clock::default();
    let line = Line { entry, end, clock: &clock };
    let mut out = Vec::with_capacity(2048);
    server(&mut out, &line, &known, trace, own);
    if !known.tries.is_empty() {
        out.push(b',');
        client(&mut out, &line, &known, trace, own);
    }
    Some(out)
}

fn server(out: &mut Vec<u8>, line: &Line<'_>, known: &Known<'_>, trace: Trace, own: Spans) {
    let (entry, status, route) = (line.entry, line.end.status, line.route());
    let (start, method) = (known.cx.wall, method(entry));
    let parent = trace.parent.as_ref().map(|parent| parent as &dyn Display);
    let (failed, name) = (status >= 500, name(method, route.as_deref()));
    let head = Head { kind: SERVER, id: &own.server, parent, name: &name, start, end: start + line.end.took, failed };
    span(out, trace, &head, |told| {
        told.text("http.request.method", Some(method));
        told.original(entry, method);
        let target = line.target();
        let (path, query) = target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
        told.text("url.scheme", Some(line.scheme()));
        told.text("url.path", Some(path));
        told.text("url.query", query);
        told.text("server.address", line.host().as_deref());
        told.number("server.port", Some(known.cx.peer.port));
        told.shown("client.address", Some(known.cx.client));
        told.shown("network.peer.address", Some(known.cx.peer.address.ip()));
        told.number("network.peer.port", Some(known.cx.peer.address.port()));
        told.text("network.protocol.version", Some(version(entry.version)));
        told.text("user_agent.original", readable(entry.agent.as_ref()).as_deref());
        told.number("http.response.status_code", Some(status));
        told.number("http.response.body.size", Some(line.end.bytes));
        told.shown("error.type", failed.then_some(status));
        told.text("http.route", route.as_deref());
        told.text("gateway.service", line.service().as_deref());
        told.text("gateway.consumer", line.consumer().as_deref());
        told.text("gateway.request_id", line.request_id());
    });
}

/// All attempts at the upstream.
fn client(out: &mut Vec<u8>, line: &Line<'_>, known: &Known<'_>, trace: Trace, own: Spans) {
    let (method, gone) = (method(line.entry), line.end.status == CLIENT_GONE);
    let answered = (known.cx.origin == Origin::Upstream && !gone).then_some(line.end.status);
    let begun = known.tries.first().map_or(Duration::ZERO, |one| one.start.saturating_duration_since(known.cx.now));
    let failed = answered.is_none_or(|status| status >= 400);
    let (start, end) = (known.cx.wall + begun, known.cx.wall + line.end.took);
    let head = Head { kind: CLIENT, id: &own.client, parent: Some(&own.server), name: method, start, end, failed };
    span(out, trace, &head, |told| {
        told.text("http.request.method", Some(method));
        told.original(line.entry, method);
        let peer = line.peer();
        told.shown("server.address", peer.map(|peer| peer.ip()));
        told.number("server.port", peer.map(|peer| peer.port()));
        told.shown("network.peer.address", peer.map(|peer| peer.ip()));
        told.number("network.peer.port", peer.map(|peer| peer.port()));
        told.text("network.protocol.version", Some("1.1"));
        told.number("http.response.status_code", answered);
        told.number("http.request.resend_count", Some(known.tries.len() - 1).filter(|again| *again > 0));
        told.text("gateway.service", line.service().as_deref());
        match answered {
            Some(status) => told.shown("error.type", failed.then_some(status)),
            None if gone => told.text("error.type", Some("client_gone")),
            None => told.text("error.type", Some("no_answer")),
        }
    });
}

fn span(out: &mut Vec<u8>, trace: Trace, head: &Head<'_>, tell: impl FnOnce(&mut Attributes<'_>)) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{{\"traceId\":\"{}\",\"spanId\":\"{}\",", trace.id, head.id);
    if let Some(parent) = head.parent {
        let _ = write!(out, "\"parentSpanId\":\"{parent}\",");
    }
    let _ = write!(out, "\"kind\":{},\"startTimeUnixNano\":\"{}\",", head.kind, nanos(head.start));
    let _ = write!(out, "\"endTimeUnixNano\":\"{}\",\"name\":", nanos(head.end));
    let _ = serde_json::to_writer(&mut *out, head.name);
    out.extend_from_slice(b",\"attributes\":[");
    tell(&mut Attributes::new(out));
    // `Status.StatusCode`: an error, or not set.
    out.extend_from_slice(if head.failed { b"],\"status\":{\"code\":2}}" } else { b"],\"status\":{}}" });
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// Of a server span: `GET my-route`. What nobody knows stays out of names.
fn name(method: &str, route: Option<&str>) -> String {
    let method = if method == "_OTHER" { "HTTP" } else { method };
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

fn method(entry: &Entry) -> &'static str {
    METHODS.into_iter().find(|known| *known == entry.method.as_str()).unwrap_or("_OTHER")
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

fn readable(value: Option<&HeaderValue>) -> Option<std::borrow::Cow<'_, str>> {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

// === impl Attributes ===

impl<'a> Attributes<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, some: false }
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.key(key);
        self.out.extend_from_slice(b"{\"stringValue\":");
        let _ = serde_json::to_writer(&mut *self.out, value);
        self.out.extend_from_slice(b"}}");
    }

    /// Text that needs no escaping.
    fn shown(&mut self, key: &str, value: Option<impl Display>) {
        let Some(value) = value else { return };
        self.key(key);
        let _ = write!(self.out, "{{\"stringValue\":\"{value}\"}}}}");
    }

    /// A whole number, which JSON's encoding has as text.
    fn number(&mut self, key: &str, value: Option<impl Display>) {
        let Some(value) = value else { return };
        self.key(key);
        let _ = write!(self.out, "{{\"intValue\":\"{value}\"}}}}");
    }

    fn original(&mut self, entry: &Entry, method: &str) {
        self.text("http.request.method_original", Some(entry.method.as_str()).filter(|original| *original != method));
    }

    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(if self.some { b"," } else { b"" });
        self.some = true;
        let _ = write!(self.out, "{{\"key\":\"{key}\",\"value\":");
    }
}
