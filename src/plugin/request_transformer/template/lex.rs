//! Cuts an expression into tokens (Lua 5.1 manual §2.1). Keywords are names here.

use super::Unknown;
use super::literal;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Text(Vec<u8>),
    Number(f64),
    Symbol(&'static str),
}

/// Longer ones first. Those that mean nothing to the parser are here so as not to be taken for two.
const SYMBOLS: [&str; 14] = ["...", "..", "==", "~=", "--", "[[", "-", "(", ")", "[", "]", ".", ":", ","];

/// All tokens of an expression.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Unknown> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (token, after) = token(first, rest)?;
        tokens.push(token);
        rest = after.trim_start_matches(is_space);
    }
    Ok(tokens)
}

fn token(first: char, text: &str) -> Result<(Token<'_>, &str), Unknown> {
    let digit = |c: char| c.is_ascii_digit();
    match first {
        '"' | '\'' => literal::text(text, first).map(|(value, rest)| (Token::Text(value), rest)),
        '_' | 'a'..='z' | 'A'..='Z' => {
            let (name, rest) = text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()));
            Ok((Token::Name(name), rest))
        }
        '0'..='9' => literal::number(text).map(|(value, rest)| (Token::Number(value), rest)),
        '.' if text[1..].starts_with(digit) => {
            literal::number(text).map(|(value, rest)| (Token::Number(value), rest))
        }
        _ => symbol(first, text),
    }
}

fn symbol(first: char, text: &str) -> Result<(Token<'_>, &str), Unknown> {
    let found = SYMBOLS.into_iter().find(|symbol| text.starts_with(symbol));
    match found {
        Some(symbol) => Ok((Token::Symbol(symbol), &text[symbol.len()..])),
        None => Err(Unknown(format!("`{first}`"))),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// A vertical tab (0B) is one, too.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

// === impl Token ===

impl Token<'_> {
    /// What to call it in a message. Texts may be secrets.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(_) => "a number".to_owned(),
        }
    }
}
