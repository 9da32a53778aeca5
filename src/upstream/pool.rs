//! Idle upstream connections of one worker: one stack per address and TLS identity.
//!
//! The most recently used connection is taken first, so that the others may grow old and be closed. Never shared
//! between threads, so never locked. Time is told to it by who [sweeps](Pool::sweep): a request asks no clock to keep a
//! connection.

use foldhash::fast::RandomState;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a connection may be idle that was so before the configuration changed.
const GRACE: Duration = Duration::from_secs(60);

/// Which connections are alike: the same address, and the same way of speaking TLS (name, verification, client
/// certificate), so that an unverified connection never serves a service that verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The target.
    pub address: SocketAddr,
    /// 0 for cleartext.
    pub tls: u64,
}

/// What the pool must know of a connection.
pub trait Idle {
    /// Whether the other side has hung up already.
    fn is_closed(&mut self) -> bool;
}

/// Limits, as settings name them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Idle connections per key; 0 keeps none.
    pub per_key: usize,
    /// Requests after which a connection is not kept.
    pub uses: usize,
    /// Idle time after which it is closed; zero is for ever.
    pub idle: Duration,
}

/// A worker's idle connections.
#[derive(Debug)]
pub struct Pool<C> {
    limits: Limits,
    /// The last time that it was told.
    now: Cell<Instant>,
    /// When the configuration changed last.
    turned: Cell<Option<Instant>>,
    idle: RefCell<HashMap<Key, Vec<Parked<C>>, RandomState>>,
}

#[derive(Debug)]
struct Parked<C> {
    connection: C,
    since: Instant,
    uses: usize,
}

// === impl Pool ===

impl<C: Idle> Pool<C> {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, now: Cell::new(now), turned: Cell::default(), idle: RefCell::default() }
    }

    /// The freshest live connection, and how many requests it has served.
    pub fn take(&self, key: Key) -> Option<(C, usize)> {
        let mut idle = self.idle.borrow_mut();
        let stack = idle.get_mut(&key)?;
        while let Some(mut parked) = stack.pop() {
            if !parked.connection.is_closed() {
                return Some((parked.connection, parked.uses));
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless it is worn out or enough are kept. Its idle time counts from the last
    /// sweep, a moment too early.
    pub fn put(&self, key: Key, mut connection: C, uses: usize) {
        if self.limits.per_key == 0 || uses >= self.limits.uses || connection.is_closed() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let stack = idle.entry(key).or_default();
        if stack.len() >= self.limits.per_key {
            stack.remove(0);
        }
        stack.push(Parked { connection, since: self.now.get(), uses });
    }

    /// The configuration changed: what is idle may never be asked for again, and is kept for a minute at most.
    pub fn turn(&self, now: Instant) {
        self.now.set(now);
        self.turned.set(Some(now));
    }

    /// Closes what has been idle too long or was closed by the other side.
    pub fn sweep(&self, now: Instant) {
        self.now.set(now);
        let (limit, turned) = (self.limits.idle, self.turned.get());
        self.idle.borrow_mut().retain(|_, stack| {
            let young = |since: Instant| {
                let idle = now.saturating_duration_since(since);
                (limit.is_zero() || idle < limit) && (idle < GRACE || turned.is_none_or(|turned| since >= turned))
            };
            stack.retain_mut(|parked| young(parked.since) && !parked.connection.is_closed());
            !stack.is_empty()
        });
    }

    /// How many connections are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.idle.borrow().values().map(Vec::len).sum()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Fake(u32, bool);

    impl Idle for Fake {
        fn is_closed(&mut self) -> bool {
            self.1
        }
    }

    fn key(port: u16, tls: u64) -> Key {
        Key { address: SocketAddr::from(([127, 0, 0, 1], port)), tls }
    }

    fn pool(per_key: usize, now: Instant) -> Pool<Fake> {
        Pool::new(Limits { per_key, uses: 3, idle: Duration::from_secs(60) }, now)
    }

    #[test]
    fn the_freshest_is_taken_first_and_keys_are_kept_apart() {
        let pool = pool(2, Instant::now());
        for n in 1..=3 {
            pool.put(key(1, 0), Fake(n, false), 1);
        }
        assert_eq!(pool.len(), 2);
        assert!(pool.take(key(1, 7)).is_none());
        assert_eq!(pool.take(key(1, 0)).unwrap().0.0, 3);
        assert_eq!(pool.take(key(1, 0)).unwrap().0.0, 2);
        assert!(pool.take(key(1, 0)).is_none());
    }

    #[test]
    fn worn_out_and_closed_connections_are_not_kept() {
        let pool = pool(2, Instant::now());
        pool.put(key(1, 0), Fake(1, false), 3);
        pool.put(key(1, 0), Fake(2, true), 1);
        assert!(pool.is_empty());
    }

    #[test]
    fn what_was_idle_before_a_change_is_not_kept_for_ever() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let pool = Pool::new(Limits { per_key: 2, uses: 3, idle: Duration::ZERO }, start);
        pool.put(key(1, 0), Fake(1, false), 1);
        pool.sweep(start + 1000 * second);
        pool.turn(start + 1000 * second);
        pool.put(key(2, 0), Fake(2, false), 1);
        pool.sweep(start + 1002 * second);
        assert!(pool.take(key(1, 0)).is_none());
        pool.sweep(start + 9000 * second);
        assert_eq!(pool.take(key(2, 0)).unwrap().0.0, 2);
    }

    #[test]
    fn the_old_are_swept() {
        let now = Instant::now();
        let pool = pool(2, now);
        pool.put(key(1, 0), Fake(1, false), 1);
        pool.sweep(now + Duration::from_secs(59));
        assert_eq!(pool.len(), 1);
        pool.sweep(now + Duration::from_secs(60));
        assert!(pool.is_empty());
    }
}
