//! Which candidate takes a request: walks the [`Index`] (`kong/routing.md` §3, §4). What Kong 2 tries before the order
//! of a category is in [`super::narrow`].

use super::expression::Hit;
use super::host::{self, Authority};
use super::index::{Index, PathRef};
use super::rule::{Kinds, Rule};
use super::trie::{Root, Side};
use super::{Match, Query};
use crate::entity::Compat;
use crate::pcre::Capture;
use std::cell::OnceCell;

/// No candidate: worse than any.
pub(super) const NOBODY: u32 = u32::MAX;

/// One request on its way through the index.
pub(super) struct Search<'i> {
    pub(super) index: &'i Index,
    pub(super) query: &'i Query<'i>,
    pub(super) host: host::Hit,
    pub(super) sni: host::Hit,
    /// What Kong 2 calls the path hit, once somebody asks.
    pub(super) path: OnceCell<PathRef>,
}

/// Which candidates of a category count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    /// Those that name a header.
    Header(u32),
    /// Those with a path.
    Path(PathRef),
    /// Those with a host.
    Host(host::Key),
}

/// The best candidate so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    /// Its rank, or [`NOBODY`].
    pub(super) rank: u32,
    /// The length of the longest plain path that any accepted candidate has, whether or not it is the best.
    pub(super) deepest: u32,
}

// === impl Search ===

impl<'i> Search<'i> {
    pub(super) fn new(index: &'i Index, query: &'i Query<'i>) -> Self {
        let hosts = &index.hosts.names;
        let host = match query.host {
            Some(host) if !hosts.is_empty() => hosts.find(Authority::read(host, index.compat), port(index, query)),
            _ => host::Hit::default(),
        };
        let sni = match query.sni {
            Some(sni) if query.tls && !index.snis.names.is_empty() => index.snis.names.find(Authority::whole(sni), 0),
            _ => host::Hit::default(),
        };
        Self { index, query, host, sni, path: OnceCell::new() }
    }

    /// The route, if one takes the request.
    pub(super) fn find(&self) -> Option<Match> {
        if let Some((rank, hit)) = self.index.expressed.find(self.query) {
            return Some(self.taken(rank, hit));
        }
        let rank = self.find_rank();
        (rank != NOBODY).then(|| self.finish(rank))
    }

    /// The rank of the candidate without an expression that takes the request, or [`NOBODY`].
    pub(super) fn find_rank(&self) -> u32 {
        match self.index.compat {
            Compat::Kong2 => self.find2(),
            Compat::Kong3 => self.find3(),
        }
    }

    /// The first category that has a match decides.
    fn find2(&self) -> u32 {
        let mut categories = self.first_category()..self.index.categories.len();
        categories.find_map(|number| self.choose(number)).unwrap_or(NOBODY)
    }

    /// The best candidate of all decides; more kinds are better than fewer.
    fn find3(&self) -> u32 {
        let (mut best, mut kinds) = (Best::NONE, 0);
        for (number, category) in self.index.categories.iter().enumerate() {
            if best.rank != NOBODY && category.kinds.count() < kinds {
                break;
            }
            kinds = category.kinds.count();
            best.rank = best.rank.min(self.best(number, Filter::All, best).rank);
        }
        best.rank
    }

    /// The best candidate of a category that is better than what is known.
    pub(super) fn best(&self, number: usize, filter: Filter, known: Best) -> Best {
        let mut best = known;
        self.each_root(number, filter, |root| self.scan(root, filter, &mut best));
        best
    }

    /// The trees of a category in which the request's candidates are.
    pub(super) fn each_root(&self, number: usize, filter: Filter, mut visit: impl FnMut(Root)) {
        let category = &self.index.categories[number];
        if let Filter::Host(key) = filter {
            self.index.hosts.root(key, number).into_iter().for_each(visit);
        } else if category.kinds.has(Kinds::HOST) {
            let roots = self.host.keys.iter().filter_map(|key| self.index.hosts.root(key, number));
            roots.for_each(visit);
        } else if category.kinds.has(Kinds::SNI) && self.query.tls {
            let roots = self.sni.keys.iter().filter_map(|key| self.index.snis.root(key, number));
            roots.for_each(visit);
        } else if let Some(root) = category.all {
            visit(root);
        }
    }

