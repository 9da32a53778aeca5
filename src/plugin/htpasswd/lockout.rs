//! Clients that failed too often are shut out for a while. Knows no clock; counts are one process's, for all workers.

use foldhash::{HashMap, HashMapExt as _};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Clients that are remembered at a time.
const MOST: usize = 65_536;
/// Failures that are remembered at a time, of all clients together.
const MOST_FAILURES: usize = 10 * MOST;

/// When to shut out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Failures within the window that are too many; 0 for never.
    pub(super) max_failures: usize,
    pub(super) window: Duration,
    pub(super) lockout: Duration,
}

/// The clients that failed lately.
pub(super) struct Lockout {
    limits: Limits,
    clients: Mutex<HashMap<IpAddr, Client>>,
    /// Whether there is any; spares requests the lock where nobody fails.
    any: AtomicBool,
}

struct Client {
    /// Those within the window, the oldest first, fewer than are too many.
    failures: VecDeque<Instant>,
    locked_until: Option<Instant>,
    last: Instant,
}

// === impl Lockout ===

impl Lockout {
    /// Nobody failed yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, clients: Mutex::new(HashMap::new()), any: AtomicBool::new(false) }
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
        let until = self.clients().get(&network(client))?.locked_until?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a failure. Whether it is the one that is too many: then the client is shut out from now on.
    pub(super) fn fail(&self, client: IpAddr, now: Instant) -> bool {
        if self.limits.max_failures == 0 {
            return false;
        }
        let mut clients = self.clients();
        self.any.store(true, Ordering::Release);
        let client = network(client);
        if clients.len() >= self.most() && !clients.contains_key(&client) {
            self.make_room(&mut clients, now);
        }
        let fresh = || Client { failures: VecDeque::new(), locked_until: None, last: now };
        clients.entry(client).or_insert_with(fresh).fail(now, self.limits)
    }

    /// Forgets those about whom there is nothing left to remember; if that is too little, the stalest quarter, so that
    /// not every further failure has to look at all.
    fn make_room(&self, clients: &mut HashMap<IpAddr, Client>, now: Instant) {
        clients.retain(|_, client| client.matters(now, self.limits));
        if clients.len() < self.most() {
            return;
        }
        let mut ages: Vec<_> = clients.values().map(|client| client.last).collect();
        let (_, limit, _) = ages.select_nth_unstable(self.most() / 4);
        let limit = *limit;
        clients.retain(|_, client| client.last > limit);
    }

    fn most(&self) -> usize {
        MOST.min(MOST_FAILURES / self.limits.max_failures)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Client ===

impl Client {
    fn fail(&mut self, now: Instant, limits: Limits) -> bool {
        self.last = now;
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

    fn matters(&self, now: Instant, limits: Limits) -> bool {
        let locked = self.locked_until.is_some_and(|until| until > now);
        locked || now.saturating_duration_since(self.last) < limits.window
    }
}

/// What counts as one client: an IPv6 address is one of very many that its owner has, a whole /64 at least.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
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
        let (lockout, start) = (Lockout::new(LIMITS), Instant::now());
        let client = |number: usize| IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        let at = |number: usize| start + Duration::from_micros(number as u64);
        for number in 0..MOST + 2 {
            lockout.fail(client(number), at(number));
        }
        let clients = lockout.clients();
        assert!(clients.len() <= MOST && clients.len() > MOST / 2, "{}", clients.len());
        assert!(!clients.contains_key(&client(0)) && clients.contains_key(&client(MOST)));
    }

    #[test]
    fn what_no_longer_matters_is_forgotten_first() {
        let (lockout, start) = (Lockout::new(Limits { max_failures: 100, ..LIMITS }), Instant::now());
        let most = lockout.most();
        assert_eq!(most, MOST_FAILURES / 100);
        let client = |number: usize| IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        (0..most).for_each(|number| _ = lockout.fail(client(number), start));
        lockout.fail(client(most), start + LIMITS.window);
        assert_eq!(lockout.clients().len(), 1);
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
