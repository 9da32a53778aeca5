//! The one place where the command line meets the compiler: a document in, a snapshot or a report out.

use super::edge::{self, Setup};
use super::print::Look;
use super::reload::Serving;
use crate::config::kong_print;
use crate::config::outline::Outline;
use crate::config::render;
use crate::config::report::{Report, Severity, Source};
use crate::config::{Legacy, Opened};
use crate::settings::Loaded;
use crate::snapshot::Snapshot;
use std::io::IsTerminal;

/// What came of a document.
pub(super) struct Compiled {
    /// What was read.
    pub(super) source: Source,
    /// What can be served, if anything.
    pub(super) snapshot: Option<Snapshot>,
    /// What was found.
    pub(super) report: Report,
    /// What a reload needs of it.
    pub(super) serving: Serving,
}

/// Compiles a document with the settings of all sources, its own among them. `env` answers for variables in it.
///
/// # Errors
/// Messages about settings that do not go together. What is wrong with the document is in its report.
pub(super) fn compile(
    source: Source,
    env: &dyn Fn(&str) -> Option<String>,
    setup: &Setup,
) -> Result<(Compiled, Loaded), Vec<String>> {
    let world = edge::world(env);
    let opened = crate::config::open(&source, world, edge::EDGE);
    let loaded = settings_of(&opened, setup)?;
    let section = opened.settings().to_vec();
    let (made, report) = opened.compile_after(&Legacy::default(), world, &loaded.settings);
    let (snapshot, legacy) = made.unzip();
    let serving = Serving { legacy: legacy.unwrap_or_default(), section };
    Ok((Compiled { source, snapshot, report, serving }, loaded))
}

/// Compiles a document with this process's environment, and tells what was written where.
///
/// # Errors
/// Messages about settings that do not go together.
pub(super) fn compile_outlined(source: Source, setup: &Setup) -> Result<(Compiled, Outline, Loaded), Vec<String>> {
    let world = edge::world(&edge::variable);
    let opened = crate::config::open(&source, world, edge::EDGE);
    let loaded = settings_of(&opened, setup)?;
    let (made, report) = opened.compile_outlined(&source, world, &loaded.settings);
    let (snapshot, outline) = made.unzip();
    Ok((Compiled { source, snapshot, report, serving: Serving::default() }, outline.unwrap_or_default(), loaded))
}

/// The settings of all sources, a document among them.
fn settings_of(opened: &Opened, setup: &Setup) -> Result<Loaded, Vec<String>> {
    let alone = opened.settings().is_empty() || opened.is_refused();
    if alone { Ok(setup.base.clone()) } else { setup.with(opened.settings()) }
}

/// [`compile`] with this process's environment.
pub(super) fn compile_here(source: Source, setup: &Setup) -> Result<(Compiled, Loaded), Vec<String>> {
    compile(source, &edge::variable, setup)
}

// === impl Compiled ===

impl Compiled {
    /// All findings for people, in the order of the document; empty if there are none.
    pub(super) fn human(&self, stream: &impl IsTerminal) -> String {
        let look = Look::of(stream);
        render::human(&self.report, &self.source, look.color, look.width)
    }

    /// Takes what Kong does not have for an error. Whether there is nothing of that kind.
    pub(super) fn mind_extensions(&mut self) -> bool {
        let extensions = std::mem::take(&mut self.report.extensions);
        let portable = extensions.is_empty();
        self.report.found.extend(extensions);
        portable
    }

    /// What Kong's `config parse` says; `None` when it says nothing (`kong/declarative.md` §8).
    pub(super) fn kong(&self) -> Option<String> {
        kong_print::render(&self.report)
    }
}

/// `2 errors, 1 warning`: what there is of them. Empty if there is nothing.
pub(super) fn counts(report: &Report) -> String {
    let words = [(Severity::Error, "error"), (Severity::Warning, "warning")];
    let counted = words.map(|(severity, word)| (report.count(severity), word));
    let parts = counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| super::count::number(n, word));
    parts.collect::<Vec<_>>().join(", ")
}
