//! Certificates that the gateway orders for itself (RFC 8555), on a thread of its own: nobody who is slow to issue one holds
//! up a request. Names that the configuration writes down are ordered when it is served, others when a client asks for one.
//!
//! Here is the thread. What is due when is `keeper.rs` and `due.rs`, a conversation with an authority `order.rs`. Challenges
//! are answered by the plugin, and what was obtained is shown by `certificates/`.

mod client;
mod due;
mod folder;
mod keeper;
mod order;

use super::certificates::{Live, Obtained, Store};
use crate::acme::Plan;
use crate::upstream::tls::ClientConfigs;
use keeper::Keeper;
use std::future::ready;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// Names that clients asked for and that nobody looked at yet.
const WAITING: usize = 64;
/// Longest sleep: the clock may be set meanwhile.
const NAP: Duration = Duration::from_secs(600);

/// Where certificates are shown and kept, and how authorities are reached.
#[derive(Clone, Debug)]
struct Place {
    certificates: Live,
    obtained: Arc<Obtained>,
    configs: Arc<ClientConfigs>,
    folder: PathBuf,
}

/// Orders certificates. The thread starts with the first plan.
#[derive(Debug)]
pub struct Acme {
    plans: watch::Sender<Option<Arc<Plan>>>,
    place: Place,
    stopping: watch::Receiver<bool>,
    runs: bool,
}

/// What the thread hears.
struct Ears {
    plans: watch::Receiver<Option<Arc<Plan>>>,
    asked: mpsc::Receiver<Box<str>>,
    stopping: watch::Receiver<bool>,
}

// === impl Acme ===

impl Acme {
    /// Nothing to order yet. What is obtained is shown beside what a store has, and kept in a folder.
    #[must_use]
    pub fn new(store: &Store, configs: &Arc<ClientConfigs>, folder: PathBuf, stopping: watch::Receiver<bool>) -> Self {
        let (certificates, obtained) = (store.live(), store.obtained());
        let place = Place { certificates, obtained, configs: Arc::clone(configs), folder };
        Self { plans: watch::Sender::new(None), place, stopping, runs: false }
    }

    /// Goes by a plan from now on, or by none.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn adopt(&mut self, plan: Option<Arc<Plan>>) -> io::Result<()> {
        if plan.is_some() && !self.runs {
            let (tell, asked) = mpsc::channel(WAITING);
            let keeper = Keeper::new(self.place.clone(), tell);
            let ears = Ears { plans: self.plans.subscribe(), asked, stopping: self.stopping.clone() };
            std::thread::Builder::new().name("acme".to_owned()).spawn(move || run(keeper, ears))?;
            self.runs = true;
        }
        self.plans.send_replace(plan);
        Ok(())
    }
}

fn run(keeper: Keeper, ears: Ears) {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(attend(keeper, ears));
            // A look-up that never ends has a thread, which nobody waits for.
            runtime.shutdown_background();
        }
        Err(error) => tracing::error!(%error, "no certificates can be ordered"),
    }
}

/// Until the process stops: an order that is under way then is given up.
async fn attend(mut keeper: Keeper, mut ears: Ears) {
    let mut stopping = ears.stopping.clone();
    tokio::select! {
        () = work(&mut keeper, &mut ears) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// What is due goes before names that clients ask for, so that no flood of those holds it up.
async fn work(keeper: &mut Keeper, ears: &mut Ears) {
    loop {
        let (next, now) = (keeper.next(), SystemTime::now());
        let wait = next.as_ref().map_or(NAP, |(at, _)| at.duration_since(now).unwrap_or_default().min(NAP));
        let due = next.filter(|(at, _)| *at <= now).map(|(_, name)| name).unwrap_or_default();
        tokio::select! {
            biased;
            Ok(()) = ears.plans.changed() => {
                let plan = ears.plans.borrow_and_update().clone();
                keeper.adopt(plan, now);
            }
            () = ready(()), if !due.is_empty() => keeper.attend(&due, now).await,
            Some(name) = ears.asked.recv() => keeper.take_up(name, SystemTime::now()),
            () = sleep(wait) => {}
        }
    }
}
