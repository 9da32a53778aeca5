//! The state of one address and what was counted toward the other state, in one number.

use super::checks::Limits;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether an address may be asked, and how far it is from the opposite. Addresses begin healthy.
#[derive(Debug, Default)]
pub struct Standing(AtomicU64);

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took the connection, which is all that was wanted.
    Connected,
    /// An answer with this status.
    Status(u16),
    /// An answer that is not HTTP.
    Nonsense,
    /// It refused, hung up, or could not be spoken to.
    Broken,
    /// It took too long.
    Timeout,
}

/// The state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// To what.
    pub healthy: bool,
    /// What was counted.
    pub counted: Counter,
    /// How many.
    pub count: u8,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Successes.
    Success,
    /// Failures by status.
    Http,
    /// Failures to connect.
    Tcp,
    /// Waits that took too long.
    Timeout,
}

/// The number, taken apart: a byte for each counter, and the state above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    unhealthy: bool,
    /// By [`Counter`].
    counts: [u8; 4],
}

// === impl Standing ===

impl Standing {
    /// Whether it may be asked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !State::of(self.0.load(Ordering::Relaxed)).unhealthy
    }

    /// Counts what came of asking. The change, if it brought one; of several that report at a time, one is told.
    pub fn report(&self, outcome: Outcome, limits: &Limits) -> Option<Change> {
        let (counter, limit) = limits.counted(outcome).filter(|(_, limit)| *limit > 0)?;
        let next = |packed| Some(State::of(packed).after(counter, limit).0).filter(|next| next.packed() != packed);
        let before =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| next(packed).map(State::packed));
        State::of(before.ok()?).after(counter, limit).1
    }

    /// Sets the state and counts anew. Whether it changed.
    pub fn set(&self, healthy: bool) -> bool {
        let state = State { unhealthy: !healthy, counts: [0; 4] };
        State::of(self.0.swap(state.packed(), Ordering::Relaxed)).unhealthy == healthy
    }
}

// === impl State ===

impl State {
    fn of(packed: u64) -> Self {
        let [_, _, _, flag, counts @ ..] = packed.to_be_bytes();
        Self { unhealthy: flag == 1, counts }
    }

    fn packed(self) -> u64 {
        let [a, b, c, d] = self.counts;
        u64::from_be_bytes([0, 0, 0, u8::from(self.unhealthy), a, b, c, d])
    }

    /// As Kong counts (lua-resty-healthcheck, `incr_counter`): each success clears the failures and each failure the
    /// successes; what only confirms the state is not counted.
    fn after(mut self, counter: Counter, limit: u8) -> (Self, Option<Change>) {
        let good = counter == Counter::Success;
        let (own, others) = self.counts.split_at_mut(1);
        let opposed = if good { others } else { own };
        let confirmed = self.unhealthy != good && opposed.iter().all(|count| *count == 0);
        if confirmed {
            return (self, None);
        }
        opposed.fill(0);
        let count = &mut self.counts[counter as usize];
        *count = count.saturating_add(1);
        let count = *count;
        let flips = count >= limit && self.unhealthy == good;
        self.unhealthy ^= flips;
        (self, flips.then_some(Change { healthy: good, counted: counter, count }))
    }
}

// === impl Limits ===

