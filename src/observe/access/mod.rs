//! Access logs: a line for each request, secrets masked, gathered by each worker and handed on to a thread that writes them.

pub(super) mod clock;
mod escape;
mod figures;
mod json;
pub(super) mod value;

use super::format::{Format, Needs, Piece};
use super::writer::Sink;
use crate::entity::Compat;
use crate::plugin::Ctx;
use crate::plugin::record::{Handshake, Try};
use crate::settings::{AccessLog, Layout};
use crate::snapshot::Snapshot;
use clock::Clock;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Version, header};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use value::Line;

/// Bytes that a worker gathers before it hands them on. Whoever writes them takes the worker's core for that time where there
/// is no other: seldom is better.
const BATCH: usize = 64 * 1024;
/// nginx's status for a client that went away before there was an answer.
pub const CLIENT_GONE: u16 = 499;

/// One worker's access log.
#[derive(Debug)]
pub struct Access {
    sink: Option<Sink>,
    layout: Layout,
    needs: Needs,
    /// Whether somebody else wants to know as well.
    watched: bool,
    lines: RefCell<Vec<u8>>,
    dropped: Cell<u64>,
    clock: RefCell<Clock>,
}

/// What of a request its line needs; taken before the request goes on its way.
#[derive(Debug)]
pub struct Entry {
    met: Met,
    pub(super) method: Method,
    /// Path and query.
    target: Option<PathAndQuery>,
    pub(super) version: Version,
    referer: Option<HeaderValue>,
    pub(super) agent: Option<HeaderValue>,
    host: Option<Host>,
    headers: Option<Box<HeaderMap>>,
}

/// The host that was asked, as the target or the header says it.
#[derive(Debug)]
enum Host {
    Target(Authority),
    Header(HeaderValue),
}

/// Who sent a request, and how.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    /// The client's address.
    pub client: IpAddr,
    /// Whether over TLS.
    pub tls: bool,
    /// What the handshake said, if somebody looked.
    pub handshake: Option<Handshake>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The answer's status.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// Whether all of it went out.
    pub whole: bool,
    /// From the request's head to the answer's last byte.
    pub took: Duration,
    /// What else is called a secret, see [`redact`](super::redact::redact).
    pub secrets: &'a [Box<str>],
    /// What is known of a request that was routed.
    pub known: Option<Known<'a>>,
}

/// What is known of a client's request, beyond what every listener knows.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its context.
    pub cx: &'a Ctx,
    /// What it was served with.
    pub snapshot: &'a Snapshot,
    /// Attempts at the upstream, if they were noted.
    pub tries: &'a [Try],
    /// From the choice of the last peer to the head of its answer; `None` if none was asked.
    pub upstream: Option<Duration>,
    /// What is noted where the format [needs](Access::needs) it.
    pub sizes: Option<&'a Sizes>,
}

/// What few formats tell.
#[derive(Debug)]
pub struct Sizes {
    /// Bytes of the request.
    pub request: u64,
    /// Bytes of the answer's head.
    pub head: u64,
    /// The answer's headers.
    pub headers: HeaderMap,
}

// === impl Host ===

impl Host {
    fn of<B>(req: &http::Request<B>) -> Option<Self> {
        let authority = req.uri().authority().map(|authority| Self::Target(authority.clone()));
        authority.or_else(|| req.headers().get(header::HOST).map(|value| Self::Header(value.clone())))
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Target(authority) => authority.as_str().as_bytes(),
            Self::Header(value) => value.as_bytes(),
        }
    }
}

// === impl Access ===

impl Access {
    /// A worker's log.
    #[must_use]
    pub fn new(sink: Option<Sink>, log: &AccessLog) -> Self {
        let needs = match &log.layout {
            Layout::Kong => Needs::default(),
            Layout::Json => json::NEEDS,
            Layout::Lines(format) => format.needs(),
        };
        Self {
            sink,
            layout: log.layout.clone(),
            needs,
            watched: false,
            lines: RefCell::default(),
            dropped: Cell::new(0),
            clock: RefCell::default(),
        }
    }

    /// The same, where more than a log is made of what is noted.
    #[must_use]
    pub fn watched(self) -> Self {
        let Needs { headers, answer, length, .. } = self.needs();
        Self { watched: true, needs: Needs { headers, answer, length, ..json::NEEDS }, ..self }
    }

    /// What must be noted of requests; nothing where there is no log.
    #[must_use]
    pub fn needs(&self) -> Needs {
        if self.sink.is_some() || self.watched { self.needs } else { Needs::default() }
    }

    /// What the line will need, if there is to be one.
    pub fn entry<B>(&self, req: &http::Request<B>, met: Met) -> Option<Entry> {
        if self.sink.is_none() && !self.watched {
            return None;
        }
        let header = |name| req.headers().get(name).cloned();
        Some(Entry {
            met,
            method: req.method().clone(),
            target: req.uri().path_and_query().cloned(),
            version: req.version(),
            referer: header(header::REFERER),
            agent: header(header::USER_AGENT),
            host: if self.needs.host { Host::of(req) } else { None },
            headers: self.needs.headers.then(|| Box::new(req.headers().clone())),
        })
    }

    /// Adds a line about what became of a request.
    pub fn write(&self, entry: &Entry, end: &Outcome<'_>, now: SystemTime) {
        if self.sink.is_none() {
            return;
        }
        let mut lines = self.lines.borrow_mut();
        let mut clock = self.clock.borrow_mut();
        clock.set(now);
        self.line(&mut lines, &Line { entry, end, clock: &clock });
        if lines.len() >= BATCH {
            drop(lines);
            self.flush();
        }
    }

    fn line(&self, out: &mut Vec<u8>, line: &Line<'_>) {
        match &self.layout {
            Layout::Json => json::write(out, line),
            Layout::Lines(format) => write(out, format, line),
            Layout::Kong => {
                let kong3 = line.end.known.is_some_and(|known| known.cx.compat == Compat::Kong3);
                write(out, if kong3 { Format::kong() } else { Format::combined() }, line);
            }
        }
        out.push(b'\n');
    }

    /// Hands on what was gathered.
    pub fn flush(&self) {
        let mut lines = self.lines.borrow_mut();
        let Some(sink) = self.sink.as_ref().filter(|_| !lines.is_empty()) else { return };
        if let Err(lost) = sink.send(std::mem::take(&mut *lines)) {
            self.dropped.set(self.dropped.get() + lost);
        }
    }

    /// Lines that were lost because nobody took them; counted from the last call.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.replace(0)
    }
}

fn write(out: &mut Vec<u8>, format: &Format, line: &Line<'_>) {
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Value(variable) => line.write(out, variable, format.escape),
        }
    }
}

#[cfg(test)]
mod tests;
