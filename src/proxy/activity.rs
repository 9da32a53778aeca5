//! Whether a client connection has a request under way: shared by those who answer and by the socket, which limits how
//! long a client may take when nobody owes it an answer. It never leaves its thread.

use crate::observe::traffic::Traffic;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// One connection's requests.
#[derive(Clone, Debug, Default)]
pub struct Activity(Rc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: Cell<usize>,
    open: Cell<usize>,
    served: Cell<usize>,
    worker: Arc<Traffic>,
}

/// A request under way. One that is dropped before [`Busy::done`] was taken back by its client.
#[derive(Debug)]
pub struct Busy(Activity);

fn increase(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

// === impl Activity ===

impl Activity {
    /// That of a connection to this worker.
    #[must_use]
    pub fn at(worker: &Arc<Traffic>) -> Self {
        Self(Rc::new(Counts { worker: worker.clone(), ..Counts::default() }))
    }

    /// A request came.
    #[must_use]
    pub fn begin(&self) -> Busy {
        increase(&self.0.begun);
        increase(&self.0.open);
        self.0.worker.work();
        Busy(self.clone())
    }

    /// How many there were.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.0.begun.get()
    }

    /// Whether one is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.0.open.get() > 0
    }

    /// How many ended because their client took them back, and how many because all was said.
    #[must_use]
    pub fn ended(&self) -> (usize, usize) {
        let served = self.0.served.get();
        let ended = self.begun().saturating_sub(self.0.open.get());
        (ended.saturating_sub(served), served)
    }
}

// === impl Busy ===

impl Busy {
    /// All that there is to say was said, or the upstream failed to say it.
    pub fn done(self) {
        increase(&self.0.0.served);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.open.set(self.0.0.open.get() - 1);
        self.0.0.worker.rest();
    }
}
