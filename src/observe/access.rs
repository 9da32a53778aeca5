//! The access log: nginx's `combined` lines, secrets masked, gathered per worker and written by a thread of their own,
//! so that a slow reader of the log never holds up a request.

use super::redact::redact;
use crate::settings::AccessLog;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::SystemTime;

/// Bytes that a worker gathers before it hands them on.
const BATCH: usize = 16 * 1024;
/// Batches that may wait for the writer; more are dropped and counted.
const WAITING: usize = 256;

/// The writer's end that every worker has.
#[derive(Clone, Debug)]
pub struct Sink(SyncSender<Vec<u8>>);

/// One worker's access log.
#[derive(Debug)]
pub struct Access {
    sink: Option<Sink>,
    lines: RefCell<Vec<u8>>,
    dropped: Cell<u64>,
    clock: RefCell<(u64, String)>,
}

/// What of a request its line needs; taken before the request goes on its way.
#[derive(Debug)]
pub struct Entry {
    client: IpAddr,
    method: Method,
    uri: Uri,
    version: Version,
    referer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Who the client turned out to be.
    pub user: Option<&'a str>,
    /// The answer's status.
    pub status: StatusCode,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// What else is called a secret, see [`redact`].
    pub secrets: &'a [Box<str>],
}

/// Opens the log and starts its writer.
///
/// # Errors
/// When the file cannot be opened for appending.
pub fn open(to: &AccessLog) -> io::Result<Option<Sink>> {
    let out: Box<dyn Write + Send> = match to {
        AccessLog::Off => return Ok(None),
        AccessLog::Stdout => Box::new(io::stdout()),
        AccessLog::Stderr => Box::new(io::stderr()),
        AccessLog::File(path) => Box::new(OpenOptions::new().create(true).append(true).open(path)?),
    };
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::Builder::new().name("access-log".into()).spawn(move || write_all(&receiver, out))?;
    Ok(Some(Sink(sender)))
}

/// Writes until every worker is gone. A log that nobody reads any more ends the writing, not the gateway.
fn write_all(lines: &Receiver<Vec<u8>>, mut out: Box<dyn Write + Send>) {
    for batch in lines {
        if out.write_all(&batch).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

// === impl Access ===

impl Access {
    /// A worker's log.
    #[must_use]
    pub fn new(sink: Option<Sink>) -> Self {
        Self { sink, lines: RefCell::default(), dropped: Cell::new(0), clock: RefCell::new((0, String::new())) }
    }

    /// What the line will need, if there is to be one.
    pub fn entry<B>(&self, req: &http::Request<B>, client: IpAddr) -> Option<Entry> {
        self.sink.as_ref()?;
        let header = |name| HeaderMap::get(req.headers(), name).cloned();
        Some(Entry {
            client,
            method: req.method().clone(),
            uri: req.uri().clone(),
            version: req.version(),
            referer: header(header::REFERER),
            agent: header(header::USER_AGENT),
        })
    }

    /// Adds a line about what became of a request.
    pub fn write(&self, entry: &Entry, end: &Outcome<'_>, now: SystemTime) {
        let mut lines = self.lines.borrow_mut();
        let mut clock = self.clock.borrow_mut();
        stamp(&mut clock, now);
        // Writing to memory cannot fail.
        let _ = line(&mut lines, entry, end, &clock.1);
        if lines.len() >= BATCH {
            drop(lines);
            self.flush();
        }
    }

    /// Hands on what was gathered.
    pub fn flush(&self) {
        let mut lines = self.lines.borrow_mut();
        let Some(Sink(sender)) = self.sink.as_ref().filter(|_| !lines.is_empty()) else { return };
        if sender.try_send(std::mem::take(&mut *lines)).is_err() {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    /// Batches that were lost because nobody read the log; counted from the last call.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.replace(0)
    }
}

/// `ADDR - USER [time] "request line" status bytes "referer" "agent"`. nginx tells any user who is named in a request;
/// here it is only one who was let in, for people type passwords where their name should be.
fn line(out: &mut Vec<u8>, entry: &Entry, end: &Outcome<'_>, time: &str) -> io::Result<()> {
    let target = entry.uri.path_and_query().map_or("-", |target| target.as_str());
    let (client, method, version) = (entry.client, &entry.method, entry.version);
    write!(out, "{client} - ")?;
    escape(out, end.user.unwrap_or("-").as_bytes());
    write!(out, " [{time}] \"{method} ")?;
    escape(out, redact(target, end.secrets).as_bytes());
    write!(out, " {version:?}\" {} {} \"", end.status.as_u16(), end.bytes)?;
    quoted(out, entry.referer.as_ref(), Some(end.secrets));
    out.extend_from_slice(b"\" \"");
    quoted(out, entry.agent.as_ref(), None);
    out.extend_from_slice(b"\"\n");
    Ok(())
}

/// With the names of secrets, a URL; without, any text.
fn quoted(out: &mut Vec<u8>, value: Option<&HeaderValue>, secrets: Option<&[Box<str>]>) {
    match (value.map(|value| (value, value.to_str())), secrets) {
        (None, _) => out.push(b'-'),
        (Some((_, Ok(text))), Some(names)) => escape(out, redact(text, names).as_bytes()),
        (Some((value, _)), _) => escape(out, value.as_bytes()),
    }
}

/// nginx's escaping: what could break a line or a quote becomes `\xXX`.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'"' | b'\\' | 0..=31 | 127..=255 => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            plain => out.push(*plain),
        }
    }
}

