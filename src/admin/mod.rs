//! What the process tells about itself, on listeners of its own: `status_listen` is for probes, `admin_listen` for people
//! and tools as well (`kong/operations.md` §8, §9).
//!
//! One thread of its own answers, whatever the workers have to do. What is answered is decided in pure code (`answer.rs`).

pub mod answer;
mod change;
mod config;
mod entities;
mod flatten;
mod form;
mod guard;
mod health;
mod info;
pub mod journal;
mod metrics;
mod node;
mod refuse;
mod reply;
mod schemas;
mod serve;
mod targets;
mod unit;
mod verbosity;

use crate::observe::reloads::Reloads;
use crate::observe::traffic::{Totals, Traffic};
use crate::observe::verbosity as log;
use crate::proxy::closing::Ending;
use crate::server::ServeError;
use crate::server::certificates::{CertTable, Live};
use crate::server::handshake::DoorTls;
use crate::server::listen;
use crate::server::passed::{self, Passed, Sockets};
use crate::server::posted::Letterbox;
use crate::server::tls::ServerTls;
use crate::settings::{Listen, Settings};
use crate::snapshot::Snapshot;
use crate::sni::Names;
use answer::{Api, Now};
use journal::{Journal, Sinks};
use node::Node;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

/// A listener.
#[derive(Clone)]
struct Door {
    api: Api,
    listen: Listen,
    tls: Option<DoorTls>,
}

/// What there is to tell.
pub struct State {
    /// The process's settings.
    pub settings: Arc<Settings>,
    /// What is served; the last one stays when there can be no other any more.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What every worker counts.
    pub workers: Vec<Arc<Traffic>>,
    /// The certificates that handshakes show.
    pub certificates: Live,
    /// How reading configurations went.
    pub reloads: Arc<Reloads>,
    /// Whether the process stops.
    pub stopping: watch::Receiver<Option<Ending>>,
    /// Where other configurations go.
    pub letterbox: Letterbox,
}

/// What is served at one moment.
struct Served {
    snapshot: Arc<Snapshot>,
    certificates: Arc<CertTable>,
}

/// The listeners, open and not served yet.
pub struct Admin {
    doors: Vec<(TcpListener, Door)>,
    to_hand_on: Vec<Passed>,
    node: Node,
    sinks: Sinks,
}

/// The thread that serves them. It ends when this goes.
#[derive(Debug)]
pub struct Running {
    end: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// === impl Admin ===

impl Admin {
    /// Opens the listeners, those whose sockets a gateway `passed` with them. They show the certificates of all others
    /// (`ssl_cert`, or the one made at start).
    ///
    /// # Errors
    /// What cannot be opened.
    pub fn open(settings: &Settings, tls: &ServerTls, passed: &[Passed]) -> Result<Self, ServeError> {
        let status = settings.status_listen.iter().map(|listen| (Api::Status, listen));
        let admin = settings.admin_listen.iter().map(|listen| (Api::Admin, listen));
        let mut all = Self { doors: Vec::new(), to_hand_on: Vec::new(), node: Node::this(), sinks: Sinks::default() };
        for (api, listen) in status.chain(admin) {
            let (door, sockets) = (door(api, listen, tls)?, sockets(listen, passed)?);
            all.doors.extend(sockets.for_workers.into_iter().map(|socket| (socket, door.clone())));
            all.to_hand_on.extend(sockets.to_hand_on);
        }
        Ok(all)
    }

    /// The same, with access logs.
    #[must_use]
    pub fn logging(self, sinks: Sinks) -> Self {
        Self { sinks, ..self }
    }

    /// Gives its sockets away, for another process in the place of this one.
    pub(crate) fn take_sockets(&mut self) -> Vec<Passed> {
        std::mem::take(&mut self.to_hand_on)
    }

    /// The addresses that are listened on, as the system gave them, with what is there.
    pub fn addresses(&self) -> impl Iterator<Item = (Api, SocketAddr)> {
        self.doors.iter().filter_map(|(socket, door)| Some((door.api, socket.local_addr().ok()?)))
    }

    /// Starts the thread that answers; `None` if nothing is listened on.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(self, state: State) -> std::io::Result<Option<Running>> {
        if self.doors.is_empty() {
            return Ok(None);
        }
        let (end, ended) = watch::channel(());
        let thread = std::thread::Builder::new().name("admin".into());
        let thread = thread.spawn(move || self.run(state, ended))?;
        Ok(Some(Running { end: Some(end), thread: Some(thread) }))
    }

    fn run(self, state: State, ended: watch::Receiver<()>) {
        match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => {
                let journal = Journal::new(self.sinks, &state.settings);
                runtime.block_on(serve::all(self.doors, state, self.node, journal, ended));
            }
            Err(error) => tracing::error!(%error, "the admin and status listeners cannot be served"),
        }
    }
}

fn sockets(listen: &Listen, passed: &[Passed]) -> Result<Sockets, ServeError> {
    let given = passed::inherited(passed, listen);
    if given.is_empty() && !passed::holds_port(passed, listen) {
        listen::claim(listen).map_err(ServeError::from_any)?;
    }
    match given.as_slice() {
        [] => passed::open(listen, 1),
        some => passed::take_over(some, listen, 1),
    }
    .map_err(ServeError::from_any)
}

fn door(api: Api, listen: &Listen, tls: &ServerTls) -> Result<Door, ServeError> {
    // HTTP/1.1 is enough here, whatever else may be spoken elsewhere.
    let plain = Listen { http2: false, ..listen.clone() };
    let tls = listen.ssl.then(|| DoorTls::new(&plain, tls, &Names::default())).transpose();
    Ok(Door { api, listen: plain, tls: tls.map_err(ServeError::from_any)? })
}

// === impl State ===

impl State {
    fn served(&self) -> Served {
        Served { snapshot: self.snapshots.borrow().clone(), certificates: self.certificates.load_full() }
    }

    fn now<'a>(&'a self, served: &'a Served, node: &'a Node, wall: SystemTime) -> Now<'a> {
        let totals: Totals = self.workers.iter().map(|worker| worker.totals()).sum();
        Now {
            settings: &self.settings,
            snapshot: &served.snapshot,
            node,
            totals,
            lua: self.workers.iter().map(|worker| worker.lua()).filter(|bytes| *bytes > 0).collect(),
            level: log::current(),
            certificates: &served.certificates,
            reloads: &self.reloads,
            // What was handed over is ready, whoever answers.
            stopping: *self.stopping.borrow() == Some(Ending::Stop),
            wall,
        }
    }
}

// === impl Running ===

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the admin listeners failed");
        }
    }
}
