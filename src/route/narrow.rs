//! What Kong 2 tries before the order of a category (`kong/routing.md` §4, 3a), and from which category on (§3, SNIs).
//!
//! Kong first tries a part of the category: the routes that name the first of the routes' headers that the request has;
//! if none does, the smallest of these: the routes that name its host (as sent, or the first wildcard that fits), the
//! path that hit (the first expression that matches, else the longest prefix, over all routes), its method, its SNI.
//! Only then all routes in order. This changes the winner seldom, and asks much; so the winner by order is looked for
//! first, and the part only where it could have another winner.

use super::find::{Best, Filter, NOBODY, Search};
use super::index::{Category, PathRef};
use super::rule::Kinds;
use super::trie::Side;

impl Search<'_> {
    /// The category from which on Kong 2 tries: the one of all kinds that the request shows, or the first if no route
    /// has exactly these. A request without any is not tried.
    pub(super) fn first_category(&self) -> usize {
        let categories = &self.index.categories;
        // Every matcher needs its kind to be shown, so that this changes nothing, but for these two.
        let any_sni = !self.query.tls && categories.iter().any(|category| category.kinds.has(Kinds::SNI));
        let bracketed = self.query.host.is_some_and(|host| host.starts_with(b"[") && host.ends_with(b"]"));
        if !any_sni && !bracketed {
            return 0;
        }
        match self.shown() {
            Kinds(0) => categories.len(),
            shown => categories.iter().position(|category| category.kinds == shown).unwrap_or(0),
        }
    }

    /// The kinds of which the request has something that some route names.
    fn shown(&self) -> Kinds {
        let kinds = [
            (Kinds::HOST, self.host.is_known()),
            (Kinds::HEADER, self.header_hit().is_some()),
            (Kinds::PATH, self.path_hit() != PathRef::None),
            (Kinds::METHOD, self.index.methods.contains(self.query.method)),
            (Kinds::SNI, self.sni.raw.is_some()),
        ];
        kinds.into_iter().filter(|(_, shown)| *shown).fold(Kinds(0), |all, (kind, _)| all.with(kind))
    }

    /// The winner of a category, if it has one.
    pub(super) fn choose(&self, number: usize) -> Option<u32> {
        let category = &self.index.categories[number];
        let header = if category.kinds.has(Kinds::HEADER) { self.header_hit() } else { None };
        let header = header.filter(|header| category.headers.contains(header));
        if let Some(header) = header {
            let first = self.best(number, Filter::Header(header), Best::NONE).rank;
            return Some(first).filter(|rank| *rank != NOBODY).or_else(|| self.by_order(number));
        }
        let best = self.best(number, Filter::All, Best::NONE);
        if best.rank == NOBODY || !self.is_contested(number, best) {
            return Some(best.rank).filter(|rank| *rank != NOBODY);
        }
        let narrow = self.narrowest(category).map_or(NOBODY, |filter| self.best(number, filter, Best::NONE).rank);
        Some(if narrow == NOBODY { best.rank } else { narrow })
    }

    fn by_order(&self, number: usize) -> Option<u32> {
        Some(self.best(number, Filter::All, Best::NONE).rank).filter(|rank| *rank != NOBODY)
    }

    /// Whether a part of the category could have another winner. Says yes if in doubt.
    ///
    /// Methods and SNIs cannot: the winner by order matches, and so is in their parts.
    fn is_contested(&self, number: usize, best: Best) -> bool {
        let category = &self.index.categories[number];
        let winner = self.index.candidates[best.rank as usize];
        let named =
            |key| category.sizes.hosts.contains_key(&key) && self.index.rule(winner).hosts.binary_search(&key).is_err();
        if category.kinds.has(Kinds::HOST) && self.host.narrowing().is_some_and(named) {
            return true;
        }
        match winner.path {
            PathRef::None => false,
            // The path hit, if the winner's is not, is longer, or an expression not tried yet.
            PathRef::Plain(path) => {
                best.deepest > self.index.plains[path as usize]
                    || (category.has_regex && self.has_rival(number, best.rank, u32::MAX))
            }
            // It is an expression that was named before.
            PathRef::Regex(path) => category.is_mixed && self.has_rival(number, best.rank, path),
        }
    }

    /// Whether a worse candidate's expression was named before the given one.
    fn has_rival(&self, number: usize, rank: u32, before: u32) -> bool {
        let mut rival = false;
        self.each_root(number, Filter::All, |root| {
            let place = self.index.forest.descend(root, self.query.path);
            let worse = self.index.forest.prefixes(place, Side::Regex).flat_map(|found| found.values);
            rival |= worse.filter(|other| **other > rank).any(|other| {
                let path = self.index.candidates[*other as usize].path;
                matches!(path, PathRef::Regex(path) if path < before)
            });
        });
        rival
    }

    /// The part that Kong 2 tries first, if it could have another winner than the order. The first of equal ones.
    fn narrowest(&self, category: &Category) -> Option<Filter> {
        let (sizes, has) = (&category.sizes, |kind| category.kinds.has(kind));
        let host = self.host.narrowing().filter(|_| has(Kinds::HOST));
        let host = host.and_then(|key| Some((*sizes.hosts.get(&key)?, Some(Filter::Host(key)))));
        let path = has(Kinds::PATH).then(|| self.path_hit());
        let path = path.and_then(|path| Some((*sizes.paths.get(&path)?, Some(Filter::Path(path)))));
        let method = sizes.methods.get(self.query.method).map(|size| (*size, None));
        let sni = self.sni.raw.and_then(|key| sizes.snis.get(&key));
        let parts = [host, path, method, sni.map(|size| (*size, None))];
        parts.into_iter().flatten().min_by_key(|(size, _)| *size)?.1
    }

    /// The first header name, as the routes name them, that the request has.
    fn header_hit(&self) -> Option<u32> {
        let position = self.index.headers.iter().position(|name| self.query.headers.contains_key(name))?;
        u32::try_from(position).ok()
    }

    /// The path, of all routes', that the request hits.
    fn path_hit(&self) -> PathRef {
        *self.path.get_or_init(|| self.find_path())
    }

    fn find_path(&self) -> PathRef {
        let Some(root) = self.index.paths else { return PathRef::None };
        let place = self.index.forest.descend(root, self.query.path);
        let mut first = NOBODY;
        for found in self.index.forest.prefixes(place, Side::Regex) {
            let mut before = found.values.iter().take_while(|number| **number < first);
            let matched = before.find(|number| self.index.regexes[**number as usize].pcre.is_match(self.query.path));
            first = matched.map_or(first, |number| *number);
        }
        if first != NOBODY {
            return PathRef::Regex(first);
        }
        let longest = self.index.forest.prefixes(place, Side::Plain).next();
        longest.map_or(PathRef::None, |found| PathRef::Plain(found.values[0]))
    }
}
