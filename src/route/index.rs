//! Routes, arranged so that a request meets few of them (`kong/routing.md` §4): by category (the set of matcher kinds),
//! in it by host (or SNI), in that by path prefix, literal start of an expression included. Built once; must not know
//! requests.

use super::expressed::Expressed;
use super::host::{Hosts, Key, Pattern};
use super::order::{self, Place};
use super::rule::{Header, Kinds, Path, Rule, patterns, sni};
use super::trie::{Forest, Root, Side, Tree};
use super::{Spec, SpecError};
use crate::courtesy::breathe;
use crate::entity::Compat;
use crate::pcre::{Pcre, literal_prefix};
use foldhash::fast::FixedState;
use http::HeaderName;
use std::collections::{BTreeMap, HashMap, HashSet};

type Map<K, V> = HashMap<K, V, FixedState>;

/// All routes.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) compat: Compat,
    /// Those that go before all others. Theirs are the first ranks.
    pub(super) expressed: Expressed,
    pub(super) rules: Vec<Rule>,
    /// One per path of each route, best first: its position is its rank.
    pub(super) candidates: Vec<Candidate>,
    /// Lengths of plain paths in normal form.
    pub(super) plains: Vec<u32>,
    /// In the order in which the candidates name them.
    pub(super) regexes: Vec<Regex>,
    /// In the order in which they are tried.
    pub(super) categories: Vec<Category>,
    pub(super) hosts: Places,
    pub(super) snis: Places,
    pub(super) forest: Forest,
    /// All paths of all routes, if there are any.
    pub(super) paths: Option<Root>,
    /// Header names in the order in which the candidates name them.
    pub(super) headers: Vec<HeaderName>,
    pub(super) methods: HashSet<Box<str>, FixedState>,
}

/// One path of one route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) rule: u32,
    pub(super) path: PathRef,
}

/// A distinct path. Numbered in the order in which the candidates name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PathRef {
    None,
    Plain(u32),
    Regex(u32),
}

#[derive(Debug)]
pub(super) struct Regex {
    pub(super) pcre: Pcre,
    /// With an empty last group that tells which alternative matched; see [`super::find`].
    pub(super) marked: Option<Pcre>,
}

/// The routes with one set of kinds.
#[derive(Debug, Default)]
pub(super) struct Category {
    pub(super) kinds: Kinds,
    /// All its candidates; `None` if they are always found by a host.
    pub(super) all: Option<Root>,
    pub(super) has_regex: bool,
    /// Whether a better candidate's expression may have been named later than a worse one's.
    pub(super) is_mixed: bool,
    /// Numbers of the header names that its routes name.
    pub(super) headers: HashSet<u32, FixedState>,
    /// How many candidates name each host, path, method and SNI.
    pub(super) sizes: Sizes,
}

#[derive(Debug, Default)]
pub(super) struct Sizes {
    pub(super) hosts: Map<Key, u32>,
    pub(super) paths: Map<PathRef, u32>,
    pub(super) methods: Map<Box<str>, u32>,
    pub(super) snis: Map<Key, u32>,
}

/// Names, and the trees that hang on them.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) names: Hosts,
    /// By key: category and tree.
    roots: Vec<Vec<(u8, Root)>>,
}

/// What is under construction.
#[derive(Default)]
struct Builder {
    index: Index,
    paths: Tree,
    trees: BTreeMap<(Kinds, Branch), Tree>,
    path_numbers: Map<Path, PathRef>,
    rule_numbers: Map<usize, u32>,
    host_keys: Map<Box<str>, Key>,
    sni_keys: Map<Box<str>, Key>,
    header_numbers: Map<HeaderName, u32>,
    categories: BTreeMap<Kinds, Category>,
    last_regex: Map<Kinds, u32>,
}

/// Where in a category a tree hangs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Branch {
    All,
    Host(Key),
    Sni(Key),
}

// === impl Index ===

