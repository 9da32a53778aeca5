//! Empties the queues of log plugins ([`Outbox`]): a thread for each file, and one for all that goes over a network, so that
//! nobody who is slow to take lines holds up a request.

mod datagram;
mod file;
mod request;
mod wire;

use crate::outbox::{Destination, Inbox, Line, Outbox, Pace, Tcp};
use crate::snapshot::UpstreamTls;
use crate::upstream::tls::ClientConfigs;
use datagram::{Datagrams, Taker};
use file::LogFile;
use request::Requests;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use wire::Lines;

/// Threads that empty queues.
#[derive(Debug)]
pub struct Shipping {
    outboxes: Vec<Arc<Outbox>>,
    stop: watch::Sender<bool>,
    /// Ends when the last thread has.
    done: mpsc::Receiver<()>,
}

/// A queue, and the way that its lines take.
struct Carrier {
    outbox: Arc<Outbox>,
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

/// Starts to empty queues.
///
/// # Errors
/// If a thread cannot be started.
pub fn start(outboxes: &[Arc<Outbox>], configs: &ClientConfigs) -> io::Result<Shipping> {
    let (stop, stopped) = watch::channel(false);
    let (end, done) = mpsc::channel();
    let carriers = outboxes.iter().filter_map(|outbox| Carrier::new(outbox, configs, &stopped));
    let (alone, together): (Vec<_>, Vec<_>) = carriers.partition(Carrier::blocks);
    for group in alone.into_iter().map(|one| vec![one]).chain([together]).filter(|group| !group.is_empty()) {
        let end = end.clone();
        std::thread::Builder::new().name("log-plugins".into()).spawn(move || {
            carry(group);
            drop(end);
        })?;
    }
    Ok(Shipping { outboxes: outboxes.to_vec(), stop, done })
}

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
    /// Lets what is queued go out, within a limit.
    pub fn finish(self, limit: Duration) {
        let _ = self.stop.send(true);
        if self.done.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            for outbox in &self.outboxes {
                let (to, waiting) = (&outbox.plan.to, outbox.waiting());
                tracing::warn!(%to, waiting, "the time to write logs ran out; what waits, and what is under way, may be lost");
            }
        }
    }
}

// === impl Carrier ===

impl Carrier {
    fn new(outbox: &Arc<Outbox>, configs: &ClientConfigs, stop: &watch::Receiver<bool>) -> Option<Self> {
        let way = match Way::new(&outbox.plan.to, configs) {
            Ok(way) => way,
            Err(error) => {
                tracing::error!(to = %outbox.plan.to, %error, "a log cannot be written");
                return None;
            }
        };
        Some(Self { outbox: Arc::clone(outbox), inbox: outbox.take()?, way, stop: stop.clone() })
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
        let Pace { batch, gather, .. } = self.outbox.plan.pace;
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
            let to = &self.outbox.plan.to;
            let wait = self.outbox.plan.pace.retry.wait(failures, begun.elapsed());
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
        // As in Kong, whatever certificate the other side shows is taken.
        let tls = |to: &Tcp| to.tls.as_ref().map(|_| configs.get(&UpstreamTls::default())).transpose();
        Ok(match to {
            Destination::File { path, reopen } => Self::File(LogFile::new(path, *reopen)),
            Destination::Http(to) => Self::Http(Requests::new(to.clone(), tls(&to.at)?)),
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
