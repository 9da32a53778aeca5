//! What one worker thread owns. Nothing in it is shared with another worker but the settings and the snapshot, both
//! immutable, so nothing on a request's way is locked. A new snapshot takes the place of the old one for requests to come.

use super::closing::Closing;
use super::serials::Serials;
use super::wall::Wall;
use crate::http1::inbox::Rooms;
use crate::http1::names::Shared;
use crate::observe::access::Access;
use crate::observe::exporter::Exporter;
use crate::observe::traffic::Traffic;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::upstream::connect::Links;
use crate::upstream::http1::connection::Connections;
use crate::upstream::peers::{Directory, Turns};
use crate::upstream::pool::{Limits, Pool};
use http::HeaderValue;
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// One snapshot, held for one request: counted within the worker, so that requests on other cores are not disturbed.
pub type Pinned = Rc<Held>;

/// A snapshot, with what this worker knows of its upstreams.
#[derive(Debug)]
pub struct Held {
    snapshot: Arc<Snapshot>,
    /// Whose turn it is.
    pub turns: Turns,
}

/// One worker thread's belongings.
#[derive(Debug)]
pub struct Worker {
    /// The process's settings.
    pub settings: Arc<Settings>,
    /// Idle upstream connections.
    pub pool: Rc<Connections>,
    /// Names of fields that clients and upstreams sent lately.
    pub names: Shared,
    /// Room to read into.
    pub rooms: Rc<Rooms>,
    /// How to reach upstreams over TLS.
    pub links: Links,
    /// Where upstreams are, and whose turn it is.
    pub directory: Directory,
    /// The access log.
    pub access: Access,
    /// Who hears of requests besides.
    pub exporter: Option<Arc<dyn Exporter>>,
    /// Whether it stops, and how many connections it has.
    pub closing: Rc<Closing>,
    /// Numbers for connections and requests.
    pub serials: Serials,
    /// What it counts of its work.
    pub traffic: Arc<Traffic>,
    /// What time it is.
    pub wall: Wall,
    snapshot: RefCell<Pinned>,
    date: RefCell<(u64, HeaderValue)>,
}

// === impl Held ===

impl Deref for Held {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

// === impl Worker ===

impl Worker {
    /// A worker that serves this snapshot.
    #[must_use]
    pub fn new(
        settings: Arc<Settings>,
        snapshot: Arc<Snapshot>,
        directory: Directory,
        links: Links,
        access: Access,
        serials: Serials,
        traffic: Arc<Traffic>,
    ) -> Self {
        let held = Held { turns: directory.adopt(&snapshot), snapshot };
        let limits = Limits {
            per_key: settings.upstream_keepalive_pool_size,
            uses: settings.upstream_keepalive_max_requests,
            idle: settings.upstream_keepalive_idle_timeout,
        };
        Self {
            pool: Rc::new(Pool::new(limits, Instant::now())),
            names: Shared::default(),
            rooms: Rc::default(),
            directory,
            links,
            access,
            exporter: None,
            serials,
            traffic,
            wall: Wall::default(),
            closing: Rc::default(),
            snapshot: RefCell::new(Rc::new(held)),
            date: RefCell::new((0, HeaderValue::from_static(""))),
            settings,
        }
    }

    /// The same, where somebody else hears of requests.
    #[must_use]
    pub fn exporting(self, exporter: Option<Arc<dyn Exporter>>) -> Self {
        let access = if exporter.is_some() { self.access.watched() } else { self.access };
        Self { access, exporter, ..self }
    }

    /// Serves this snapshot from the next request on. Those under way keep theirs to their end.
    pub fn adopt(&self, snapshot: Arc<Snapshot>) {
        self.links.adopt(&snapshot);
        self.pool.turn(Instant::now());
        let address = Arc::as_ptr(&snapshot).addr();
        let held = Held { turns: self.directory.adopt(&snapshot), snapshot };
        self.snapshot.replace(Rc::new(held));
        self.traffic.serve(address);
    }

    /// What a request that begins now is served with, to its end.
    #[must_use]
    pub fn snapshot(&self) -> Pinned {
        self.snapshot.borrow().clone()
    }

    /// The `Date` of an answer made here; formatted once a second.
    #[must_use]
    pub fn date(&self, now: SystemTime) -> HeaderValue {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut date = self.date.borrow_mut();
        if date.0 != seconds {
            let text = HeaderValue::from_str(&httpdate::fmt_http_date(now));
            *date = (seconds, text.unwrap_or(HeaderValue::from_static("")));
        }
        date.1.clone()
    }

    /// What must be done now and then: close what is idle too long, hand on the access log, forget chunks that are gone.
    pub fn tidy(&self) {
        crate::lua::forget();
        self.traffic.weigh_lua(crate::lua::memory());
        self.pool.sweep(Instant::now());
        self.rooms.halve();
        self.access.flush();
        let dropped = self.access.take_dropped();
        if dropped > 0 {
            tracing::warn!(lines = dropped, "the access log is not taken fast enough; lines were dropped");
        }
    }
}
