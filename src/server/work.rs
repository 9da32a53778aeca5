//! A worker thread: accepts from its sockets until it is told to stop, and looks after what is its own.

use super::connection::{self, Door, Ends};
use crate::observe::access::Access;
use crate::observe::exporter::Exporter;
use crate::observe::traffic::Traffic;
use crate::observe::writer::Sink;
use crate::proxy::closing::Ending;
use crate::proxy::serials::Serials;
use crate::proxy::worker::Worker;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::upstream::connect::Links;
use crate::upstream::dns::Told;
use crate::upstream::peers::Directory;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

/// Time between two rounds of a worker's housekeeping.
const TIDY: Duration = Duration::from_millis(500);
/// Rest after the system refused another connection, so that the loop does not spin.
const REST: Duration = Duration::from_millis(50);

/// Most tasks that have their turn before sockets are asked again. More than there are by default: those that are ready
/// together write together ([`crate::http1::turn`]).
const TURNS: u32 = 256;

/// What a worker thread is started with.
pub(super) struct Start {
    pub(super) settings: Arc<Settings>,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) links: Links,
    pub(super) sink: Option<Sink>,
    pub(super) exporter: Option<Arc<dyn Exporter>>,
    pub(super) sockets: Vec<(TcpListener, Door)>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) told: Arc<Told>,
    pub(super) number: usize,
    pub(super) workers: usize,
    pub(super) stop: watch::Receiver<Option<Ending>>,
    /// How long a stop may take.
    pub(super) patience: watch::Receiver<Duration>,
}

/// One worker thread, from its runtime to its end. Whether everything under way ended in time.
pub(super) fn work(start: Start) -> bool {
    let mut builder = Builder::new_current_thread();
    let runtime = match builder.enable_all().event_interval(TURNS).build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "a worker cannot start");
            return false;
        }
    };
    runtime.block_on(serve_until_told(start))
}

async fn serve_until_told(start: Start) -> bool {
    let Start { settings, mut snapshots, links, sink, exporter, .. } = start;
    let Start { sockets, traffic, told, number, workers, mut stop, patience, .. } = start;
    let snapshot = snapshots.borrow_and_update().clone();
    let directory = Directory::new(&settings, told, number as u64);
    let serials = Serials::new(number, workers);
    let access = Access::new(sink, &settings.access_log);
    let worker = Worker::new(settings, snapshot, directory, links, access, serials, traffic);
    let worker = Rc::new(worker.exporting(exporter));
    let listening: Vec<_> = sockets
        .into_iter()
        .map(|(socket, door)| tokio::task::spawn_local(listen_on(worker.clone(), socket, Rc::new(door))))
        .collect();
    let tidying = tokio::task::spawn_local(tidy(worker.clone()));
    tokio::task::spawn_local(follow(worker.clone(), snapshots));
    let ending = stop.wait_for(Option::is_some).await.map_or(Ending::Stop, |told| told.unwrap_or(Ending::Stop));
    listening.iter().for_each(tokio::task::JoinHandle::abort);
    worker.closing.close(ending);
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
