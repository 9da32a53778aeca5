//! Every series of the process. It outlives configurations: a counter that falls because a file was read again would be a
//! gap in every graph.

use super::cells::{Cells, Counts};
use crate::entity::Compat;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

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

/// How long the series of a route stay that is gone: long enough for whoever asks every few minutes, and for a file that
/// was wrong for a while.
const KEPT: Duration = Duration::from_secs(3600);

/// All of them.
#[derive(Debug, Default)]
pub struct Registry {
    series: Mutex<BTreeMap<Labels, Entry>>,
}

/// A series, and since when no configuration has its route.
#[derive(Debug, Default)]
struct Entry {
    series: Arc<Series>,
    gone: Option<SystemTime>,
}

// === impl Labels ===

impl Labels {
    /// Whether this is what has no series of its own.
    fn is_of_the_rest(&self) -> bool {
        self.service.is_empty() && self.route.is_empty()
    }
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
            return known.series.clone();
        }
        let labels = match all.len() < MOST {
            true => labels.clone(),
            false => Labels { service: "".into(), route: "".into(), ..labels.clone() },
        };
        all.entry(labels).or_default().series.clone()
    }

    /// Forgets the series whose routes have been gone for an hour. `lives` tells whether what labels name is served.
    pub fn forget(&self, lives: impl Fn(&Labels) -> bool, now: SystemTime) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|labels, entry| {
            if labels.is_of_the_rest() || lives(labels) {
                entry.gone = None;
                return true;
            }
            let gone = *entry.gone.get_or_insert(now);
            // A clock that was set back: it has not been long.
            now.duration_since(gone).unwrap_or_default() < KEPT
        });
    }

    /// Every series, by its labels.
    pub(super) fn all(&self) -> Vec<(Labels, Arc<Series>)> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(labels, entry)| (labels.clone(), entry.series.clone())).collect()
    }
}
