//! A report for people: excerpts of the file with what is wrong underlined, or one line each.
//!
//! Pure: whether there are colours and how wide the terminal is are arguments. Secrets in excerpts are starred.

use super::mask::mask;
use super::report::{Diagnostic, Report, Severity, Source, Span};
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Renderer, Snippet};

/// Lines between two places that are still shown as one excerpt.
const NEAR: usize = 6;
/// Bytes of a longer line that are shown before and after the place.
const MARGIN: (usize, usize) = (100, 200);

/// All findings, in the order of the document, each with an excerpt; empty if there are none.
#[must_use]
pub fn human(report: &Report, source: &Source, color: bool, width: usize) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(width.max(40));
    let excerpts = Excerpts::new(source);
    let one = |found: &Diagnostic| format!("{}\n\n", excerpts.render(found, &renderer));
    distinct(report).map(one).collect()
}

/// All findings, in the order of the document: `FILE:LINE:COLUMN: SEVERITY[CODE]: TEXT`.
#[must_use]
pub fn short(report: &Report, source: &Source) -> String {
    let excerpts = Excerpts::new(source);
    let line = |found: &Diagnostic| {
        let (line, column) = excerpts.position(found.span.start);
        let severity = if found.severity == Severity::Error { "error" } else { "warning" };
        format!("{}:{line}:{column}: {severity}[{}]: {}\n", source.name, found.code, found.message)
    };
    distinct(report).map(line).collect()
}

/// In the order of the document. What an alias mentions again is told once.
fn distinct(report: &Report) -> impl Iterator<Item = &Diagnostic> {
    let mut all = report.sorted();
    all.dedup_by(|a, b| (a.code, a.span, &a.message) == (b.code, b.span, &b.message));
    all.into_iter()
}

/// A source and where its lines begin.
struct Excerpts<'a> {
    source: &'a Source,
    starts: Vec<usize>,
}

/// A place to underline.
struct Mark<'a> {
    span: Span,
    line: usize,
    label: Option<&'a str>,
    primary: bool,
}

// === impl Excerpts ===

impl<'a> Excerpts<'a> {
    fn new(source: &'a Source) -> Self {
        let breaks = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { source, starts: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect() }
    }

    /// The number of a byte's line, from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let before = self.source.text.get(self.starts[line]..at).unwrap_or_default();
        (line + 1, before.chars().count() + 1)
    }

    fn render(&self, found: &Diagnostic, renderer: &Renderer) -> String {
        let level = if found.severity == Severity::Error { Level::ERROR } else { Level::WARNING };
        let title = level.primary_title(found.message.as_str()).id(found.code);
        let excerpts = self.clusters(found).into_iter().map(|marks| Element::from(self.excerpt(&marks)));
        let help = found.help.as_deref().map(|help| Element::from(Level::HELP.message(help)));
        renderer.render(&[title.elements(excerpts.chain(help))])
    }

    /// The places of a finding, those that are near each other together, its own place first.
    fn clusters<'f>(&self, found: &'f Diagnostic) -> Vec<Vec<Mark<'f>>> {
        let own = self.mark(found.span, found.label.as_deref(), true);
        let mut clusters = vec![vec![own]];
        for other in &found.others {
            let mark = self.mark(other.span, Some(&other.text), false);
            let near = clusters.iter_mut().find(|marks| marks.iter().any(|m| m.line.abs_diff(mark.line) <= NEAR));
            match near {
                Some(marks) => marks.push(mark),
                None => clusters.push(vec![mark]),
            }
        }
        clusters
    }

    /// A place that goes on over several lines is underlined on its first.
    fn mark<'f>(&self, span: Span, label: Option<&'f str>, primary: bool) -> Mark<'f> {
        let text = &self.source.text;
        let start = floor(text, span.start);
        let rest = &text[start..ceil(text, span.end.max(start))];
        let first = rest.split(['\n', '\r']).next().unwrap_or_default();
        Mark { span: Span::new(start, start + first.len()), line: self.line(start), label, primary }
    }

    fn excerpt<'f>(&self, marks: &[Mark<'f>]) -> Snippet<'f, Annotation<'f>>
    where
        'a: 'f,
    {
        let first = marks.iter().map(|mark| mark.line).min().unwrap_or_default();
        let last = marks.iter().map(|mark| mark.line).max().unwrap_or_default();
        let (mut from, mut to) = (self.starts[first], self.end_of(last));
        if to - from > 4 * (MARGIN.0 + MARGIN.1) {
            let mark = &marks[0].span;
            from = floor(&self.source.text, mark.start.saturating_sub(MARGIN.0).max(from));
            to = ceil(&self.source.text, (mark.start + MARGIN.1).min(to));
        }
        let shown = marks.iter().filter(|mark| from <= mark.span.start && mark.span.start <= to);
        let annotations = shown.map(|mark| {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            kind.span(mark.span.start - from..mark.span.end.min(to) - from).label(mark.label)
        });
        // A secret may begin before what is shown.
        let before = floor(&self.source.text, from.saturating_sub(MARGIN.1).max(self.starts[first]));
        let text = mask(&self.source.text[before..to]).split_off(from - before).replace('\r', " ");
        Snippet::source(text).line_start(first + 1).path(self.source.name.to_string()).annotations(annotations)
    }

    fn end_of(&self, line: usize) -> usize {
        self.starts.get(line + 1).map_or(self.source.text.len(), |next| next - 1)
    }
}

