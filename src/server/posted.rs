//! Configurations that come over the Admin API: on their way to the thread that reads configurations, which serves them
//! like those of a file (`reload.rs`).

use crate::config::report::{Report, Source};
use crate::snapshot::Snapshot;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What keeps a configuration from being served.
#[derive(Debug)]
pub struct Refusal {
    /// A line for each fault.
    pub lines: Vec<String>,
    /// What was found in the document; no error if it is fine by itself.
    pub report: Report,
}

/// What became of a document: what is served of it, or why it is not.
pub type Outcome = Result<Arc<Snapshot>, Refusal>;

/// What the thread that reads configurations is asked for.
#[derive(Debug)]
pub enum Ask {
    /// To read the configuration again from where it came.
    Again,
    /// To serve this one.
    Serve(Posted),
}

/// A document, and who waits for what becomes of it.
#[derive(Debug)]
pub struct Posted {
    /// The document.
    pub source: Source,
    told: oneshot::Sender<Outcome>,
    /// One document is on its way at a time, until all is done with it.
    _way: OwnedSemaphorePermit,
}

/// Why a document is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Another one is on its way.
    Busy,
    /// Nobody reads configurations here.
    Nobody,
}

/// Where documents are posted.
#[derive(Clone, Debug)]
pub struct Letterbox {
    to: Sender<Ask>,
    way: Arc<Semaphore>,
}

// === impl Letterbox ===

impl Letterbox {
    /// One that leads to a thread.
    pub(crate) fn new(to: Sender<Ask>) -> Self {
        Self { to, way: Arc::new(Semaphore::new(1)) }
    }

    /// Sends a document off. What becomes of it can be waited for; one for which nobody waits any more before its turn
    /// has come is dropped.
    ///
    /// # Errors
    /// If it is not taken.
    pub fn post(&self, source: Source) -> Result<oneshot::Receiver<Outcome>, NotTaken> {
        let way = Arc::clone(&self.way).try_acquire_owned().map_err(|_| NotTaken::Busy)?;
        let (told, outcome) = oneshot::channel();
        let posted = Posted { source, told, _way: way };
        self.to.send(Ask::Serve(posted)).map_err(|_| NotTaken::Nobody)?;
        Ok(outcome)
    }

    /// Asks for the configuration to be read again, whether or not it changed. Returns before it is done.
    pub fn again(&self) {
        // Nobody listens where there is nothing to read again.
        let _ = self.to.send(Ask::Again);
    }
}

// === impl Posted ===

impl Posted {
    /// Whether nobody waits for it any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.told.is_closed()
    }

    /// Tells what became of it. The way is free for the next.
    pub fn tell(self, outcome: Outcome) {
        let Self { told, _way, .. } = self;
        // Before the answer, so that whoever has it may post again.
        drop(_way);
        // Whoever does not wait any more will see it.
        let _ = told.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::mpsc;

    fn source() -> Source {
        Source::new("k", "x")
    }

    fn refusal() -> Refusal {
        Refusal { lines: Vec::new(), report: Report::default() }
    }

    #[test]
    fn one_is_on_its_way_at_a_time() {
        let (to, asked) = mpsc::channel();
        let letterbox = Letterbox::new(to);
        let first = letterbox.post(source()).unwrap();
        assert_eq!(letterbox.post(source()).unwrap_err(), NotTaken::Busy);
        let Ok(Ask::Serve(posted)) = asked.recv() else { panic!("a document was posted") };
        assert!(!posted.is_abandoned());
        drop(first);
        assert!(posted.is_abandoned());
        assert_eq!(letterbox.post(source()).unwrap_err(), NotTaken::Busy);
        posted.tell(Err(refusal()));
        letterbox.post(source()).unwrap();
    }

    #[test]
    fn without_a_reader_nothing_is_taken() {
        let letterbox = Letterbox::new(mpsc::channel().0);
        assert_eq!(letterbox.post(source()).unwrap_err(), NotTaken::Nobody);
        assert_eq!(letterbox.post(source()).unwrap_err(), NotTaken::Nobody);
    }
}
