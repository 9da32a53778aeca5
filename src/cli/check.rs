//! `gateway check`: what is wrong with files.

use super::args::{Check, Format};
use super::document::Place;
use super::edge::Setup;
use super::findings::compile_here;
use super::online::{self, Online};
use super::print::{self, Look};
use super::{REFUSED, UNREADABLE, refuse, summary};
use crate::config::codes;
use crate::config::render::{self, Checked, Verdict};
use crate::config::report::{Diagnostic, Report, Severity, Source, Span};
use std::io;
use std::process::ExitCode;
use std::time::Instant;

/// Columns of an explanation.
const PAGE: usize = 88;

/// A file, and what came of it.
pub(super) struct Outcome {
    source: Source,
    pub(super) report: Report,
    pub(super) verdict: Verdict,
    /// Whether it could be served here, though not by Kong.
    pub(super) only_here: bool,
    /// What the servers said that were asked.
    asked: Option<Online>,
}

/// Checks every file; the worst result is the exit code.
pub(super) fn main(args: &Check) -> ExitCode {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let started = Instant::now();
    let setup = match Setup::new(&args.settings, Vec::new()) {
        Ok(setup) => setup,
        Err(messages) => return refuse(&messages),
    };
    let places = match args.files.as_slice() {
        [] => vec![Place::choose(None, &setup.base.settings)],
        files => files.iter().map(|file| Place::of(file)).collect(),
    };
    let outcomes: Vec<_> = places.iter().map(|place| check(place, args, &setup)).collect();
    show(&outcomes, args.format, started);
    match outcomes.iter().map(|outcome| outcome.verdict).max() {
        None | Some(Verdict::Valid) => ExitCode::SUCCESS,
        Some(Verdict::Invalid) => ExitCode::from(REFUSED),
        Some(Verdict::Unreadable) => ExitCode::from(UNREADABLE),
    }
}

fn check(place: &Place, args: &Check, setup: &Setup) -> Outcome {
    match place.read() {
        Ok(source) => compiled(source, args, setup),
        Err(error) => unreadable(place, &error),
    }
}

fn compiled(source: Source, args: &Check, setup: &Setup) -> Outcome {
    let (mut compiled, loaded) = match compile_here(source.clone(), setup) {
        Ok(both) => both,
        Err(messages) => return unset(source, messages),
    };
    compiled.report.allow(&args.allow);
    let only_here = args.portable && !compiled.mind_extensions() && compiled.snapshot.is_some();
    let asked = match args.online.then(|| online::ask(&mut compiled, &loaded.settings, args)).transpose() {
        Ok(asked) => asked.flatten(),
        Err(message) => return unset(source, vec![message]),
    };
    let there = asked.as_ref().is_none_or(Online::is_fine);
    let minded = args.deny_warnings && compiled.report.count(Severity::Warning) > 0;
    let valid = compiled.snapshot.is_some() && !only_here && !minded && there;
    let verdict = if valid { Verdict::Valid } else { Verdict::Invalid };
    Outcome { source, report: compiled.report, verdict, only_here, asked }
}

/// Settings of the document that do not go together with those of other sources.
fn unset(source: Source, messages: Vec<String>) -> Outcome {
    let at = source.text.find("_gateway").unwrap_or_default();
    let mut report = Report::default();
    let error = |message| Diagnostic::error("invalid-setting", Span::new(at, at + "_gateway".len()), message);
    messages.into_iter().for_each(|message| report.push(error(message)));
    Outcome { source, report, verdict: Verdict::Invalid, only_here: false, asked: None }
}

fn unreadable(place: &Place, error: &io::Error) -> Outcome {
    let found = Diagnostic::error("unreadable-file", Span::default(), print::reason(error));
    let mut report = Report::default();
    report.push(match place.advice(error) {
        Some(help) => found.help(help),
        None => found,
    });
    let source = Source::new(place.to_string(), "");
    Outcome { source, report, verdict: Verdict::Unreadable, only_here: false, asked: None }
}

fn show(outcomes: &[Outcome], format: Format, started: Instant) {
    let all: Vec<_> = outcomes.iter().map(Outcome::checked).collect();
    match format {
        Format::Json => print::out(&render::json(&all)),
        Format::Sarif => print::out(&render::sarif(&all)),
        Format::Short => each(outcomes, |file| render::short(file.report, file.source)),
        Format::Github => each(outcomes, |file| render::github(file.report, file.source)),
        Format::Human => {
            let look = Look::of(&io::stdout());
            each(outcomes, |file| render::human(file.report, file.source, look.color, look.width));
            let told = outcomes.iter().filter_map(|outcome| outcome.asked.as_ref());
            told.for_each(|asked| print::out(&(asked.table() + &asked.verdict())));
            print::out(&summary::of(outcomes, look.terminal.then(|| started.elapsed())));
        }
    }
}

/// Prints file by file. What could not be read has no place that could be shown; it is told on standard error.
fn each(outcomes: &[Outcome], render: impl Fn(Checked<'_>) -> String) {
    for outcome in outcomes {
        match outcome.verdict {
            Verdict::Unreadable => print::err(&outcome.no_text()),
            _ => print::out(&render(outcome.checked())),
        }
    }
}

/// `--explain CODE`.
fn explain(name: &str) -> ExitCode {
    // People copy it with its brackets: `error[unknown-field]`.
    let name = name.trim_end_matches(']').rsplit('[').next().unwrap_or(name);
    if let Some(code) = codes::named(name) {
        print::out(&codes::wrapped(&codes::plain(&code), PAGE));
        return ExitCode::SUCCESS;
    }
    let near = codes::near(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let all: Vec<_> = codes::all().map(|code| code.code).collect();
    print::err(&format!("error: there is no code `{name}`{near}\nhelp: the codes are {}\n", all.join(", ")));
    ExitCode::from(UNREADABLE)
}

// === impl Outcome ===

impl Outcome {
    /// What to call the file.
    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    fn checked(&self) -> Checked<'_> {
        Checked { source: &self.source, report: &self.report, verdict: self.verdict }
    }

    fn no_text(&self) -> String {
        let line = |found: &Diagnostic| {
            let help = found.help.as_ref().map(|help| format!("help: {help}\n")).unwrap_or_default();
            format!("error: {}: {}\n{help}", self.name(), found.message)
        };
        self.report.found.iter().map(line).collect()
    }
}
