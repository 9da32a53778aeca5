//! What a syntax error comes from: parsers say what they expected and where they noticed, people want to know what to
//! change and where. Looks at the text round the place; where nothing is recognised, the parser's words stay.

use super::report::{Diagnostic, Span};

/// A place in a text at which a parser gave up.
struct Case<'a> {
    text: &'a str,
    at: usize,
}

/// A line without its end, and where it begins.
#[derive(Clone, Copy)]
struct Line<'a> {
    start: usize,
    text: &'a str,
}

type Find = fn(&Case<'_>) -> Option<Diagnostic>;

/// What the parser's words contain, and who knows more.
const YAML: &[(&str, Find)] = &[
    ("", conflict_marker),
    ("", fence),
    ("tab", tab),
    ("simple key expect ':'", no_colon),
    ("mapping values are not allowed", no_blank),
    ("mapping values are not allowed", second_colon),
    ("mapping values are not allowed", too_deep),
    ("did not find expected '-' indicator", indentation),
    ("did not find expected key", indentation),
    ("quoted scalar, found unknown escape", escape),
    ("invalid indentation in quoted scalar", quote),
    ("unexpected end of stream", quote),
    ("invalid trailing content after", behind_quote),
    ("unknown anchor", alias),
    ("scanning an anchor or alias", star),
    ("unexpected character: `", first_character),
    ("scanning a block scalar", first_character),
    ("a key must be text", braces),
    ("misplaced bracket", closing),
    ("illegal placement of ':'", bracket),
    ("parsing a flow", bracket),
    ("unprintable character", control),
];

/// The error for a YAML text that a parser refuses with these words.
pub(super) fn yaml(text: &str, place: Span, info: &str) -> Diagnostic {
    let case = Case { text, at: place.start() };
    let known = YAML.iter().filter(|(words, _)| info.contains(words)).find_map(|(_, find)| find(&case));
    known.unwrap_or_else(|| error(place, info))
}

/// What `serde_json`'s words contain, what to say, and what to do.
const JSON: &[(&str, &str, &str)] = &[
    ("trailing comma", "there is a comma before the closing bracket", "remove the comma"),
    ("EOF while parsing", "the text ends before its last bracket or quote is closed", "is the file cut off?"),
    ("expected `,` or", "a comma or a closing bracket is missing before this", ""),
    ("expected `:`", "a `:` is missing behind the key", ""),
    ("key must be a string", "a key must stand in double quotes", ""),
    ("trailing characters", "there is text behind the end of the document", ""),
    ("expected value", "a value is missing here", ""),
    ("expected ident", "this is no value; text stands in double quotes", ""),
    ("invalid escape", "`\\` begins an escape, and this is none", "write `\\\\` for the sign itself"),
    ("control character", "a line end or tab cannot stand in a text", "write `\\n` or `\\t` for it"),
];

/// The error for a JSON text.
pub(super) fn json(text: &str, place: Span, info: &str) -> Diagnostic {
    let closes = text.get(place.start()..).is_some_and(|rest| rest.starts_with(['}', ']']));
    let info = if closes && info.contains("key must be a string") { "trailing comma" } else { info };
    match JSON.iter().find(|(words, ..)| info.contains(words)) {
        Some((_, message, "")) => error(place, *message),
        Some((_, message, help)) => error(place, *message).help(*help),
        None => error(place, info),
    }
}

fn error(place: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("syntax", Span::new(place.start(), place.end().max(place.start())), message)
}

/// What a whole document is that is no mapping, where it can be told.
pub(super) fn no_document(text: &str) -> &'static str {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let name = |line: &str| line.split_once('=').is_some_and(|(name, _)| is_word(name.trim_start_matches("export ")));
    match first {
        _ if first.starts_with('<') => "this looks like HTML or XML: was an error page saved in place of the file?",
        _ if first.starts_with("#!") => "this looks like a script",
        _ if name(first) => "this looks like a file of variables, such as .env or kong.conf",
        _ => "a Kong file begins with `_format_version: \"2.1\"` and has lists such as `services:` below it",
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn conflict_marker(case: &Case<'_>) -> Option<Diagnostic> {
    let marker = |line: &Line<'_>| ["<<<<<<< ", ">>>>>>> "].iter().any(|sign| line.text.starts_with(sign));
    let line = case.lines_upward().take(200).find(marker)?;
    let found = error(line.span(), "a merge conflict is left in the file");
    Some(found.help("keep one of the two sides, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`"))
}

fn fence(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at).filter(|line| line.text.starts_with("```"))?;
    Some(error(line.span(), "this line is Markdown, not YAML").help("remove the lines with ```"))
}

/// The parser may notice a tab one line early.
fn tab(case: &Case<'_>) -> Option<Diagnostic> {
    let indented = |line: &Line<'_>| line.text[..line.indent()].contains('\t');
    let line = case.lines_from(case.at).take(3).find(indented)?;
    let place = Span::new(line.start, line.start + line.indent());
    let found = error(place, "this line is indented by a tab").label("a tab");
    Some(found.help("YAML is indented by spaces alone: write two of them for each tab"))
}

/// The parser notices at the next `:`.
fn no_colon(case: &Case<'_>) -> Option<Diagnostic> {
    let keyless = |line: &Line<'_>| !line.text.contains(": ") && !line.text.trim_end().ends_with(':');
    let line = case.lines_upward().filter(|line| !line.is_empty()).take(3).find(keyless)?;
    let words = line.content();
    if words.starts_with("-----") {
        let found = error(line.content_span(), "this line belongs to a block of text, and is not indented");
        return Some(found.help("indent every line of the text further than its key"));
    }
    let better = match words.split_once(' ') {
        Some((key, value)) => format!("{key}: {}", value.trim()),
        None => format!("{words}:"),
    };
    let found = error(line.content_span(), "there is no `: ` in this line");
    Some(if words.contains(['"', '\'']) { found } else { found.help(format!("write `{better}`")) })
}

/// `name:a` and `-name` are texts; the next key then has no place.
fn no_blank(case: &Case<'_>) -> Option<Diagnostic> {
    let own = case.line_at(case.at)?;
    let line = case.lines_upward().skip_while(|line| line.start >= own.start).find(|line| !line.is_empty())?;
    let words = line.content();
    if let Some(rest) = words.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_alphanumeric())) {
        let found = error(line.content_span(), "there is no blank behind the `-`");
        return Some(found.help(format!("write `- {rest}`")));
    }
    let (key, value) = words.split_once(':').filter(|(key, rest)| is_word(key) && rest.starts_with(is_visible))?;
    let found = error(line.content_span(), "there is no blank behind the `:`");
    Some(found.help(format!("write `{key}: {value}`")))
}

