//! Consistent hashing as Kong does it (`kong/runloop/balancer/consistent_hashing.lua`): the same points, so that a client
//! keeps its target when the gateway takes Kong's place, and few clients move when a target comes or goes.

use std::net::SocketAddr;
use twox_hash::XxHash32;

/// Points of a target when all weigh the same.
const POINTS: f64 = 160.0;
/// Fewest points of a ring.
const FEWEST: usize = 1000;

/// Who has which point.
#[derive(Debug, Default)]
pub(super) struct Ring(Box<[Option<u32>]>);

/// An address that gets points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Its target's host, as written.
    pub(super) name: &'a str,
    /// Where.
    pub(super) address: SocketAddr,
    /// Its weight.
    pub(super) weight: i64,
    /// What it is called in the answers of [`Ring::walk`].
    pub(super) index: usize,
}

/// The hash of what decides about a request.
#[must_use]
pub fn hash(value: &[u8]) -> u32 {
    XxHash32::oneshot(0, value)
}

// === impl Ring ===

impl Ring {
    /// A ring of so many points, or of [`FEWEST`], for so many `targets` with these addresses.
    pub(super) fn new(slots: usize, targets: usize, mut parts: Vec<Part<'_>>) -> Self {
        let total: i64 = parts.iter().map(|part| part.weight).sum();
        parts.sort_by(|a, b| {
            let text = |part: &Part<'_>| format!("{}:{}", part.address.ip(), part.address.port());
            (a.name, a.address.port()).cmp(&(b.name, b.address.port())).then_with(|| text(a).cmp(&text(b)))
        });
        let mut ring = Self(vec![None; slots.max(FEWEST)].into());
        for part in &parts {
            let points = points(part.weight, total, targets);
            if !ring.place(part, points) {
                tracing::warn!("an upstream has too few `slots` for its targets: some share requests unevenly");
                break;
            }
        }
        ring
    }

    /// Gives points to an address; one that is taken already gives way to a further one. Whether all found a place.
    fn place(&mut self, part: &Part<'_>, mut points: usize) -> bool {
        let (ip, port) = (part.address.ip(), part.address.port());
        let mut number = 1;
        while number <= points {
            let at = self.at(hash(format!("{ip}::{port} {number}").as_bytes()));
            match &mut self.0[at] {
                free @ None => *free = u32::try_from(part.index).ok(),
                Some(_) => points += 1,
            }
            number += 1;
            if number > self.0.len() {
                return false;
            }
        }
        true
    }

    /// The first that will do, from the point of a hash downward.
    pub(super) fn walk(&self, hash: u32, fits: impl Fn(usize) -> bool) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let (below, above) = self.0.split_at(self.at(hash) + 1);
        let owners = below.iter().rev().chain(above.iter().rev()).flatten();
        owners.map(|index| *index as usize).find(|index| fits(*index))
    }

    /// The ring is never longer than 65,536 points.
    fn at(&self, hash: u32) -> usize {
        hash as usize % self.0.len()
    }
}

/// Kong's share of the points: in floating point and rounded down, as there.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn points(weight: i64, total: i64, targets: usize) -> usize {
    let share = weight as f64 / total as f64;
    ((share * targets as f64 * POINTS).floor() as usize).max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn ring(names: &[(u8, i64)]) -> Ring {
        let texts: Vec<String> = names.iter().map(|(number, _)| format!("10.0.0.{number}")).collect();
        let part = |(at, (number, weight)): (usize, &(u8, i64))| Part {
            name: &texts[at],
            address: ([10, 0, 0, *number], 80).into(),
            weight: *weight,
            index: usize::from(*number),
        };
        Ring::new(10_000, names.len(), names.iter().enumerate().map(part).collect())
    }

    fn owners(ring: &Ring) -> Vec<usize> {
        (0..2000_u32).map(|key| ring.walk(hash(&key.to_be_bytes()), |_| true).unwrap()).collect()
    }

    #[test]
    fn the_hash_is_xxhash32() {
        assert_eq!([hash(b""), hash(b"a"), hash(b"abc")], [0x02cc_5d05, 0x550d_7456, 0x32d1_53ff]);
    }

    #[test]
    fn who_is_down_is_passed_over_and_nobody_else_moves() {
        let ring = ring(&[(1, 100), (2, 100), (3, 100)]);
        for key in 0..2000_u32 {
            let hash = hash(&key.to_be_bytes());
            let (all, rest) = (ring.walk(hash, |_| true), ring.walk(hash, |index| index != 2));
            assert!(all == rest || all == Some(2) && rest.is_some());
        }
        assert_eq!(ring.walk(7, |_| false), None);
        assert_eq!(Ring::default().walk(7, |_| true), None);
    }

    #[test]
    fn too_many_for_the_ring_end_and_serve() {
        let many: Vec<Part<'_>> = (0..2000_u16)
            .map(|port| Part { name: "a", address: ([10, 0, 0, 1], port).into(), weight: 1, index: port.into() })
            .collect();
        assert!(Ring::new(10, 2000, many).walk(1, |_| true).is_some());
    }

    #[test]
    fn shares_follow_the_weights() {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        owners(&ring(&[(1, 300), (2, 100)])).into_iter().for_each(|owner| *counts.entry(owner).or_default() += 1);
        assert!((1200..1800).contains(&counts[&1]), "{counts:?}");
    }

    proptest! {
        #[test]
        fn only_the_keys_of_a_target_that_goes_move(
            numbers in proptest::collection::btree_set(1_u8..200, 2..9),
            gone in any::<proptest::sample::Index>(),
        ) {
            let all: Vec<(u8, i64)> = numbers.iter().map(|number| (*number, 100)).collect();
            let gone = gone.get(&all).0;
            let rest: Vec<_> = all.iter().copied().filter(|(number, _)| *number != gone).collect();
            let (before, after) = (owners(&ring(&all)), owners(&ring(&rest)));
            let moved = before.iter().zip(&after).filter(|(b, a)| b != a && **b != usize::from(gone)).count();
            // Points that collided fall to others; shares that round down differ by a point.
            prop_assert!(moved <= 2000 / 8, "{moved} of 2000 keys moved without need");
        }
    }
}
