//! Which of several matching routes wins: precedence, in one place (`kong/routing.md` §4). Pure data; must not know how
//! routes are found.
//!
//! Kong leaves the order of fully tied routes open. Here the older one wins, then the one that stands first in the file
//! (in Kong 3, the larger UUID before both).

use super::Spec;
use super::rule::{Kinds, Path, patterns};
use crate::courtesy::breathe;
use crate::entity::Compat;
use std::cmp::Reverse;
use uuid::Uuid;

/// The place of one path of one route among all; the smallest is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Those with an expression go before all others, by priority.
    expression: Reverse<Option<i64>>,
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

/// What decided between two routes that both accept a request. Numbers are the winner's, then the loser's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The winner asks for more kinds of things.
    MoreKinds {
        /// What the winner asks for.
        won: Vec<&'static str>,
        /// What the loser asks for.
        lost: Vec<&'static str>,
    },
    /// As many kinds, but those of the winner count more.
    BetterKinds {
        /// What the winner asks for.
        won: Vec<&'static str>,
        /// What the loser asks for.
        lost: Vec<&'static str>,
    },
    /// Kong 2 looks first at the routes that name this very header, host or path.
    NamedFirst,
    /// Kong 2 does not try routes that ask for a TLS server name, and some others, for this request.
    NotTried,
    /// The winner has a wildcard host with a port.
    WildcardPort,
    /// The winner's hosts have no wildcard.
    ExactHosts,
    /// Number of header names.
    Headers(usize, usize),
    /// The winner's path is a regular expression.
    Regex,
    /// `regex_priority`.
    RegexPriority(i64, i64),
    /// Bytes of the path.
    PathLength(usize, usize),
    /// Kong 3: the larger id.
    Uuid,
    /// The winner asks by an expression.
    Expression,
    /// `priority`.
    Priority(i64, i64),
    /// The winner is older.
    CreatedAt,
    /// The winner stands first in the file.
    FileOrder,
}

/// What decides between two sets of kinds; `None` if they count the same. Kong 3 counts them, Kong 2 weighs them besides.
pub(super) fn by_kinds(won: Kinds, lost: Kinds, compat: Compat) -> Option<Criterion> {
    let names = || (won.names(), lost.names());
    if won.count() > lost.count() {
        let (won, lost) = names();
        return Some(Criterion::MoreKinds { won, lost });
    }
    if won == lost || compat == Compat::Kong3 {
        return None;
    }
    let (won_names, lost_names) = names();
    let better = category(won) < category(lost);
    Some(if better { Criterion::BetterKinds { won: won_names, lost: lost_names } } else { Criterion::NotTried })
}

/// All paths of all routes, best first. `read` are the routes' paths.
pub(super) fn places(specs: &[Spec], read: &[Vec<Path>], compat: Compat) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (number, (spec, paths)) in specs.iter().zip(read).enumerate() {
        breathe();
        let texts = spec.paths.iter().map(String::as_str).zip(paths).map(Some);
        let none = spec.paths.is_empty().then_some(None);
        let all = texts.chain(none).enumerate();
        places.extend(all.map(|(path, text)| Place::of(spec, text, (number, path), compat)));
    }
    places.sort_unstable();
    places
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
        let expression = Reverse(spec.expression.as_ref().map(|asked| asked.priority));
        let (weight, uuid) = match compat {
            _ if expression.0.is_some() => (Weight::default(), Uuid::nil()),
            Compat::Kong2 => (base.kong2(spec, regex), Uuid::nil()),
            Compat::Kong3 => (base.kong3(spec, regex), spec.uuid),
        };
        Self { expression, weight: Reverse(weight), uuid: Reverse(uuid), created_at: spec.created_at, order }
    }

    /// Where the candidate stands in the file.
    pub(super) fn order(self) -> (usize, usize) {
        self.order
    }
}

impl Place {
    /// What decides for this place and against a worse one of the same kinds.
    pub(super) fn criterion(&self, worse: &Self) -> Criterion {
        match (self.expression.0, worse.expression.0) {
            (Some(_), None) => return Criterion::Expression,
            (Some(won), Some(lost)) if won != lost => return Criterion::Priority(won, lost),
            _ => {}
        }
        if let Some(criterion) = self.weight.0.criterion(worse.weight.0) {
            return criterion;
        }
        match () {
            () if self.uuid != worse.uuid => Criterion::Uuid,
            () if self.created_at != worse.created_at => Criterion::CreatedAt,
            () => Criterion::FileOrder,
        }
    }
}

// === impl Weight ===

impl Weight {
    fn kong2(self, spec: &Spec, regex: bool) -> Self {
        let with_port = patterns(spec, Compat::Kong2).any(|(_, pattern)| pattern.is_wildcard_with_port());
        let hosts = u32::from(with_port) << 2 | u32::from(is_plain(spec, Compat::Kong2)) << 1 | u32::from(regex);
        Self { hosts, headers: spec.headers.len(), ..self }
    }

    /// The first field, most significant first, that is not the same.
    fn criterion(self, worse: Self) -> Option<Criterion> {
        let (won, lost) = (self, worse);
        let has = |bit: u32| won.hosts & bit > lost.hosts & bit;
        let fields = [
            (has(4), Criterion::WildcardPort),
            (has(2) || (won.kinds > 0 && has(1)), Criterion::ExactHosts),
            (won.kinds == 0 && has(1), Criterion::Regex),
            (won.headers > lost.headers, Criterion::Headers(won.headers, lost.headers)),
            (won.regex && !lost.regex, Criterion::Regex),
            (
                won.regex_priority > lost.regex_priority,
                Criterion::RegexPriority(won.regex_priority, lost.regex_priority),
            ),
            (won.length > lost.length, Criterion::PathLength(won.length, lost.length)),
        ];
        fields.into_iter().find(|(decides, _)| *decides).map(|(_, criterion)| criterion)
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