fn is_visible(c: char) -> bool {
    !c.is_whitespace()
}

/// `Authorization: Bearer: x`.
fn second_colon(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at)?;
    let before = &line.text[..(case.at - line.start).min(line.text.len())];
    let first = before.find(": ")?;
    let key = line.content().split(": ").next().unwrap_or_default();
    let place = Span::new(line.start + first + 2, line.start + line.text.trim_end().len());
    let found = error(place, "there is a second `: ` in this line").label("a text with `: ` in it");
    Some(found.help(match line.text.trim_start().starts_with("- ") {
        true => format!("put it in quotes: `- \"{key}: …\"` if all of it is one text, else `- {key}: \"…\"`"),
        false => format!("put the text in quotes: `{key}: \"…\"`"),
    }))
}

/// A key below a line that has a value already.
fn too_deep(case: &Case<'_>) -> Option<Diagnostic> {
    let own = case.line_at(case.at)?;
    let above = case.lines_upward().skip_while(|line| line.start >= own.start).find(|line| !line.is_empty())?;
    let key = above.content().split_once(": ").map(|(key, _)| key)?;
    let place = Span::new(own.start + own.indent(), case.at);
    if own.indent() <= above.text.len() - above.content_start().len() {
        return None;
    }
    let found = error(place, "this line is indented further than the one above, which has a value already");
    let column = above.text.len() - above.content_start().len() + 1;
    Some(
        found
            .also(above.content_span(), "the line above")
            .help(format!("begin it at column {column}, as `{key}` does")),
    )
}

