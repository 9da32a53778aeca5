//! How much a worker has to do, for whoever asks the process how it is. Each worker has counts of its own: only its thread
//! writes them, any thread may read them, and no core waits for another.

use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// One worker's counts.
#[derive(Debug, Default)]
pub struct Traffic {
    accepted: AtomicU64,
    open: AtomicU64,
    requests: AtomicU64,
    busy: AtomicU64,
    lua: AtomicU64,
    tunnels: AtomicU64,
    connected: AtomicU64,
    unreachable: AtomicU64,
    reused: AtomicU64,
    connecting: AtomicU64,
    serving: AtomicUsize,
}

/// A client's connection, counted as long as this is there.
#[derive(Debug)]
pub struct Guest(Arc<Traffic>);

/// A WebSocket, or whatever else two sides agreed on, counted as long as this is there.
#[derive(Debug)]
pub struct Tunnel(Arc<Traffic>);

/// What was counted, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections since the start.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Requests since the start.
    pub requests: u64,
    /// Requests that are under way, and tunnels.
    pub busy: u64,
    /// Tunnels that are open.
    pub tunnels: u64,
    /// Connections to upstreams that were opened.
    pub connected: u64,
    /// Those that could not be.
    pub unreachable: u64,
    /// Requests that went over an idle connection instead.
    pub reused: u64,
    /// Time that opening connections took, TLS included, in microseconds; of failures as well.
    pub connecting: u64,
}

/// One writer, so that nothing is lost without a locked instruction.
fn step(count: &AtomicU64, by: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

// === impl Traffic ===

impl Traffic {
    /// A connection came.
    #[must_use]
    pub fn guest(self: &Arc<Self>) -> Guest {
        step(&self.accepted, 1);
        step(&self.open, 1);
        Guest(self.clone())
    }

    /// A tunnel was opened.
    #[must_use]
    pub fn tunnel(self: &Arc<Self>) -> Tunnel {
        step(&self.tunnels, 1);
        Tunnel(self.clone())
    }

    /// A connection to an upstream was opened, or not, and that took so long.
    pub fn connect(&self, opened: bool, took: Duration) {
        step(if opened { &self.connected } else { &self.unreachable }, 1);
        step(&self.connecting, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// An idle connection to an upstream was used once more.
    pub fn reuse(&self) {
        step(&self.reused, 1);
    }

    /// A request came.
    pub fn request(&self) {
        step(&self.requests, 1);
    }

    /// Something is under way until [`rest`](Self::rest).
    pub fn work(&self) {
        step(&self.busy, 1);
    }

    /// One thing less is under way.
    pub fn rest(&self) {
        step(&self.busy, u64::MAX);
    }

    /// So many bytes are in use for Lua now.
    pub fn weigh_lua(&self, bytes: u64) {
        self.lua.store(bytes, Ordering::Relaxed);
    }

    /// Bytes in use for Lua when they were weighed last.
    #[must_use]
    pub fn lua(&self) -> u64 {
        self.lua.load(Ordering::Relaxed)
    }

    /// Requests that begin now are served with the snapshot at this address.
    pub fn serve(&self, snapshot: usize) {
        self.serving.store(snapshot, Ordering::Release);
    }

    /// Whether it is that one.
    #[must_use]
    pub fn serves(&self, snapshot: usize) -> bool {
        self.serving.load(Ordering::Acquire) == snapshot
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Totals {
            accepted: read(&self.accepted),
            open: read(&self.open),
            requests: read(&self.requests),
            busy: read(&self.busy),
            tunnels: read(&self.tunnels),
            connected: read(&self.connected),
            unreachable: read(&self.unreachable),
            reused: read(&self.reused),
            connecting: read(&self.connecting),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        step(&self.0.open, u64::MAX);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        step(&self.0.tunnels, u64::MAX);
    }
}

// === impl Totals ===

impl Totals {
    /// Open connections that wait for their next request.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.open.saturating_sub(self.busy)
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            open: self.open + other.open,
            requests: self.requests + other.requests,
            busy: self.busy + other.busy,
            tunnels: self.tunnels + other.tunnels,
            connected: self.connected + other.connected,
            unreachable: self.unreachable + other.unreachable,
            reused: self.reused + other.reused,
            connecting: self.connecting + other.connecting,
        }
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_counted_back_and_what_came_stays() {
        let traffic = Arc::new(Traffic::default());
        let (first, _second) = (traffic.guest(), traffic.guest());
        traffic.request();
        traffic.work();
        assert_eq!(traffic.totals(), Totals { accepted: 2, open: 2, requests: 1, busy: 1, ..Totals::default() });
        assert_eq!(traffic.totals().waiting(), 1);
        drop(first);
        traffic.rest();
        let one = Totals { accepted: 2, open: 1, requests: 1, ..Totals::default() };
        assert_eq!(traffic.totals(), one);
        assert_eq!(
            [one, one].into_iter().sum::<Totals>(),
            Totals { accepted: 4, open: 2, requests: 2, ..Totals::default() }
        );
    }

    #[test]
    fn what_upstreams_cost_is_added_up() {
        let traffic = Arc::new(Traffic::default());
        traffic.connect(true, Duration::from_millis(2));
        traffic.connect(false, Duration::from_micros(500));
        traffic.reuse();
        drop(traffic.tunnel());
        let _open = traffic.tunnel();
        let want =
            Totals { connected: 1, unreachable: 1, reused: 1, connecting: 2500, tunnels: 1, ..Totals::default() };
        assert_eq!(traffic.totals(), want);
    }
}
