//! Clients that failed too often are shut out for a while. Knows no clock; counts are one process's, for all workers.

use crate::plugin::client::Client;
use foldhash::fast::RandomState;
use lru::LruCache;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Clients that are remembered at a time. Whoever failed longest ago is forgotten first.
const MOST: usize = 65_536;
/// Failures that are remembered at a time, of all clients together.
const MOST_FAILURES: usize = 10 * MOST;

/// When to shut out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Limits {
    /// Failures within the window that are too many; 0 for never.
    pub(super) max_failures: usize,
    pub(super) window: Duration,
    pub(super) lockout: Duration,
}

/// The clients that failed lately.
pub(super) struct Lockout {
    limits: Limits,
    clients: Mutex<Clients>,
    /// Whether there is any; spares requests the lock where nobody fails.
    any: AtomicBool,
}

type Clients = LruCache<Client, Record, RandomState>;

/// What one client did.
#[derive(Default)]
struct Record {
    /// Those within the window, the oldest first, fewer than are too many.
    failures: VecDeque<Instant>,
    locked_until: Option<Instant>,
}

// === impl Limits ===

impl Limits {
    /// How many clients are remembered.
    fn most(self) -> NonZeroUsize {
        let most = MOST_FAILURES.checked_div(self.max_failures).map_or(1, |most| most.min(MOST));
        NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN)
    }
}

// === impl Lockout ===

impl Lockout {
    /// Nobody failed yet.
    pub(super) fn new(limits: Limits) -> Self {
        // Grows as clients come, to its bound.
        let mut clients = LruCache::unbounded_with_hasher(RandomState::default());
        clients.resize(limits.most());
        Self { limits, clients: Mutex::new(clients), any: AtomicBool::new(false) }
    }

    /// As they were given.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// How long a client is shut out from now on, if it is.
    pub(super) fn left(&self, client: IpAddr, now: Instant) -> Option<Duration> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let until = self.clients().peek(&Client::of(client))?.locked_until?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a failure. Whether it is the one that is too many: then the client is shut out from now on.
    pub(super) fn fail(&self, client: IpAddr, now: Instant) -> bool {
        if self.limits.max_failures == 0 {
            return false;
        }
        let mut clients = self.clients();
        self.any.store(true, Ordering::Release);
        clients.get_or_insert_mut(Client::of(client), Record::default).fail(now, self.limits)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Record ===

impl Record {
    fn fail(&mut self, now: Instant, limits: Limits) -> bool {
        if self.locked_until.is_some_and(|until| until > now) {
            return false;
        }
        while self.failures.front().is_some_and(|at| now.saturating_duration_since(*at) >= limits.window) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let locks = self.failures.len() >= limits.max_failures;
        if locks {
            self.failures.clear();
            self.locked_until = Some(now + limits.lockout);
        }
        locks
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits =
        Limits { max_failures: 3, window: Duration::from_secs(60), lockout: Duration::from_secs(30) };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn too_many_failures_shut_out_for_a_while() {
        let (lockout, start, client) = (Lockout::new(LIMITS), Instant::now(), ip("1.2.3.4"));
        assert!(!lockout.fail(client, start) && !lockout.fail(client, start + after(1)));
        assert_eq!(lockout.left(client, start + after(2)), None);
        assert!(lockout.fail(client, start + after(2)));
        assert_eq!(lockout.left(client, start + after(2)), Some(after(30)));
        assert_eq!(lockout.left(client, start + after(31)), Some(after(1)));
        assert_eq!(lockout.left(ip("1.2.3.5"), start + after(2)), None);
        assert_eq!(lockout.left(client, start + after(32)), None);
        assert!(!lockout.fail(client, start + after(32)), "counted anew");
    }

    #[test]
    fn failures_during_a_lockout_do_not_prolong_it() {
        let (lockout, start, client) = (Lockout::new(LIMITS), Instant::now(), ip("1.2.3.4"));
        (0..3).for_each(|_| _ = lockout.fail(client, start));
        assert!(!(0..10).any(|_| lockout.fail(client, start + after(20))));
        assert_eq!(lockout.left(client, start + after(30)), None);
        assert!(!lockout.fail(client, start + after(30)));
    }

    #[test]
    fn a_neighbour_in_the_same_64_is_the_same_client() {
        let (lockout, now) = (Lockout::new(LIMITS), Instant::now());
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"] {
            lockout.fail(ip(address), now);
        }
        assert!(lockout.left(ip("2001:db8::9"), now).is_some());
        assert!(lockout.left(ip("2001:db8:0:1::1"), now).is_none());
    }

    #[test]
    fn no_limit_shuts_out_nobody() {
        let (lockout, now) = (Lockout::new(Limits { max_failures: 0, ..LIMITS }), Instant::now());
        assert!(!(0..100).any(|_| lockout.fail(ip("1.2.3.4"), now)));
        assert_eq!(lockout.left(ip("1.2.3.4"), now), None);
        assert!(lockout.clients().is_empty());
    }

    #[test]
    fn ever_new_clients_push_out_the_stalest() {
        let (lockout, now) = (Lockout::new(Limits { max_failures: 100, ..LIMITS }), Instant::now());
        let most = 6553;
        let client = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..3 * most {
            lockout.fail(client(number), now);
            lockout.fail(client(0), now);
        }
        let clients = lockout.clients();
        assert_eq!(clients.len(), most as usize);
        let known = |number: u32| clients.contains(&Client::of(client(number)));
        assert!(known(0) && known(3 * most - 1) && !known(1));
    }

    proptest! {
        /// Against the plain definition: all failures are kept, and looked through each time.
        #[test]
        fn a_client_is_shut_out_exactly_when_the_definition_says_so(gaps in prop::collection::vec(0u64..40, 1..80)) {
            let (lockout, start, client) = (Lockout::new(LIMITS), Instant::now(), ip("1.2.3.4"));
            let (mut now, mut all, mut until) = (start, Vec::new(), start);
            for gap in gaps {
                now += after(gap);
                prop_assert_eq!(lockout.left(client, now).is_some(), now < until);
                let mut locks = false;
                if now >= until {
                    all.push(now);
                    locks = all.iter().filter(|at| now - **at < LIMITS.window).count() >= LIMITS.max_failures;
                }
                if locks {
                    until = now + LIMITS.lockout;
                    all.clear();
                }
                prop_assert_eq!(lockout.fail(client, now), locks);
            }
        }
    }
}
