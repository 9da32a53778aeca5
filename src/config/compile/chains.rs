//! Which plugins run on which route: Kong's eight levels of precedence (`kong/plugins.md` §1), folded into slots.

use crate::config::model::{Entity, Model};
use crate::config::plugins::Built;
use crate::entity::{Compat, ConsumerId};
use crate::plugin::{Chain, Entry, Plugin, Scope, Slot, Special};
use foldhash::{HashMap, HashMapExt};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Route, service and consumer that an instance is bound to.
type Level = (Place, Option<usize>);

/// Route and service.
type Place = (Option<usize>, Option<usize>);

/// The instances of one plugin, by the route and service that they are bound to.
struct Instances {
    name: &'static str,
    base: HashMap<Place, Arc<dyn Plugin>>,
    special: HashMap<Place, Arc<Special>>,
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
        let services = model.all("services").iter().map(|service| service.id).collect();
        for entity in model.all("plugins").iter().filter(|entity| runs(entity)) {
            let Some(Built { entry, plugin, .. }) = &entity.plugin else { continue };
            let level = level(model, entity);
            if level.1.is_some() && !entry.consumer_scope {
                continue;
            }
            plugin.bound(&scope(entity, &services));
            if let Some(route) = level.0.0 {
                own[route] = true;
            }
            let instances = sorted.entry(order(entry, model.compat)).or_insert_with(|| Instances::new(entry.name));
            instances.put(level, Arc::clone(plugin));
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
            let base = instances.base.get(&(None, None)).cloned()?;
            Some(Slot { name: instances.name, base: Some(base), special: Vec::new() })
        };
        Chain::new(self.plugins.iter().filter_map(slot).collect())
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
pub(super) fn runs(entity: &Entity) -> bool {
    let http = |name: &str| matches!(name, "http" | "https" | "grpc" | "grpcs");
    entity.fields.bool("enabled") && entity.fields.strs("protocols").any(http)
}

fn scope(entity: &Entity, services: &Arc<[Uuid]>) -> Scope {
    Scope { route: entity.link("route"), service: entity.link("service"), services: Arc::clone(services) }
}

fn level(model: &Model, entity: &Entity) -> Level {
    let position = |kind, field| model.position(kind, entity, field);
    ((position("routes", "route"), position("services", "service")), position("consumers", "consumer"))
}

// === impl Instances ===

impl Instances {
    fn new(name: &'static str) -> Self {
        Self { name, base: HashMap::new(), special: HashMap::new() }
    }

    fn put(&mut self, (place, consumer): Level, plugin: Arc<dyn Plugin>) {
        match consumer {
            None => _ = self.base.insert(place, plugin),
            Some(consumer) => {
                let special = self.special.entry(place).or_default();
                Arc::make_mut(special).put(ConsumerId::from(consumer), plugin);
            }
        }
    }

    /// The slot of a route; `None` where no instance would ever run. Without a consumer levels 4, 6, 7 and 8 are left.
    fn slot(&self, route: Option<usize>, service: Option<usize>) -> Option<Slot> {
        let mut places = vec![(route, service), (route, None), (None, service), (None, None)];
        places.dedup();
        let base = places.iter().find_map(|place| self.base.get(place)).cloned();
        // One for route and service (4) goes before those for a consumer alone (5), which go before one for a route (6).
        if route.and(service).is_some() && self.base.contains_key(&(route, service)) {
            places.pop();
        }
        let special: Vec<_> = places.iter().filter_map(|place| self.special.get(place)).cloned().collect();
        if base.is_none() && special.is_empty() {
            return None;
        }
        Some(Slot { name: self.name, base, special })
    }
}
