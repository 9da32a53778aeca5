//! The last lines of `gateway check`, for people: a line for each file, and one for all of them.

use super::check::Outcome;
use super::count::number;
use super::findings::counts;
use crate::config::render::Verdict;
use crate::config::report::Size;
use std::time::Duration;

/// The lines. How long it took is told where somebody waited for it.
pub(super) fn of(outcomes: &[Outcome], took: Option<Duration>) -> String {
    let took = took.map(|took| format!(" ({} ms)", took.as_millis())).unwrap_or_default();
    match outcomes {
        [one] => format!("{}{took}\n", file(one)),
        all => {
            let lines: String = all.iter().map(|one| file(one) + "\n").collect();
            format!("{lines}{}{took}\n", together(all))
        }
    }
}

fn file(outcome: &Outcome) -> String {
    let (name, found, size) = (outcome.name(), counts(&outcome.report), size(outcome.report.size));
    match outcome.verdict {
        Verdict::Unreadable => format!("{name}: could not be read"),
        _ if outcome.only_here => format!("{name}: can be served here, but not by Kong: {found} in {size}"),
        Verdict::Valid if found.is_empty() => format!("{name}: fine, {size}"),
        // Nothing of it was understood.
        _ if outcome.report.size == Size::default() => format!("{name}: {found}"),
        _ => format!("{name}: {found} in {size}"),
    }
}

fn together(all: &[Outcome]) -> String {
    let count = |verdict| all.iter().filter(|outcome| outcome.verdict == verdict).count();
    let named = [(Verdict::Valid, "fine"), (Verdict::Invalid, "refused"), (Verdict::Unreadable, "unreadable")];
    let parts = named.map(|(verdict, word)| (count(verdict), word));
    let parts: Vec<_> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    format!("{}: {}", number(all.len(), "file"), parts.join(", "))
}

fn size(size: Size) -> String {
    let Size { services, routes, plugins } = size;
    format!("{}, {}, {}", number(routes, "route"), number(services, "service"), number(plugins, "plugin"))
}
