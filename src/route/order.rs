//! Which of several matching routes wins: precedence, in one place (`kong/routing.md` §4). Pure data; must not know how
//! routes are found.
//!
//! Kong leaves the order of fully tied routes open. Here the older one wins, then the one that stands first in the file
//! (in Kong 3, the larger UUID before both).

use super::Spec;
use super::rule::{Kinds, Path, patterns};
use crate::entity::Compat;
use std::cmp::Reverse;
use uuid::Uuid;

/// The place of one path of one route among all; the smallest is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    weight: Reverse<Weight>,
    uuid: Reverse<Uuid>,
    created_at: i64,
    /// Route in the file, path in the route.
    order: (usize, usize),
}

/// What a candidate has to show, most significant first. Fields that a Kong does not weigh there are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    /// Kong 3: number of kinds.
    kinds: u32,
    /// Kong 2: wildcard with port 4, only plain hosts 2, regex 1. Kong 3: only plain hosts 1.
    hosts: u32,
    headers: usize,
    /// Kong 3.
    regex: bool,
    regex_priority: i64,
    /// Bytes of a plain path as written.
    length: usize,
}

/// The order of the categories of Kong 2: more kinds first, then more significant ones. Kong 3's weight implies it.
pub(super) fn category(kinds: Kinds) -> Reverse<(u32, Kinds)> {
    Reverse((kinds.count(), kinds))
}

// === impl Place ===

impl Place {
    /// The place of a route's path; `order` is where they stand in the file.
    pub(super) fn of(spec: &Spec, path: Option<(&str, &Path)>, order: (usize, usize), compat: Compat) -> Self {
        let regex = path.is_some_and(|(_, path)| path.is_regex());
        let base = Weight {
            regex_priority: if regex { spec.regex_priority } else { 0 },
            length: path.filter(|_| !regex).map_or(0, |(text, _)| text.len()),
            ..Weight::default()
        };
        let (weight, uuid) = match compat {
            Compat::Kong2 => (base.kong2(spec, regex), Uuid::nil()),
            Compat::Kong3 => (base.kong3(spec, regex), spec.uuid),
        };
        Self { weight: Reverse(weight), uuid: Reverse(uuid), created_at: spec.created_at, order }
    }

    /// Where the candidate stands in the file.
    pub(super) fn order(self) -> (usize, usize) {
        self.order
    }
}

// === impl Weight ===

impl Weight {
    fn kong2(self, spec: &Spec, regex: bool) -> Self {
        let with_port = patterns(spec, Compat::Kong2).any(|(_, pattern)| pattern.is_wildcard_with_port());
        let hosts = u32::from(with_port) << 2 | u32::from(is_plain(spec, Compat::Kong2)) << 1 | u32::from(regex);
        Self { hosts, headers: spec.headers.len(), ..self }
    }

    fn kong3(self, spec: &Spec, regex: bool) -> Self {
        let kinds = Kinds::of(spec).count();
        let hosts = u32::from(is_plain(spec, Compat::Kong3));
        // The widths of its bit fields.
        let (headers, length) = (spec.headers.len().min(0xff), self.length & 0x7_ffff);
        Self { kinds, hosts, headers, regex, length, ..self }
    }
}

/// Whether it has hosts, and no wildcard.
fn is_plain(spec: &Spec, compat: Compat) -> bool {
    !spec.hosts.is_empty() && patterns(spec, compat).all(|(_, pattern)| pattern.is_exact())
}
