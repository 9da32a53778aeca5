//! The counts of all clients of one limit, shared by the workers and bounded in number; and which limits share theirs.

use super::counts::{Counts, Used};
use super::limit::Limit;
use super::period::Moment;
use super::whom::Whom;
use crate::plugin::Scope;
use foldhash::fast::RandomState;
use lru::LruCache;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Locks, so that workers seldom meet at one.
const SHARDS: usize = 16;
/// Clients that one lock keeps count of: 65,536 in all. Whoever was not seen for longest is forgotten first.
const MOST: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The counts.
#[derive(Debug)]
pub(in crate::plugin) struct Zone {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

type Shard = LruCache<Whom, Counts, RandomState>;

/// The zones of a configuration, by what Kong keys its counters with. They name entities by their ids, so that another
/// configuration with the same entities may go on with them.
#[derive(Clone, Debug, Default)]
pub(in crate::plugin) struct Zones {
    made: Arc<Mutex<HashMap<Key, Arc<Zone>>>>,
    /// Those of the configuration before.
    before: Arc<HashMap<Key, Arc<Zone>>>,
}

/// The plugin, the route and service that its instance is bound to, and what it calls the limit. Consumers are no part of
/// it: an instance for a consumer counts together with the one for all at the same place.
type Key = (&'static str, Option<Uuid>, Option<Uuid>, Box<str>);

// === impl Zone ===

impl Zone {
    fn new() -> Self {
        Self { hasher: RandomState::default(), shards: std::array::from_fn(|_| Mutex::new(shard())) }
    }

    /// Counts a request, unless a limit is reached. What was used before it.
    ///
    /// # Errors
    /// The same, and a limit that is reached.
    pub(in crate::plugin) fn take<'a>(
        &self,
        whom: Whom,
        moment: &Moment,
        limits: &'a [Limit],
    ) -> Result<Used, (Used, &'a Limit)> {
        self.shard(&whom).get_or_insert_mut(whom, Counts::default).take(moment, limits)
    }

    /// What somebody has used. Nobody is remembered for being asked about.
    pub(in crate::plugin) fn used(&self, whom: Whom, moment: &Moment) -> Used {
        self.shard(&whom).get(&whom).map_or_else(Used::default, |counts| counts.at(moment))
    }

    /// Counts so many for somebody.
    pub(in crate::plugin) fn add(&self, whom: Whom, moment: &Moment, count: f64) {
        self.shard(&whom).get_or_insert_mut(whom, Counts::default).add(moment, count);
    }

    fn shard(&self, whom: &Whom) -> MutexGuard<'_, Shard> {
        // The remainder is smaller than the number of shards, whatever the hash.
        #[allow(clippy::cast_possible_truncation)]
        let shard = &self.shards[self.hasher.hash_one(whom) as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Grows as clients come, to its bound.
fn shard() -> Shard {
    let mut shard = LruCache::unbounded_with_hasher(RandomState::default());
    shard.resize(MOST);
    shard
}

// === impl Zones ===

impl Zones {
    /// None yet. Places that were in the configuration before go on with what was counted there.
    pub(super) fn after(before: Option<&Self>) -> Self {
        let before = before.map(|zones| zones.made().clone()).unwrap_or_default();
        Self { made: Arc::default(), before: Arc::new(before) }
    }

    /// The zone of a place, made when it is first asked for.
    pub(super) fn at(&self, plugin: &'static str, scope: &Scope, limit: &str) -> Arc<Zone> {
        let key = (plugin, scope.route, scope.service, limit.into());
        let known = self.before.get(&key).cloned();
        let mut made = self.made();
        Arc::clone(made.entry(key).or_insert_with(|| known.unwrap_or_else(|| Arc::new(Zone::new()))))
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Key, Arc<Zone>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::rate::limit;
    use crate::plugin::testing::checked;
    use serde_json::json;
    use std::net::Ipv4Addr;
    use std::time::UNIX_EPOCH;

    fn limits(hour: u64) -> Box<[Limit]> {
        limit::read(&checked(&json!({ "hour": hour })))
    }

    fn client(number: u32) -> Whom {
        Whom::Address(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn ever_new_clients_take_bounded_memory_and_the_stalest_goes_first() {
        let (zone, limits, moment) = (Zone::new(), limits(1), Moment::of(UNIX_EPOCH));
        let take = |number| zone.take(client(number), &moment, &limits).is_ok();
        assert!(take(1));
        for number in 0..200_000_u32 {
            assert!(take(0x0a00_0000 + number));
            if number % 1000 == 0 {
                assert!(!take(1), "forgotten after {number}");
            }
        }
        assert_eq!(zone.shards.iter().map(|shard| shard.lock().unwrap().len()).sum::<usize>(), SHARDS * MOST.get());
        assert!(take(0x0a00_0000), "the first was forgotten");
    }

    #[test]
    fn places_go_on_counting_in_the_next_configuration() {
        let (old, here) = (Zones::default(), Scope { route: Some(Uuid::from_u128(1)), ..Scope::default() });
        let (kept, gone) = (old.at("rate-limiting", &here, ""), old.at("rate-limiting", &Scope::default(), ""));
        let new = Zones::after(Some(&old));
        assert!(Arc::ptr_eq(&new.at("rate-limiting", &here, ""), &kept));
        assert!(!Arc::ptr_eq(&new.at("response-ratelimiting", &Scope::default(), ""), &gone));
        // What the new one does not have is not there for the one after it.
        let last = Zones::after(Some(&new));
        assert!(!Arc::ptr_eq(&last.at("rate-limiting", &Scope::default(), ""), &gone));
    }

    #[test]
    fn workers_share_the_count() {
        let (zone, limits, moment) = (Zone::new(), limits(100), Moment::of(UNIX_EPOCH));
        let work = || (0..1000).filter(|_| zone.take(client(1), &moment, &limits).is_ok()).count();
        let passed = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(passed, 100);
    }

    #[test]
    fn a_place_has_one_zone_for_each_limit() {
        let zones = Zones::default();
        let scope = |route| Scope { route, ..Scope::default() };
        let (own, all) = (scope(Some(Uuid::from_u128(1))), scope(None));
        let one = zones.at("a", &all, "");
        assert!(Arc::ptr_eq(&one, &zones.at("a", &all, "")));
        for other in [zones.at("a", &own, ""), zones.at("b", &all, ""), zones.at("a", &all, "x")] {
            assert!(!Arc::ptr_eq(&one, &other));
        }
    }
}