    /// Tries the candidates of one tree, as far as they could be better than the best. Expressions first: they are
    /// better than plain paths on the same hosts.
    fn scan(&self, root: Root, filter: Filter, best: &mut Best) {
        let place = self.index.forest.descend(root, self.query.path);
        for found in self.index.forest.prefixes(place, Side::Regex) {
            let better = found.values.iter().take_while(|rank| **rank < best.rank);
            let accepted = better.copied().find(|rank| self.accepts(*rank, filter) && self.matches(*rank));
            best.rank = accepted.unwrap_or(best.rank);
        }
        for found in self.index.forest.prefixes(place, Side::Plain) {
            let could_be_better = found.values[0] < best.rank || found.depth > best.deepest;
            let accepted = || found.values.iter().find(|rank| self.accepts(**rank, filter));
            if let Some(rank) = could_be_better.then(accepted).flatten() {
                best.rank = best.rank.min(*rank);
                best.deepest = best.deepest.max(found.depth);
            }
        }
    }

    /// Whether a candidate matches in all that the index has not answered yet, but for the expression.
    fn accepts(&self, rank: u32, filter: Filter) -> bool {
        let candidate = self.index.candidates[rank as usize];
        let rule = self.index.rule(candidate);
        let counts = match filter {
            Filter::All | Filter::Host(_) => true,
            Filter::Header(number) => rule.names_header(number),
            Filter::Path(path) => candidate.path == path,
        };
        counts
            && rule.accepts_method(self.query.method)
            && self.accepts_sni(rule)
            && rule.accepts_headers(self.query.headers)
    }

    /// Without TLS, SNIs are not looked at.
    fn accepts_sni(&self, rule: &Rule) -> bool {
        // With SNI and without host, the trees answer this.
        let open = rule.kinds.has(Kinds::SNI) && rule.kinds.has(Kinds::HOST) && self.query.tls;
        !open || self.sni.keys.iter().any(|key| rule.snis.contains(&key))
    }

    fn matches(&self, rank: u32) -> bool {
        match self.index.candidates[rank as usize].path {
            PathRef::Regex(number) => self.index.regexes[number as usize].pcre.is_match(self.query.path),
            PathRef::Plain(_) | PathRef::None => true,
        }
    }

    fn finish(&self, rank: u32) -> Match {
        let candidate = self.index.candidates[rank as usize];
        let route = self.index.rule(candidate).id;
        let (prefix, captures) = match candidate.path {
            PathRef::None => (None, Vec::new()),
            PathRef::Plain(number) => (Some(self.index.plains[number as usize] as usize), Vec::new()),
            PathRef::Regex(number) => self.captures(number as usize),
        };
        Match { route, prefix, captures, texts: None }
    }

    /// By an expression.
    fn taken(&self, rank: u32, hit: Hit) -> Match {
        let route = self.index.rule(self.index.candidates[rank as usize]).id;
        let prefix = hit.prefix;
        let (captures, texts) = hit.groups();
        Match { route, prefix, captures, texts: Some(texts.into()) }
    }

    /// Kong 2 appends a group to the expression to find what follows the prefix: with alternatives at the top level it
    /// belongs to the last one alone, and after another one the prefix is not known.
    fn captures(&self, number: usize) -> (Option<usize>, Vec<Capture>) {
        let (regex, path) = (&self.index.regexes[number], self.query.path);
        let Some(marked) = &regex.marked else {
            let captures = if regex.pcre.groups() > 0 { regex.pcre.captures(path) } else { None };
            return (regex.pcre.match_len(path), self.whole(captures.unwrap_or_default()));
        };
        let mut captures = marked.captures(path).unwrap_or_default();
        let known = captures.pop().is_some_and(|mark| mark.range.is_some());
        let end = captures.first().and_then(|whole| whole.range).map(|(_, end)| end);
        if captures.len() < 2 {
            captures.clear();
        }
        (end.filter(|_| known), self.whole(captures))
    }

    /// In Kong 2, group 0 is the whole path.
    fn whole(&self, mut captures: Vec<Capture>) -> Vec<Capture> {
        if let (Some(first), Compat::Kong2) = (captures.first_mut(), self.index.compat) {
            first.range = Some((0, self.query.path.len()));
        }
        captures
    }
}

// === impl Best ===

impl Best {
    pub(super) const NONE: Self = Self { rank: NOBODY, deepest: 0 };
}

/// The port that counts if `Host` names none.
fn port(index: &Index, query: &Query<'_>) -> u32 {
    match index.compat {
        Compat::Kong2 if query.tls => 443,
        Compat::Kong2 => 80,
        Compat::Kong3 => query.port.into(),
    }
}
