//! The one place where the command line meets the compiler: a document in, a snapshot or a report out, and the report's
//! three ways to look.

use super::{args::Format, edge};
use crate::config::kong_print;
use crate::config::report::{Diagnostic, Report, Severity, Source};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::fmt::Write;

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
    /// All findings as text, in the order of the document; empty if there are none.
    pub(super) fn render(&self, format: Format) -> String {
        let line = |found: &&Diagnostic| match format {
            Format::Short => short(found, &self.source),
            Format::Human => human(found, &self.source),
        };
        self.report.sorted().iter().map(line).collect()
    }

    /// What Kong's `config parse` says; `None` when it says nothing (`kong/declarative.md` §8).
    pub(super) fn kong(&self) -> Option<String> {
        kong_print::render(&self.report)
    }
}

/// Errors and warnings, counted.
pub(super) fn counts(report: &Report) -> String {
    let count = |severity, word| match report.count(severity) {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    format!("{}, {}", count(Severity::Error, "error"), count(Severity::Warning, "warning"))
}

/// `FILE:LINE:COLUMN: SEVERITY[CODE]: TEXT`.
fn short(found: &Diagnostic, source: &Source) -> String {
    let (line, column) = place(&source.text, found.span.start);
    let severity = if found.severity == Severity::Error { "error" } else { "warning" };
    format!("{}:{line}:{column}: {severity}[{}]: {}\n", source.name, found.code, found.message)
}

fn human(found: &Diagnostic, source: &Source) -> String {
    let mut text = short(found, source);
    for help in found.label.iter().chain(&found.help) {
        let _ = writeln!(text, "    {help}");
    }
    text
}

/// Line and column, both from 1; columns are characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
