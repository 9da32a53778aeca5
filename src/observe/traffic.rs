//! How much a worker has to do, for whoever asks the process how it is. Each worker has counts of its own: only its thread
//! writes them, any thread may read them, and no core waits for another.

use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One worker's counts.
#[derive(Debug, Default)]
pub struct Traffic {
    accepted: AtomicU64,
    open: AtomicU64,
    requests: AtomicU64,
    busy: AtomicU64,
    lua: AtomicU64,
}

/// A client's connection, counted as long as this is there.
#[derive(Debug)]
pub struct Guest(Arc<Traffic>);

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

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Totals {
            accepted: read(&self.accepted),
            open: read(&self.open),
            requests: read(&self.requests),
            busy: read(&self.busy),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        step(&self.0.open, u64::MAX);
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
        assert_eq!(traffic.totals(), Totals { accepted: 2, open: 2, requests: 1, busy: 1 });
        assert_eq!(traffic.totals().waiting(), 1);
        drop(first);
        traffic.rest();
        let one = Totals { accepted: 2, open: 1, requests: 1, busy: 0 };
        assert_eq!(traffic.totals(), one);
        assert_eq!([one, one].into_iter().sum::<Totals>(), Totals { accepted: 4, open: 2, requests: 2, busy: 0 });
    }
}
