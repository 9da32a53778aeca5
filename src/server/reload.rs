//! A new configuration in the place of the one that is served, without a connection that notices: all of it, or nothing.
//!
//! Here is when the configuration is read again and what is done with it. Reading and compiling it is the [`Origin`]'s.

use super::acme::Acme;
use super::certificates::Store;
use super::gently::gently;
use super::handshake::{DoorTls, TlsError};
use super::posted::{Posted, Refusal};
use super::tls::ServerTls;
use super::watcher::{Stamp, stamps};
use crate::config::report::{Report, Source};
use crate::live::LiveFile;
use crate::observe::reloads::Reloads;
use crate::observe::shipping::Shipping;
use crate::observe::traffic::Traffic;
use crate::snapshot::Snapshot;
use crate::upstream::checker::Checker;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// A file that is being written is read again after this time: what is half written is not taken for the whole.
const PAUSE: Duration = Duration::from_millis(50);
/// How long workers may take until they serve a new snapshot, and the time between two looks.
const ADOPTING: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(1);
/// Errors that are told one by one.
const MOST: usize = 5;

/// Where configurations come from.
pub trait Origin: Send {
    /// The file to follow, if it is one.
    fn file(&self) -> Option<PathBuf>;

    /// Reads the document that is there now.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self) -> io::Result<Source>;

    /// Compiles a document with the settings of this process.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn compile(&mut self, source: &Source) -> Result<Snapshot, Refusal>;

    /// What was compiled last is served from now on.
    fn adopted(&mut self);
}

/// What of a server belongs to a configuration, and is replaced with it.
pub struct Front {
    /// The certificates.
    pub store: Arc<Store>,
    /// What TLS listeners share.
    pub tls: ServerTls,
    /// The TLS listeners.
    pub doors: Vec<DoorTls>,
    /// What empties the queues of log plugins.
    pub shipping: Arc<Shipping>,
    /// What looks after targets.
    pub checker: Arc<Checker>,
    /// What orders certificates.
    pub acme: Acme,
    /// What became of configurations, for the metrics.
    pub reloads: Arc<Reloads>,
    /// What workers serve.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    /// What each of them is seen to do.
    pub workers: Vec<Arc<Traffic>>,
}

/// Reads the configuration when it changed or when it is asked to.
pub struct Reloader {
    origin: Box<dyn Origin>,
    front: Front,
    paths: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
    /// Hashes of the document that is served, and of the one that was last tried.
    served: u64,
    tried: u64,
    /// How often one was tried; tells lines of the log apart.
    tries: u64,
    /// Whether what is served was posted, and is newer than what was last read.
    posted: bool,
    refused: Refused,
    /// Snapshots that requests may still hold. They are freed here, not by a worker, which would be busy for a while.
    retired: Vec<Arc<Snapshot>>,
}

/// What keeps the document of now from being served.
#[derive(Debug, Default, PartialEq, Eq)]
enum Refused {
    /// Nothing.
    #[default]
    Not,
    /// It could not be read, and was not there at one look only.
    Missed(String),
    /// It is told.
    Told(Vec<String>),
}

// === impl Front ===

impl Front {
    /// Serves a snapshot: the files to follow for it, and the snapshot that went.
    ///
    /// # Errors
    /// What cannot be used of it. Then nothing has changed.
    fn serve(&mut self, snapshot: Snapshot) -> Result<(Vec<LiveFile>, Arc<Snapshot>), String> {
        let store = self.store.with(&snapshot.certificates).map(Arc::new).map_err(|error| error.to_string())?;
        let guards = self.doors.iter().map(|door| door.guards(&self.tls, &snapshot.certificates.clients));
        let guards: Vec<_> = guards.collect::<Result<_, TlsError>>().map_err(|error| error.to_string())?;
        self.shipping.carry(snapshot.outboxes.all()).map_err(|error| error.to_string())?;
        self.checker.carry(&snapshot).map_err(|error| error.to_string())?;
        self.acme.adopt(snapshot.acme.clone()).map_err(|error| error.to_string())?;
        store.serve();
        self.doors.iter().zip(guards).for_each(|(door, guards)| door.guard(guards));
        let files = snapshot.live.iter().cloned().chain(store.files()).collect();
        self.store = store;
        let snapshot = Arc::new(snapshot);
        let address = Arc::as_ptr(&snapshot).addr();
        let before = self.snapshots.send_replace(snapshot);
        self.wait_for_workers(address);
        Ok((files, before))
    }

    /// Waits until every worker serves it, so that whoever is told so finds it so. One that is busy for longer has it later.
    fn wait_for_workers(&self, snapshot: usize) {
        let until = Instant::now() + ADOPTING;
        while Instant::now() < until && !self.workers.iter().all(|worker| worker.serves(snapshot)) {
            thread::sleep(GLANCE);
        }
    }
}

// === impl Reloader ===

impl Reloader {
    /// For a server that serves what was compiled from this document.
    #[must_use]
    pub fn new(origin: Box<dyn Origin>, served: &Source, front: Front) -> Self {
        let paths = origin.file().into_iter().collect();
        let (served, refused) = (hash(served), Refused::Not);
        Self {
            origin,
            front,
            paths,
            stamps: Vec::new(),
            served,
            tried: served,
            tries: 0,
            posted: false,
            refused,
            retired: Vec::new(),
        }
    }

