//! Lines that leave the process: bounded queues, filled by plugins, which never wait, and emptied by the threads of
//! `observe/shipping`. Plugins of the same destination and pace share one.
//!
//! A line that finds its queue full is dropped and told of.

mod pace;

use http::{HeaderMap, Method};
pub use pace::{Pace, Retry};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A line, without its end.
pub type Line = Box<[u8]>;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a file's end. With `reopen`, the file is opened anew each time.
    File {
        /// Where it is.
        path: PathBuf,
        /// See above.
        reopen: bool,
    },
    /// In requests.
    Http(Box<Http>),
    /// Over a connection, each followed by a line feed.
    Tcp(Tcp),
    /// In a datagram each.
    Udp(Server),
    /// In a datagram each, to a socket of this machine: the system's log.
    Syslog(PathBuf),
}

/// A host to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name or an address.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// Longest time for a connection, and for what is sent and answered over it.
    pub timeout: Duration,
}

/// A server that takes lines over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Who.
    pub server: Server,
    /// How long a connection may be idle before it is not used any more.
    pub keepalive: Duration,
    /// The server name for TLS; `None` without it.
    pub tls: Option<Box<str>>,
}

/// A server that takes lines over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// Who, and whether over TLS.
    pub at: Tcp,
    /// Whether its certificate must be good.
    pub verify: bool,
    /// `POST`, `PUT` or `PATCH`.
    pub method: Method,
    /// The path of the request.
    pub path: Box<str>,
    /// Its headers, `Host` among them.
    pub headers: HeaderMap,
    /// The first status that is no success.
    pub failure: u16,
    /// What a body has before and after its lines, which are set apart by commas.
    pub around: [Box<str>; 2],
}

/// A destination, and at which pace it gets its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where to.
    pub to: Destination,
    /// How.
    pub pace: Pace,
}

/// A queue of lines for one destination.
pub struct Outbox {
    /// What becomes of them.
    pub plan: Plan,
    sender: Sender<Line>,
    receiver: Mutex<Option<Receiver<Line>>>,
    held: Arc<AtomicUsize>,
}

/// The other end of a queue.
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<Line>,
    held: Arc<AtomicUsize>,
}

/// The queues of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Outboxes(Vec<Arc<Outbox>>);

// === impl Outbox ===

impl Outbox {
    /// An empty queue.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let (sender, receiver) = channel(plan.pace.entries.clamp(1, pace::MOST));
        Self { plan, sender, receiver: Mutex::new(Some(receiver)), held: Arc::default() }
    }

    /// Adds a line, or drops it where there is no room. Never waits.
    pub fn push(&self, line: impl Into<Line>) {
        let line = line.into();
        let size = line.len();
        let room = self.held.fetch_add(size, Ordering::Relaxed) + size <= self.plan.pace.bytes;
        if !room || self.sender.try_send(line).is_err() {
            self.held.fetch_sub(size, Ordering::Relaxed);
            // The log itself tells the same line once in a while, and how many there were.
            tracing::warn!(to = %self.plan.to, "a log is not taken fast enough: its queue is full and lines are dropped");
        }
    }

    /// How many lines wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    /// The other end; the first who asks gets it.
    pub fn take(&self) -> Option<Inbox> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Inbox { receiver, held: Arc::clone(&self.held) })
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("plan", &self.plan).finish_non_exhaustive()
    }
}

// === impl Inbox ===

impl Inbox {
    /// The next line; `None` when the queue is closed and empty.
    pub async fn next(&mut self) -> Option<Line> {
        let line = self.receiver.recv().await;
        self.took(line)
    }

    /// The next line, if there is one already.
    pub fn ready(&mut self) -> Option<Line> {
        let line = self.receiver.try_recv().ok();
        self.took(line)
    }

    /// Takes no more lines than there are.
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// Whether no more can come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    fn took(&self, line: Option<Line>) -> Option<Line> {
        self.held.fetch_sub(line.as_ref().map_or(0, |line| line.len()), Ordering::Relaxed);
        line
    }
}

// === impl Outboxes ===

impl Outboxes {
    /// The queue for a plan: one of these, or of the configuration before, or else a new one.
    pub fn of(&mut self, plan: Plan, before: Option<&Self>) -> Arc<Outbox> {
        let known = |all: &Self| all.0.iter().find(|known| known.plan == plan).cloned();
        if let Some(known) = known(self) {
            return known;
        }
        let new = before.and_then(known).unwrap_or_else(|| Arc::new(Outbox::new(plan)));
        self.0.push(Arc::clone(&new));
        new
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Arc<Outbox>] {
        &self.0
    }
}

// === impl Destination ===

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => path.display().fmt(f),
            Self::Http(http) => http.fmt(f),
            Self::Tcp(tcp) => write!(f, "{}://{}", if tcp.tls.is_some() { "tls" } else { "tcp" }, tcp.server),
            Self::Udp(server) => write!(f, "udp://{server}"),
            Self::Syslog(path) => write!(f, "the system's log ({})", path.display()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

// === impl Http ===

/// Without the path, which may hold a token.
impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.at.tls.is_some() { "https" } else { "http" }, self.at.server)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("at", &self.at).field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan(entries: usize, bytes: usize) -> Plan {
        let to = Destination::File { path: "/x".into(), reopen: false };
        Plan { to, pace: Pace { entries, bytes, ..Pace::default() } }
    }

    #[test]
    fn a_queue_holds_no_more_than_it_may() {
        for (entries, bytes, held) in [(2, 100, 2), (100, 7, 2), (1, 2, 0)] {
            let outbox = Outbox::new(plan(entries, bytes));
            (0..4).for_each(|_| outbox.push(*b"abc"));
            let mut inbox = outbox.take().unwrap();
            assert_eq!(inbox.len(), held);
            assert!(outbox.take().is_none());
            while inbox.ready().is_some() {}
            if bytes > 3 {
                outbox.push(*b"abc");
                assert_eq!(inbox.len(), 1, "there is room again");
            }
        }
    }

    #[test]
    fn equal_plans_share_a_queue() {
        let mut all = Outboxes::default();
        let (a, b) = (all.of(plan(1, 1), None), all.of(plan(1, 1), None));
        assert!(Arc::ptr_eq(&a, &b));
        all.of(plan(2, 1), None);
        assert_eq!(all.all().len(), 2);
    }

    #[test]
    fn a_queue_goes_on_in_the_next_configuration_that_has_it() {
        let (mut old, mut new) = (Outboxes::default(), Outboxes::default());
        let (kept, gone) = (old.of(plan(1, 1), None), old.of(plan(2, 1), None));
        assert!(Arc::ptr_eq(&new.of(plan(1, 1), Some(&old)), &kept));
        assert!(!Arc::ptr_eq(&new.of(plan(3, 1), Some(&old)), &gone));
        assert_eq!(new.all().len(), 2);
    }
}
