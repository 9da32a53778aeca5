//! The process's side toward clients: listeners, worker threads, and how they stop.
//!
//! One thread per core, each with a runtime, listening sockets, upstream connections and addresses of its own. Workers
//! share the settings and the snapshot, which never change; a reload gives every worker another snapshot.

pub mod acme;
pub mod answer;
pub mod certificates;
pub mod connection;
mod gently;
pub mod handover;
pub mod handshake;
pub mod http1;
pub mod http2;
pub mod limits;
pub mod linger;
pub mod listen;
mod logs;
pub mod passed;
mod plain;
pub mod posted;
pub mod proxy_protocol;
pub mod reload;
mod signals;
pub mod slot;
pub mod socket;
pub mod stall;
pub mod tls;
pub mod upgrade;
pub mod watcher;
mod work;

use crate::admin::answer::Api;
use crate::admin::{self, Admin, Running};
use crate::config::report::Source;
use crate::live::LiveFile;
use crate::observe::exporter::{self, Exporter};
use crate::observe::reloads::Reloads;
use crate::observe::shipping::Shipping;
use crate::observe::traffic::Traffic;
use crate::observe::writer::{Logs, Sink};
use crate::proxy::closing::Ending;
use crate::settings::{Listen, Settings};
use crate::snapshot::{ClientAuth, Snapshot};
use crate::sni::Names;
use crate::upstream::checker::Checker;
use crate::upstream::connect::Links;
use crate::upstream::dns::Told;
use acme::Acme;
use certificates::Store;
use connection::{Door, refusals};
use handshake::DoorTls;
use passed::{Passed, Sockets};
use reload::{Front, Origin, Reloader};
use signals::{End, Signals, Succession};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tls::ServerTls;
use tokio::sync::watch;
use upgrade::Program;
use watcher::Watching;
use work::{Start, work};

/// How long lines of log plugins may take to leave a process that stops.
const FLUSH: Duration = Duration::from_secs(5);

/// Why a process cannot serve.
#[derive(Debug)]
pub struct ServeError(String);

/// What others want to know: a supervisor, the process before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Every listener is served from now on.
    Serving,
    /// Another process is about to start in the place of this one.
    HandingOver,
    /// It does not serve; this one goes on.
    Kept,
    /// The process of this number serves; this one takes no new connections any more.
    Replaced(u32),
    /// New connections are no longer taken.
    Stopping,
}

/// How a worker hears that it is to stop, and how long that may take.
type Stop = (watch::Receiver<Option<Ending>>, watch::Receiver<Duration>);

/// A process that listens and has not begun to serve.
pub struct Server {
    signals: Signals,
    settings: Arc<Settings>,
    front: Front,
    links: Links,
    logs: Logs,
    sink: Option<Sink>,
    exporter: Option<Arc<dyn Exporter>>,
    doors: Vec<(Vec<TcpListener>, Door)>,
    admin: Admin,
    told: Arc<Told>,
    workers: usize,
    live: Vec<LiveFile>,
    origin: Option<(Box<dyn Origin>, Source)>,
    /// The listening sockets, for another process in the place of this one.
    to_hand_on: Vec<Passed>,
    program: Result<Program, String>,
    abrupt: bool,
    stop: watch::Sender<Option<Ending>>,
}

/// Opens the listeners and serves until a signal says stop.
///
/// # Errors
/// When the process cannot begin: a port that is taken, a certificate that cannot be read.
pub fn serve(settings: Settings, snapshot: Snapshot) -> Result<(), ServeError> {
    Server::open(settings, snapshot, Vec::new())?.run(|_| {})
}

// === impl Server ===

