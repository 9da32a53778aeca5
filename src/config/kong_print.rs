//! A report in Kong's words: the block that `kong config parse` prints (`kong/declarative.md` §8).

use super::kong_table::Table;
use super::report::{Report, Severity, Step};
use std::fmt::Write;

/// What Kong says about a document; `None` when it says nothing, and would load it.
///
/// An unset variable is nothing to Kong, to which `${NAME}` is text. What we do
/// not support (yet) is told once Kong has nothing to say.
#[must_use]
pub fn render(report: &Report) -> Option<String> {
    let mut out = String::new();
    print(&Table::of(report), None, "", &mut out);
    if out.is_empty() {
        let ours = report.found.iter().filter(|found| found.severity == Severity::Error);
        let ours = ours.filter(|found| found.kong.is_none() && found.code != "unset-variable");
        ours.for_each(|found| out += &format!("{}\n", found.message));
    }
    (!out.is_empty()).then(|| out.trim_end().to_owned())
}

fn print(table: &Table, within: Option<&str>, indent: &str, out: &mut String) {
    if let Some(message) = table.message.as_ref().filter(|_| within.is_none()) {
        let _ = writeln!(out, "{message}");
    }
    for (step, child) in &table.children {
        let (title, name) = match step {
            Step::Key(key) => (format!("in '{key}'"), key.to_string()),
            Step::Entry(n) => {
                (format!("- in entry {} of '{}'", n + 1, within.unwrap_or_default()), (n + 1).to_string())
            }
        };
        match &child.message {
            Some(message) => {
                let _ = writeln!(out, "{indent}{title}: {message}");
            }
            None => {
                let _ = writeln!(out, "{indent}{title}:");
                print(child, Some(&name), &format!("{indent}  "), out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::{Diagnostic, KongError, Span};

    fn key(name: &'static str) -> Step {
        Step::Key(name.into())
    }

    #[test]
    fn errors_are_nested_as_in_kongs_table() {
        let mut report = Report::default();
        let service = [key("services"), Step::Entry(0)];
        let below = |steps: &[Step]| service.iter().chain(steps).cloned().collect::<Vec<_>>();
        let error = || Diagnostic::error("x", Span::default(), "x");
        report.push(error().kong(below(&[key("path")]), "value must be null"));
        report.push(error().kong(below(&[key("tags"), Step::Entry(1)]), "bad tag"));
        report.asides.push(KongError { path: below(&[key("@entity")]), message: "failed".to_owned() });
        let expected = "in 'services':\n  - in entry 1 of 'services':\n    in 'path': value must be null\n    in 'tags':\n      \
                        - in entry 2 of 'tags': bad tag\n    in '@entity':\n      - in entry 1 of '@entity': failed";
        assert_eq!(render(&report).as_deref(), Some(expected));
    }

    #[test]
    fn a_text_that_is_no_document_has_one_line() {
        let mut report = Report::default();
        report.push(Diagnostic::error("syntax", Span::default(), "x").kong(Vec::new(), "failed parsing: x"));
        assert_eq!(render(&report).as_deref(), Some("failed parsing: x"));
    }

    #[test]
    fn warnings_and_unset_variables_are_nothing_to_kong() {
        let mut report = Report::default();
        report.push(Diagnostic::warning("duplicate-key", Span::default(), "x"));
        report.push(Diagnostic::error("unset-variable", Span::default(), "x"));
        assert_eq!(render(&report), None);
        report.push(Diagnostic::error("unsupported-plugin", Span::default(), "`x` is not supported yet"));
        assert_eq!(render(&report).as_deref(), Some("`x` is not supported yet"));
    }
}
