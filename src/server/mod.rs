//! The process's side toward clients: listeners, worker threads, and how they stop.
//!
//! One thread per core, each with a runtime, listening sockets, upstream connections and addresses of its own. Workers
//! share the settings and the snapshot, which never change; a reload gives every worker another snapshot.

pub mod acme;
pub mod certificates;
pub mod connection;
pub mod downstream;
pub mod frame_meter;
pub mod handshake;
pub mod leisure;
pub mod linger;
pub mod listen;
pub mod passed;
mod plain;
pub mod posted;
pub mod proxy_protocol;
pub mod reload;
mod signals;
pub mod tls;
pub mod watcher;

use crate::admin::answer::Api;
use crate::admin::{self, Admin, Running};
use crate::config::report::Source;
use crate::live::LiveFile;
use crate::observe::access::{self, Access, Sink};
use crate::observe::reloads::Reloads;
use crate::observe::shipping::Shipping;
use crate::observe::traffic::Traffic;
use crate::proxy::serials::Serials;
use crate::proxy::worker::Worker;
use crate::settings::{Listen, Settings};
use crate::snapshot::{ClientAuth, Snapshot};
use crate::sni::Names;
use crate::upstream::checker::Checker;
use crate::upstream::connect::Links;
use crate::upstream::dns::Told;
use crate::upstream::peers::Directory;
use acme::Acme;
use certificates::Store;
use connection::{Door, Ends, refusals};
use handshake::DoorTls;
use passed::Passed;
use reload::{Front, Origin, Reloader};
use signals::Signals;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tls::ServerTls;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use watcher::Watching;

/// Time between two rounds of a worker's housekeeping.
const TIDY: Duration = Duration::from_millis(500);
/// Rest after the system refused another connection, so that the loop does not spin.
const REST: Duration = Duration::from_millis(50);

/// How long lines of log plugins may take to leave a process that stops.
const FLUSH: Duration = Duration::from_secs(5);

/// Why a process cannot serve.
#[derive(Debug)]
pub struct ServeError(String);

/// What a supervisor wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Every listener is served from now on.
    Serving,
    /// New connections are no longer taken.
    Stopping,
}

/// How a worker hears that it is to stop, and how long that may take.
type End = (watch::Receiver<bool>, watch::Receiver<Duration>);

/// What a worker thread is started with.
struct Start {
    settings: Arc<Settings>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    links: Links,
    sink: Option<Sink>,
    sockets: Vec<(TcpListener, Door)>,
    traffic: Arc<Traffic>,
    told: Arc<Told>,
    number: usize,
    workers: usize,
    stop: watch::Receiver<bool>,
    /// How long a stop may take.
    patience: watch::Receiver<Duration>,
}

/// A process that listens and has not begun to serve.
pub struct Server {
    settings: Arc<Settings>,
    front: Front,
    links: Links,
    sink: Option<Sink>,
    doors: Vec<(Vec<TcpListener>, Door)>,
    admin: Admin,
    told: Arc<Told>,
    workers: usize,
    live: Vec<LiveFile>,
    origin: Option<(Box<dyn Origin>, Source)>,
    abrupt: bool,
    stop: watch::Sender<bool>,
}

/// Opens the listeners and serves until a signal says stop.
///
/// # Errors
/// When the process cannot begin: a port that is taken, a certificate that cannot be read.
pub fn serve(settings: Settings, snapshot: Snapshot) -> Result<(), ServeError> {
    Server::open(settings, snapshot, &[])?.run(|_| {})
}

// === impl Server ===

