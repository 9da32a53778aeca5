//! SARIF 2.1.0 (OASIS), which code scanning services and editors read.

use super::{Checked, Range, Text, distinct, severity};
use crate::config::codes::{self, Code};
use crate::config::report::{Diagnostic, Severity, Span};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a path in a URI reference need not escape (RFC 3986 §3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All files of a run as one log, with a line end behind it.
#[must_use]
pub fn sarif(files: &[Checked<'_>]) -> String {
    let used: BTreeSet<&str> = files.iter().flat_map(|file| file.report.found.iter().map(|found| found.code)).collect();
    let used: Vec<&str> = used.into_iter().collect();
    let results: Vec<_> = files.iter().flat_map(|file| results(file, &used)).collect();
    let driver = json!({
        "name": "gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": used.iter().map(|code| rule(code)).collect::<Vec<_>>(),
    });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    format!("{}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
}

/// A code as a rule, with what `--explain` says of it.
fn rule(id: &str) -> Value {
    let Some(code) = codes::named(id) else { return json!({ "id": id }) };
    json!({
        "id": id,
        "shortDescription": { "text": code.summary },
        "fullDescription": { "text": code.explain },
        "help": { "text": codes::plain(&code), "markdown": codes::markdown(&code) },
        "defaultConfiguration": { "level": level(&code) },
    })
}

fn level(code: &Code) -> &'static str {
    match code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn results(file: &Checked<'_>, used: &[&str]) -> Vec<Value> {
    let text = Text::of(file.source);
    distinct(file.report).map(|found| result(found, &text, used)).collect()
}

fn result(found: &Diagnostic, text: &Text<'_>, used: &[&str]) -> Value {
    let more = [&found.label, &found.help].into_iter().flatten().map(|words| format!("; {}", text.said(words)));
    let related = found.others.iter().map(|other| {
        let mut place = location(text, other.span);
        place["message"] = json!({ "text": text.said(&other.text) });
        place
    });
    json!({
        "ruleId": found.code,
        "ruleIndex": used.iter().position(|code| *code == found.code),
        "level": severity(found),
        "message": { "text": text.said(&found.message) + &more.collect::<String>() },
        "locations": [location(text, found.span)],
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(text: &Text<'_>, span: Span) -> Value {
    let Range { start, end } = text.range(span);
    let region = json!({ "startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1 });
    let uri = utf8_percent_encode(&text.source.name, PATH).to_string();
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri }, "region": region } })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::config::report::{Report, Source};

    /// What the standard requires of a log, a run, a tool, a rule, a result and a location.
    #[test]
    fn a_log_has_what_the_schema_requires() {
        let mut report = Report::default();
        report.push(Diagnostic::error("unknown-field", Span::new(0, 1), "x").also(Span::new(1, 2), "y"));
        let source = Source::new("a folder/k.yml", "é: 1");
        let log = sarif(&[Checked { source: &source, report: &report, verdict: Verdict::Invalid }]);
        let log: Value = serde_json::from_str(&log).unwrap_or_default();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "gateway");
        let rule = &run["tool"]["driver"]["rules"][0];
        assert_eq!(rule["id"], "unknown-field");
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[text]["text"].as_str().is_some_and(|text| !text.is_empty()), "{text}");
        }
        let result = &run["results"][0];
        assert_eq!(
            (&result["ruleId"], &result["ruleIndex"], &result["level"]),
            (&json!("unknown-field"), &json!(0), &json!("error"))
        );
        assert_eq!(result["message"]["text"], "x");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20folder/k.yml");
        assert_eq!(place["region"], json!({"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}));
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "y");
    }
}
