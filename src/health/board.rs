//! What is known of an upstream's addresses, for all who ask: workers, the checker and the Admin API; and how that
//! outlives a configuration.

use super::checks::{Checks, Limits};
use super::standing::{Outcome, Standing};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Most addresses of one target that are remembered though nobody uses them now.
const FORGOTTEN: usize = 64;

/// An upstream's addresses. The lock is for those who look for an address, once for each that they meet.
#[derive(Debug)]
pub struct Board {
    about: Arc<About>,
    rows: Mutex<HashMap<Box<str>, Row>>,
}

/// One address of a target.
#[derive(Debug)]
pub struct Member {
    about: Arc<About>,
    target: Box<str>,
    address: SocketAddr,
    standing: Standing,
}

/// The boards of a configuration, by the upstreams' ids: the next one goes on with those whose checks are the same.
#[derive(Clone, Debug, Default)]
pub struct Boards {
    made: Arc<Mutex<Made>>,
    before: Arc<Made>,
}

/// Where a target's name leads, as the checker found it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// Nobody looked yet.
    #[default]
    Unknown,
    /// There.
    At(Vec<SocketAddr>),
    /// Nowhere; why.
    Nowhere(String),
}

/// Kong's words for how an address fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It may be asked.
    Healthy,
    /// It may not.
    Unhealthy,
    /// Nobody counts.
    Off,
    /// There is no address.
    Unresolved,
}

type Made = HashMap<Uuid, Arc<Board>>;

#[derive(Debug)]
struct About {
    upstream: Box<str>,
    checks: Checks,
}

#[derive(Debug, Default)]
struct Row {
    found: Found,
    members: Vec<Arc<Member>>,
}

// === impl Board ===

impl Board {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(upstream: &str, checks: Checks) -> Self {
        Self { about: Arc::new(About { upstream: upstream.into(), checks }), rows: Mutex::default() }
    }

