//! One line per finding, as compilers have it: editors and `grep` read it.

use super::{Text, distinct, severity};
use crate::config::report::{Diagnostic, Report, Source};

/// All findings, in the order of the document: `FILE:LINE:COLUMN: SEVERITY[CODE]: TEXT`.
#[must_use]
pub fn short(report: &Report, source: &Source) -> String {
    let text = Text::of(source);
    let line = |found: &Diagnostic| {
        let (line, column) = text.position(found.span.start());
        let label = found.label.as_deref().map(|label| format!(" ({})", text.said(label))).unwrap_or_default();
        let (severity, code, message) = (severity(found), found.code, text.said(&found.message));
        format!("{}:{line}:{column}: {severity}[{code}]: {message}{label}\n", source.name)
    };
    distinct(report).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::Span;

    #[test]
    fn one_line_each_in_the_order_of_the_document() {
        let mut report = Report::default();
        report.push(Diagnostic::error("b", Span::new(5, 6), "second").label("did you mean `x`?"));
        report.push(Diagnostic::warning("a", Span::new(2, 3), "first"));
        let text = short(&report, &Source::new("k.yml", "é: 1\n2"));
        assert_eq!(text, "k.yml:1:2: warning[a]: first\nk.yml:1:5: error[b]: second (did you mean `x`?)\n");
    }
}
