//! Why a request's route is its route: what keeps each path of each route from taking the request, and what decides
//! between two that could (`kong/routing.md` §4). Asked by people, not on a request's way; answered with what [`find`]
//! and [`order`] decide by.
//!
//! [`find`]: super::find
//! [`order`]: super::order

use super::find::{NOBODY, Search};
use super::index::{Index, PathRef};
use super::order::{self, Place};
use super::rule::{Kinds, Path, Rule};
use super::trie::Side;
use super::{Flavor, Spec};
use crate::entity::{Compat, RouteId};
use http::HeaderName;

pub use super::order::Criterion;

/// What of a request a route does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Its host.
    Host,
    /// Its path.
    Path,
    /// Its method.
    Method,
    /// This header: it is not there, or has another value.
    Header(HeaderName),
    /// The TLS server name.
    Sni,
    /// What its expression says.
    Expression,
    /// Whether it came over TLS.
    Scheme,
}

/// How a request fared with every path of every route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The rank of the one that takes it.
    pub winner: Option<usize>,
    /// By rank, what each does not accept; empty if it accepts all.
    pub misses: Vec<Vec<Miss>>,
    /// By rank, whether it was not tried at all: see [`Criterion::NotTried`].
    pub tried: Vec<bool>,
}

/// All paths of all routes, best first: the position of one is its rank.
#[derive(Debug)]
pub struct Standings<'a> {
    specs: &'a [Spec],
    flavor: Flavor,
    places: Vec<Place>,
}

/// One path of one route, or a route without paths.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its position among all.
    pub rank: usize,
    /// What the route asks.
    pub spec: &'a Spec,
    /// The path, as written.
    pub path: Option<&'a str>,
    /// Whether that is a regular expression.
    pub is_regex: bool,
}

// === impl Search ===

impl Search<'_> {
    /// How the request fares with everybody.
    pub(super) fn trace(&self) -> Trace {
        let expressed = self.index.expressed.find(self.query).map(|(rank, _)| rank);
        let rank = expressed.unwrap_or_else(|| self.find_rank());
        let first = if self.index.compat == Compat::Kong2 { self.first_category() } else { 0 };
        let tried = &self.index.categories[first.min(self.index.categories.len())..];
        let ranks = 0..u32::try_from(self.index.candidates.len()).unwrap_or(NOBODY);
        let first_others = self.index.expressed.len();
        let is_tried = |rank: u32| {
            (rank as usize) < first_others || tried.iter().any(|category| category.kinds == self.rule(rank).kinds)
        };
        Trace {
            winner: (rank != NOBODY).then_some(rank as usize),
            tried: ranks.clone().map(is_tried).collect(),
            misses: ranks.map(|rank| self.misses(rank)).collect(),
        }
    }

    fn rule(&self, rank: u32) -> &Rule {
        self.index.rule(self.index.candidates[rank as usize])
    }

    fn misses(&self, rank: u32) -> Vec<Miss> {
        if (rank as usize) < self.index.expressed.len() {
            return self.index.expressed.miss(rank, self.query).into_iter().collect();
        }
        let (rule, path) = (self.rule(rank), self.index.candidates[rank as usize].path);
        let host = rule.kinds.has(Kinds::HOST) && !self.host.keys.iter().any(|key| rule.hosts.contains(&key));
        let sni =
            self.query.tls && rule.kinds.has(Kinds::SNI) && !self.sni.keys.iter().any(|key| rule.snis.contains(&key));
        let method = !rule.accepts_method(self.query.method);
        let plain = [(host, Miss::Host), (!self.hits(path), Miss::Path), (method, Miss::Method), (sni, Miss::Sni)];
        let headers = rule.headers.iter().filter(|header| !header.accepts(self.query.headers));
        let headers = headers.map(|header| Miss::Header(header.name.clone()));
        plain.into_iter().filter_map(|(missed, miss)| missed.then_some(miss)).chain(headers).collect()
    }

    fn hits(&self, path: PathRef) -> bool {
        let among = |side, number: u32| {
            let place = self.index.paths.map(|root| self.index.forest.descend(root, self.query.path));
            let found = place.into_iter().flat_map(|place| self.index.forest.prefixes(place, side));
            found.flat_map(|found| found.values).any(|other| *other == number)
        };
        match path {
            PathRef::None => true,
            PathRef::Plain(number) => among(Side::Plain, number),
            PathRef::Regex(number) => self.index.regexes[number as usize].pcre.is_match(self.query.path),
        }
    }
}

