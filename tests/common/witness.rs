//! An upstream that reads strictly and notes every request as it came, whole or not: what got through to it.

use super::{Gateway, Upstream, gateway};
use std::io;
use std::sync::{Arc, Mutex};

/// A request as the upstream read it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line and header fields, a line each.
    pub(crate) head: String,
    /// `None` if its end never came.
    pub(crate) body: Option<String>,
}

/// The upstream, and what it has seen.
pub(crate) struct Witness {
    upstream: Upstream,
    seen: Arc<Mutex<Vec<Seen>>>,
}

// === impl Witness ===

impl Witness {
    /// One that answers everything with 200.
    pub(crate) fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        let upstream = Upstream::start(move |peer, _| {
            loop {
                note(peer, &notes)?;
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
            }
        });
        Self { upstream, seen }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.upstream.port()
    }

    /// A gateway in front of it that sends every path to it.
    pub(crate) fn behind(&self) -> gateway::Builder {
        Gateway::to(&self.upstream)
    }

    /// A gateway with a route for `/outer` only, so that all else arrives by smuggling alone, and with one pool of
    /// connections, which the next request shares.
    pub(crate) fn behind_outer(&self) -> gateway::Builder {
        let config = format!(
            "_format_version: \"2.1\"\nservices:\n- name: outer\n  url: http://127.0.0.1:{}\n  retries: 0\n  routes:\n  \
             - {{paths: [/outer], strip_path: false}}\n",
            self.upstream.port()
        );
        Gateway::with(config).set("KONG_NGINX_WORKER_PROCESSES", "1")
    }

    /// What it has seen since it was last asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn note(peer: &mut super::Peer, notes: &Mutex<Vec<Seen>>) -> io::Result<()> {
    let head = peer.head()?;
    let fields = head.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let text: Vec<_> = std::iter::once(head.line.clone()).chain(fields).collect();
    let mut note = Seen { head: text.join("\n"), body: None };
    let at = {
        let mut notes = notes.lock().unwrap();
        notes.push(note.clone());
        notes.len() - 1
    };
    note.body = Some(String::from_utf8_lossy(&peer.body(&head)?).into_owned());
    if let Some(place) = notes.lock().unwrap().get_mut(at) {
        *place = note;
    }
    Ok(())
}

// === impl Seen ===

impl Seen {
    /// Its first line.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Fields that begin like this, in lower case.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.head.lines().filter(|line| line.to_ascii_lowercase().starts_with(name)).count()
    }

    /// How often it says where it ends (RFC 9112 §6).
    pub(crate) fn framings(&self) -> usize {
        self.count("content-length:") + self.count("transfer-encoding:")
    }
}
