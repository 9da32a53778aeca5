//! Empties the queues of log plugins ([`Outbox`]): a thread for each file, and one for all that goes over a network, so that
//! nobody who is slow to take lines holds up a request.

mod datagram;
mod request;
mod wire;

use crate::observe::file::LogFile;
use crate::outbox::{Destination, Inbox, Line, Outbox, Pace, Plan, Tcp};
use crate::snapshot::UpstreamTls;
use crate::upstream::tls::ClientConfigs;
use datagram::{Datagrams, Taker};
use request::Requests;
use std::fmt;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use wire::Lines;

/// Threads that empty queues.
pub struct Shipping {
    configs: Arc<ClientConfigs>,
    outboxes: Mutex<Vec<Weak<Outbox>>>,
    stop: watch::Sender<bool>,
    /// Every thread holds a clone of the first end; the second one tells when the last of them is gone.
    done: Mutex<(Option<mpsc::Sender<()>>, mpsc::Receiver<()>)>,
}

/// A queue, and the way that its lines take.
struct Carrier {
    /// What becomes of the lines. The queue itself is closed when no plugin has it any more.
    plan: Plan,
    inbox: Inbox,
    way: Way,
    stop: watch::Receiver<bool>,
}

/// A way out of the process.
enum Way {
    File(LogFile),
    Http(Requests),
    Tcp(Lines),
    Datagrams(Datagrams),
}

/// Why lines were not taken.
type Trouble = Box<dyn std::error::Error>;

/// Carries until every queue of a group is closed and empty.
fn carry(group: Vec<Carrier>) {
    match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime.block_on(async {
            let tasks: Vec<_> = group.into_iter().map(|one| tokio::task::spawn_local(one.run())).collect();
            for task in tasks {
                let _ = task.await;
            }
        }),
        Err(error) => tracing::error!(%error, "log plugins cannot write"),
    }
}

// === impl Shipping ===

impl Shipping {
    /// Nothing to empty yet.
    #[must_use]
    pub fn new(configs: &Arc<ClientConfigs>) -> Self {
        let (end, done) = mpsc::channel();
        let (stop, done) = (watch::Sender::new(false), Mutex::new((Some(end), done)));
        Self { configs: Arc::clone(configs), outboxes: Mutex::default(), stop, done }
    }

    /// Starts to empty queues, but those that are being emptied. One that no plugin has any more is emptied to its end.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn carry(&self, outboxes: &[Arc<Outbox>]) -> io::Result<()> {
        let carriers = outboxes.iter().filter_map(|outbox| Carrier::new(outbox, &self.configs, &self.stop.subscribe()));
        let (alone, together): (Vec<_>, Vec<_>) = carriers.partition(Carrier::blocks);
        for group in alone.into_iter().map(|one| vec![one]).chain([together]).filter(|group| !group.is_empty()) {
            let end = locked(&self.done).0.clone();
            std::thread::Builder::new().name("log-plugins".into()).spawn(move || {
                carry(group);
                drop(end);
            })?;
        }
        *locked(&self.outboxes) = outboxes.iter().map(Arc::downgrade).collect();
        Ok(())
    }

    /// Lets what is queued go out, within a limit.
    pub fn finish(&self, limit: Duration) {
        let _ = self.stop.send(true);
        let mut done = locked(&self.done);
        done.0 = None;
        if done.1.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            for outbox in locked(&self.outboxes).iter().filter_map(Weak::upgrade) {
                let (to, waiting) = (&outbox.plan.to, outbox.waiting());
                tracing::warn!(%to, waiting, "the time to write logs ran out; what waits, and what is under way, may be lost");
            }
        }
    }
}

impl fmt::Debug for Shipping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shipping").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Carrier ===

