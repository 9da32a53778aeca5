//! What is told of a request when it is over: its line in the access log, and its spans.

use super::forward::between;
use super::outgoing::End;
use super::worker::Worker;
use crate::observe::access::{Entry, Known, Outcome, Sizes};
use crate::plugin::Ctx;
use crate::plugin::record::Try;
use crate::snapshot::Snapshot;
use std::time::Duration;
use tokio::time::Instant;

/// What was noted of it.
pub(super) struct Noted {
    pub(super) entry: Entry,
    pub(super) status: u16,
    /// When its head had come.
    pub(super) start: Instant,
    /// Attempts at the upstream, where a log record has not got them.
    pub(super) tries: Option<Vec<Try>>,
    /// What the last of them took to answer.
    pub(super) upstream: Option<Duration>,
    pub(super) sizes: Option<Box<Sizes>>,
}

// === impl Noted ===

impl Noted {
    /// Tells it, now: so many bytes of the answer's body went out, all of it or not.
    pub(super) fn tell(&self, worker: &Worker, snapshot: &Snapshot, cx: &Ctx, end: End, now: Instant) {
        let recorded = || cx.facts.as_ref().and_then(|facts| facts.tries.as_deref());
        let known = Known {
            cx,
            snapshot,
            tries: self.tries.as_deref().or_else(recorded).unwrap_or_default(),
            upstream: self.upstream,
            sizes: self.sizes.as_deref(),
        };
        let outcome = Outcome {
            status: self.status,
            bytes: end.bytes,
            whole: end.whole,
            took: between(self.start, now),
            secrets: &snapshot.secrets,
            known: Some(known),
        };
        worker.access.write(&self.entry, &outcome, worker.wall.at(now.into_std()));
        if let Some(exporter) = &worker.exporter {
            exporter.tell(&self.entry, &outcome);
        }
    }
}