impl Server {
    /// Opens everything that can fail: listeners, certificates, logs. A listener whose sockets were `passed` uses those;
    /// what nobody asks for is closed.
    ///
    /// # Errors
    /// What cannot be opened, and what to do about it.
    pub fn open(settings: Settings, snapshot: Snapshot, passed: Vec<Passed>) -> Result<Self, ServeError> {
        let signals = Signals::listen().map_err(ServeError::from_any)?;
        let (settings, snapshot) = (Arc::new(settings), Arc::new(snapshot));
        let workers = settings.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let links = Links::new(&settings).map_err(ServeError::from_any)?;
        let mut logs = Logs::default();
        let sink = logs::open(&mut logs, &settings.access_log)?;
        let store = certificates(&settings, &snapshot)?;
        let tls = match any_has_tls(&settings) {
            true => ServerTls::new(store.live(), &settings).map_err(ServeError::from_any)?,
            false => ServerTls::idle(store.live(), &settings),
        };
        let mut admin = Admin::open(&settings, &tls, &passed)?.logging(logs::sinks(&mut logs, &settings)?);
        let live = snapshot.live.iter().cloned().chain(store.files()).collect();
        let (mut doors, mut to_hand_on) = (Vec::new(), admin.take_sockets());
        for (listen, sockets) in settings.proxy_listen.iter().zip(sockets(&settings.proxy_listen, &passed, workers)?) {
            to_hand_on.extend(sockets.to_hand_on);
            doors.push((sockets.for_workers, door(listen, &tls, &snapshot.certificates.clients, &settings)?));
        }
        let shipping = Shipping::new(links.configs());
        let exporter = exporter::of(&settings);
        let outboxes = snapshot.outboxes.all().iter().chain(exporter.as_ref().map(|exporter| exporter.outbox()));
        shipping.carry(&outboxes.cloned().collect::<Vec<_>>()).map_err(ServeError::from_any)?;
        let (told, stop) = (Arc::default(), watch::Sender::new(None));
        let folder = settings.prefix.join(&settings.acme_storage);
        let front = Front {
            acme: Acme::new(&store, links.configs(), folder, stop.subscribe()),
            shipping: Arc::new(shipping),
            checker: Arc::new(Checker::new(&settings, links.configs(), Arc::clone(&told))),
            store,
            tls,
            doors: doors.iter().filter_map(|(_, door)| door.tls.clone()).collect(),
            reloads: Arc::new(Reloads::begin(SystemTime::now())),
            snapshots: watch::Sender::new(snapshot),
            workers: Vec::new(),
        };
        let program = Err("there is nothing to start again".to_owned());
        let (origin, abrupt) = (None, false);
        Ok(Self {
            signals,
            settings,
            front,
            links,
            logs,
            sink,
            exporter,
            doors,
            admin,
            told,
            workers,
            live,
            origin,
            to_hand_on,
            program,
            abrupt,
            stop,
        })
    }

    /// Follows where its configuration comes from: what is there `now` is served.
    #[must_use]
    pub fn following(mut self, origin: Box<dyn Origin>, now: Source) -> Self {
        self.origin = Some((origin, now));
        self
    }

    /// Lets this program, or says why none may, take its place at SIGUSR2; only if it follows a configuration.
    #[must_use]
    pub fn replaceable(mut self, by: Result<Program, String>) -> Self {
        self.program = by;
        self
    }

    /// From now on SIGTERM and SIGINT end it at once, as they end nginx (`kong/operations.md` §6); SIGQUIT stays polite.
    #[must_use]
    pub fn abrupt(mut self) -> Self {
        self.abrupt = true;
        self
    }

    /// The addresses that are listened on, as the system gave them.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.doors.iter().filter_map(|(sockets, _)| sockets.first()?.local_addr().ok())
    }

    /// The same of the admin and status listeners.
    pub fn admin_addresses(&self) -> impl Iterator<Item = (Api, SocketAddr)> {
        self.admin.addresses()
    }

    /// Serves until a signal says stop or another process serves, then lets what is under way end. `tell` hears how far it
    /// is.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn run(mut self, tell: impl Fn(Phase)) -> Result<(), ServeError> {
        let (stop, stopped) = (self.stop.clone(), self.stop.subscribe());
        let (patience, patient) = watch::channel(self.settings.drain_timeout);
        let (shipping, checker) = (Arc::clone(&self.front.shipping), Arc::clone(&self.front.checker));
        checker.carry(&self.front.snapshots.borrow()).map_err(ServeError::from_any)?;
        let (told, mut threads) = (Arc::clone(&self.told), Vec::new());
        let logs = std::mem::take(&mut self.logs);
        let counts: Vec<Arc<Traffic>> = (0..self.workers).map(|_| Arc::default()).collect();
        for (number, traffic) in counts.iter().enumerate() {
            let start = self.start(number, traffic, &told, (stopped.clone(), patient.clone()));
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            threads.push(thread.spawn(move || work(start)).map_err(ServeError::from_any)?);
        }
        let (abrupt, program, to_hand_on) = (self.abrupt, self.program.clone(), std::mem::take(&mut self.to_hand_on));
        let reloads = self.origin.is_some();
        let (signals, watching, admin) = self.attend(counts, stopped).map_err(ServeError::from_any)?;
        tell(Phase::Serving);
        let succession = Succession { program: &program, sockets: &to_hand_on, tell: &tell };
        let (reload, reopen) = (reloads.then_some(|| watching.reload()), || logs.reopen());
        let end = signals.wait(reload, reopen, &succession, abrupt).map_err(ServeError::from_any)?;
        // Who still has a socket and does not accept from it would let clients wait.
        drop(to_hand_on);
        if abrupt && matches!(end, End::Told(signal) if signal != signals::POLITE) {
            patience.send_replace(Duration::ZERO);
        }
        let limit = *patient.borrow();
        let _ = stop.send(Some(stopping(end, limit, &tell)));
        checker.stop();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect();
        if results.contains(&false) && !limit.is_zero() {
            tracing::warn!("the time to stop ran out; some requests were cut off");
        }
        shipping.finish(FLUSH);
        drop(admin);
        logs.finish(FLUSH);
        Ok(())
    }

    /// Follows files, and the configuration; answers on the admin and status listeners. What only that needs goes with it.
    fn attend(
        self,
        workers: Vec<Arc<Traffic>>,
        stopping: watch::Receiver<Option<Ending>>,
    ) -> io::Result<(Signals, Watching, Option<Running>)> {
        let Self { signals, settings, mut front, admin, live, origin, .. } = self;
        front.workers.clone_from(&workers);
        let certificates = front.store.live();
        let (snapshots, reloads) = (front.snapshots.subscribe(), Arc::clone(&front.reloads));
        let plan = snapshots.borrow().acme.clone();
        front.acme.adopt(plan)?;
        let reloader = origin.map(|(origin, now)| Reloader::new(origin, &now, front));
        let watching = watcher::start(live, reloader)?;
        let state = admin::State {
            settings,
            snapshots,
            workers,
            certificates,
            reloads,
            stopping,
            letterbox: watching.letterbox(),
        };
        Ok((signals, watching, admin.start(state)?))
    }

    /// One worker's share of the sockets.
    fn start(&mut self, number: usize, traffic: &Arc<Traffic>, told: &Arc<Told>, (stop, patience): Stop) -> Start {
        let left = self.workers - number;
        let take = |(sockets, door): &mut (Vec<TcpListener>, Door)| {
            let others = sockets.len() - sockets.len().div_ceil(left);
            sockets.split_off(others).into_iter().map(|socket| (socket, door.clone())).collect::<Vec<_>>()
        };
        Start {
            settings: self.settings.clone(),
            snapshots: self.front.snapshots.subscribe(),
            links: self.links.clone(),
            sink: self.sink.clone(),
            exporter: self.exporter.clone(),
            sockets: self.doors.iter_mut().flat_map(take).collect(),
            traffic: traffic.clone(),
            told: told.clone(),
            number,
            workers: self.workers,
            stop,
            patience,
        }
    }
}

