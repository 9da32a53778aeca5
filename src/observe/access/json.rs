//! The format `json`: an object for each request, its keys always in the same order. What is not known is left out.

use super::figures;
use super::value::Line;
use crate::observe::format::Needs;
use crate::observe::redact::redact;
use http::HeaderValue;
use std::borrow::Cow;

/// What it tells beyond what most lines do.
pub(super) const NEEDS: Needs =
    Needs { headers: false, host: true, answer: false, tries: true, length: false, trace: true };

/// Every key, and what it is (`docs/operations.md`).
#[cfg(test)]
const KEYS: &[(&str, &str)] = &[
    ("time", "when the answer had gone, RFC 3339 in UTC"),
    ("client", "the client's address, after `real_ip_header`"),
    ("user", "who was let in by name and password"),
    ("consumer", "the consumer: username, else `custom_id`, else id"),
    ("method", "the method"),
    ("scheme", "`http` or `https`, by the listener"),
    ("host", "the host that was asked, lower case, without port"),
    ("path", "path and query, secrets masked"),
    ("protocol", "`HTTP/1.1`, `HTTP/2.0`"),
    ("status", "the answer's status; 499 if the client went before there was one"),
    ("bytes", "bytes of the answer's body"),
    ("complete", "whether all of it went out"),
    ("duration_ms", "milliseconds from the request's head to the answer's last byte"),
    ("upstream_ms", "milliseconds from the choice of the upstream to the head of its answer"),
    ("upstream", "the upstream's address and port: the last one that was asked"),
    ("attempts", "how often upstreams were asked, if more than once"),
    ("route", "the route's name, or else its id"),
    ("service", "the service's name, or else its id"),
    ("request_id", "the request's id, if it has one"),
    ("trace_id", "the trace that it belongs to (W3C)"),
    ("span_id", "the gateway's own span, where it takes part in traces"),
    ("tls", "`TLSv1.3`, of the client's connection"),
    ("referer", "the header, secrets masked"),
    ("user_agent", "the header"),
];

/// An object under way.
struct Object<'a>(&'a mut Vec<u8>);

/// Writes a line, without its end.
pub(super) fn write(out: &mut Vec<u8>, line: &Line<'_>) {
    let (entry, end) = (line.entry, line.end);
    out.extend_from_slice(b"{\"time\":\"");
    line.clock.rfc(out);
    out.push(b'"');
    let mut object = Object(out);
    object.quoted("client", Some(entry.met.client), figures::address);
    object.text("user", line.user());
    object.text("consumer", line.consumer().as_deref());
    object.text("method", Some(entry.method.as_str()));
    object.plain("scheme", Some(line.scheme()));
    object.text("host", line.host().as_deref());
    object.text("path", Some(&*line.target()));
    object.plain("protocol", Some(figures::version(entry.version)));
    object.value("status", Some(end.status), figures::number);
    object.value("bytes", Some(end.bytes), figures::number);
    object.value("complete", Some(end.whole), truth);
    object.value("duration_ms", Some(end.took), figures::millis);
    object.value("upstream_ms", end.known.and_then(|known| known.upstream), figures::millis);
    object.quoted("upstream", line.peer(), figures::peer);
    let tries = end.known.map(|known| known.tries.len()).filter(|many| *many > 1);
    object.value("attempts", tries, figures::number);
    object.text("route", line.route().as_deref());
    object.text("service", line.service().as_deref());
    object.text("request_id", line.request_id());
    let trace = end.known.and_then(|known| known.cx.trace);
    object.quoted("trace_id", trace.map(|trace| trace.id), figures::shown);
    object.quoted("span_id", trace.and_then(|trace| trace.own).map(|own| own.server), figures::shown);
    object.plain("tls", entry.met.handshake.map(|tls| tls.version));
    let referer = readable(entry.referer.as_ref());
    object.text("referer", referer.as_ref().map(|text| redact(text, end.secrets)).as_deref());
    object.text("user_agent", readable(entry.agent.as_ref()).as_deref());
    object.0.push(b'}');
}

fn readable(value: Option<&HeaderValue>) -> Option<Cow<'_, str>> {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

fn truth(out: &mut Vec<u8>, truth: bool) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
}

// === impl Object ===

impl Object<'_> {
    /// A value, by whoever writes such.
    fn value<T>(&mut self, key: &str, value: Option<T>, write: impl Fn(&mut Vec<u8>, T)) {
        if let Some(value) = value {
            self.key(key);
            write(self.0, value);
        }
    }

    /// One that is text and needs no escaping.
    fn quoted<T>(&mut self, key: &str, value: Option<T>, write: impl Fn(&mut Vec<u8>, T)) {
        self.value(key, value, |out, value| {
            out.push(b'"');
            write(out, value);
            out.push(b'"');
        });
    }

    fn plain(&mut self, key: &str, value: Option<&str>) {
        self.quoted(key, value, |out, text| out.extend_from_slice(text.as_bytes()));
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        self.value(key, value, |out, text| {
            // Writing to memory cannot fail.
            let _ = serde_json::to_writer(out, text);
        });
    }

    fn key(&mut self, key: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn the_documentation_has_every_key() {
        let docs = include_str!("../../../docs/operations.md");
        for (key, doc) in KEYS {
            let row = format!("| `{key}` | {doc} |");
            assert!(docs.contains(&row), "docs/operations.md lacks: {row}");
        }
    }
}
