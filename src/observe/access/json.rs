//! The format `json`: an object for each request, its keys always in the same order. What is not known is left out.

use super::value::Line;
use crate::observe::format::Needs;
use crate::observe::redact::redact;
use http::HeaderValue;
use std::io::Write;
use std::time::Duration;

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
    object.shown("client", Some(entry.met.client));
    object.text("user", line.user());
    object.text("consumer", line.consumer().as_deref());
    object.text("method", Some(entry.method.as_str()));
    object.text("scheme", Some(line.scheme()));
    object.text("host", line.host().as_deref());
    object.text("path", Some(&*line.target()));
    object.shown("protocol", Some(format_args!("{:?}", entry.version)));
    object.number("status", Some(end.status));
    object.number("bytes", Some(end.bytes));
    object.number("complete", Some(end.whole));
    object.number("duration_ms", Some(Millis(end.took)));
    object.number("upstream_ms", end.known.and_then(|known| known.upstream).map(Millis));
    object.shown("upstream", line.peer());
    object.number("attempts", end.known.map(|known| known.tries.len()).filter(|many| *many > 1));
    object.text("route", line.route().as_deref());
    object.text("service", line.service().as_deref());
    object.text("request_id", line.request_id());
    let trace = end.known.and_then(|known| known.cx.trace);
    object.shown("trace_id", trace.map(|trace| trace.id));
    object.shown("span_id", trace.and_then(|trace| trace.own).map(|own| own.server));
    object.text("tls", entry.met.handshake.map(|tls| tls.version));
    object.text(
        "referer",
        readable(entry.referer.as_ref()).map(|text| redact(&text, end.secrets).into_owned()).as_deref(),
    );
    object.text("user_agent", readable(entry.agent.as_ref()).as_deref());
    object.0.push(b'}');
}

fn readable(value: Option<&HeaderValue>) -> Option<std::borrow::Cow<'_, str>> {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// Milliseconds, with three digits behind the point.
struct Millis(Duration);

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03}", micros / 1000, micros % 1000)
    }
}

// === impl Object ===

impl Object<'_> {
    /// What needs no quotes.
    fn number(&mut self, key: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            // Writing to memory cannot fail.
            let _ = write!(self.0, ",\"{key}\":{value}");
        }
    }

    /// What is text and needs no escaping.
    fn shown(&mut self, key: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            let _ = write!(self.0, ",\"{key}\":\"{value}\"");
        }
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            let _ = write!(self.0, ",\"{key}\":");
            let _ = serde_json::to_writer(&mut *self.0, value);
        }
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
