//! A report for people: excerpts of the file with what is wrong underlined, as rustc shows it.

use super::{Text, ceil, distinct, floor};
use crate::config::report::{Diagnostic, Report, Severity, Source, Span};
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Renderer, Snippet};
use std::collections::HashMap;

/// Lines between two places that are still shown as one excerpt.
const NEAR: usize = 6;
/// How many findings that say the same are each shown with an excerpt.
const ALIKE: usize = 2;
/// How many lines of findings that are not shown are named.
const LINES: usize = 12;
/// How many things are named that the same is said of.
const NAMES: usize = 12;
/// A blank where no line ends.
const TIED: char = '\u{a0}';
/// Bytes of an excerpt that is not cut.
const LONG: usize = 16_384;
/// Of whatever the sentence is, it is the same sentence, and the excerpt shows no more: told once for all.
const ONCE: &[&str] =
    &["doubled-path", "no-such-plugin", "placeholder", "unfilled-template", "unset-variable", "unsupported-plugin"];

/// All findings, in the order of the document, each with an excerpt; empty if there are none.
#[must_use]
pub fn human(report: &Report, source: &Source, color: bool, width: usize) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(width.max(40));
    let excerpts = Excerpts { text: Text::of(source), width };
    let one = |alike: Vec<&Diagnostic>| format!("{}\n\n", excerpts.render(&alike, &renderer));
    gathered(distinct(report)).into_iter().map(one).collect()
}

/// What is said word for word in many places, or is the same but for the name, is shown at the first.
fn gathered<'a>(all: impl Iterator<Item = &'a Diagnostic>) -> Vec<Vec<&'a Diagnostic>> {
    let mut index: HashMap<(&str, String), usize> = HashMap::new();
    let mut groups: Vec<Vec<&Diagnostic>> = Vec::new();
    for found in all {
        let at = *index.entry((found.code, sentence(found))).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    let once = |group: &Vec<&Diagnostic>| group.len() > ALIKE || group.iter().any(|found| is_once(found));
    let (many, few): (Vec<_>, Vec<_>) = groups.into_iter().partition(once);
    let mut groups: Vec<_> = few.into_iter().flatten().map(|found| vec![found]).chain(many).collect();
    groups.sort_by_key(|group| group.first().map(|found| (found.span.start(), found.severity)));
    groups
}

/// What a finding says, without the name where that is what parts it from others.
fn sentence(found: &Diagnostic) -> String {
    let whole = format!("{}\n{}", found.message, found.help.as_deref().unwrap_or_default());
    // `$NAME` in the message is `${NAME}` in the help.
    if is_once(found) { whole.replace(subject(found).trim_start_matches('$'), "") } else { whole }
}

fn is_once(found: &Diagnostic) -> bool {
    ONCE.contains(&found.code) && found.help.is_some()
}

/// The name in a finding's message.
fn subject(found: &Diagnostic) -> &str {
    found.message.split('`').nth(1).filter(|name| !name.is_empty()).unwrap_or(&found.message)
}

/// Cuts excerpts out of a text.
struct Excerpts<'a> {
    text: Text<'a>,
    width: usize,
}

/// A place to underline.
struct Mark {
    span: Span,
    line: usize,
    label: Option<String>,
    primary: bool,
}

// === impl Excerpts ===