// === impl Standings ===

impl<'a> Standings<'a> {
    /// Ranks what a router was built from.
    #[must_use]
    pub fn of(specs: &'a [Spec], flavor: Flavor) -> Self {
        let read: Vec<Vec<Path>> = specs.iter().map(|spec| Index::paths_of(spec, flavor)).collect();
        Self { specs, flavor, places: order::places(specs, &read, flavor) }
    }

    /// All of them by rank.
    pub fn by_rank(&self) -> impl Iterator<Item = Standing<'a>> {
        (0..self.places.len()).map(|rank| self.standing(rank))
    }

    /// All of them in the order in which a router tries them: Kong 2 begins with the routes that ask for most kinds.
    /// Routes that ask for nothing take nothing and are left out.
    #[must_use]
    pub fn in_order(&self) -> Vec<Standing<'a>> {
        let asks = |spec: &Spec| spec.expression.is_some() || Kinds::of(spec) != Kinds::default();
        let mut all: Vec<_> = self.by_rank().filter(|standing| asks(standing.spec)).collect();
        all.sort_by_key(|standing| {
            (standing.spec.expression.is_none(), order::category(Kinds::of(standing.spec)), standing.rank)
        });
        all
    }

    /// One of them.
    ///
    /// # Panics
    /// If there is no such rank.
    #[must_use]
    pub fn standing(&self, rank: usize) -> Standing<'a> {
        let (spec, path) = self.places[rank].order();
        let spec = &self.specs[spec];
        let path = spec.paths.get(path).map(String::as_str);
        Standing { rank, spec, path, is_regex: path.is_some_and(|path| Path::read(path, self.flavor).is_regex()) }
    }

    /// What decides for one and against another that accepts the request, too.
    #[must_use]
    pub fn criterion(&self, winner: usize, loser: usize) -> Criterion {
        let (won, lost) = (self.standing(winner), self.standing(loser));
        if won.spec.expression.is_some() {
            return self.places[winner].criterion(&self.places[loser]);
        }
        let kinds = (Kinds::of(won.spec), Kinds::of(lost.spec));
        match order::by_kinds(kinds.0, kinds.1, self.flavor) {
            Some(criterion) => criterion,
            None if winner > loser => Criterion::NamedFirst,
            None => self.places[winner].criterion(&self.places[loser]),
        }
    }
}

// === impl Standing ===

