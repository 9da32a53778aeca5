//! How fast lines leave a queue, how many may wait, and what becomes of those that are not taken. Pure.

use std::time::Duration;

/// Most lines that any queue may hold.
pub(super) const MOST: usize = 1_000_000;

/// The pace of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Lines that may wait.
    pub entries: usize,
    /// Bytes of lines that may wait.
    pub bytes: usize,
    /// Most lines that are sent together.
    pub batch: usize,
    /// How long a batch waits for more lines.
    pub gather: Duration,
    /// What becomes of a batch that was not taken.
    pub retry: Retry,
}

/// When a batch is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never.
    Never,
    /// As Kong 2 does: 1, 4, 9 … seconds after each failure, at most a minute, until it was tried so often.
    Squares(u32),
    /// As Kong 3 does: each wait is twice the one before.
    Doubling {
        /// The first wait.
        first: Duration,
        /// No wait is longer.
        longest: Duration,
        /// When all of this has passed, the batch is given up.
        total: Duration,
    },
}

/// The longest wait of Kong 2.
const MINUTE: Duration = Duration::from_secs(60);

// === impl Pace ===

impl Default for Pace {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 32 << 20, batch: 1, gather: Duration::ZERO, retry: Retry::Never }
    }
}

// === impl Retry ===

impl Retry {
    /// How long to wait after so many failures (at least one), the first attempt having begun so long ago. `None`: the
    /// batch is given up.
    #[must_use]
    pub fn wait(self, failures: u32, since: Duration) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Squares(most) if failures >= most => None,
            Self::Squares(_) => Some(Duration::from_secs(u64::from(failures).pow(2)).min(MINUTE)),
            Self::Doubling { total, .. } if since >= total => None,
            Self::Doubling { first, longest, .. } => {
                Some(first.saturating_mul(1 << failures.saturating_sub(1).min(30)).min(longest))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_as_kongs_do() {
        let waits = |retry: Retry, since| (1..=10).map_while(move |n| retry.wait(n, since)).collect::<Vec<_>>();
        let seconds = |all: &[u64]| all.iter().map(|n| Duration::from_secs(*n)).collect::<Vec<_>>();
        assert_eq!(waits(Retry::Squares(10), MINUTE), seconds(&[1, 4, 9, 16, 25, 36, 49, 60, 60]));
        assert_eq!(waits(Retry::Squares(0), MINUTE), seconds(&[]));
        assert_eq!(waits(Retry::Never, Duration::ZERO), seconds(&[]));
        let doubling = Retry::Doubling { first: Duration::from_secs(3), longest: MINUTE, total: MINUTE };
        assert_eq!(waits(doubling, Duration::ZERO)[..6], seconds(&[3, 6, 12, 24, 48, 60]));
        assert_eq!(waits(doubling, MINUTE), seconds(&[]));
        assert_eq!(doubling.wait(u32::MAX, Duration::ZERO), Some(MINUTE));
    }
}
