//! Looks after targets, whatever requests do: finds where their names lead, and asks them how they are (`kong/proxying.md`
//! §7). One thread for the process, begun when an upstream needs it first; workers see what it finds on the [`Board`]s.
//!
//! [`Board`]: crate::health::Board

mod probe;
mod question;
mod round;

use super::dns::{Limits, Overrides, Resolver, Told, system};
use super::tls::ClientConfigs;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, Target};
use round::{Subject, Tools};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;
use uuid::Uuid;

/// Most checks of the process at a time.
const CHECKS: usize = 256;

/// The thread, or what it will be made of.
pub struct Checker {
    limits: Limits,
    fixed: Overrides,
    told: Arc<Told>,
    configs: Arc<ClientConfigs>,
    thread: Mutex<Thread>,
}

/// Upstreams to look after.
type Subjects = Arc<[Subject]>;

enum Thread {
    /// No upstream needed it yet.
    Idle,
    /// It hears of upstreams over this, and ends when it is gone.
    Running(watch::Sender<Subjects>),
    /// The process stops.
    Stopped,
}

/// An upstream's task, which ends when this goes.
struct Task {
    subject: Subject,
    abort: AbortHandle,
}

// === impl Checker ===

impl Checker {
    /// Nothing to look after yet.
    #[must_use]
    pub fn new(settings: &Settings, configs: &Arc<ClientConfigs>, told: Arc<Told>) -> Self {
        Self {
            limits: Limits::of(settings),
            fixed: settings.resolve.clone(),
            told,
            configs: Arc::clone(configs),
            thread: Mutex::new(Thread::Idle),
        }
    }

    /// Looks after the upstreams of this snapshot from now on. Those that did not change are not asked anew.
    ///
    /// # Errors
    /// If a thread is needed and cannot be started.
    pub fn carry(&self, snapshot: &Snapshot) -> io::Result<()> {
        for upstream in &snapshot.upstreams {
            let labels: HashSet<String> = upstream.targets.iter().map(Target::label).collect();
            upstream.board.keep(|label| labels.contains(label));
        }
        let subjects: Subjects = snapshot.upstreams.iter().map(Subject::of).filter(Subject::needs_care).collect();
        let mut thread = self.thread();
        match &*thread {
            Thread::Running(sender) => drop(sender.send_replace(subjects)),
            Thread::Idle if !subjects.is_empty() => *thread = Thread::Running(self.start(subjects)?),
            Thread::Idle | Thread::Stopped => {}
        }
        Ok(())
    }

    /// Asks nobody any more.
    pub fn stop(&self) {
        *self.thread() = Thread::Stopped;
    }

    fn start(&self, subjects: Subjects) -> io::Result<watch::Sender<Subjects>> {
        let (sender, receiver) = watch::channel(subjects);
        let (limits, fixed) = (self.limits, self.fixed.clone());
        let (told, configs) = (Arc::clone(&self.told), Arc::clone(&self.configs));
        let tools = move || Tools {
            resolver: Resolver::new(&fixed, limits, told, system()),
            ttl: limits.ttl,
            configs,
            seats: Semaphore::new(CHECKS),
        };
        std::thread::Builder::new().name("health".into()).spawn(move || run(tools, receiver))?;
        Ok(sender)
    }

    fn thread(&self) -> MutexGuard<'_, Thread> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(tools: impl FnOnce() -> Tools, subjects: watch::Receiver<Subjects>) {
    match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime.block_on(follow(Rc::new(tools()), subjects)),
        Err(error) => tracing::error!(%error, "targets cannot be checked"),
    }
}

/// A task for each upstream, until nobody tells of them any more.
async fn follow(tools: Rc<Tools>, mut subjects: watch::Receiver<Subjects>) {
    let mut tasks: HashMap<Uuid, Task> = HashMap::new();
    loop {
        let now = subjects.borrow_and_update().clone();
        tools.resolver.keep(|name| now.iter().any(|subject| subject.names(name)));
        tasks.retain(|_, task| now.contains(&task.subject));
        for subject in now.iter() {
            tasks.entry(subject.id).or_insert_with(|| Task::begin(&tools, subject.clone()));
        }
        if subjects.changed().await.is_err() {
            return;
        }
    }
}

// === impl Task ===

impl Task {
    fn begin(tools: &Rc<Tools>, subject: Subject) -> Self {
        let work = round::attend(Rc::clone(tools), subject.clone());
        Self { subject, abort: tokio::task::spawn_local(work).abort_handle() }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
