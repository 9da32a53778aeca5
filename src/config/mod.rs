//! Bytes to snapshot, or to a report: the one front door for start-up, reload and `gateway check`.

pub mod report;
pub mod schema;
pub mod value;

use crate::settings::Settings;
use crate::snapshot::Snapshot;
use report::{Report, Source};

/// Reads, resolves and compiles one document. Pure: the environment is an argument, nothing is touched.
///
/// The report holds warnings also when a snapshot comes back, and at least one error when none does.
pub fn load(
    _source: &Source,
    _env: &dyn Fn(&str) -> Option<String>,
    _settings: &Settings,
) -> (Option<Snapshot>, Report) {
    (None, Report::default())
}
