//! A report in Kong's words: the block that `kong config parse` prints (`kong/declarative.md` §8).

use super::report::{KongError, Report, Severity, Step};
use std::collections::HashMap;
use std::fmt::Write;

/// Errors as Kong nests them.
#[derive(Default)]
struct Node {
    children: Vec<(Step, Node)>,
    index: HashMap<Step, usize>,
    message: Option<String>,
}

/// What Kong says about a document; `None` when it says nothing, and would load it.
///
/// An unset variable is nothing to Kong, to which `${NAME}` is text. What we do
/// not support (yet) is told once Kong has nothing to say.
#[must_use]
pub fn render(report: &Report) -> Option<String> {
    let errors = || report.found.iter().filter(|found| found.severity == Severity::Error);
    let ours = errors().filter(|found| found.kong.is_none() && found.code != "unset-variable");
    let mut root = Node::default();
    for error in errors().filter_map(|found| found.kong.as_ref()).chain(&report.asides) {
        root.put(error);
    }
    let mut out = String::new();
    root.print(None, "", &mut out);
    if out.is_empty() {
        ours.for_each(|found| out += &format!("{}\n", found.message));
    }
    (!out.is_empty()).then(|| out.trim_end().to_owned())
}

// === impl Node ===

impl Node {
    fn put(&mut self, error: &KongError) {
        let mut at = self;
        for step in &error.path {
            let next = at.children.len();
            let index = *at.index.entry(step.clone()).or_insert(next);
            if index == next {
                at.children.push((step.clone(), Self::default()));
            }
            at = &mut at.children[index].1;
        }
        if error.path.last().and_then(Step::key) == Some("@entity") {
            at.number(&error.message);
        } else {
            at.message.get_or_insert_with(|| error.message.clone());
        }
    }

    /// Under `@entity` errors are numbered, and each is told once.
    fn number(&mut self, message: &str) {
        let known = self.children.iter().any(|(_, child)| child.message.as_deref() == Some(message));
        if !known {
            let child = Self { message: Some(message.to_owned()), ..Self::default() };
            self.children.push((Step::Entry(self.children.len()), child));
        }
    }

    fn print(&self, within: Option<&str>, indent: &str, out: &mut String) {
        if let Some(message) = self.message.as_ref().filter(|_| within.is_none()) {
            let _ = writeln!(out, "{message}");
        }
        for (step, child) in &self.children {
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
                    child.print(Some(&name), &format!("{indent}  "), out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::{Diagnostic, Span};

    fn key(name: &str) -> Step {
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
