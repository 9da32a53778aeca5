//! One file's text to directives. Reading stops at the first thing that is no nginx syntax.

use super::lex::{Fault, Lexer, Token, Word, fault};
use super::tree::{At, Directive, Owner};
use crate::config::report::{Source, Span};

/// Blocks within blocks that are read. nginx's own go five deep.
const MAX_DEPTH: usize = 32;

/// A block that is not closed yet.
struct Open {
    words: Vec<Word>,
    brace: Span,
    before: Vec<Directive>,
}

struct Parser<'a> {
    file: usize,
    lines: Vec<usize>,
    lexer: Lexer<'a>,
    words: Vec<Word>,
    open: Vec<Open>,
    done: Vec<Directive>,
}

/// Reads a file; `file` is its number in the list of sources.
///
/// # Errors
/// The first fault, with its place.
pub(super) fn parse(file: usize, source: &Source) -> Result<Vec<Directive>, Fault> {
    let lines = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let lexer = Lexer::new(&source.text);
    let mut parser = Parser { file, lines, lexer, words: Vec::new(), open: Vec::new(), done: Vec::new() };
    while let Some((token, span)) = parser.lexer.next()? {
        parser.take(token, span)?;
    }
    parser.finish()
}

// === impl Parser ===

impl Parser<'_> {
    fn take(&mut self, token: Token, span: Span) -> Result<(), Fault> {
        match token {
            Token::Word(word) => self.words.push(word),
            Token::End => {
                let words = self.words(span, ";")?;
                self.push(words, None);
            }
            Token::Open => self.begin(span)?,
            Token::Close => self.end(span)?,
        }
        Ok(())
    }

    fn words(&mut self, span: Span, sign: &str) -> Result<Vec<Word>, Fault> {
        if self.words.is_empty() {
            return Err(fault(span, format!("`{sign}` stands here without a directive before it")));
        }
        Ok(std::mem::take(&mut self.words))
    }

    fn begin(&mut self, brace: Span) -> Result<(), Fault> {
        let words = self.words(brace, "{")?;
        if words[0].text.ends_with("_by_lua_block") {
            self.lexer.skip_foreign(brace)?;
            self.push(words, Some(Vec::new()));
            return Ok(());
        }
        if self.open.len() == MAX_DEPTH {
            return Err(fault(brace, format!("blocks may stand {MAX_DEPTH} deep within each other, not deeper")));
        }
        self.open.push(Open { words, brace, before: std::mem::take(&mut self.done) });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        if let Some(first) = self.words.first() {
            let whole =
                Span::new(first.span.start(), self.words.last().map_or(first.span.end(), |word| word.span.end()));
            return Err(fault(whole, format!("directive `{}` does not end with `;`", first.text)));
        }
        let Some(open) = self.open.pop() else { return Err(fault(span, "`}` closes nothing")) };
        let block = std::mem::replace(&mut self.done, open.before);
        self.push(open.words, Some(block));
        Ok(())
    }

    fn push(&mut self, words: Vec<Word>, block: Option<Vec<Directive>>) {
        let mut words = words.into_iter();
        let Some(name) = words.next() else { return };
        let line = self.lines.partition_point(|end| *end < name.span.start()) + 1;
        let at = At { file: self.file, line, span: name.span };
        self.done.push(Directive { name: name.text, args: words.collect(), block, at, owner: Owner::Head });
    }

    fn finish(self) -> Result<Vec<Directive>, Fault> {
        if let Some(first) = self.words.first() {
            let message = format!("the file ends before directive `{}` does", first.text);
            return Err(fault(first.span, message));
        }
        match self.open.last() {
            Some(open) => Err(fault(open.brace, "this block is never closed")),
            None => Ok(self.done),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Vec<Directive>, Fault> {
        parse(0, &Source::new("n.conf", text))
    }

    #[test]
    fn directives_know_their_lines() {
        let all = read("user www;\nhttp {\n  server { listen 80; }\n}\n").unwrap();
        assert_eq!((all[0].name.as_str(), all[0].arg(0), all[0].at.line), ("user", Some("www"), 1));
        let server = &all[1].children()[0];
        assert_eq!((server.name.as_str(), server.at.line, server.children()[0].at.line), ("server", 3, 3));
    }

    #[test]
    fn faults_have_places() {
        for (text, place, words) in [
            ("a b", 0, "the file ends before directive `a` does"),
            ("a {", 2, "this block is never closed"),
            ("a; }", 3, "`}` closes nothing"),
            ("a { b }", 4, "directive `b` does not end with `;`"),
            (" ;", 1, "`;` stands here without a directive before it"),
        ] {
            let found = read(text).unwrap_err();
            assert_eq!((found.span.start(), found.message.as_str()), (place, words), "{text}");
        }
        let deep = "a{".repeat(100_000);
        assert_eq!(read(&deep).unwrap_err().span.start(), 2 * MAX_DEPTH + 1);
    }

    #[test]
    fn lua_is_passed_over() {
        let all = read("content_by_lua_block { if a then b = {1} end }\nx;").unwrap();
        assert_eq!((all.len(), all[1].name.as_str()), (2, "x"));
    }
}