impl Excerpts<'_> {
    /// The first of those that are alike, and where the others are.
    fn render(&self, alike: &[&Diagnostic], renderer: &Renderer) -> String {
        let Some((found, others)) = alike.split_first() else { return String::new() };
        let level = if found.severity == Severity::Error { Level::ERROR } else { Level::WARNING };
        let title = level.primary_title(self.text.said(&found.message)).id(found.code);
        let excerpts = self.clusters(found).into_iter().map(|marks| Element::from(self.excerpt(&marks)));
        let help = found.help.as_deref().map(|help| Element::from(Level::HELP.message(self.wrapped(help))));
        let (same, other): (Vec<_>, Vec<_>) = others.iter().partition(|other| other.message == found.message);
        let notes = [self.others(&same), self.named(&other)].into_iter().flatten();
        let notes = notes.map(|note| Element::from(Level::NOTE.message(self.wrapped(&note).replace(TIED, " "))));
        self.true_column(found, renderer.render(&[title.elements(excerpts.chain(help).chain(notes))]))
    }

    /// A help in lines that fit, behind `   = help: `. What stands between backticks is not parted.
    fn wrapped(&self, text: &str) -> String {
        let (width, mut column, mut open) = (self.width.max(60) - 15, 0, false);
        let mut out = String::new();
        for word in self.text.said(text).split_inclusive(' ') {
            let length = word.chars().count();
            if column > 0 && column + length > width && !open {
                out.truncate(out.trim_end().len());
                out.push('\n');
                column = 0;
            }
            out.push_str(word);
            column += length;
            open ^= word.matches('`').count() % 2 == 1;
        }
        out
    }

    fn others(&self, others: &[&Diagnostic]) -> Option<String> {
        let places = if others.len() == 1 { "place" } else { "places" };
        (!others.is_empty()).then(|| format!("the same in {} other {places}: {}", others.len(), self.lines(others)))
    }

    /// What else the same is said of, and where: "the same is true of `A` (line 5), `B` (lines 7, 9)".
    fn named(&self, others: &[&Diagnostic]) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for name in others.iter().map(|other| subject(other)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let told = names.iter().take(NAMES).map(|name| {
            let of: Vec<_> = others.iter().filter(|other| subject(other) == *name).copied().collect();
            format!("`{name}` ({})", self.lines(&of))
        });
        let told = told.collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!told.is_empty()).then(|| format!("the same is true of {told}{more}"))
    }

    fn lines(&self, of: &[&Diagnostic]) -> String {
        let places = of.iter().flat_map(|found| {
            let same = found.others.iter().filter(|other| other.text == "the same").map(|other| other.span);
            std::iter::once(found.span).chain(same)
        });
        let mut lines: Vec<_> = places.map(|place| self.text.position(place.start()).0).collect();
        lines.dedup();
        let more = lines.len().saturating_sub(LINES);
        let shown: Vec<_> = lines.iter().take(LINES).map(usize::to_string).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let noun = if lines.len() == 1 { "line" } else { "lines" };
        format!("{noun}{TIED}{}{more}", shown.join(", "))
    }

    /// The renderer counts columns in the excerpt, which is short of what was cut.
    fn true_column(&self, found: &Diagnostic, rendered: String) -> String {
        let mark = self.mark(found.span, None, true);
        let (line, column) = self.text.position(mark.span.start());
        let (start, end) = (self.text.start_of(mark.line), self.text.end_of(mark.line));
        let (from, _) = self.cut(std::slice::from_ref(&mark), start, end);
        if from == start {
            return rendered;
        }
        let place = |column: usize| format!("{}:{line}:{column}", self.text.source.name);
        let counted = self.text.source.text[from..mark.span.start()].chars().count() + 1;
        rendered.replacen(&place(counted), &place(column), 1)
    }

    /// The places of a finding, those that are near each other together, its own place first.
    fn clusters(&self, found: &Diagnostic) -> Vec<Vec<Mark>> {
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
    fn mark(&self, span: Span, label: Option<&str>, primary: bool) -> Mark {
        let text = &self.text.source.text;
        let start = floor(text, span.start());
        let rest = &text[start..ceil(text, span.end().max(start))];
        let first = rest.split(['\n', '\r']).next().unwrap_or_default();
        Mark {
            span: Span::new(start, start + first.len()),
            line: self.text.line(start),
            label: label.map(|label| self.text.said(label)),
            primary,
        }
    }

    fn excerpt<'f>(&self, marks: &[Mark]) -> Snippet<'f, Annotation<'f>> {
        let first = marks.iter().map(|mark| mark.line).min().unwrap_or_default();
        let last = marks.iter().map(|mark| mark.line).max().unwrap_or_default();
        let (from, to) = self.cut(marks, self.text.start_of(first), self.text.end_of(last));
        let shown = marks.iter().filter(|mark| from <= mark.span.start() && mark.span.start() <= to);
        let annotations = shown.map(|mark| {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            kind.span(mark.span.start() - from..mark.span.end().min(to) - from).label(mark.label.clone())
        });
        let text = self.text.masked()[from..to].replace('\r', " ");
        let (line, _) = self.text.position(from);
        Snippet::source(text).line_start(line).path(self.text.source.name.to_string()).annotations(annotations)
    }

    /// Of very long lines only what is round the place: the terminal shows no more, and a file may be one line.
    fn cut(&self, marks: &[Mark], from: usize, to: usize) -> (usize, usize) {
        if to - from <= LONG {
            return (from, to);
        }
        let (text, mark) = (&self.text.source.text, &marks[0].span);
        let before = floor(text, mark.start().saturating_sub(self.width / 2).max(from));
        (before, ceil(text, (mark.start() + self.width).min(to)))
    }
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
        assert!(out.contains("--> kong.yml:1:150001\n"), "{out}");
    }

    proptest::proptest! {
        #[test]
        fn no_place_makes_it_panic(text in "\\PC{0,60}(\\n\\PC{0,20}){0,9}", start in 0_usize..200, length in 0_usize..90) {
            let found = Diagnostic::error("x", Span::new(start, start + length), "x");
            let _ = rendered(&text, found.also(Span::new(length, start), "y"));
        }
    }
}
