//! One address of an upstream as one worker knows it: what it may be asked, and what it has to do.

use super::Pick;
use crate::health::Member;
use crate::health::standing::Outcome;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How fast what was measured is forgotten (Kong's `latency.lua`).
const DECAY: f64 = 10.0;

/// An address. It stays the same one while the address is known.
#[derive(Debug)]
pub struct Seat {
    /// Which.
    pub pick: Pick,
    /// Its health, if anybody counts.
    member: Option<Arc<Member>>,
    /// Requests under way.
    busy: Cell<u32>,
    pace: Cell<Pace>,
}

/// How fast it answered lately: a moving average of seconds, and when that was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    average: f64,
    at: Option<Instant>,
}

// === impl Seat ===

impl Seat {
    pub(super) fn new(pick: Pick, member: Option<Arc<Member>>, pace: Pace) -> Self {
        Self { pick, member, busy: Cell::default(), pace: Cell::new(pace) }
    }

    /// Whether requests may go there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.member.as_ref().is_none_or(|member| member.is_healthy())
    }

    /// What came of asking.
    pub fn report(&self, outcome: Outcome) {
        if let Some(member) = &self.member {
            member.passive(outcome);
        }
    }

    /// A request goes there.
    pub fn begin(&self) {
        self.busy.set(self.busy.get().saturating_add(1));
    }

    /// It is over.
    pub fn end(&self) {
        self.busy.set(self.busy.get().saturating_sub(1));
    }

    /// An answer took so long, and ended now.
    pub fn took(&self, time: Duration, now: Instant) {
        let pace = self.pace.get();
        let kept = pace.kept(now);
        let average = pace.average * kept + time.as_secs_f64() * (1.0 - kept);
        self.pace.set(Pace { average, at: Some(now) });
    }

    pub(super) fn busy(&self) -> u32 {
        self.busy.get()
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace.get()
    }
}

// === impl Pace ===

impl Pace {
    /// The average of others: whoever is new should not get every request at once.
    pub(super) fn among(others: impl Iterator<Item = Self>) -> Self {
        let (mut count, mut sum, mut at) = (0.0, 0.0, None);
        for pace in others {
            (count, sum, at) = (count + 1.0, sum + pace.average, at.max(pace.at));
        }
        if count > 0.0 { Self { average: sum / count, at } } else { Self::default() }
    }

    /// The average as it has faded by now.
    pub(super) fn faded(self, now: Instant) -> f64 {
        self.average * self.kept(now)
    }

    /// The share of the average that still counts.
    fn kept(self, now: Instant) -> f64 {
        self.at.map_or(0.0, |at| (-now.saturating_duration_since(at).as_secs_f64() / DECAY).exp())
    }
}
