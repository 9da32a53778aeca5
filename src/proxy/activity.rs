//! Whether a client connection has a request under way: shared by those who answer and by the socket, which limits how
//! long a client may take when nobody owes it an answer.
//!
//! Atomic only because hyper asks that of a socket that may be upgraded; it never leaves its thread.

use crate::observe::traffic::Traffic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One connection's requests.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    open: AtomicUsize,
    served: AtomicUsize,
    worker: Arc<Traffic>,
}

/// A request under way. One that is dropped before [`Busy::done`] was taken back by its client.
#[derive(Debug)]
pub struct Busy(Activity);

// === impl Activity ===

impl Activity {
    /// That of a connection to this worker.
    #[must_use]
    pub fn at(worker: &Arc<Traffic>) -> Self {
        Self(Arc::new(Counts { worker: worker.clone(), ..Counts::default() }))
    }

    /// A request came.
    #[must_use]
    pub fn begin(&self) -> Busy {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.worker.work();
        Busy(self.clone())
    }

    /// How many there were.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether one is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.0.open.load(Ordering::Relaxed) > 0
    }

    /// How many ended because their client took them back, and how many because all was said.
    #[must_use]
    pub fn ended(&self) -> (usize, usize) {
        let served = self.0.served.load(Ordering::Relaxed);
        let ended = self.begun().saturating_sub(self.0.open.load(Ordering::Relaxed));
        (ended.saturating_sub(served), served)
    }
}

// === impl Busy ===

impl Busy {
    /// All that there is to say was said, or the upstream failed to say it.
    pub fn done(self) {
        self.0.0.served.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.0.worker.rest();
    }
}