fn indentation(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at)?;
    let mut columns: Vec<usize> = Vec::new();
    let (own, mut limit) = (line.indent(), usize::MAX);
    for above in case.lines_upward().skip_while(|above| above.start >= line.start).filter(|line| !line.is_empty()) {
        if above.indent() < limit {
            limit = above.indent();
            columns.extend([above.text.len() - above.content_start().len() + 1, limit + 1]);
        }
        if limit == 0 {
            break;
        }
    }
    columns.sort_unstable();
    columns.dedup();
    let listed: Vec<_> = columns.iter().map(usize::to_string).collect();
    if columns.contains(&(own + 1)) || columns.is_empty() {
        return None;
    }
    let place = Span::new(line.start + own, line.content_span().end());
    let found = error(place, "this line is indented like none of those above it");
    Some(
        found
            .label(format!("begins at column {}", own + 1))
            .help(format!("the lines above begin at column {}", either(&listed))),
    )
}

fn either(items: &[String]) -> String {
    match items {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => items.concat(),
    }
}

fn escape(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at)?;
    let rest = case.text.get(case.at..line.start + line.text.len())?;
    let mut letters = rest.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let next = if c == '\\' { letters.next() } else { None };
        if let Some((_, letter)) = next.filter(|(_, c)| !"0abt\tnvfre \"/\\N_LPxuU".contains(*c)) {
            let place = Span::new(case.at + at, case.at + at + 1 + letter.len_utf8());
            let found = error(place, format!("in double quotes `\\` begins an escape, and `\\{letter}` is none"));
            return Some(found.help("write the text in single quotes, in which `\\` is only itself"));
        }
    }
    None
}

fn quote(case: &Case<'_>) -> Option<Diagnostic> {
    let sign = case.text[case.at..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let place = Span::new(case.at, case.at + 1);
    let found = error(place, "this quote is never closed").label("it is opened here");
    Some(found.help(format!("put a {sign} at the end of the text; one within the text is written {}", doubled(sign))))
}

fn doubled(sign: char) -> &'static str {
    if sign == '"' { "\\\"" } else { "''" }
}

fn behind_quote(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at)?;
    let place = Span::new(case.at, line.start + line.text.trim_end().len());
    let found = error(place, "there is text behind the closing quote");
    Some(found.help("put all of it in quotes, or none; a quote within single quotes is written ''"))
}

fn alias(case: &Case<'_>) -> Option<Diagnostic> {
    let name = case.text[case.at..].strip_prefix('*')?;
    let name = &name[..name.find(|c: char| c.is_whitespace() || ",]}".contains(c)).unwrap_or(name.len())];
    let found = error(Span::new(case.at, case.at + 1 + name.len()), format!("there is no anchor `&{name}`"));
    Some(found.help(format!("`*{name}` repeats what `&{name}` marks above it; text that begins with `*` needs quotes")))
}

/// `origins: [*]`.
fn star(case: &Case<'_>) -> Option<Diagnostic> {
    let at = case.text[..case.at].rfind(['*', '&']).filter(|at| at + 1 == case.at).unwrap_or(case.at);
    let sign = case.text[at..].chars().next().filter(|c| matches!(c, '*' | '&'))?;
    let found = error(Span::new(at, at + 1), format!("a text that begins with `{sign}` needs quotes"));
    Some(found.help(format!("write `\"{sign}\"`")))
}

fn first_character(case: &Case<'_>) -> Option<Diagnostic> {
    let line = case.line_at(case.at)?;
    let sign = case.text[case.at..].chars().next()?;
    let place = Span::new(case.at, line.start + line.text.trim_end().len());
    if sign == '>' && line.start == case.at {
        let found = error(place, "this line begins with `>`");
        return Some(found.help("lines that begin with `> ` are quoted from a mail: remove the `> ` before each"));
    }
    let sign = if sign == '`' { "a backtick".to_owned() } else { format!("`{sign}`") };
    let found = error(place, format!("a text that begins with {sign} needs quotes"));
    let text = &case.text[place.start()..place.end().max(place.start())];
    Some(if text.contains('"') { found } else { found.help(format!("write `\"{text}\"`")) })
}