impl Limits {
    /// Which counter an outcome moves, and its limit; `None` if it is neither good nor bad.
    fn counted(&self, outcome: Outcome) -> Option<(Counter, u8)> {
        Some(match outcome {
            Outcome::Connected => (Counter::Success, self.successes),
            Outcome::Status(status) if self.healthy.contains(status) => (Counter::Success, self.successes),
            Outcome::Status(status) if self.unhealthy.contains(status) => (Counter::Http, self.http_failures),
            Outcome::Status(_) => return None,
            Outcome::Nonsense => (Counter::Http, self.http_failures),
            Outcome::Broken => (Counter::Tcp, self.tcp_failures),
            Outcome::Timeout => (Counter::Timeout, self.timeouts),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("it takes connections"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Nonsense => f.write_str("the answer is not HTTP"),
            Self::Broken => f.write_str("it refuses or breaks off"),
            Self::Timeout => f.write_str("it takes too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(successes: u8, http_failures: u8, tcp_failures: u8, timeouts: u8) -> Limits {
        let (healthy, unhealthy) = ([200].into_iter().collect(), [500].into_iter().collect());
        Limits { healthy, unhealthy, successes, http_failures, tcp_failures, timeouts }
    }

    fn reports(standing: &Standing, limits: &Limits, all: &[Outcome]) -> Vec<bool> {
        all.iter().filter_map(|outcome| standing.report(*outcome, limits)).map(|change| change.healthy).collect()
    }

    const BAD: Outcome = Outcome::Status(500);
    const GOOD: Outcome = Outcome::Status(200);

    #[test]
    fn the_limit_is_reached_by_one_kind_of_failure_alone() {
        let (standing, limits) = (Standing::default(), limits(1, 2, 2, 2));
        assert!(reports(&standing, &limits, &[BAD, Outcome::Broken, Outcome::Timeout]).is_empty());
        assert!(standing.is_healthy());
        let change = standing.report(BAD, &limits);
        assert_eq!(change, Some(Change { healthy: false, counted: Counter::Http, count: 2 }));
        assert!(!standing.is_healthy());
        assert_eq!(reports(&standing, &limits, &[BAD, GOOD, GOOD]), [true]);
    }

    #[test]
    fn a_success_clears_failures_only_where_successes_count() {
        let standing = Standing::default();
        assert!(reports(&standing, &limits(1, 2, 0, 0), &[BAD, GOOD, BAD, GOOD]).is_empty());
        assert_eq!(reports(&standing, &limits(0, 2, 0, 0), &[BAD, GOOD, BAD]), [false], "Kong: it never forgets");
    }

    #[test]
    fn a_failure_on_the_way_back_begins_anew() {
        let (standing, limits) = (Standing::default(), limits(2, 1, 0, 0));
        assert_eq!(reports(&standing, &limits, &[BAD, GOOD, BAD, GOOD]), [false]);
        assert_eq!(reports(&standing, &limits, &[GOOD]), [true]);
    }

    #[test]
    fn what_is_neither_good_nor_bad_counts_for_nothing() {
        let (standing, limits) = (Standing::default(), limits(1, 1, 0, 0));
        let neutral = [Outcome::Status(404), Outcome::Broken, Outcome::Timeout, Outcome::Status(65535)];
        assert!(reports(&standing, &limits, &neutral).is_empty());
        assert_eq!(reports(&standing, &limits, &[Outcome::Nonsense, Outcome::Connected]), [false, true]);
    }

    #[test]
    fn what_is_set_holds_until_something_counts() {
        let (standing, limits) = (Standing::default(), limits(1, 2, 0, 0));
        standing.report(BAD, &limits);
        assert!(standing.set(false) && !standing.set(false) && !standing.is_healthy());
        assert!(standing.set(true));
        assert!(reports(&standing, &limits, &[BAD]).is_empty(), "counted anew");
    }

    #[test]
    fn one_of_many_tells_of_a_change() {
        let (standing, limits) = (Standing::default(), limits(1, 100, 0, 0));
        let told = std::thread::scope(|scope| {
            let report = || (0..50).filter(|_| standing.report(BAD, &limits).is_some()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(report)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(9)).sum::<usize>()
        });
        assert_eq!((told, standing.is_healthy()), (1, false));
    }

    proptest! {
        /// The same, told as Kong tells it: counters that run until the other kind comes, and a state.
        #[test]
        fn it_counts_as_a_plain_count_would(
            (successes, failures) in (1_u8..5, 1_u8..5),
            events in proptest::collection::vec(any::<bool>(), 0..60),
        ) {
            let (standing, limits) = (Standing::default(), limits(successes, failures, 0, 0));
            let (mut healthy, mut row) = (true, (true, 0_u32));
            for good in events {
                row = if row.0 == good { (good, row.1 + 1) } else { (good, 1) };
                standing.report(if good { GOOD } else { BAD }, &limits);
                let limit = u32::from(if good { successes } else { failures });
                if row.1 >= limit {
                    healthy = good;
                }
                prop_assert_eq!(standing.is_healthy(), healthy);
            }
        }

        #[test]
        fn a_state_is_what_it_was_packed_from(unhealthy in any::<bool>(), counts in any::<[u8; 4]>()) {
            let state = State { unhealthy, counts };
            prop_assert_eq!(State::of(state.packed()), state);
        }
    }
}
