//! One JSON object per run, for programs. `docs/checks.md` describes it; fields are added to it, and never changed.

use super::{Checked, Range, Text, distinct, severity};
use crate::config::report::{Diagnostic, Severity, Span};
use serde_json::{Value, json};

/// The number of this layout.
const VERSION: u8 = 1;

/// All files of a run, on one line, with a line end behind it.
#[must_use]
pub fn json(files: &[Checked<'_>]) -> String {
    let count = |severity| files.iter().map(|file| file.report.count(severity)).sum::<usize>();
    let run = json!({
        "version": VERSION,
        "verdict": files.iter().map(|file| file.verdict).max().unwrap_or(super::Verdict::Valid).word(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "files": files.iter().map(file).collect::<Vec<_>>(),
    });
    format!("{run}\n")
}

fn file(file: &Checked<'_>) -> Value {
    let text = Text::of(file.source);
    let size = file.report.size;
    json!({
        "file": &*file.source.name,
        "verdict": file.verdict.word(),
        "errors": file.report.count(Severity::Error),
        "warnings": file.report.count(Severity::Warning),
        "services": size.services,
        "routes": size.routes,
        "plugins": size.plugins,
        "findings": distinct(file.report).map(|found| finding(found, &text)).collect::<Vec<_>>(),
    })
}

fn finding(found: &Diagnostic, text: &Text<'_>) -> Value {
    let label = |span: Span, words: &str| with_range(json!({ "message": text.said(words) }), text.range(span));
    let own = found.label.iter().map(|words| label(found.span, words));
    let labels = own.chain(found.others.iter().map(|other| label(other.span, &other.text)));
    let finding = json!({
        "file": &*text.source.name,
        "code": found.code,
        "severity": severity(found),
        "message": text.said(&found.message),
        "help": found.help.as_deref().map(|words| text.said(words)),
        "labels": labels.collect::<Vec<_>>(),
    });
    with_range(finding, text.range(found.span))
}

/// `start` and `end`, which is one past the last character.
fn with_range(mut value: Value, range: Range) -> Value {
    for (name, (line, column)) in [("start", range.start), ("end", range.end)] {
        value[name] = json!({ "line": line, "column": column });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::config::report::{Report, Source};

    #[test]
    fn a_run_is_one_object() {
        let mut report = Report::default();
        let found = Diagnostic::error("unknown-field", Span::new(6, 9), "no `pth`").label("did you mean `path`?");
        report.push(found.also(Span::new(0, 2), "in this service"));
        let source = Source::new("k.yml", "é: 1\npth: x");
        let run = json(&[Checked { source: &source, report: &report, verdict: Verdict::Invalid }]);
        let run: Value = serde_json::from_str(&run).unwrap_or_default();
        assert_eq!((&run["version"], &run["verdict"], &run["errors"]), (&json!(1), &json!("invalid"), &json!(1)));
        let finding = &run["files"][0]["findings"][0];
        assert_eq!(finding["start"], json!({"line": 2, "column": 1}));
        assert_eq!(finding["end"], json!({"line": 2, "column": 4}));
        assert_eq!((&finding["code"], &finding["help"]), (&json!("unknown-field"), &Value::Null));
        assert_eq!(finding["labels"][0]["message"], "did you mean `path`?");
        assert_eq!(finding["labels"][1]["end"], json!({"line": 1, "column": 2}));
    }
}
