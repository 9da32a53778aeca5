//! Routes that ask by an expression: they go before all others, by priority (`kong/router/transform.lua`). Built once.
//!
//! An expression that says how a path begins is only asked about such paths.

use super::expression::{Expression, Hit};
use super::find::NOBODY;
use super::order::Place;
use super::trace::Miss;
use super::trie::{Forest, Root, Side, Tree};
use super::{Query, Spec, SpecError};

/// All of them, best first: the position of one is its rank.
#[derive(Debug, Default)]
pub(super) struct Expressed {
    routes: Box<[One]>,
    forest: Forest,
    root: Option<Root>,
}

#[derive(Debug)]
struct One {
    expression: Expression,
    /// Whether only requests over TLS, or only those without, are its own.
    tls: Option<bool>,
}

// === impl Expressed ===

impl Expressed {
    /// Arranges those of the routes that have an expression. `places` are those of all routes, in order.
    pub(super) fn build(specs: &[Spec], places: &[Place]) -> Result<Self, Vec<SpecError>> {
        let (mut routes, mut errors, mut tree) = (Vec::new(), Vec::new(), Tree::default());
        let mine = places.iter().map(|place| &specs[place.order().0]);
        for (spec, asked) in mine.filter_map(|spec| Some((spec, spec.expression.as_ref()?))) {
            match Expression::parse(&asked.text) {
                Ok(expression) => {
                    // Ranks are as many as routes, which are fewer than four thousand million.
                    let rank = u32::try_from(routes.len()).unwrap_or(NOBODY);
                    expression.prefixes().into_iter().for_each(|prefix| tree.add(prefix, Side::Plain, rank));
                    routes.push(One { expression, tls: asked.tls });
                }
                Err(fault) => {
                    errors.push(SpecError { route: spec.id, text: asked.text.clone(), message: fault.message });
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut forest = Forest::default();
        let root = (!routes.is_empty()).then(|| forest.plant(tree));
        Ok(Self { routes: routes.into(), forest, root })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.routes.len()
    }

    /// The rank of the first that accepts a request, and how it does.
    pub(super) fn find(&self, query: &Query<'_>) -> Option<(u32, Hit)> {
        let place = self.forest.descend(self.root?, query.path);
        let mut best = None;
        for found in self.forest.prefixes(place, Side::Plain) {
            let known = best.as_ref().map_or(NOBODY, |(rank, _)| *rank);
            let better = found.values.iter().take_while(|rank| **rank < known);
            best = better.copied().find_map(|rank| Some((rank, self.ask(rank, query)?))).or(best);
        }
        best
    }

    /// How the one of a rank accepts a request.
    pub(super) fn ask(&self, rank: u32, query: &Query<'_>) -> Option<Hit> {
        let one = self.routes.get(rank as usize)?;
        if one.tls.is_some_and(|tls| tls != query.tls) { None } else { one.expression.ask(query) }
    }

    /// What keeps the one of a rank from a request.
    pub(super) fn miss(&self, rank: u32, query: &Query<'_>) -> Option<Miss> {
        let one = self.routes.get(rank as usize)?;
        match one.tls {
            Some(tls) if tls != query.tls => Some(Miss::Scheme),
            _ if one.expression.ask(query).is_none() => Some(Miss::Expression),
            _ => None,
        }
    }
}