impl Carrier {
    fn new(outbox: &Arc<Outbox>, configs: &ClientConfigs, stop: &watch::Receiver<bool>) -> Option<Self> {
        let plan = outbox.plan.clone();
        let inbox = outbox.take()?;
        match Way::new(&plan.to, configs) {
            Ok(way) => Some(Self { plan, inbox, way, stop: stop.clone() }),
            Err(error) => {
                tracing::error!(to = %plan.to, %error, "a log cannot be written");
                None
            }
        }
    }

    /// Whether it holds up its thread.
    fn blocks(&self) -> bool {
        matches!(self.way, Way::File(_))
    }

    async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            self.deliver(&batch).await;
        }
        if let Way::Tcp(lines) = &mut self.way {
            lines.end().await;
        }
    }

    /// The next lines to go together; `None` at the end.
    async fn gather(&mut self) -> Option<Vec<Line>> {
        let Pace { batch, gather, .. } = self.plan.pace;
        let mut lines = vec![self.next().await?];
        let until = Instant::now() + gather;
        while lines.len() < batch {
            let more = match self.inbox.ready() {
                Some(line) => Some(line),
                None if gather.is_zero() => None,
                None => timeout_at(until, self.next()).await.ok().flatten(),
            };
            let Some(more) = more else { break };
            lines.push(more);
        }
        Some(lines)
    }

    /// The next line. Once the process stops, no more are taken than there are.
    async fn next(&mut self) -> Option<Line> {
        loop {
            tokio::select! {
                line = self.inbox.next() => return line,
                _ = self.stop.wait_for(|stop| *stop), if !self.inbox.is_closed() => self.inbox.close(),
            }
        }
    }

    /// Sends until the lines are taken or given up. Whoever stops does not wait for another attempt.
    async fn deliver(&mut self, lines: &[Line]) {
        let (begun, mut failures) = (Instant::now(), 0);
        while let Err(error) = self.way.send(lines).await {
            failures += 1;
            let to = &self.plan.to;
            let wait = self.plan.pace.retry.wait(failures, begun.elapsed());
            let Some(wait) = wait.filter(|_| !*self.stop.borrow()) else {
                return tracing::error!(%to, lines = lines.len(), %error, "lines of a log are lost");
            };
            tracing::warn!(%to, %error, "a log did not take its lines; it will be tried again");
            let _ = tokio::time::timeout(wait, self.stop.wait_for(|stop| *stop)).await;
        }
    }
}

// === impl Way ===

impl Way {
    fn new(to: &Destination, configs: &ClientConfigs) -> Result<Self, Trouble> {
        // As in Kong, whatever certificate the other side of a log plugin shows is taken.
        let speak = |to: &Tcp, verify| {
            let how = UpstreamTls { verify, ..UpstreamTls::default() };
            to.tls.as_ref().map(|_| configs.get(&how)).transpose()
        };
        let tls = |to: &Tcp| speak(to, false);
        Ok(match to {
            Destination::File { path, reopen } => Self::File(LogFile::new(path, *reopen)),
            Destination::Http(to) => Self::Http(Requests::new(to.clone(), speak(&to.at, to.verify)?)),
            Destination::Tcp(to) => Self::Tcp(Lines::new(to.clone(), tls(to)?)),
            Destination::Udp(to) => Self::Datagrams(Datagrams::new(Taker::Server(to.clone()))),
            Destination::Syslog(path) => Self::Datagrams(Datagrams::new(Taker::Local(path.clone()))),
        })
    }

    async fn send(&mut self, lines: &[Line]) -> Result<(), Trouble> {
        match self {
            Self::File(file) => file.write(&joined(lines))?,
            Self::Http(requests) => requests.send(lines).await?,
            Self::Tcp(connection) => connection.send(&joined(lines)).await?,
            Self::Datagrams(socket) => {
                for line in lines {
                    socket.send(line).await?;
                }
            }
        }
        Ok(())
    }
}

/// Each with its line feed.
fn joined(lines: &[Line]) -> Vec<u8> {
    let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text
}