    /// What is checked.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.about.checks
    }

    /// An address of a target (`host:port` as written), healthy if it was not met before. `None` if nobody counts.
    #[must_use]
    pub fn member(&self, target: &str, address: SocketAddr) -> Option<Arc<Member>> {
        if !self.about.checks.are_on() {
            return None;
        }
        let mut rows = self.rows();
        let members = &mut rows.entry(target.into()).or_default().members;
        let known = members.iter().find(|member| member.address == address).cloned();
        Some(known.unwrap_or_else(|| {
            if members.len() >= FORGOTTEN {
                members.retain(|member| Arc::strong_count(member) > 1);
            }
            let about = Arc::clone(&self.about);
            let member = Arc::new(Member { about, target: target.into(), address, standing: Standing::default() });
            members.push(Arc::clone(&member));
            member
        }))
    }

    /// Where a target's name leads now.
    pub fn note(&self, target: &str, found: Found) {
        self.rows().entry(target.into()).or_default().found = found;
    }

    /// Where a target's name led last.
    #[must_use]
    pub fn found(&self, target: &str) -> Found {
        self.rows().get(target).map(|row| row.found.clone()).unwrap_or_default()
    }

    /// How an address of a target fares.
    #[must_use]
    pub fn health(&self, target: &str, address: SocketAddr) -> Health {
        if !self.about.checks.are_on() {
            return Health::Off;
        }
        let rows = self.rows();
        let known = rows.get(target).and_then(|row| row.members.iter().find(|member| member.address == address));
        if known.is_none_or(|member| member.is_healthy()) { Health::Healthy } else { Health::Unhealthy }
    }

    /// Forgets targets that are not to be kept.
    pub fn keep(&self, wanted: impl Fn(&str) -> bool) {
        self.rows().retain(|target, _| wanted(target));
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Box<str>, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Member ===

impl Member {
    /// Whether requests may go there.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.standing.is_healthy()
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request met this.
    pub fn passive(&self, outcome: Outcome) {
        self.report(outcome, &self.about.checks.passive, "requests");
    }

    /// A check met this.
    pub fn active(&self, outcome: Outcome) {
        if let Some(active) = &self.about.checks.active {
            self.report(outcome, &active.limits, "checks");
        }
    }

    /// Somebody says how it is.
    pub fn set(&self, healthy: bool) {
        if self.standing.set(healthy) {
            self.tell(healthy, "it was set so by the Admin API");
        }
    }

    fn report(&self, outcome: Outcome, limits: &Limits, by: &str) {
        if let Some(change) = self.standing.report(outcome, limits) {
            let times = if change.count > 1 { format!(" {} times", change.count) } else { String::new() };
            self.tell(change.healthy, &format!("{outcome}, as {by} found{times}"));
        }
    }

    fn tell(&self, healthy: bool, reason: &str) {
        let Self { about, target, address, .. } = self;
        let upstream = &*about.upstream;
        if healthy {
            tracing::info!(upstream, %target, %address, reason, "a target is healthy again: it gets requests");
        } else {
            tracing::warn!(upstream, %target, %address, reason, "a target is unhealthy: it gets no requests");
        }
    }
}

// === impl Boards ===

impl Boards {
    /// None yet; upstreams that were in the configuration before go on with what is known of them.
    #[must_use]
    pub fn after(before: Option<&Self>) -> Self {
        let before = before.map(|boards| boards.made().clone()).unwrap_or_default();
        Self { made: Arc::default(), before: Arc::new(before) }
    }

    /// The board of an upstream: the one of before, if its checks are the same.
    #[must_use]
    pub fn of(&self, id: Uuid, upstream: &str, checks: Checks) -> Arc<Board> {
        let kept = self.before.get(&id).filter(|board| *board.checks() == checks).cloned();
        let board = kept.unwrap_or_else(|| Arc::new(Board::new(upstream, checks)));
        self.made().insert(id, Arc::clone(&board));
        board
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Off => "HEALTHCHECKS_OFF",
            Self::Unresolved => "DNS_ERROR",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn checks(timeouts: u8) -> Checks {
        Checks { passive: Limits { timeouts, ..Limits::default() }, ..Checks::default() }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 80))
    }

    #[test]
    fn an_address_is_one_for_all_who_ask() {
        let board = Board::new("u", checks(1));
        let (one, two) = (board.member("a:80", address(1)).unwrap(), board.member("a:80", address(1)).unwrap());
        one.passive(Outcome::Timeout);
        assert!(!two.is_healthy());
        assert_eq!(board.health("a:80", address(1)), Health::Unhealthy);
        assert_eq!(board.health("b:80", address(1)), Health::Healthy, "another target");
        two.set(true);
        assert!(one.is_healthy());
    }

    #[test]
    fn without_checks_nobody_counts() {
        let board = Board::new("u", Checks::default());
        assert!(board.member("a:80", address(1)).is_none());
        assert_eq!(board.health("a:80", address(1)), Health::Off);
    }

    #[test]
    fn a_reload_keeps_an_unhealthy_target_out_and_other_checks_begin_anew() {
        let (id, first) = (Uuid::from_u128(1), Boards::default());
        first.of(id, "u", checks(1)).member("a:80", address(1)).unwrap().passive(Outcome::Timeout);
        let second = Boards::after(Some(&first));
        assert_eq!(second.of(id, "u", checks(1)).health("a:80", address(1)), Health::Unhealthy);
        assert_eq!(second.of(Uuid::from_u128(2), "v", checks(1)).health("a:80", address(1)), Health::Healthy);
        let third = Boards::after(Some(&second));
        assert_eq!(third.of(id, "u", checks(2)).health("a:80", address(1)), Health::Healthy);
        let fourth = Boards::after(Some(&Boards::after(Some(&second))));
        assert_eq!(fourth.of(id, "u", checks(1)).health("a:80", address(1)), Health::Healthy, "it was away");
    }

    #[test]
    fn ever_new_addresses_take_bounded_memory() {
        let board = Board::new("u", checks(1));
        let held = board.member("a:80", address(0)).unwrap();
        held.passive(Outcome::Timeout);
        for port in 1..1000 {
            assert!(board.member("a:80", SocketAddr::from(([10, 0, 0, 9], port))).is_some());
        }
        assert!(board.rows().get("a:80").unwrap().members.len() <= FORGOTTEN);
        assert_eq!(board.health("a:80", address(0)), Health::Unhealthy, "what is in use stays");
        board.keep(|_| false);
        assert!(board.rows().is_empty());
    }
}
