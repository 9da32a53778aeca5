//! Which plugins run on which route: Kong's eight levels of precedence (`kong/plugins.md` §1), folded into slots.

use crate::config::model::{Entity, Model};
use crate::config::plugins::Built;
use crate::entity::{Compat, ConsumerId};
use crate::plugin::{Chain, Entry, Plugin, Slot};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Route, service and consumer that an instance is bound to.
type Scope = (Option<usize>, Option<usize>, Option<usize>);

/// The instances of one plugin.
struct Instances {
    name: &'static str,
    by_scope: HashMap<Scope, Arc<dyn Plugin>>,
    /// The consumers of a route and service for which there are instances.
    consumers: HashMap<(Option<usize>, Option<usize>), Vec<usize>>,
}

/// All plugins of a model.
pub(super) struct Chains {
    /// In running order.
    plugins: Vec<Instances>,
    /// Routes for which there is an instance of their own.
    own: Vec<bool>,
    /// Chains of the other routes, by service.
    shared: HashMap<Option<usize>, Chain>,
}

// === impl Chains ===

impl Chains {
    /// Sorts the instances that run at all.
    pub(super) fn of(model: &Model) -> Self {
        let mut sorted: BTreeMap<_, Instances> = BTreeMap::new();
        let mut own = vec![false; model.all("routes").len()];
        for entity in model.all("plugins").iter().filter(|entity| runs(entity)) {
            let Some(Built { entry, plugin, .. }) = &entity.plugin else { continue };
            let scope = scope(model, entity);
            if scope.2.is_some() && !entry.consumer_scope {
                continue;
            }
            if let Some(route) = scope.0 {
                own[route] = true;
            }
            let instances = sorted.entry(order(entry, model.compat)).or_insert_with(|| Instances::new(entry.name));
            instances.put(scope, Arc::clone(plugin));
        }
        Self { plugins: sorted.into_values().collect(), own, shared: HashMap::new() }
    }

    /// The chain of a route. Routes without plugins of their own share their service's.
    pub(super) fn of_route(&mut self, route: usize, service: Option<usize>) -> Chain {
        if self.own.get(route).copied().unwrap_or_default() {
            return self.build(Some(route), service);
        }
        if let Some(chain) = self.shared.get(&service) {
            return chain.clone();
        }
        let chain = self.build(None, service);
        self.shared.insert(service, chain.clone());
        chain
    }

    /// The chain for requests without a route: instances bound to nothing.
    pub(super) fn global(&self) -> Chain {
        let slot = |instances: &Instances| {
            let base = instances.by_scope.get(&(None, None, None)).cloned()?;
            Some(Slot { name: instances.name, base: Some(base), by_consumer: HashMap::new() })
        };
        Chain::new(self.plugins.iter().filter_map(slot).collect())
    }

    /// What the instances call secrets, each once.
    pub(super) fn secrets(&self) -> Box<[Box<str>]> {
        let instances = self.plugins.iter().flat_map(|instances| instances.by_scope.values());
        instances.flat_map(|plugin| plugin.secrets()).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn build(&self, route: Option<usize>, service: Option<usize>) -> Chain {
        Chain::new(self.plugins.iter().filter_map(|instances| instances.slot(route, service)).collect())
    }
}

/// High priority first, then by name, descending.
fn order(entry: &Entry, compat: Compat) -> (Reverse<i32>, Reverse<&'static str>) {
    (Reverse((entry.priority)(compat)), Reverse(entry.name))
}

/// Neither disabled nor for streams alone.
fn runs(entity: &Entity) -> bool {
    let http = |name: &str| matches!(name, "http" | "https" | "grpc" | "grpcs");
    entity.fields.bool("enabled") && entity.fields.strs("protocols").any(http)
}

fn scope(model: &Model, entity: &Entity) -> Scope {
    let position = |kind, field| model.position(kind, entity, field);
    (position("routes", "route"), position("services", "service"), position("consumers", "consumer"))
}

// === impl Instances ===

impl Instances {
    fn new(name: &'static str) -> Self {
        Self { name, by_scope: HashMap::new(), consumers: HashMap::new() }
    }

    fn put(&mut self, scope: Scope, plugin: Arc<dyn Plugin>) {
        if let (route, service, Some(consumer)) = scope {
            self.consumers.entry((route, service)).or_default().push(consumer);
        }
        self.by_scope.insert(scope, plugin);
    }

    /// The slot of a route; `None` where no instance would ever run.
    fn slot(&self, route: Option<usize>, service: Option<usize>) -> Option<Slot> {
        let base = self.best(route, service, None).cloned();
        let mut by_consumer = HashMap::new();
        for consumer in self.consumers_of(route, service) {
            let best = self.best(route, service, Some(consumer));
            by_consumer.extend(best.map(|plugin| (ConsumerId::from(consumer), Arc::clone(plugin))));
        }
        if base.is_none() && by_consumer.is_empty() {
            return None;
        }
        Some(Slot { name: self.name, base, by_consumer })
    }

    fn consumers_of(&self, route: Option<usize>, service: Option<usize>) -> impl Iterator<Item = usize> {
        let mut scopes = vec![(route, service), (route, None), (None, service), (None, None)];
        scopes.dedup();
        scopes.into_iter().filter_map(|scope| self.consumers.get(&scope)).flatten().copied()
    }

    /// The most specific instance. Without a consumer levels 4, 6, 7 and 8 are left; a consumer's own instance (5) goes
    /// before a route's (6).
    fn best(&self, route: Option<usize>, service: Option<usize>, consumer: Option<usize>) -> Option<&Arc<dyn Plugin>> {
        let levels = [
            (route, service, consumer),
            (route, None, consumer),
            (None, service, consumer),
            (route, service, None),
            (None, None, consumer),
            (route, None, None),
            (None, service, None),
            (None, None, None),
        ];
        levels.iter().find_map(|scope| self.by_scope.get(scope))
    }
}