impl Index {
    /// Arranges routes.
    pub(super) fn build(specs: &[Spec], compat: Compat) -> Result<Self, Vec<SpecError>> {
        let read: Vec<Vec<Path>> = specs.iter().map(|spec| Self::paths_of(spec, compat)).collect();
        let places = order::places(specs, &read, compat);
        let (expressed, mut errors) = match Expressed::build(specs, &places) {
            Ok(expressed) => (expressed, Vec::new()),
            Err(errors) => (Expressed::default(), errors),
        };
        let mut builder = Builder { index: Self { compat, expressed, ..Self::default() }, ..Builder::default() };
        for (spec, path) in places.into_iter().map(Place::order) {
            breathe();
            let text = specs[spec].paths.get(path).map(String::as_str).unwrap_or_default();
            if let Err(message) = builder.add(spec, &specs[spec], read[spec].get(path)) {
                errors.push(SpecError { route: specs[spec].id, text: text.to_owned(), message });
            }
        }
        if errors.is_empty() { Ok(builder.finish()) } else { Err(errors) }
    }

    /// A route's paths, read.
    pub(super) fn paths_of(spec: &Spec, compat: Compat) -> Vec<Path> {
        breathe();
        spec.paths.iter().map(|path| Path::read(path, compat)).collect()
    }

    pub(super) fn rule(&self, candidate: Candidate) -> &Rule {
        &self.rules[candidate.rule as usize]
    }
}

// === impl Places ===

impl Places {
    /// The tree of a name in a category.
    pub(super) fn root(&self, key: Key, category: usize) -> Option<Root> {
        let roots = self.roots.get(key.0 as usize)?;
        roots.iter().find(|(number, _)| usize::from(*number) == category).map(|(_, root)| *root)
    }

    fn add_root(&mut self, key: Key, category: u8, root: Root) {
        let key = key.0 as usize;
        if self.roots.len() <= key {
            self.roots.resize_with(key + 1, Vec::new);
        }
        self.roots[key].push((category, root));
    }

    fn key(&mut self, keys: &mut Map<Box<str>, Key>, text: &str, pattern: Pattern<'_>) -> Key {
        let next = Key(number(keys.len()));
        *keys.entry(text.into()).or_insert_with(|| {
            self.names.add(pattern, next);
            next
        })
    }
}

// === impl Builder ===

impl Builder {
    /// Adds the next candidate. They come best first.
    fn add(&mut self, number_in_file: usize, spec: &Spec, path: Option<&Path>) -> Result<(), String> {
        let kinds = Kinds::of(spec);
        if spec.expression.is_some() {
            let rule = self.rule(number_in_file, spec);
            self.index.candidates.push(Candidate { rule, path: PathRef::None });
            return Ok(());
        }
        let path_ref = path.map_or(Ok(PathRef::None), |path| self.path(path))?;
        let rule = self.rule(number_in_file, spec);
        let rank = number(self.index.candidates.len());
        self.index.candidates.push(Candidate { rule, path: path_ref });
        self.count(kinds, rule, path_ref);
        let (literal, side) = match path {
            None => (Vec::new(), Side::Plain),
            Some(Path::Plain(text)) => (text.to_vec(), Side::Plain),
            Some(Path::Regex(text)) => (literal_prefix(text), Side::Regex),
        };
        for branch in self.branches(kinds, rule) {
            self.trees.entry((kinds, branch)).or_default().add(&literal, side, rank);
        }
        Ok(())
    }

    fn branches(&self, kinds: Kinds, rule: u32) -> Vec<Branch> {
        if kinds.has(Kinds::HOST) {
            return self.index.rules[rule as usize].hosts.iter().map(|key| Branch::Host(*key)).collect();
        }
        let snis = self.index.rules[rule as usize].snis.iter().map(|key| Branch::Sni(*key));
        // Without TLS, any SNI will do.
        snis.chain([Branch::All]).collect()
    }

    fn sni_key(&mut self, text: &str) -> Key {
        let pattern = match self.index.compat {
            Compat::Kong2 => Pattern::Exact { text, port: None },
            Compat::Kong3 => Pattern::read(text, Compat::Kong3),
        };
        self.index.snis.key(&mut self.sni_keys, text, pattern)
    }

    fn path(&mut self, path: &Path) -> Result<PathRef, String> {
        if let Some(known) = self.path_numbers.get(path) {
            return Ok(*known);
        }
        let number = match path {
            Path::Plain(text) => self.plain(text),
            Path::Regex(text) => self.regex(text)?,
        };
        self.path_numbers.insert(path.clone(), number);
        Ok(number)
    }

