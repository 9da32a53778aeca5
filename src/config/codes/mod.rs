//! The codes of findings: what `gateway check --explain CODE` prints and `docs/checks.md` holds, out of one table.
//!
//! A code is stable: scripts look for it. `tests/check.rs` fails when the sources use one that is not in the table.

mod table;

use super::nearest::nearest;
use super::report::Severity;
use std::fmt::Write;
pub use table::CODES;

/// One kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its name: `unknown-field`.
    pub code: &'static str,
    /// What it is, as a rule.
    pub severity: Severity,
    /// What it means, in one line: lower case, no full stop.
    pub summary: &'static str,
    /// Why it is told, and what to do. Paragraphs are parted by an empty line.
    pub explain: &'static str,
    /// A piece of a file that is told of.
    pub bad: &'static str,
    /// The same as it should be.
    pub good: &'static str,
}

/// The code of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.code == name)
}

/// The code that somebody may have meant.
#[must_use]
pub fn near(name: &str) -> Option<&'static str> {
    nearest(name, CODES.iter().map(|code| code.code))
}

/// A code for a terminal.
#[must_use]
pub fn plain(code: &Code) -> String {
    let mut text = format!("{}[{}]: {}\n\n{}\n", word(code.severity), code.code, code.summary, code.explain);
    for (title, example) in [("Told of", code.bad), ("Instead", code.good)] {
        if !example.is_empty() {
            let _ = write!(text, "\n{title}:\n\n{}", indented(example));
        }
    }
    text
}

/// A code as a section of the documentation, without its heading.
#[must_use]
pub fn markdown(code: &Code) -> String {
    let mut text = format!("{} *({})*\n\n{}\n", sentence(code.summary), word(code.severity), code.explain);
    for (title, example) in [("Told of", code.bad), ("Instead", code.good)] {
        if !example.is_empty() {
            let _ = write!(text, "\n{title}:\n\n```yaml\n{example}\n```\n");
        }
    }
    text
}

/// All sections of the documentation, by name.
#[must_use]
pub fn document() -> String {
    let mut codes: Vec<_> = CODES.iter().collect();
    codes.sort_by_key(|code| code.code);
    codes.into_iter().map(|code| format!("\n### {}\n\n{}", code.code, markdown(code))).collect()
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn indented(example: &str) -> String {
    example.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_says_something() {
        for code in CODES {
            assert_eq!(CODES.iter().filter(|other| other.code == code.code).count(), 1, "{}", code.code);
            assert!(!code.summary.ends_with('.') && code.explain.ends_with('.'), "{}", code.code);
            assert!(code.explain.len() > 60, "{}: explain it", code.code);
        }
        assert!(named("unknown-field").is_some());
        assert_eq!(near("unkown-field"), Some("unknown-field"));
    }

    #[test]
    fn a_code_is_told_with_its_examples() {
        let code = Code {
            code: "x",
            severity: Severity::Warning,
            summary: "it is odd",
            explain: "Because.",
            bad: "a: 1\n\nb: 2",
            good: "",
        };
        assert_eq!(plain(&code), "warning[x]: it is odd\n\nBecause.\n\nTold of:\n\n    a: 1\n\n    b: 2\n");
        assert_eq!(markdown(&code), "It is odd. *(warning)*\n\nBecause.\n\nTold of:\n\n```yaml\na: 1\n\nb: 2\n```\n");
    }
}
