//! Routes that no request reaches, since another takes whatever they accept. Pure; must not know what is said about it.
//!
//! Says so only where it is certain: the other one is tried first, and asks for nothing more, text by text. Kong 2 tries
//! a part of the routes before the order counts (see [`super::narrow`]); what is compared here keeps both routes in the
//! same parts. Two regular expressions are compared as texts, and nothing is said of routes with an `expression`.

use super::order::{self, Place};
use super::rule::{Kinds, Path, paths, sni};
use super::{Flavor, Spec};
use crate::courtesy::breathe;
use crate::entity::Compat;
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

/// A path of a route (or the route, if it has none) that is never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The route, by its position among those given.
    pub route: usize,
    /// The path, by its position in the route; 0 if it has none.
    pub path: usize,
    /// The route that takes its requests. May be the same one, which names the path twice.
    pub by: usize,
    /// The path of that route, likewise.
    pub by_path: usize,
}

/// Earlier candidates that are looked at for each. Fewer than that take the same host and path.
const MOST: usize = 64;

/// A path of a route, in the order in which the router tries them.
struct Candidate<'s> {
    spec: &'s Spec,
    kinds: Kinds,
    path: Option<&'s Path>,
    at: (usize, usize),
}

/// Which paths are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reach<'s> {
    /// All.
    All,
    /// What this matches.
    Path(&'s Path),
    /// What begins with this, by an expression.
    Open(&'s [u8]),
}

/// Candidates so far, by what a request must have to reach them: path, and one of the hosts.
struct Known<'s> {
    candidates: Vec<Candidate<'s>>,
    by_reach: HashMap<(Reach<'s>, Option<&'s str>), Vec<usize>>,
    /// Lengths of prefixes that expressions leave open.
    open: HashSet<usize>,
    /// Whether a request may pass over a category of Kong 2 that it matches; see `first_category` in [`super::narrow`].
    skips: bool,
}

/// Every path that is never used.
#[must_use]
pub fn shadows(specs: &[Spec], flavor: Flavor) -> Vec<Shadow> {
    let read: Vec<Vec<Path>> = specs.iter().inspect(|_| breathe()).map(|spec| paths(spec, flavor)).collect();
    let mut known = Known::new(specs, flavor);
    let mut found = Vec::new();
    for candidate in candidates(specs, &read, flavor) {
        breathe();
        if let Some(by) = known.cover(&candidate, flavor) {
            let ((route, path), (by, by_path)) = (candidate.at, by);
            found.push(Shadow { route, path, by, by_path });
        }
        known.add(candidate);
    }
    found
}

/// In the order in which they are tried.
fn candidates<'s>(specs: &'s [Spec], read: &'s [Vec<Path>], flavor: Flavor) -> Vec<Candidate<'s>> {
    let mut all = Vec::new();
    let by_lists = |(_, (spec, _)): &(usize, (&Spec, &Vec<Path>))| spec.expression.is_none();
    for (number, (spec, paths)) in specs.iter().zip(read).enumerate().filter(by_lists) {
        breathe();
        let texts = spec.paths.iter().map(String::as_str).zip(paths).map(Some);
        let none = spec.paths.is_empty().then_some(None);
        for (path, text) in texts.chain(none).enumerate() {
            let kinds = Kinds::of(spec);
            // Kong 3's places weigh the kinds already.
            let category = (flavor == Compat::Kong2).then(|| order::category(kinds));
            let place = Place::of(spec, text, (number, path), flavor);
            let candidate = Candidate { spec, kinds, path: text.map(|(_, path)| path), at: (number, path) };
            all.push(((category, place), candidate));
        }
    }
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, candidate)| candidate).collect()
}

// === impl Known ===

impl<'s> Known<'s> {
    fn new(specs: &[Spec], flavor: Flavor) -> Self {
        let odd = |spec: &Spec| !spec.snis.is_empty() || spec.hosts.iter().any(|host| host.contains('['));
        let skips = flavor == Compat::Kong2 && specs.iter().any(odd);
        Self { candidates: Vec::new(), by_reach: HashMap::new(), open: HashSet::new(), skips }
    }

    fn add(&mut self, candidate: Candidate<'s>) {
        let number = self.candidates.len();
        let exact = candidate.path.map_or(Reach::All, Reach::Path);
        let open = candidate.path.and_then(open_prefix);
        self.open.extend(open.map(<[u8]>::len));
        let hosts = candidate.spec.hosts.iter().map(|host| Some(host.as_str()));
        let hosts: Vec<_> = hosts.chain(candidate.spec.hosts.is_empty().then_some(None)).collect();
        for reach in [Some(exact), open.map(Reach::Open)].into_iter().flatten() {
            for host in &hosts {
                self.by_reach.entry((reach, *host)).or_default().push(number);
            }
        }
        self.candidates.push(candidate);
    }

    /// The first candidate that takes all that this one accepts.
    fn cover(&self, candidate: &Candidate<'s>, flavor: Flavor) -> Option<(usize, usize)> {
        let host = candidate.spec.hosts.first().map(String::as_str);
        let earlier = self.reaches(candidate).into_iter().filter_map(|reach| self.by_reach.get(&(reach, host)));
        let earlier = earlier.flat_map(|numbers| numbers.iter().take(MOST));
        let covers = earlier.filter(|number| self.asks_less(&self.candidates[**number], candidate, flavor));
        covers.min().map(|number| self.candidates[*number].at)
    }

