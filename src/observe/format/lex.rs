//! The words of a directive of nginx's: bare, or in quotes, within which `\` escapes.

use std::iter::Peekable;
use std::str::Chars;

/// The words of a text. An error says what is missing.
pub(super) fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut rest) = (Vec::new(), text.trim().trim_end_matches(';').chars().peekable());
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        match rest.peek() {
            None => return Ok(words),
            Some(&quote @ ('\'' | '"')) => words.push(quoted(&mut rest, quote)?),
            Some(_) => words.push(bare(&mut rest)),
        }
    }
}

fn quoted(rest: &mut Peekable<Chars<'_>>, quote: char) -> Result<String, &'static str> {
    let mut word = String::new();
    rest.next();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escaped(&mut word, rest.next()),
            end if end == quote => return Ok(word),
            plain => word.push(plain),
        }
    }
    Err("an end of what is quoted")
}

/// What is no escape stays as it is.
fn escaped(word: &mut String, c: Option<char>) {
    match c {
        Some('t') => word.push('\t'),
        Some('r') => word.push('\r'),
        Some('n') => word.push('\n'),
        Some(c @ ('"' | '\'' | '\\')) => word.push(c),
        Some(other) => word.extend(['\\', other]),
        None => word.push('\\'),
    }
}

fn bare(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| !c.is_whitespace()) {
        match c {
            '\\' => escaped(&mut word, rest.next()),
            plain => word.push(plain),
        }
    }
    word
}