impl Standing<'_> {
    /// The route.
    #[must_use]
    pub fn route(&self) -> RouteId {
        self.spec.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::route::{Ends, Query, Router};
    use http::HeaderMap;

    fn spec(id: u32, hosts: &[&str], paths: &[&str], methods: &[&str]) -> Spec {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Spec {
            id: RouteId(id),
            uuid: uuid::Uuid::nil(),
            hosts: texts(hosts),
            paths: texts(paths),
            methods: texts(methods),
            headers: Vec::new(),
            snis: Vec::new(),
            regex_priority: 0,
            created_at: i64::MAX,
            expression: None,
        }
    }

    fn ask<'a>(headers: &'a HeaderMap, host: &'a str, path: &'a str, method: &'a str) -> Query<'a> {
        let (host, path) = (Some(host.as_bytes()), path.as_bytes());
        let (tls, sni, port, query, ends) = (false, None, 80, None, Ends::default());
        Query { method, host, path, headers, tls, sni, port, query, ends }
    }

    /// The winner's route, and what each other path misses or what decided against it.
    fn judged(specs: &[Spec], query: &Query<'_>) -> (Option<u32>, Vec<Judged>) {
        let flavor = Compat::Kong2;
        let trace = Router::build(specs, flavor).unwrap().trace(query);
        let standings = Standings::of(specs, flavor);
        let others = standings.by_rank().filter(|standing| Some(standing.rank) != trace.winner).map(|standing| {
            let misses = trace.misses[standing.rank].clone();
            let decided = trace.winner.filter(|_| misses.is_empty());
            let lost = decided.map(|winner| standings.criterion(winner, standing.rank));
            Judged { route: standing.spec.id.0, misses, lost }
        });
        (trace.winner.map(|rank| standings.standing(rank).spec.id.0), others.collect())
    }

    struct Judged {
        route: u32,
        misses: Vec<Miss>,
        lost: Option<Criterion>,
    }

    #[test]
    fn says_what_was_missed_and_what_decided() {
        let specs = [
            spec(0, &[], &["/a"], &[]),
            spec(1, &[], &["/a/b"], &[]),
            spec(2, &["h.test"], &["/"], &[]),
            spec(3, &["other.test"], &["/x"], &["POST"]),
            spec(4, &[], &["/a/\\w+"], &[]),
        ];
        let headers = HeaderMap::new();
        let query = ask(&headers, "h.test", "/a/b", "GET");
        let (winner, others) = judged(&specs, &query);
        assert_eq!(winner, Some(2));
        let of = |id: u32| others.iter().find(|other| other.route == id).unwrap();
        let kinds = Criterion::MoreKinds { won: vec!["host", "path"], lost: vec!["path"] };
        assert_eq!((&*of(0).misses, &of(0).lost), (&[][..], &Some(kinds)));
        assert_eq!((&*of(3).misses, &of(3).lost), (&[Miss::Host, Miss::Path, Miss::Method][..], &None));
        let (winner, others) = judged(&specs[..2], &query);
        assert_eq!((winner, &others[0].lost), (Some(1), &Some(Criterion::PathLength(4, 2))));
        let (winner, others) = judged(&[specs[1].clone(), specs[4].clone()], &query);
        assert_eq!((winner, &others[0].lost), (Some(4), &Some(Criterion::Regex)));
    }

    #[test]
    fn over_plain_http_routes_with_a_server_name_are_passed_over() {
        let guarded = Spec { snis: vec!["a.test".to_owned()], ..spec(0, &[], &["/a"], &[]) };
        let headers = HeaderMap::new();
        let (winner, others) = judged(&[guarded, spec(1, &[], &["/"], &[])], &ask(&headers, "h", "/a", "GET"));
        assert_eq!((winner, &others[0].lost), (Some(1), &Some(Criterion::NotTried)));
    }

    #[test]
    fn a_winner_misses_nothing_and_without_one_everybody_misses_something() {
        let hosts: [&[&str]; 4] = [&[], &["a.test"], &["*.test"], &["b.test", "c.*"]];
        let paths: [&[&str]; 4] = [&[], &["/"], &["/a", "/b/c"], &["/a/\\d+"]];
        let methods: [&[&str]; 3] = [&[], &["GET"], &["POST", "PUT"]];
        let mut specs = Vec::new();
        for (h, p, m) in (0..48).map(|n| (n % 4, n / 4 % 4, n / 16)).filter(|(h, p, m)| (h * 7 + p * 5 + m) % 3 != 0) {
            specs.push(spec(u32::try_from(specs.len()).unwrap(), hosts[h], paths[p], methods[m]));
        }
        let headers = HeaderMap::new();
        let specs = &specs[..];
        for flavor in [Compat::Kong2, Compat::Kong3] {
            let router = Router::build(specs, flavor).unwrap();
            let standings = Standings::of(specs, flavor);
            for host in ["a.test", "x.test", "c.org", "nobody"] {
                for path in ["/", "/a", "/a/1", "/b/c/d", "/z"] {
                    for method in ["GET", "PUT", "DELETE"] {
                        let query = ask(&headers, host, path, method);
                        let (trace, found) = (router.trace(&query), router.find(&query));
                        assert_eq!(trace.winner.map(|rank| standings.standing(rank).route()), found.map(|f| f.route));
                        match trace.winner {
                            Some(rank) => assert_eq!(trace.misses[rank], []),
                            None => assert!(trace.misses.iter().all(|misses| !misses.is_empty()), "{host} {path}"),
                        }
                    }
                }
            }
        }
    }
}
