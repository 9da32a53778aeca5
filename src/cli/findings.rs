//! The one place where the command line meets the compiler: a document in, a snapshot or a report out, and the report's
//! three ways to look.

use super::{args::Format, edge, print};
use crate::config::kong_print;
use crate::config::render;
use crate::config::report::{Report, Severity, Source};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::io::IsTerminal;

/// Columns of an excerpt. Longer lines are cut round the place.
const WIDTH: usize = 140;

/// What came of a document.
pub(super) struct Compiled {
    /// What was read.
    pub(super) source: Source,
    /// What can be served, if anything.
    pub(super) snapshot: Option<Snapshot>,
    /// What was found.
    pub(super) report: Report,
}

/// Compiles a document. `env` answers for variables in it.
pub(super) fn compile(source: Source, env: &dyn Fn(&str) -> Option<String>, settings: &Settings) -> Compiled {
    let (snapshot, report) = crate::config::load(&source, env, settings);
    Compiled { source, snapshot, report }
}

/// The same, with this process's environment.
pub(super) fn compile_here(source: Source, settings: &Settings) -> Compiled {
    compile(source, &edge::variable, settings)
}

// === impl Compiled ===

impl Compiled {
    /// All findings as text for a stream, in the order of the document; empty if there are none.
    pub(super) fn render(&self, format: Format, stream: &impl IsTerminal) -> String {
        match format {
            Format::Short => render::short(&self.report, &self.source),
            Format::Human => render::human(&self.report, &self.source, print::colors(stream), WIDTH),
        }
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
