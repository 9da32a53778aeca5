//! Cuts an expression into tokens. Pure.

use super::fault::Fault;
use std::ops::Range;

/// A token, and which bytes of the text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, a number or an address: which of them is for the parser to say.
    Word(&'a str),
    /// A text, its escapes put in.
    Text(String),
    /// An operator or a bracket.
    Symbol(&'static str),
}

/// Longer ones first.
const SYMBOLS: [&str; 13] = ["==", "!=", "^=", "=^", ">=", "<=", "&&", "||", "~", ">", "<", "(", ")"];
/// What is written for one that there is not, likewise.
const MISTAKEN: [(&str, &str); 6] =
    [("=~", "`~`"), ("=", "`==`"), ("&", "`&&`"), ("|", "`||`"), ("*", "`contains`, `^=`, `=^` or `~`"), ("^", "`^=`")];

/// All tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut at = skip(text, 0);
    while let Some(first) = text[at..].chars().next() {
        let token = token(text, at, first)?;
        at = skip(text, token.at.end);
        tokens.push(token);
    }
    Ok(tokens)
}

/// The next byte that is no blank.
fn skip(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len()
}

fn token(text: &str, at: usize, first: char) -> Result<Token<'_>, Fault> {
    let rest = &text[at..];
    if rest.starts_with("r#\"") {
        return raw(text, at);
    }
    match first {
        '"' => quoted(text, at),
        '\'' => Err(single(rest, at)),
        '-' | ':' | '/' | '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' => {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            Ok(Token { kind: Kind::Word(&rest[..length]), at: at..at + length })
        }
        _ => symbol(rest, at, first),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:/-".contains(c)
}

fn symbol(rest: &str, at: usize, first: char) -> Result<Token<'static>, Fault> {
    let mistaken = MISTAKEN.iter().find(|(wrong, _)| rest.starts_with(wrong));
    if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
        return Ok(Token { kind: Kind::Symbol(symbol), at: at..at + symbol.len() });
    }
    if rest.starts_with('!') {
        return Ok(Token { kind: Kind::Symbol("!"), at: at..at + 1 });
    }
    Err(match mistaken {
        Some((wrong, right)) => {
            Fault::at(at..at + wrong.len(), format!("`{wrong}` is no operator")).label(format!("write {right}"))
        }
        None => {
            let shown = first.escape_debug();
            Fault::at(at..at + first.len_utf8(), format!("`{shown}` means nothing outside of a text"))
        }
    })
}

/// `'…'`, as other languages have it.
fn single(rest: &str, at: usize) -> Fault {
    let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
    Fault::at(at..at + end, "a text stands in double quotes").label("write `\"…\"`")
}

/// `r#"…"#`, in which everything means itself.
fn raw(text: &str, at: usize) -> Result<Token<'_>, Fault> {
    let inside = at + 3;
    let Some(length) = text[inside..].find("\"#") else {
        return Err(Fault::at(at..text.len(), "this text has no end").label("`\"#` is missing behind it"));
    };
    let end = inside + length;
    Ok(Token { kind: Kind::Text(text[inside..end].to_owned()), at: at..end + 2 })
}

fn quoted(text: &str, at: usize) -> Result<Token<'_>, Fault> {
    let mut value = String::new();
    let mut chars = text[at + 1..].char_indices().map(|(offset, c)| (at + 1 + offset, c));
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return Ok(Token { kind: Kind::Text(value), at: at..place + 1 }),
            '\\' => {
                // Without a second character the text has no end.
                let Some((_, escape)) = chars.next() else { break };
                value.push(unescaped(escape, place)?);
            }
            _ => value.push(c),
        }
    }
    Err(Fault::at(at..text.len(), "this text has no end").label("`\"` is missing behind it"))
}

fn unescaped(escape: char, place: usize) -> Result<char, Fault> {
    Ok(match escape {
        '"' | '\\' => escape,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => {
            let fault =
                Fault::at(place..place + 1 + escape.len_utf8(), format!("`\\{}` is no escape", escape.escape_debug()));
            return Err(fault.help("write `\\\\` for a backslash, or `r#\"…\"#`, in which a backslash means itself"));
        }
    })
}
