//! Routes, services, consumers and upstreams of a configuration, as Lua may ask for them and log records tell them.

use crate::config::value::Checked;
use crate::entity::UpstreamId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

/// What a configuration has.
#[derive(Debug, Default)]
pub struct Entities {
    /// Routes by number: their fields, defaults filled in.
    pub routes: Box<[Checked]>,
    /// Services by number.
    pub services: Box<[Checked]>,
    /// Consumers by number.
    pub consumers: Box<[Checked]>,
    /// Upstreams by name.
    pub upstreams: HashMap<Arc<str>, UpstreamId>,
}

/// The entities of the configuration that something belongs to. Empty until it is compiled.
#[derive(Clone, Default)]
pub struct Catalog(Arc<OnceLock<Entities>>);

// === impl Catalog ===

impl Catalog {
    /// Says what there is. The first time counts.
    pub fn fill(&self, entities: Entities) {
        let _ = self.0.set(entities);
    }

    /// What there is.
    #[must_use]
    pub fn get(&self) -> &Entities {
        static NOTHING: LazyLock<Entities> = LazyLock::new(Entities::default);
        self.0.get().unwrap_or(&NOTHING)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalog")
    }
}
