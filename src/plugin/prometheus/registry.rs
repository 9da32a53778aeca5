//! Every series of the process. It outlives configurations: a counter that falls because a file was read again would be a
//! gap in every graph.

use super::cells::{Cells, Counts};
use crate::entity::Compat;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Cells that a series may have; workers beyond that share some.
const SHARDS: usize = 16;
/// Most series. Further ones are counted together, without names.
const MOST: usize = 10_000;

/// What a series is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels {
    /// Whose names its metrics have.
    pub compat: Compat,
    /// The service.
    pub service: Box<str>,
    /// The route.
    pub route: Box<str>,
}

/// The counts of one route.
#[derive(Debug, Default)]
pub struct Series {
    shards: [OnceLock<Box<Cells>>; SHARDS],
}

/// All of them.
#[derive(Debug, Default)]
pub struct Registry {
    series: Mutex<BTreeMap<Labels, Arc<Series>>>,
}

// === impl Series ===

impl Series {
    /// A worker's own counts.
    pub(super) fn cells(&self, worker: u128) -> &Cells {
        let shard = usize::try_from(worker % SHARDS as u128).unwrap_or_default();
        self.shards[shard].get_or_init(Box::default)
    }

    /// All workers' counts.
    pub(super) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.shards.iter().filter_map(OnceLock::get).for_each(|cells| cells.add_to(&mut sum));
        sum
    }
}

// === impl Registry ===

impl Registry {
    /// That of this process.
    #[must_use]
    pub fn process() -> &'static Self {
        static ALL: OnceLock<Registry> = OnceLock::new();
        ALL.get_or_init(Self::default)
    }

    /// The series of these labels; a new one if there is none.
    pub(super) fn series(&self, labels: &Labels) -> Arc<Series> {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(labels) {
            return known.clone();
        }
        let labels = match all.len() < MOST {
            true => labels.clone(),
            false => Labels { service: "".into(), route: "".into(), ..labels.clone() },
        };
        all.entry(labels).or_default().clone()
    }

    /// Every series, by its labels.
    pub(super) fn all(&self) -> Vec<(Labels, Arc<Series>)> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(labels, series)| (labels.clone(), series.clone())).collect()
    }
}
