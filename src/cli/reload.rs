//! The configuration of a running process, read again: the same place, the same settings, the same compiler.

use super::document::Place;
use super::edge::{self, Setup};
use super::{count, findings};
use crate::config::render::short;
use crate::config::report::{Severity, Source};
use crate::config::section::Setting;
use crate::config::{Legacy, Opened};
use crate::server::posted::Refusal;
use crate::server::reload::Origin;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// Where `gateway run` found its document, and what it made of it.
pub(super) struct Again {
    place: Place,
    setup: Setup,
    /// As the process was started.
    settings: Settings,
    /// What was read at start, where that cannot be read twice.
    first: Option<Source>,
    serving: Serving,
    /// What was compiled last, and what is to be said once it is served.
    next: Option<(Serving, String)>,
}

/// What is kept of a document that is served.
#[derive(Debug, Default)]
pub(super) struct Serving {
    pub(super) legacy: Legacy,
    /// The settings in it.
    pub(super) section: Vec<Setting>,
}

// === impl Again ===

impl Again {
    /// For a process that begins with these.
    pub(super) fn new(place: Place, setup: Setup, settings: Settings, first: Source, serving: Serving) -> Self {
        let first = (place == Place::Stdin).then_some(first);
        Self { place, setup, settings, first, serving, next: None }
    }

    /// What is wrong with the settings in a document, if they are new; they would keep the next start from serving.
    fn judge(&self, opened: &Opened) -> Vec<String> {
        if opened.is_refused() || opened.settings() == self.serving.section {
            return Vec::new();
        }
        self.setup.with(opened.settings()).err().unwrap_or_default()
    }
}

impl Origin for Again {
    fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::File(path) => Some(path.clone()),
            Place::Stdin | Place::Inline(_) | Place::Nowhere => None,
        }
    }

    fn read(&self) -> io::Result<Source> {
        self.first.clone().map_or_else(|| self.place.read(), Ok)
    }

    fn compile(&mut self, source: &Source) -> Result<Snapshot, Refusal> {
        let world = edge::world(&edge::variable);
        let opened = crate::config::open(source, world, edge::EDGE);
        let (section, wrong) = (opened.settings().to_vec(), self.judge(&opened));
        let (made, mut report) = opened.compile_after(&self.serving.legacy, world, &self.settings);
        let Some((snapshot, legacy)) = made.filter(|_| wrong.is_empty()) else {
            report.found.retain(|found| found.severity == Severity::Error);
            let lines = short(&report, source).lines().map(str::to_owned).chain(wrong).collect();
            return Err(Refusal { lines, report });
        };
        let warnings = findings::counts(&report);
        let warnings = if warnings.is_empty() { warnings } else { format!("; {warnings}, see `gateway check`") };
        let changes = self.serving.legacy.inventory.changes(&legacy.inventory);
        let contents = count::contents(&snapshot);
        let told = format!("{} is served anew ({contents}{warnings}): {changes}", source.name);
        self.next = Some((Serving { legacy, section }, told));
        Ok(snapshot)
    }

    fn adopted(&mut self) {
        let Some((serving, told)) = self.next.take() else { return };
        tracing::info!("{told}");
        for key in differing(&self.serving.section, &serving.section) {
            tracing::warn!("setting `{key}` in the file changed: it needs a restart to count");
        }
        // Settings are compared with those that the process was started with.
        self.serving.legacy = serving.legacy;
    }
}

/// The keys that only one of them has, or both with other values.
fn differing<'a>(one: &'a [Setting], two: &'a [Setting]) -> BTreeSet<&'a str> {
    let lacks = |of: &[Setting], setting: &Setting| {
        !of.iter().any(|other| (&other.key, &other.value) == (&setting.key, &setting.value))
    };
    let gone = one.iter().filter(|setting| lacks(two, setting));
    gone.chain(two.iter().filter(|setting| lacks(one, setting))).map(|setting| &*setting.key).collect()
}
