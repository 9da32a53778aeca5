//! When a certificate is renewed, and when what failed is tried again. Pure.

use crate::keys::Facts;
use std::time::{Duration, SystemTime};

/// Longest rest after failures.
const LONGEST_REST: Duration = Duration::from_secs(6 * 3600);
/// Shortest rest after one, whatever is configured.
const SHORTEST_REST: Duration = Duration::from_secs(1);
/// Spread of renewals, as a part of the time before the end: certificates that were ordered at once are not renewed at
/// once.
const SPREAD: u32 = 8;

/// When a certificate is to be renewed: so long `before` its end, or earlier by a part that the `seed` chooses; of a
/// certificate that lives for days only, after two thirds of its life.
pub(super) fn renewal(facts: &Facts, before: Duration, seed: u64) -> SystemTime {
    let before = before.min(facts.life() / 3);
    let early = before + share(before / SPREAD, seed);
    facts.not_after.checked_sub(early).unwrap_or(facts.not_after)
}

/// A moment between two that the `seed` chooses (RFC 9773 §4.2).
pub(super) fn between(start: SystemTime, end: SystemTime, seed: u64) -> SystemTime {
    start + share(end.duration_since(start).unwrap_or_default(), seed)
}

/// How long to rest after so many failures in a row: twice as long each time.
pub(super) fn rest(first: Duration, failures: u32) -> Duration {
    let first = first.max(SHORTEST_REST);
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(LONGEST_REST.max(first))
}

/// A part of a time, in thousandths.
fn share(of: Duration, seed: u64) -> Duration {
    let thousandths = u32::try_from(seed % 1000).unwrap_or_default();
    (of / 1000).saturating_mul(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn facts(days: u32) -> Facts {
        let not_before = SystemTime::UNIX_EPOCH + DAY * 10_000;
        Facts { serial: String::new(), not_before, not_after: not_before + DAY * days }
    }

    #[test]
    fn a_certificate_is_renewed_before_its_end() {
        let left = |days, before, seed| {
            let facts = facts(days);
            let left = facts.not_after.duration_since(renewal(&facts, DAY * before, seed));
            left.unwrap_or_default().as_secs_f64() / DAY.as_secs_f64()
        };
        assert!((left(90, 14, 0) - 14.0).abs() < 0.01);
        assert!((left(90, 14, 999) - 15.75).abs() < 0.01, "some days earlier at most");
        assert!((left(6, 14, 0) - 2.0).abs() < 0.01, "a short one at two thirds of its life");
        assert!(left(90, 0, 5) < 0.01);
    }

    #[test]
    fn a_moment_of_a_window() {
        let (start, end) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + DAY);
        assert_eq!(between(start, end, 1000), start);
        assert_eq!(between(start, end, 500), start + DAY / 2);
        assert_eq!(between(end, start, 500), end, "a window that ends before it begins");
    }

    #[test]
    fn rests_grow_up_to_a_limit() {
        let minutes = |first: u64, failures| rest(Duration::from_secs(60 * first), failures).as_secs() / 60;
        assert_eq!([1, 2, 3, 7, 8, 99].map(|failures| minutes(5, failures)), [5, 10, 20, 320, 360, 360]);
        assert_eq!(minutes(600, 3), 600, "who wants to wait longer does");
        assert_eq!(rest(Duration::ZERO, 1), SHORTEST_REST);
    }
}