/// `{{ NAME }}` is a mapping with a mapping for a key.
fn braces(case: &Case<'_>) -> Option<Diagnostic> {
    let start =
        case.text[..case.at].rfind('{').filter(|at| at + 1 == case.at && case.text[case.at..].starts_with('{'))?;
    let length = case.text[start..].find("}}")? + 2;
    let text = &case.text[start..start + length];
    let found = error(Span::new(start, start + length), format!("`{text}` is a template that nobody filled in"));
    Some(found.help("write `${NAME}`, which the gateway takes from its environment"))
}

fn closing(case: &Case<'_>) -> Option<Diagnostic> {
    let sign = case.text[case.at..].chars().next()?;
    Some(error(Span::new(case.at, case.at + sign.len_utf8()), format!("this `{sign}` closes nothing")))
}

/// The last bracket before the place that has no partner.
fn bracket(case: &Case<'_>) -> Option<Diagnostic> {
    let mut closed = 0_usize;
    for (at, byte) in case.text.as_bytes()[..case.at].iter().enumerate().rev().take(10_000) {
        match byte {
            b']' | b'}' => closed += 1,
            b'[' | b'{' if closed > 0 => closed -= 1,
            b'[' => return Some(unclosed(at, '[', ']')),
            b'{' => return Some(unclosed(at, '{', '}')),
            _ => {}
        }
    }
    None
}

fn unclosed(at: usize, open: char, close: char) -> Diagnostic {
    let found = error(Span::new(at, at + 1), format!("this `{open}` is never closed"));
    found.help(format!("put a `{close}` behind its last entry, and `, ` between the entries"))
}

fn control(case: &Case<'_>) -> Option<Diagnostic> {
    let sign = case.text[case.at..].chars().next()?;
    let place = Span::new(case.at, case.at + sign.len_utf8());
    Some(error(place, format!("there is a control character (U+{:04X})", u32::from(sign))).help("remove it"))
}

// === impl Case ===

impl<'a> Case<'a> {
    fn line_at(&self, at: usize) -> Option<Line<'a>> {
        let start = self.text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let text = self.text[start..].split('\n').next()?;
        Some(Line { start, text: text.trim_end_matches('\r') })
    }

    /// The line of the place and those below it.
    fn lines_from(&self, at: usize) -> impl Iterator<Item = Line<'a>> {
        let next = |line: &Line<'a>| self.line_at(self.text[line.start..].find('\n')? + line.start + 1);
        std::iter::successors(self.line_at(at), next)
    }

    /// The line of the place and those above it.
    fn lines_upward(&self) -> impl Iterator<Item = Line<'a>> {
        let above = |line: &Line<'a>| self.line_at(line.start.checked_sub(1)?);
        std::iter::successors(self.line_at(self.at), above)
    }
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Bytes of white space at its beginning.
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches([' ', '\t']).len()
    }

    /// What comes behind the indentation and the dashes of lists.
    fn content_start(&self) -> &'a str {
        let mut rest = self.text.trim_start_matches([' ', '\t']);
        while let Some(inner) = rest.strip_prefix("- ") {
            rest = inner.trim_start_matches(' ');
        }
        rest
    }

    fn content(&self) -> &'a str {
        self.content_start().trim_end()
    }

    fn content_span(&self) -> Span {
        let start = self.start + self.text.len() - self.content_start().len();
        Span::new(start, start + self.content().len())
    }

    fn span(&self) -> Span {
        Span::new(self.start, self.start + self.text.trim_end().len())
    }

    fn is_empty(&self) -> bool {
        self.content().is_empty() || self.content().starts_with('#')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_text_makes_any_of_them_panic(text in "([a-zé*&:\\-\\[\\]{}\"'\\\\\t\r\n @`]{0,9}: ?){0,6}", at in 0_usize..60) {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            for (info, find) in YAML {
                if let Some(found) = find(&Case { text: &text, at }) {
                    assert!(found.span.start() <= found.span.end() && found.span.end() <= text.len(), "{info}: {found:?}");
                }
            }
            let _ = no_document(&text);
        }
    }
}
