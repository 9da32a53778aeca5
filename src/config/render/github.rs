//! Workflow commands of GitHub Actions, which show findings beside the lines of a pull request
//! (docs.github.com, "Workflow commands for GitHub Actions").

use super::{Text, distinct, severity};
use crate::config::report::{Diagnostic, Report, Source};

/// All findings, in the order of the document, one command each.
#[must_use]
pub fn github(report: &Report, source: &Source) -> String {
    let text = Text::of(source);
    distinct(report).map(|found| command(found, &text)).collect()
}

fn command(found: &Diagnostic, text: &Text<'_>) -> String {
    let range = text.range(found.span);
    let (file, title) = (property(&text.source.name), property(found.code));
    let (severity, (line, column), end) = (severity(found), range.start, range.end.0);
    let label = found.label.as_deref().map(|label| format!(" ({})", text.said(label)));
    let help = found.help.as_deref().map(|help| format!("\nhelp: {}", text.said(help)));
    let message = format!("{}{}{}", text.said(&found.message), label.unwrap_or_default(), help.unwrap_or_default());
    let message = data(&message);
    format!("::{severity} file={file},line={line},endLine={end},col={column},title={title}::{message}\n")
}

/// What stands behind `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::Span;

    #[test]
    fn commands_are_escaped() {
        let mut report = Report::default();
        report.push(Diagnostic::error("x", Span::new(3, 4), "50% of `a`: no\nno").help("write b, or c"));
        let text = github(&report, &Source::new("a,b:c.yml", "a: 1\n"));
        let expected =
            "::error file=a%2Cb%3Ac.yml,line=1,endLine=1,col=4,title=x::50%25 of `a`: no\\nno%0Ahelp: write b, or c\n";
        assert_eq!(text, expected);
    }
}
