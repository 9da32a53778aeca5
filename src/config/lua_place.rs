//! Where in a block of Lua an error is: the reader knows where the block begins, LuaJIT says which of its lines is wrong.

use super::report::{Diagnostic, Report, Span};

/// What Kong says of a chunk that is no Lua begins with this.
const KONG: &str = "error parsing ";

/// Moves errors in chunks of Lua from the beginning of the block to their lines.
pub(super) fn tell(text: &str, report: &mut Report) {
    let wrong = |found: &&mut Diagnostic| found.kong.as_ref().is_some_and(|kong| kong.message.starts_with(KONG));
    for found in report.found.iter_mut().filter(wrong) {
        let kong = found.kong.as_ref().map(|kong| kong.message.clone()).unwrap_or_default();
        let place = line(&kong).and_then(|line| place(text, found.span, line, near(&kong)));
        if let Some((place, whole)) = place {
            found.span = place;
            if whole.contains("${") || whole.contains("{{") {
                found.help = Some("nothing is put into Lua here: fill the file in first".to_owned());
            }
        }
    }
}

/// The number in `[string "…"]:NUMBER: …`.
fn line(kong: &str) -> Option<usize> {
    kong.rsplit_once("]:")?.1.split(':').next()?.parse().ok()
}

/// What the error is near to, in LuaJIT's words.
fn near(kong: &str) -> Option<&str> {
    kong.rsplit_once(" near '")?.1.strip_suffix('\'')
}

/// The word on a line of the chunk, or all of the line, and the line. `None` where the text is no `|` block, whose lines
/// are those of the file.
fn place<'a>(text: &'a str, chunk: Span, line: usize, near: Option<&str>) -> Option<(Span, &'a str)> {
    let start = text.get(..chunk.start)?.rfind('\n')? + 1;
    let above = text[..start].trim_end_matches(|c: char| c.is_whitespace());
    let blank = text[above.len()..start].matches('\n').count().checked_sub(1)?;
    is_block(above.rsplit('\n').next()?).then_some(())?;
    let skipped = line.checked_sub(blank + 1)?;
    let from = start + text[start..].split_inclusive('\n').take(skipped).map(str::len).sum::<usize>();
    let whole = text[from..].split('\n').next()?;
    let word = near.and_then(|near| Some((whole.find(near)?, near.len())));
    let (at, length) = word.unwrap_or_else(|| (whole.len() - whole.trim_start().len(), whole.trim().len()));
    Some((Span::new(from + at, from + at + length), whole))
}

/// Whether a line opens a block that keeps its lines.
fn is_block(line: &str) -> bool {
    let head = line.split(" #").next().unwrap_or_default().trim_end();
    let sign = head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    sign.ends_with('|')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, kong: &str) -> Option<String> {
        let start = text.find("local").unwrap_or_default();
        place(text, Span::new(start, start + 5), line(kong)?, near(kong))
            .map(|(at, _)| text[at.start..at.end].to_owned())
    }

    #[test]
    fn the_word_of_the_line_is_underlined() {
        let text = "access:\n  - |- # code\n\n    local a = 1\n    if a == ${B}\n    end\n";
        let kong = |line, rest| format!("error parsing pre-function: [string \"local a...\"]:{line}: {rest}");
        assert_eq!(shown(text, &kong(3, "unexpected symbol near '$'")).as_deref(), Some("$"));
        assert_eq!(shown(text, &kong(4, "'then' expected near 'end'")).as_deref(), Some("end"));
        assert_eq!(shown(text, &kong(3, "unfinished string")).as_deref(), Some("if a == ${B}"));
        assert_eq!(shown("access:\n  - local a =\n", &kong(1, "unexpected symbol near '<eof>'")), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}([|>\\n é-]\\PC{0,9}){0,9}", start in 0_usize..60, line in 0_usize..9) {
            let _ = place(&text, Span::new(start, start), line, Some("é"));
        }
    }
}
