//! The buckets of all clients of one limit, shared by the workers and bounded in number.

use super::bucket::{Bucket, Rate, Refusal};
use crate::plugin::client::Client;
use foldhash::fast::RandomState;
use lru::LruCache;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Locks, so that workers seldom meet at one.
const SHARDS: usize = 16;
/// Clients that one lock keeps count of: 65,536 in all. Whoever was not seen for longest is forgotten first.
const MOST: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The buckets.
#[derive(Debug)]
pub(super) struct Zone {
    rate: Rate,
    /// When the first request came: time is counted from there.
    start: OnceLock<Instant>,
    hasher: RandomState,
    shards: [Mutex<Buckets>; SHARDS],
}

type Buckets = LruCache<Client, Bucket, RandomState>;

// === impl Zone ===

impl Zone {
    /// A zone without clients.
    pub(super) fn new(rate: Rate) -> Self {
        let shards = std::array::from_fn(|_| Mutex::new(buckets()));
        Self { rate, start: OnceLock::new(), hasher: RandomState::default(), shards }
    }

    /// How fast its buckets leak.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a request. `burst` is in thousandths.
    ///
    /// # Errors
    /// When it is too many.
    pub(super) fn take(&self, client: IpAddr, burst: u64, now: Instant) -> Result<(), Refusal> {
        let now = self.milliseconds(now);
        let client = Client::of(client);
        let mut buckets = self.shard(client).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&client) {
            return bucket.take(self.rate, burst, now);
        }
        buckets.put(client, Bucket::new(now));
        Ok(())
    }

    fn shard(&self, client: Client) -> &Mutex<Buckets> {
        // The remainder is smaller than the number of shards, whatever the hash.
        #[allow(clippy::cast_possible_truncation)]
        &self.shards[self.hasher.hash_one(client) as usize % SHARDS]
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        let past = now.saturating_duration_since(*self.start.get_or_init(|| now));
        u64::try_from(past.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Grows as clients come, to its bound.
fn buckets() -> Buckets {
    let mut buckets = LruCache::unbounded_with_hasher(RandomState::default());
    buckets.resize(MOST);
    buckets
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn zone(rate: &str) -> Zone {
        Zone::new(Rate::parse(rate).unwrap())
    }

    fn clients(zone: &Zone) -> usize {
        zone.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn each_client_has_a_bucket() {
        let (zone, now) = (zone("1r/s"), Instant::now());
        let passes = |address: &str, after| {
            zone.take(address.parse().unwrap(), 0, now + Duration::from_millis(after)).is_ok()
        };
        assert!(passes("10.0.0.1", 0) && !passes("10.0.0.1", 999) && passes("10.0.0.1", 1000));
        assert!(passes("10.0.0.2", 0) && !passes("10.0.0.2", 0));
    }

    #[test]
    fn one_half_of_an_ipv6_address_is_one_client() {
        let (zone, now) = (zone("1r/s"), Instant::now());
        let passes = |address: &str| zone.take(address.parse().unwrap(), 0, now).is_ok();
        assert!(passes("2001:db8:0:1::1") && !passes("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert!(passes("2001:db8:0:2::1"));
        assert!(passes("0.0.0.1") && passes("0:0:0:1::"), "an IPv4 address is no half of an IPv6 address");
    }

    #[test]
    fn ever_new_clients_take_bounded_memory_and_the_stalest_goes_first() {
        let (zone, now) = (zone("1r/m"), Instant::now());
        let regular = IpAddr::from([192, 0, 2, 1]);
        let take = |client| zone.take(client, 0, now).is_ok();
        assert!(take(regular));
        for number in 0..200_000_u32 {
            assert!(take(Ipv4Addr::from_bits(0x0a00_0000 + number).into()));
            if number % 1000 == 0 {
                assert!(!take(regular), "forgotten after {number}");
            }
        }
        assert_eq!(clients(&zone), SHARDS * MOST.get());
        assert!(take([10, 0, 0, 0].into()), "the first was forgotten");
    }

    #[test]
    fn workers_share_the_count() {
        let (zone, now) = (zone("1r/m"), Instant::now());
        let work = || (0..1000).filter(|_| zone.take([10, 0, 0, 1].into(), 99_000, now).is_ok()).count();
        let passed = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(passed, 100);
    }
}
