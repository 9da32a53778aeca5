//! Whether the configuration that is served is the one that was offered last.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

/// How reading configurations went. A process begins with one that was good.
#[derive(Debug)]
pub struct Reloads {
    refused: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
    /// Seconds since 1970.
    since: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the last one was good.
    pub last_good: bool,
    /// How many were good after the first.
    pub good: u64,
    /// How many were refused.
    pub bad: u64,
    /// When the one that is served came: seconds since 1970.
    pub since: u64,
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

// === impl Reloads ===

impl Reloads {
    /// At the start.
    #[must_use]
    pub fn begin(now: SystemTime) -> Self {
        let (refused, good, bad) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        Self { refused, good, bad, since: AtomicU64::new(seconds(now)) }
    }

    /// A new one is served.
    pub fn took(&self, now: SystemTime) {
        self.since.store(seconds(now), Ordering::Relaxed);
        self.good.fetch_add(1, Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
    }

    /// A new one was refused; the old one stays.
    pub fn refused(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
        self.refused.store(true, Ordering::Relaxed);
    }

    /// One that was posted was refused. Whoever posted it was told; it does not count as the last one.
    pub fn declined(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// What is offered is what is served, again.
    pub fn stays(&self) {
        self.refused.store(false, Ordering::Relaxed);
    }

    /// How it stands.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            last_good: !self.refused.load(Ordering::Relaxed),
            good: self.good.load(Ordering::Relaxed),
            bad: self.bad.load(Ordering::Relaxed),
            since: self.since.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_last_one_counts() {
        let at = |s| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        let reloads = Reloads::begin(at(1));
        reloads.refused();
        assert_eq!(reloads.outcome(), Outcome { last_good: false, good: 0, bad: 1, since: 1 });
        reloads.stays();
        assert_eq!(reloads.outcome(), Outcome { last_good: true, good: 0, bad: 1, since: 1 });
        reloads.refused();
        reloads.took(at(2));
        reloads.declined();
        assert_eq!(reloads.outcome(), Outcome { last_good: true, good: 1, bad: 3, since: 2 });
    }
}