    /// Looks at the file. If there is something new and it can be served, the files to follow from now on.
    pub fn look(&mut self, thorough: bool, now: SystemTime) -> Option<Vec<LiveFile>> {
        self.tidy();
        if self.paths.is_empty() {
            return None;
        }
        let stamps = stamps(&self.paths);
        let same = stamps == self.stamps && !stamps.iter().flatten().any(|stamp| stamp.is_hot(now));
        if same && !thorough && !matches!(self.refused, Refused::Missed(_)) {
            return None;
        }
        self.stamps = stamps;
        let source = self.read()?;
        if !self.is_worth_trying(hash(&source), thorough) {
            return None;
        }
        thread::sleep(PAUSE);
        let settled = self.read().filter(|later| later.text == source.text)?;
        self.try_serve(&settled)
    }

    /// Reads it in any case; see [`look`](Self::look). What is refused again is told again. What was posted stays where
    /// there is no file, as in Kong.
    pub fn reload(&mut self) -> Option<Vec<LiveFile>> {
        if self.posted && self.paths.is_empty() {
            tracing::info!("there is no file to read again: the configuration that was posted stays");
            return None;
        }
        tracing::info!("reading the configuration again, as asked");
        self.refused = Refused::Missed(String::new());
        let source = self.read()?;
        self.try_serve(&source)
    }

    /// Serves what was posted, if it can be, and says so to whoever waits; see [`look`](Self::look). It stays until the file
    /// changes.
    pub fn post(&mut self, posted: Posted) -> Option<Vec<LiveFile>> {
        if posted.is_abandoned() {
            return None;
        }
        self.tries += 1;
        match self.replace(&posted.source) {
            Ok(files) => {
                self.posted = true;
                let snapshot = self.front.snapshots.borrow().clone();
                posted.tell(Ok(snapshot));
                Some(files)
            }
            Err(refusal) => {
                self.front.reloads.declined();
                self.log("the posted configuration is not used, the one before stays in force:", &refusal.lines);
                posted.tell(Err(refusal));
                None
            }
        }
    }

    /// What is refused may be so for something outside of the document, which has come by now: it is tried again now and
    /// then.
    fn is_worth_trying(&mut self, hash: u64, thorough: bool) -> bool {
        if self.tried == hash && self.posted {
            return false;
        }
        if self.tried == hash && self.served == hash {
            self.refused = Refused::Not;
            self.front.reloads.stays();
            return false;
        }
        self.tried != hash || thorough
    }

    fn read(&mut self) -> Option<Source> {
        let error = match self.origin.read() {
            Ok(source) => return Some(source),
            Err(error) => format!("it cannot be read: {}", crate::world::reason(&error)),
        };
        match self.refused {
            Refused::Not => self.refused = Refused::Missed(error),
            _ => self.refuse(vec![error]),
        }
        None
    }

    fn try_serve(&mut self, source: &Source) -> Option<Vec<LiveFile>> {
        let hash = hash(source);
        if self.tried != hash && matches!(self.refused, Refused::Told(_)) {
            self.refused = Refused::Not;
        }
        self.tried = hash;
        self.posted = false;
        self.tries += 1;
        self.replace(source).map_err(|refusal| self.refuse(refusal.lines)).ok()
    }

    /// One configuration in the place of another: the files to follow from now on.
    fn replace(&mut self, source: &Source) -> Result<Vec<LiveFile>, Refusal> {
        let unfit = |error| Refusal { lines: vec![error], report: Report::default() };
        let Self { origin, retired, .. } = self;
        let compiled = gently(|| {
            free(retired);
            origin.compile(source)
        });
        let snapshot = compiled.map_err(|error| unfit(error.to_string()))??;
        let (files, old) = self.front.serve(snapshot).map_err(unfit)?;
        self.refused = Refused::Not;
        self.served = hash(source);
        self.retired.push(old);
        self.front.reloads.took(SystemTime::now());
        self.origin.adopted();
        Ok(files)
    }

    /// Frees what no request holds any more. Where no thread can be had for that, the next look does it.
    fn tidy(&mut self) {
        if self.retired.iter().any(is_free) {
            let _ = gently(|| free(&mut self.retired));
        }
    }

    /// Tells why a document is not served, once.
    fn refuse(&mut self, lines: Vec<String>) {
        if matches!(&self.refused, Refused::Told(told) if *told == lines) {
            return;
        }
        self.front.reloads.refused();
        self.log("the new configuration is not used, the one before stays in force:", &lines);
        self.refused = Refused::Told(lines);
    }

    fn log(&self, what: &str, lines: &[String]) {
        let attempt = self.tries;
        tracing::error!(attempt, "{what}");
        lines.iter().take(MOST).for_each(|line| tracing::error!(attempt, "{line}"));
        if lines.len() > MOST {
            tracing::error!(attempt, "and {} errors more; `gateway check` shows them", lines.len() - MOST);
        }
    }
}

fn is_free(snapshot: &Arc<Snapshot>) -> bool {
    Arc::strong_count(snapshot) == 1
}

fn free(retired: &mut Vec<Arc<Snapshot>>) {
    retired.retain(|old| !is_free(old));
}

fn hash(source: &Source) -> u64 {
    FixedState::default().hash_one(&*source.text)
}
