//! What one client has used of each period.

use super::limit::Limit;
use super::period::{Moment, PERIODS};

/// What was used of each period, by its number. Upstreams may charge fractions.
pub(in crate::plugin) type Used = [f64; PERIODS.len()];

/// The counts of one client. All periods are counted, so that it does not matter which are limited.
#[derive(Clone, Debug, Default)]
pub(in crate::plugin) struct Counts {
    /// When it was last counted, in seconds since 1970.
    seen: u64,
    used: Used,
}

// === impl Counts ===

impl Counts {
    /// What is used of the periods of a moment. A clock that went back changes nothing: what was counted stays.
    pub(super) fn at(&self, moment: &Moment) -> Used {
        std::array::from_fn(|at| if self.seen < moment.starts[at] { 0.0 } else { self.used[at] })
    }

    /// Counts so many.
    pub(super) fn add(&mut self, moment: &Moment, count: f64) {
        self.used = self.at(moment).map(|used| used + count);
        self.seen = self.seen.max(moment.now);
    }

    /// Counts one, unless a limit is reached. What was used before; what is refused does not count.
    ///
    /// # Errors
    /// The same, and a limit that is reached.
    pub(super) fn take<'a>(&mut self, moment: &Moment, limits: &'a [Limit]) -> Result<Used, (Used, &'a Limit)> {
        let used = self.at(moment);
        if let Some(reached) = limits.iter().rfind(|limit| limit.remains(&used) <= 0.0) {
            return Err((used, reached));
        }
        self.add(moment, 1.0);
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::rate::limit;
    use crate::plugin::testing::checked;
    use serde_json::json;
    use std::time::{Duration, UNIX_EPOCH};

    fn at(seconds: u64) -> Moment {
        Moment::of(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn a_new_period_begins_at_nothing() {
        let (mut counts, limits) = (Counts::default(), limit::read(&checked(&json!({ "minute": 2, "hour": 3 }))));
        let mut passes = |seconds| counts.take(&at(seconds), &limits).is_ok();
        assert!(passes(3600) && passes(3659) && !passes(3659));
        assert!(passes(3660) && !passes(3660), "the hour is used up");
        assert!(!passes(7199) && passes(7200));
    }

    #[test]
    fn what_is_refused_does_not_count() {
        let (mut counts, limits) = (Counts::default(), limit::read(&checked(&json!({ "second": 1, "hour": 3 }))));
        assert!(counts.take(&at(10), &limits).is_ok());
        assert!((0..9).all(|_| counts.take(&at(10), &limits).is_err()));
        assert_eq!(counts.at(&at(10)), [1.0; 6]);
        assert_eq!(counts.at(&at(11)), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_twice() {
        let mut counts = Counts::default();
        counts.add(&at(7200), 5.0);
        assert_eq!(counts.at(&at(7199)), [5.0; 6]);
        counts.add(&at(7100), 1.0);
        assert_eq!(counts.at(&at(7200)), [6.0; 6]);
        assert_eq!(counts.at(&at(10_800)), [0.0, 0.0, 0.0, 6.0, 6.0, 6.0]);
    }
}