impl Server {
    /// Opens everything that can fail: listeners, certificates, logs. A listener whose socket was `passed` uses that.
    ///
    /// # Errors
    /// What cannot be opened, and what to do about it.
    pub fn open(settings: Settings, snapshot: Snapshot, passed: &[Passed]) -> Result<Self, ServeError> {
        let (settings, snapshot) = (Arc::new(settings), Arc::new(snapshot));
        let workers = settings.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let links = Links::new(&settings).map_err(ServeError::from_any)?;
        let sink = access::open(&settings.access_log)
            .map_err(|error| ServeError(format!("cannot open the access log: {error}")))?;
        let store = certificates(&settings, &snapshot)?;
        let tls = ServerTls::new(store.live(), &settings).map_err(ServeError::from_any)?;
        let admin = Admin::open(&settings, &tls)?;
        let live = snapshot.live.iter().cloned().chain(store.files()).collect();
        let mut doors = Vec::new();
        for (listen, sockets) in settings.proxy_listen.iter().zip(sockets(&settings.proxy_listen, passed, workers)?) {
            doors.push((sockets, door(listen, &tls, &snapshot.certificates.clients, &settings)?));
        }
        let shipping = Shipping::new(links.configs());
        shipping.carry(snapshot.outboxes.all()).map_err(ServeError::from_any)?;
        let (told, stop) = (Arc::default(), watch::Sender::new(false));
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
        };
        Ok(Self { settings, front, links, sink, doors, admin, told, workers, live, origin: None, abrupt: false, stop })
    }

    /// Follows where its configuration comes from: what is there `now` is served.
    #[must_use]
    pub fn following(mut self, origin: Box<dyn Origin>, now: Source) -> Self {
        self.origin = Some((origin, now));
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

    /// Serves until a signal says stop, then lets what is under way end. `tell` hears how far it is.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn run(mut self, tell: impl Fn(Phase)) -> Result<(), ServeError> {
        let signals = Signals::listen(self.origin.is_some()).map_err(ServeError::from_any)?;
        let (stop, stopped) = (self.stop.clone(), self.stop.subscribe());
        let (patience, patient) = watch::channel(self.settings.drain_timeout);
        let (shipping, checker) = (Arc::clone(&self.front.shipping), Arc::clone(&self.front.checker));
        checker.carry(&self.front.snapshots.borrow()).map_err(ServeError::from_any)?;
        let (told, mut threads) = (Arc::clone(&self.told), Vec::new());
        let counts: Vec<Arc<Traffic>> = (0..self.workers).map(|_| Arc::default()).collect();
        for (number, traffic) in counts.iter().enumerate() {
            let start = self.start(number, traffic, &told, (stopped.clone(), patient.clone()));
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            threads.push(thread.spawn(move || work(start)).map_err(ServeError::from_any)?);
        }
        let abrupt = self.abrupt;
        let (watching, _admin) = self.attend(counts, stopped).map_err(ServeError::from_any)?;
        tell(Phase::Serving);
        let told = signals.wait(|| watching.reload(), abrupt).map_err(ServeError::from_any)?;
        tell(Phase::Stopping);
        if abrupt && told != signals::POLITE {
            patience.send_replace(Duration::ZERO);
        }
        let limit = *patient.borrow();
        tracing::info!(signal = told, ?limit, "stopping: requests under way may end");
        let _ = stop.send(true);
        checker.stop();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect();
        if results.contains(&false) && !limit.is_zero() {
            tracing::warn!("the time to stop ran out; some requests were cut off");
        }
        shipping.finish(FLUSH);
        Ok(())
    }

    /// Follows files, and the configuration; answers on the admin and status listeners. What only that needs goes with it.
    fn attend(
        self,
        workers: Vec<Arc<Traffic>>,
        stopping: watch::Receiver<bool>,
    ) -> io::Result<(Watching, Option<Running>)> {
        let Self { settings, mut front, admin, live, origin, .. } = self;
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
        Ok((watching, admin.start(state)?))
    }

    /// One worker's share of the sockets.
    fn start(&mut self, number: usize, traffic: &Arc<Traffic>, told: &Arc<Told>, (stop, patience): End) -> Start {
        let take = |(sockets, door): &mut (Vec<TcpListener>, Door)| Some((sockets.pop()?, door.clone()));
        Start {
            settings: self.settings.clone(),
            snapshots: self.front.snapshots.subscribe(),
            links: self.links.clone(),
            sink: self.sink.clone(),
            sockets: self.doors.iter_mut().filter_map(take).collect(),
            traffic: traffic.clone(),
            told: told.clone(),
            number,
            workers: self.workers,
            stop,
            patience,
        }
    }
}

/// For each listener, a socket per worker.
fn sockets(listens: &[Listen], passed: &[Passed], workers: usize) -> Result<Vec<Vec<TcpListener>>, ServeError> {
    let passed = passed::assign(passed, listens).map_err(ServeError::from_any)?;
    let pairs = || listens.iter().zip(&passed);
    for (listen, _) in pairs().filter(|(_, passed)| passed.is_none()) {
        listen::claim(listen).map_err(ServeError::from_any)?;
    }
    let open = |(listen, passed): (&Listen, &Option<&Passed>)| match passed {
        Some(passed) => passed::share(passed, listen, workers),
        None => listen::open(listen, workers),
    };
    pairs().map(open).collect::<Result<_, _>>().map_err(ServeError::from_any)
}

fn certificates(settings: &Settings, snapshot: &Snapshot) -> Result<Arc<Store>, ServeError> {
    let fallback = certificates::fallback(settings).map_err(ServeError::from_any)?;
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

/// One worker thread, from its runtime to its end. Whether everything under way ended in time.
fn work(start: Start) -> bool {
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "a worker cannot start");
            return false;
        }
    };
    runtime.block_on(serve_until_told(start))
}

async fn serve_until_told(start: Start) -> bool {
    let Start { settings, mut snapshots, links, sink, sockets, traffic, told, number, workers, mut stop, patience } =
        start;
    let snapshot = snapshots.borrow_and_update().clone();
    let directory = Directory::new(&settings, told, number as u64);
    let serials = Serials::new(number, workers);
    let worker = Rc::new(Worker::new(settings, snapshot, directory, links, Access::new(sink), serials, traffic));
    let listening: Vec<_> = sockets
        .into_iter()
        .map(|(socket, door)| tokio::task::spawn_local(listen_on(worker.clone(), socket, Rc::new(door))))
        .collect();
    let tidying = tokio::task::spawn_local(tidy(worker.clone()));
    tokio::task::spawn_local(follow(worker.clone(), snapshots));
    let _ = stop.wait_for(|told| *told).await;
    listening.iter().for_each(tokio::task::JoinHandle::abort);
    worker.closing.close();
    let limit = *patience.borrow();
    let whole = connection::drained(&worker.closing, limit).await;
    tidying.abort();
    worker.tidy();
    whole
}

/// Takes up each new snapshot until there can be none any more.
async fn follow(worker: Rc<Worker>, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        worker.adopt(snapshot);
    }
}

async fn tidy(worker: Rc<Worker>) {
    loop {
        tokio::time::sleep(TIDY).await;
        worker.tidy();
    }
}

/// Accepts until aborted. An error concerns one connection, or the process's limits, never the listener.
async fn listen_on(worker: Rc<Worker>, socket: TcpListener, door: Rc<Door>) {
    let listening = socket.local_addr().and_then(|local| Ok((tokio::net::TcpListener::from_std(socket)?, local)));
    let (listener, local) = match listening {
        Ok(listening) => listening,
        Err(error) => return tracing::error!(%error, "a listener cannot be used"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::task::spawn_local(connection::serve(worker.clone(), door.clone(), stream, Ends { peer, local }));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
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