/// The nearest character border at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The nearest character border at or behind a byte.
fn ceil(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, found: Diagnostic) -> String {
        let mut report = Report::default();
        report.push(found);
        human(&report, &Source::new("kong.yml", text), false, 100)
    }

    #[test]
    fn the_place_is_underlined_and_its_owner_shown() {
        let text = "services:\n- name: a\n  host: h\n  pth: /x\n";
        let found = Diagnostic::error("unknown-field", Span::new(32, 35), "service `a` has no field `pth`");
        let found = found.label("did you mean `path`?").also(Span::new(18, 19), "in this service");
        let expected = "\
error[unknown-field]: service `a` has no field `pth`
 --> kong.yml:4:3
  |
2 | - name: a
  |         - in this service
3 |   host: h
4 |   pth: /x
  |   ^^^ did you mean `path`?

";
        assert_eq!(rendered(text, found), expected);
    }

    #[test]
    fn secrets_are_starred() {
        let out = rendered("key: sehr-geheim\n", Diagnostic::warning("x", Span::new(5, 16), "x"));
        assert!(out.contains("key: ***********") && !out.contains("geheim"), "{out}");
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("a: [{}]", "x, ".repeat(100_000));
        let out = rendered(&text, Diagnostic::error("x", Span::new(150_000, 150_001), "x"));
        assert!(out.len() < 2000, "{}", out.len());
        assert!(out.contains("kong.yml:1:"), "{out}");
    }

    #[test]
    fn one_line_each_where_that_is_wanted() {
        let mut report = Report::default();
        report.push(Diagnostic::error("b", Span::new(5, 6), "second"));
        report.push(Diagnostic::warning("a", Span::new(2, 3), "first"));
        let text = short(&report, &Source::new("k.yml", "é: 1\n2"));
        assert_eq!(text, "k.yml:1:2: warning[a]: first\nk.yml:1:5: error[b]: second\n");
    }

    proptest::proptest! {
        #[test]
        fn no_place_makes_it_panic(text in "\\PC{0,60}(\\n\\PC{0,20}){0,9}", start in 0_usize..200, length in 0_usize..90) {
            let found = Diagnostic::error("x", Span::new(start, start + length), "x");
            let _ = rendered(&text, found.also(Span::new(length, start), "y"));
        }
    }
}
