//! The codes of findings: what `gateway check --explain CODE` prints and `docs/checks.md` holds, out of one
//! table in three files.
//!
//! A code is stable: scripts look for it. `tests/check.rs` fails when the sources use one that is not in the table.

mod file;
mod here;
mod online;

use super::lint::{RULES, Rule};
use super::nearest::nearest;
use super::report::Severity;
use std::fmt::Write;

/// Columns of the documentation.
const PAGE: usize = 120;

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

const fn code(
    code: &'static str,
    severity: Severity,
    summary: &'static str,
    explain: &'static str,
    bad: &'static str,
    good: &'static str,
) -> Code {
    Code { code, severity, summary, explain, bad, good }
}

/// All codes, those of the rules of `config/lint/` among them.
pub fn all() -> impl Iterator<Item = Code> {
    let rule = |rule: &&Rule| code(rule.code, Severity::Warning, rule.summary, rule.explain, rule.bad, rule.good);
    file::FILE.iter().chain(here::HERE).chain(online::ONLINE).copied().chain(RULES.iter().map(rule))
}

/// The code of a name.
#[must_use]
pub fn named(name: &str) -> Option<Code> {
    all().find(|code| code.code == name)
}

/// The code that somebody may have meant.
#[must_use]
pub fn near(name: &str) -> Option<&'static str> {
    nearest(name, all().map(|code| code.code))
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
            let language = if code.code.starts_with("nginx-") { "nginx" } else { "yaml" };
            let _ = write!(text, "\n{title}:\n\n```{language}\n{example}\n```\n");
        }
    }
    text
}

/// Paragraphs in lines of a width. What is indented stays as it is.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut column = 0;
        for word in line.split_inclusive(' ').filter(|_| !line.starts_with(' ')) {
            if column > 0 && column + word.trim_end().chars().count() > width {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                column = 0;
            }
            out.push_str(word);
            column += word.chars().count();
        }
        out.push_str(if line.starts_with(' ') { line } else { "" });
        out.push('\n');
    }
    out
}

/// All sections of the documentation, by name.
#[must_use]
pub fn document() -> String {
    let mut codes: Vec<_> = all().collect();
    codes.sort_by_key(|code| code.code);
    let section = |code: Code| format!("\n### {}\n\n{}", code.code, wrapped(&markdown(&code), PAGE));
    codes.into_iter().map(section).collect()
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
        for code in all() {
            assert_eq!(all().filter(|other| other.code == code.code).count(), 1, "{}", code.code);
            assert!(!code.summary.ends_with('.') && code.explain.ends_with('.'), "{}", code.code);
            assert!(code.explain.len() > 60, "{}: explain it", code.code);
        }
        assert!(named("unknown-field").is_some());
        assert_eq!(near("unkown-field"), Some("unknown-field"));
    }

    #[test]
    fn paragraphs_are_wrapped_and_examples_are_not() {
        assert_eq!(wrapped("aa bb cc\n\n    dd ee ff gg\n", 6), "aa bb\ncc\n\n    dd ee ff gg\n");
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