    fn plain(&mut self, text: &[u8]) -> PathRef {
        let next = number(self.index.plains.len());
        self.index.plains.push(number(text.len()));
        self.paths.add(text, Side::Plain, next);
        PathRef::Plain(next)
    }

    fn regex(&mut self, text: &str) -> Result<PathRef, String> {
        let pcre = Pcre::anchored(text)?;
        let next = number(self.index.regexes.len());
        let alternatives = self.index.compat == Compat::Kong2 && text.contains('|');
        let marked = if alternatives { Pcre::anchored(&format!("{text}(?<uri_postfix>)")).ok() } else { None };
        self.index.regexes.push(Regex { pcre, marked });
        self.paths.add(&literal_prefix(text), Side::Regex, next);
        Ok(PathRef::Regex(next))
    }

    fn rule(&mut self, number_in_file: usize, spec: &Spec) -> u32 {
        if let Some(known) = self.rule_numbers.get(&number_in_file) {
            return *known;
        }
        let compat = self.index.compat;
        let hosts =
            patterns(spec, compat).map(|(text, pattern)| self.index.hosts.key(&mut self.host_keys, text, pattern));
        let mut hosts: Vec<Key> = hosts.collect();
        hosts.sort_unstable();
        hosts.dedup();
        let headers = spec.headers.iter().map(|(name, values)| Header::read(name, self.header(name), values, compat));
        let rule = Rule {
            id: spec.id,
            kinds: Kinds::of(spec),
            headers: headers.collect(),
            methods: spec.methods.iter().map(|method| method.as_str().into()).collect(),
            snis: spec.snis.iter().map(|text| self.sni_key(sni(text))).collect(),
            hosts: hosts.into(),
        };
        self.index.methods.extend(rule.methods.iter().cloned());
        let next = number(self.index.rules.len());
        self.index.rules.push(rule);
        self.rule_numbers.insert(number_in_file, next);
        next
    }

    fn header(&mut self, name: &HeaderName) -> u32 {
        let next = number(self.index.headers.len());
        let known = *self.header_numbers.entry(name.clone()).or_insert(next);
        if known == next {
            self.index.headers.push(name.clone());
        }
        known
    }

    /// Books a candidate in its category.
    fn count(&mut self, kinds: Kinds, rule: u32, path: PathRef) {
        let category = self.categories.entry(kinds).or_default();
        let rule = &self.index.rules[rule as usize];
        let sizes = &mut category.sizes;
        rule.hosts.iter().for_each(|key| *sizes.hosts.entry(*key).or_default() += 1);
        rule.methods.iter().for_each(|method| *sizes.methods.entry(method.clone()).or_default() += 1);
        rule.snis.iter().for_each(|sni| *sizes.snis.entry(*sni).or_default() += 1);
        *sizes.paths.entry(path).or_default() += 1;
        category.headers.extend(rule.headers.iter().map(|header| header.number));
        if let PathRef::Regex(number) = path {
            let last = self.last_regex.insert(kinds, number);
            category.has_regex = true;
            category.is_mixed |= last.is_some_and(|last| last > number);
        }
    }

    fn finish(mut self) -> Index {
        // A route that asks for nothing takes nothing.
        self.categories.remove(&Kinds::default());
        let mut categories: Vec<_> = std::mem::take(&mut self.categories).into_iter().collect();
        categories.sort_by_key(|(kinds, _)| order::category(*kinds));
        let index = &mut self.index;
        index.categories = categories.into_iter().map(|(kinds, category)| Category { kinds, ..category }).collect();
        for ((kinds, branch), tree) in self.trees {
            let root = index.forest.plant(tree);
            let Some(number) = index.categories.iter().position(|category| category.kinds == kinds) else { continue };
            // There are 31 sets of kinds.
            let short = u8::try_from(number).unwrap_or(u8::MAX);
            match branch {
                Branch::All => index.categories[number].all = Some(root),
                Branch::Host(key) => index.hosts.add_root(key, short, root),
                Branch::Sni(key) => index.snis.add_root(key, short, root),
            }
        }
        let any = !index.plains.is_empty() || !index.regexes.is_empty();
        index.paths = any.then(|| index.forest.plant(self.paths));
        self.index
    }
}

/// Saturates: no file holds four thousand million routes.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