/// `23/Nov/2026:13:00:00 +0000`, made once a second.
fn stamp(clock: &mut (u64, String), now: SystemTime) {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if clock.0 == seconds && !clock.1.is_empty() {
        return;
    }
    // "Mon, 23 Nov 2026 13:00:00 GMT"
    let text = httpdate::fmt_http_date(now);
    let parts: Vec<&str> = text.split([' ', ',']).filter(|part| !part.is_empty()).collect();
    if let [_, day, month, year, time, _] = parts[..] {
        *clock = (seconds, format!("{day}/{month}/{year}:{time} +0000"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[test]
    fn writes_a_combined_line_without_secrets() {
        let (sender, receiver) = sync_channel(1);
        let access = Access::new(Some(Sink(sender)));
        let req = http::Request::builder()
            .uri("/a\u{e9}?apikey=s3cret&x-pass=own")
            .header("user-agent", "x\"y")
            .header("referer", "http://h/?token=t")
            .body(())
            .unwrap();
        let entry = access.entry(&req, "127.0.0.1".parse().unwrap()).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_438_800);
        let names = ["x-pass".into()];
        let end = Outcome { user: None, status: StatusCode::OK, bytes: 5, secrets: &names };
        access.write(&entry, &end, now);
        access.write(&entry, &Outcome { user: Some("j\"ö rg"), ..end }, now);
        access.flush();
        let text = String::from_utf8(receiver.recv().unwrap()).unwrap();
        let rest = "[23/Nov/2026:13:00:00 +0000] \"GET /a\\xC3\\xA9?apikey=REDACTED&x-pass=REDACTED HTTP/1.1\" 200 5 \
                    \"http://h/?token=REDACTED\" \"x\\x22y\"\n";
        assert_eq!(text, format!("127.0.0.1 - - {rest}127.0.0.1 - j\\x22\\xC3\\xB6 rg {rest}"));
    }

    #[test]
    fn a_log_that_nobody_reads_holds_up_nothing() {
        let (sender, _receiver) = sync_channel(0);
        let access = Access::new(Some(Sink(sender)));
        let req = http::Request::new(());
        let entry = access.entry(&req, "::1".parse().unwrap()).unwrap();
        let end = Outcome { user: None, status: StatusCode::OK, bytes: 0, secrets: &[] };
        access.write(&entry, &end, SystemTime::UNIX_EPOCH);
        access.flush();
        assert_eq!(access.take_dropped(), 1);
    }
}
