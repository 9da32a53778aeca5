//! Counting by the calendar: what the rate limits of Kong have in common (`kong/plugins.md` §10, §11).

pub(super) mod counts;
pub(super) mod limit;
pub(super) mod period;
pub(super) mod schema;
pub(super) mod whom;
pub(super) mod zone;

use super::{Build, Scope};
use crate::consumers::{Consumers, Directory};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;
use zone::{Zone, Zones};

/// What an instance knows besides its `config`: where it counts, and who is who.
#[derive(Debug)]
pub(super) struct Counting {
    plugin: &'static str,
    consumers: Directory,
    zones: Zones,
    bound: OnceLock<Bound>,
}

/// What is known once the configuration is resolved.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// One for each thing that is counted.
    zones: Box<[Arc<Zone>]>,
    /// Ids of services by their numbers.
    services: Arc<[Uuid]>,
}

// === impl Counting ===

impl Counting {
    /// For an instance that is being built.
    pub(super) fn new(plugin: &'static str, cx: &mut Build<'_>) -> Self {
        let before = cx.before.get::<Zones>();
        let zones = cx.shared.get_or_insert_with(|| Zones::after(before)).clone();
        Self { plugin, consumers: cx.consumers(), zones, bound: OnceLock::new() }
    }

    /// Takes the zones of this place, one for each name. The first time counts.
    pub(super) fn bind<'a>(&self, scope: &Scope, names: impl Iterator<Item = &'a str>) {
        let zones = names.map(|name| self.zones.at(self.plugin, scope, name)).collect();
        let _ = self.bound.set(Bound { zones, services: Arc::clone(&scope.services) });
    }

    /// The zones, and what else is known. An instance that nothing was said to runs nowhere.
    pub(super) fn bound(&self) -> &Bound {
        self.bound.get_or_init(Bound::default)
    }

    /// Everybody there is.
    pub(super) fn consumers(&self) -> &Consumers {
        self.consumers.get()
    }
}

// === impl Bound ===

impl Bound {
    /// The zone of that number, in the order of the names.
    pub(super) fn zone(&self, at: usize) -> Option<&Zone> {
        self.zones.get(at).map(|zone| &**zone)
    }

    /// Ids of services by their numbers.
    pub(super) fn services(&self) -> &[Uuid] {
        &self.services
    }
}
