//! Idle upstream connections of one worker: one stack per address and TLS identity.
//!
//! The most recently used connection is taken first, so that the others may grow old and be closed. Never shared
//! between threads, so never locked.

use foldhash::fast::RandomState;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

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
    fn is_closed(&self) -> bool;
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
    pub fn new(limits: Limits) -> Self {
        Self { limits, idle: RefCell::default() }
    }

    /// The freshest live connection, and how many requests it has served.
    pub fn take(&self, key: Key) -> Option<(C, usize)> {
        let mut idle = self.idle.borrow_mut();
        let stack = idle.get_mut(&key)?;
        while let Some(parked) = stack.pop() {
            if !parked.connection.is_closed() {
                return Some((parked.connection, parked.uses));
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless it is worn out or enough are kept.
    pub fn put(&self, key: Key, connection: C, uses: usize, now: Instant) {
        if self.limits.per_key == 0 || uses >= self.limits.uses || connection.is_closed() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let stack = idle.entry(key).or_default();
        if stack.len() >= self.limits.per_key {
            stack.remove(0);
        }
        stack.push(Parked { connection, since: now, uses });
    }

    /// Closes what has been idle too long or was closed by the other side.
    pub fn sweep(&self, now: Instant) {
        let limit = self.limits.idle;
        self.idle.borrow_mut().retain(|_, stack| {
            let young = |since: Instant| limit.is_zero() || now.saturating_duration_since(since) < limit;
            stack.retain(|parked| young(parked.since) && !parked.connection.is_closed());
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
        fn is_closed(&self) -> bool {
            self.1
        }
    }

    fn key(port: u16, tls: u64) -> Key {
        Key { address: SocketAddr::from(([127, 0, 0, 1], port)), tls }
    }

    fn pool(per_key: usize) -> Pool<Fake> {
        Pool::new(Limits { per_key, uses: 3, idle: Duration::from_secs(60) })
    }

    #[test]
    fn the_freshest_is_taken_first_and_keys_are_kept_apart() {
        let (pool, now) = (pool(2), Instant::now());
        for n in 1..=3 {
            pool.put(key(1, 0), Fake(n, false), 1, now);
        }
        assert_eq!(pool.len(), 2);
        assert!(pool.take(key(1, 7)).is_none());
        assert_eq!(pool.take(key(1, 0)).unwrap().0.0, 3);
        assert_eq!(pool.take(key(1, 0)).unwrap().0.0, 2);
        assert!(pool.take(key(1, 0)).is_none());
    }

    #[test]
    fn worn_out_and_closed_connections_are_not_kept() {
        let (pool, now) = (pool(2), Instant::now());
        pool.put(key(1, 0), Fake(1, false), 3, now);
        pool.put(key(1, 0), Fake(2, true), 1, now);
        assert!(pool.is_empty());
    }

    #[test]
    fn the_old_are_swept() {
        let (pool, now) = (pool(2), Instant::now());
        pool.put(key(1, 0), Fake(1, false), 1, now);
        pool.sweep(now + Duration::from_secs(59));
        assert_eq!(pool.len(), 1);
        pool.sweep(now + Duration::from_secs(60));
        assert!(pool.is_empty());
    }
}
