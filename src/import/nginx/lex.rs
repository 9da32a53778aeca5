//! The text of an nginx configuration to words and punctuation, by nginx's rules (`ngx_conf_file.c`, what its reader
//! accepts): a word ends at a blank, `;` or `{`; quotes only count where a word begins; `\` keeps the next character
//! from ending a word; `${name}` is part of a word; `#` begins a comment where a word could begin.

use crate::config::report::{Diagnostic, Span};

/// A word as it counts: quotes gone, escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The text.
    pub(super) text: String,
    /// Where it stands, quotes included.
    pub(super) span: Span,
}

/// Why reading ended.
pub(super) type Fault = Box<Diagnostic>;

/// What the text is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or an argument.
    Word(Word),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `;`
    End,
}

/// Reads a text from front to back.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

// === impl Lexer ===

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and its place; `None` at the end.
    ///
    /// # Errors
    /// A quote that is never closed, or a word glued to one.
    pub(super) fn next(&mut self) -> Result<Option<(Token, Span)>, Fault> {
        self.skip_blanks();
        let start = self.at;
        let Some(byte) = self.peek() else { return Ok(None) };
        let token = match byte {
            b';' => self.punctuation(Token::End),
            b'{' => self.punctuation(Token::Open),
            b'}' => self.punctuation(Token::Close),
            b'"' | b'\'' => self.quoted(byte)?,
            _ => self.bare(),
        };
        Ok(Some((token, Span::new(start, self.at))))
    }

    /// Passes over a block of another language (`content_by_lua_block {`), whose `{` was read: up to its `}`.
    ///
    /// # Errors
    /// When it never ends; `open` is where it began.
    pub(super) fn skip_foreign(&mut self, open: Span) -> Result<(), Fault> {
        let mut depth = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(fault(open, "this block is never closed"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn punctuation(&mut self, token: Token) -> Token {
        self.at += 1;
        token
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                _ => return,
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Token, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(fault(Span::new(start, start + 1), "this quote is never closed")),
                Some(b'\\') => self.skip_escape(),
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        let text = unescape(&self.text[start + 1..self.at - 1]);
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => {}
            Some(_) => {
                let message = "a blank, `;` or `{` must follow a closing quote";
                return Err(fault(Span::new(self.at, self.at + 1), message));
            }
        }
        Ok(Token::Word(Word { text, span: Span::new(start, self.at) }))
    }

    fn bare(&mut self) -> Token {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' => break,
                b'{' if self.at > start && self.text.as_bytes()[self.at - 1] == b'$' => self.at += 1,
                b'{' => break,
                b'\\' => self.skip_escape(),
                _ => self.at += 1,
            }
        }
        Token::Word(Word { text: unescape(&self.text[start..self.at]), span: Span::new(start, self.at) })
    }

    /// Over a backslash and the whole character behind it.
    fn skip_escape(&mut self) {
        let behind = self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8);
        self.at += 1 + behind;
    }
}

/// A fault of syntax.
pub(super) fn fault(span: Span, message: impl Into<String>) -> Fault {
    Box::new(Diagnostic::error("nginx-syntax", span, message))
}

/// `\"`, `\'` and `\\` lose the backslash, `\t`, `\r` and `\n` are what they name, any other stays: regular expressions
/// need it.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = match (c, chars.peek()) {
            ('\\', Some(next @ ('"' | '\'' | '\\'))) => Some(*next),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('n')) => Some('\n'),
            _ => None,
        };
        if escaped.is_some() {
            chars.next();
        }
        out.push(escaped.unwrap_or(c));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Words as they count, punctuation as it is.
    fn lexed(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut out = Vec::new();
        while let Some((token, _)) = lexer.next().unwrap() {
            out.push(match token {
                Token::Word(word) => word.text,
                Token::Open => "{".to_owned(),
                Token::Close => "}".to_owned(),
                Token::End => ";".to_owned(),
            });
        }
        out
    }

    #[test]
    fn words_and_punctuation() {
        assert_eq!(lexed("a b;c{d}#x\n e;"), ["a", "b", ";", "c", "{", "d}#x", "e", ";"]);
        assert_eq!(lexed("a{\n}\n"), ["a", "{", "}"]);
        assert_eq!(lexed("set $a ${b}c;"), ["set", "$a", "${b}c", ";"]);
    }

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(lexed(r#"a "b; {c}" 'd"e' f"g;"#), ["a", "b; {c}", "d\"e", "f\"g", ";"]);
        assert_eq!(lexed(r#"~ \.php$ "a\"b" a\ b "\t";"#), ["~", r"\.php$", "a\"b", r"a\ b", "\t", ";"]);
    }

    #[test]
    fn what_never_ends_has_a_place() {
        let fault = |text: &str| {
            let mut lexer = Lexer::new(text);
            loop {
                match lexer.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(found) => return Some(found.span.start()),
                }
            }
        };
        assert_eq!(fault("a 'b"), Some(2));
        assert_eq!(fault("a 'b'c;"), Some(5));
        assert_eq!(fault("a \\"), None);
        let mut lexer = Lexer::new(" { } ");
        assert!(lexer.skip_foreign(Span::new(0, 1)).is_err());
        assert!(Lexer::new("if x { y } }").skip_foreign(Span::default()).is_ok());
    }
}
