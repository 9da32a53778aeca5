//! What is checked of an upstream's targets (`healthchecks` of an upstream), ready to be counted by.

use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// All checks of an upstream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checks {
    /// What requests count.
    pub passive: Limits,
    /// What is asked besides; `None` when no interval is set.
    pub active: Option<Active>,
    /// The upstream serves while more than this share of its weight is healthy, in percent.
    pub threshold: f64,
}

/// How often something may or must happen before the state of an address changes. 0: that is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Statuses that are a success.
    pub healthy: Statuses,
    /// Statuses that are a failure.
    pub unhealthy: Statuses,
    /// Successes until it is healthy again.
    pub successes: u8,
    /// Failures by status until it is unhealthy.
    pub http_failures: u8,
    /// Failures to connect, to send or to read.
    pub tcp_failures: u8,
    /// Waits that took too long.
    pub timeouts: u8,
}

/// How targets are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// What is asked.
    pub kind: Kind,
    /// Limit for one check.
    pub timeout: Duration,
    /// Most checks of this upstream at a time.
    pub concurrency: usize,
    /// The path, for http.
    pub path: Box<str>,
    /// The name that TLS names; otherwise that of the Host.
    pub sni: Option<Box<str>>,
    /// Whether TLS verifies the certificate.
    pub verify: bool,
    /// Headers besides.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time between two checks of addresses that are healthy; zero for none.
    pub healthy_every: Duration,
    /// The same of those that are not.
    pub unhealthy_every: Duration,
    /// What is counted.
    pub limits: Limits,
}

/// What a check asks of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That it takes connections.
    Tcp,
    /// A good answer.
    Http,
    /// A good answer over TLS.
    Https,
}

/// A set of statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses([u64; 16]);

// === impl Checks ===

impl Checks {
    /// Whether anything can make an address unhealthy (`kong/proxying.md` §7); otherwise nothing is counted.
    #[must_use]
    pub fn are_on(&self) -> bool {
        let Limits { http_failures, tcp_failures, timeouts, .. } = self.passive;
        self.active.is_some() || http_failures > 0 || tcp_failures > 0 || timeouts > 0
    }
}

// === impl Statuses ===

impl Statuses {
    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.get(usize::from(status / 64)).is_some_and(|word| word >> (status % 64) & 1 == 1)
    }
}

impl FromIterator<u16> for Statuses {
    /// Those above 1023 are no statuses and are left out.
    fn from_iter<I: IntoIterator<Item = u16>>(statuses: I) -> Self {
        let mut set = Self::default();
        for status in statuses {
            if let Some(word) = set.0.get_mut(usize::from(status / 64)) {
                *word |= 1 << (status % 64);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let set: Statuses = [100, 200, 599, 999, 5000].into_iter().collect();
        let held: Vec<u16> = (0..=u16::MAX).filter(|status| set.contains(*status)).collect();
        assert_eq!(held, [100, 200, 599, 999]);
    }

    #[test]
    fn only_what_can_take_a_target_out_makes_checks_be_on() {
        assert!(!Checks::default().are_on());
        let passive = |limits| Checks { passive: limits, ..Checks::default() };
        assert!(!passive(Limits { successes: 5, ..Limits::default() }).are_on());
        assert!(passive(Limits { timeouts: 1, ..Limits::default() }).are_on());
    }
}