    /// What at least the paths of a candidate are in.
    fn reaches(&self, candidate: &Candidate<'s>) -> Vec<Reach<'s>> {
        static ROOT: std::sync::LazyLock<Path> = std::sync::LazyLock::new(|| Path::Plain(Box::from(*b"/")));
        match candidate.path {
            None => vec![Reach::All, Reach::Path(&ROOT), Reach::Open(b"/"), Reach::Open(b"")],
            Some(path @ Path::Plain(text)) => {
                let open = self.open.iter().filter_map(|length| Some(Reach::Open(text.get(..*length)?)));
                open.chain([Reach::Path(path)]).collect()
            }
            Some(path) => vec![Reach::Path(path)],
        }
    }

    /// Whether one asks for nothing, but for the path, that the other does not ask for.
    fn asks_less(&self, one: &Candidate<'_>, other: &Candidate<'_>, flavor: Flavor) -> bool {
        let same = one.kinds == other.kinds || (!self.skips && one.kinds == other.kinds.with(Kinds::PATH));
        let (a, b) = (one.spec, other.spec);
        let within = |all: &[String], some: &[String]| some.iter().all(|text| all.contains(text));
        let snis = |spec: &Spec| spec.snis.iter().map(|text| sni(text).to_owned()).collect::<Vec<_>>();
        same && within(&a.hosts, &b.hosts)
            && within(&a.methods, &b.methods)
            && (a.snis.is_empty() || within(&snis(a), &snis(b)))
            && headers_ask_less(a, b, flavor)
    }
}

/// Both name the same headers, and the one lets in all values that the other does.
fn headers_ask_less(one: &Spec, other: &Spec, flavor: Flavor) -> bool {
    let names = |spec: &Spec| spec.headers.iter().map(|(name, _)| name.clone()).collect::<HashSet<_>>();
    let implied = |all: &[String], some: &[String]| {
        // In Kong 2 a pattern is one only where it stands alone.
        let pattern = flavor == Compat::Kong2 && all.iter().chain(some).any(|value| value.starts_with("~*"));
        if pattern { all == some } else { some.iter().all(|value| all.contains(value)) }
    };
    let is_implied = |(name, all): &(http::HeaderName, Vec<String>)| {
        other.headers.iter().any(|(other, some)| other == name && implied(all, some))
    };
    names(one) == names(other) && one.headers.iter().all(is_implied)
}

/// The prefix that is all that an expression asks for: `/api(/.*)?` lets in whatever begins with `/api`.
fn open_prefix(path: &Path) -> Option<&[u8]> {
    let Path::Regex(text) = path else { return None };
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~".contains(&byte);
    let length = text.bytes().take_while(|byte| literal(*byte)).count();
    let tail = &text[length..];
    matches!(tail, "" | ".*" | "(.*)" | "(/.*)?" | "(?:/.*)?").then(|| &text.as_bytes()[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::RouteId;

    fn spec(hosts: &[&str], paths: &[&str]) -> Spec {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (id, uuid, none) = (RouteId(0), uuid::Uuid::nil(), Vec::new);
        let (hosts, paths) = (texts(hosts), texts(paths));
        let (methods, headers, snis) = (none(), Vec::new(), none());
        let (regex_priority, created_at, expression) = (0, 0, None);
        Spec { id, uuid, hosts, paths, methods, headers, snis, regex_priority, created_at, expression }
    }

    fn found(specs: &[Spec], flavor: Flavor) -> Vec<(usize, usize, usize)> {
        shadows(specs, flavor).into_iter().map(|shadow| (shadow.route, shadow.path, shadow.by)).collect()
    }

    #[test]
    fn who_asks_for_more_or_comes_first_is_reached() {
        let specs = [spec(&["a", "b"], &["/x", "/"]), spec(&["a"], &["/x", "/y"]), spec(&[], &["/x"])];
        assert_eq!(found(&specs, Compat::Kong2), [(1, 0, 0)]);
        let specs = [spec(&["a"], &["/x"]), spec(&["a", "b"], &["/x"]), spec(&["a"], &["/x"])];
        assert_eq!(found(&specs, Compat::Kong3), [(2, 0, 0)]);
    }

    #[test]
    fn expressions_come_before_prefixes() {
        let specs = [spec(&[], &["/api", "/b"]), spec(&[], &["/(.*)"]), spec(&[], &["/a(/.*)?"])];
        let mut all = found(&specs, Compat::Kong2);
        all.sort_unstable();
        assert_eq!(all, [(0, 0, 1), (0, 1, 1)]);
    }

    #[test]
    fn a_route_without_paths_comes_behind_one_for_the_root() {
        let specs = [spec(&["a"], &[]), spec(&["a"], &["/"])];
        assert_eq!(found(&specs, Compat::Kong2), [(0, 0, 1)]);
        assert_eq!(found(&specs, Compat::Kong3), [(0, 0, 1)]);
        let odd = [spec(&["a"], &[]), spec(&["a", "[::1]"], &["/"])];
        assert_eq!(found(&odd, Compat::Kong2), []);
    }
}