/// The last words before new connections are no longer taken.
fn stopping(end: End, limit: Duration, tell: &dyn Fn(Phase)) -> Ending {
    match end {
        End::Told(signal) => {
            tell(Phase::Stopping);
            tracing::info!(signal, ?limit, "stopping: requests under way may end");
            Ending::Stop
        }
        End::Replaced => {
            tracing::info!(?limit, "replaced: connections that are open may end");
            Ending::HandOver
        }
    }
}

/// For each listener, at least a socket per worker.
fn sockets(listens: &[Listen], passed: &[Passed], workers: usize) -> Result<Vec<Sockets>, ServeError> {
    let given = passed::assign(passed, listens).map_err(ServeError::from_any)?;
    let pairs = || listens.iter().zip(&given);
    for (listen, _) in pairs().filter(|(listen, given)| given.is_empty() && !passed::holds_port(passed, listen)) {
        listen::claim(listen).map_err(ServeError::from_any)?;
    }
    let open = |(listen, given): (&Listen, &Vec<&Passed>)| match given.as_slice() {
        [] => passed::open(listen, workers),
        some => passed::take_over(some, listen, workers),
    };
    pairs().map(open).collect::<Result<_, _>>().map_err(ServeError::from_any)
}

/// Whether any client can begin a handshake.
fn any_has_tls(settings: &Settings) -> bool {
    let listens = [&settings.proxy_listen, &settings.admin_listen, &settings.status_listen];
    listens.into_iter().flatten().any(|listen| listen.ssl)
}

fn certificates(settings: &Settings, snapshot: &Snapshot) -> Result<Arc<Store>, ServeError> {
    let nobody_asks = settings.ssl_cert.is_empty() && !any_has_tls(settings);
    let fallback = if nobody_asks { Ok(Vec::new()) } else { certificates::fallback(settings) };
    let fallback = fallback.map_err(ServeError::from_any)?;
    Store::new(&snapshot.certificates, fallback).map(Arc::new).map_err(ServeError::from_any)
}

fn door(
    listen: &Listen,
    tls: &ServerTls,
    clients: &Names<Arc<ClientAuth>>,
    settings: &Arc<Settings>,
) -> Result<Door, ServeError> {
    let tls = listen.ssl.then(|| DoorTls::new(listen, tls, clients)).transpose().map_err(ServeError::from_any)?;
    Ok(Door { listen: listen.clone(), tls, refuse: refusals(settings) })
}

// === impl ServeError ===

impl ServeError {
    pub(crate) fn from_any(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServeError {}
