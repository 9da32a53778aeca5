//! What must never stand in a log: keys and tokens in a request's target or a referer. Better too much than too little:
//! a value goes as a whole where any part of it is telling.

use http::{HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Parts of the names of query parameters whose values are secrets, lower case.
const SECRET_PARTS: [&str; 9] =
    ["token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "signature", "credential"];
/// Names of others, lower case.
const SECRET_NAMES: [&str; 6] = ["authorization", "key", "jwt", "otp", "pwd", "sig"];
/// What secrets begin with that say themselves what they are: Supabase's keys.
const SECRET_STARTS: [&str; 1] = ["sb_secret_"];
/// How often a value is unpacked: one that is a URL again may hold another.
const DEPTH: usize = 3;

/// Of a byte: a look at the pieces of a text that has it may find something.
const PIECES: u8 = 1;
/// Of a byte: what it stands in may look like a secret by itself.
const LOOKS: u8 = 2;
/// What each byte says. One pass over it finds that there is nothing to mask in most texts.
static HINTS: [u8; 256] = hints();

/// What stands in place of a secret.
pub const MASK: &str = "REDACTED";

/// A target or a URL with secrets masked: values of telling parameters and of those that are named (in lower case), whatever
/// looks like a secret by itself, and user and password before a host. Nothing is copied where there is nothing to mask.
#[must_use]
pub fn redact<'a>(target: &'a str, names: &[Box<str>]) -> Cow<'a, str> {
    if !may_tell(target) {
        return Cow::Borrowed(target);
    }
    let (path, rest) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
    let shown = if may_tell(path) { masked_path(path, names) } else { Cow::Borrowed(path) };
    let pairs = pieces(rest, &['?', '&', '#'], |piece, _| mask_pair(piece, names, DEPTH));
    match (shown, pairs) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(target),
        (path, rest) => Cow::Owned(path.into_owned() + &rest),
    }
}

fn masked_path<'a>(path: &'a str, names: &[Box<str>]) -> Cow<'a, str> {
    pieces(path, &['/'], |piece, before| match piece.rsplit_once('@') {
        Some((_, host)) if is_scheme(before) => {
            let host = mask_pair(host, names, DEPTH).unwrap_or(Cow::Borrowed(host));
            Some(format!("{MASK}@{host}").into())
        }
        _ => mask_pair(piece, names, DEPTH),
    })
}

/// A header's value with secrets masked: all of one that is a secret, single values in cookies and URLs.
#[must_use]
pub fn header(name: &HeaderName, value: &HeaderValue, names: &[Box<str>]) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    match name {
        &header::AUTHORIZATION | &header::PROXY_AUTHORIZATION => MASK.to_owned(),
        named if names.iter().any(|secret| **secret == *named.as_str()) => MASK.to_owned(),
        &header::COOKIE | &header::SET_COOKIE => cookies(&text, names),
        _ => redact(&text, names).into_owned(),
    }
}

/// Whether an argument is a secret, by its name, however that is written.
#[must_use]
pub fn is_secret(name: &str, names: &[Box<str>]) -> bool {
    let name = plain_name(name);
    SECRET_NAMES.contains(&&*name) || has_secret_part(name.as_bytes()) || names.iter().any(|own| **own == *name)
}

fn has_secret_part(name: &[u8]) -> bool {
    let begins = |at, part: &str| name[at] == part.as_bytes()[0] && name[at..].starts_with(part.as_bytes());
    (0..name.len()).any(|at| SECRET_PARTS.iter().any(|part| begins(at, part)))
}

fn plain_name(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| !matches!(byte, b'+' | b'%' | b'A'..=b'Z')) {
        return Cow::Borrowed(name);
    }
    let spaced = name.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().to_ascii_lowercase().into()
}

/// Whether a look at the pieces may find something. Most targets are a plain path.
fn may_tell(text: &str) -> bool {
    let hints = text.bytes().fold(0, |hints, byte| hints | HINTS[usize::from(byte)]);
    hints & PIECES != 0 || (hints & LOOKS != 0 && looks_secret(text))
}

const fn hints() -> [u8; 256] {
    let mut hints = [0; 256];
    let (pieces, mut at) = (*b"?#=%@&;", 0);
    while at < pieces.len() {
        hints[pieces[at] as usize] = PIECES;
        at += 1;
    }
    // Of `eyJ` and `sb_secret_`, what is rarest.
    (hints[b'J' as usize], hints[b'_' as usize]) = (LOOKS, LOOKS);
    hints
}

/// The text with what stands between separators changed, which is shown with all that comes before it. Borrowed where
/// nothing is changed.
fn pieces<'a>(
    text: &'a str,
    separators: &[char],
    change: impl Fn(&'a str, &'a str) -> Option<Cow<'a, str>>,
) -> Cow<'a, str> {
    let (mut made, mut done, mut at) = (String::new(), 0, 0);
    for piece in text.split(separators) {
        if let Some(changed) = change(piece, &text[..at]) {
            made.push_str(&text[done..at]);
            made.push_str(&changed);
            done = at + piece.len();
        }
        at += piece.len() + 1;
    }
    if made.is_empty() {
        return Cow::Borrowed(text);
    }
    made.push_str(&text[done..]);
    Cow::Owned(made)
}

/// Whether a URL's host comes next: behind `http://`.
fn is_scheme(before: &str) -> bool {
    before.strip_suffix("://").is_some_and(|scheme| !scheme.contains('/'))
}

/// `name=value`, or one of both alone.
fn mask_pair<'a>(pair: &'a str, names: &[Box<str>], depth: usize) -> Option<Cow<'a, str>> {
    let Some((name, value)) = pair.split_once('=') else { return tells(pair, names, depth).then_some(MASK.into()) };
    if tells(name, names, depth) {
        return Some(MASK.into());
    }
    let last = name.rsplit(';').next().unwrap_or(name);
    let named = || is_secret(name, names) || (last.len() < name.len() && is_secret(last, names));
    let telling = value != MASK && !value.is_empty() && (named() || tells(value, names, depth));
    telling.then(|| format!("{name}={MASK}").into())
}

/// Whether a value holds a secret: by its looks, as a URL with user and password, or in pairs of its own.
fn tells(value: &str, names: &[Box<str>], depth: usize) -> bool {
    if !may_tell(value) {
        return false;
    }
    if looks_secret(value) {
        return true;
    }
    if depth == 0 {
        return false;
    }
    let plain = percent_decode_str(value).decode_utf8_lossy();
    let unpacked = plain.len() < value.len();
    let inner = |inner: &str| (unpacked || inner.len() < plain.len()) && mask_pair(inner, names, depth - 1).is_some();
    has_user(&plain) || plain.split(['?', '&', '#', ';']).any(inner)
}

/// `…://USER@HOST`.
fn has_user(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// A JSON Web Token, or what says itself that it is a secret.
fn looks_secret(text: &str) -> bool {
    SECRET_STARTS.iter().any(|start| text.contains(start)) || looks_like_jwt(text)
}

/// Three base64url parts, the first of which begins with `{"`.
fn looks_like_jwt(text: &str) -> bool {
    text.find("eyJ").is_some_and(|at| text[at..].split('.').filter(|part| part.len() > 3).count() >= 3)
}

fn cookies(line: &str, names: &[Box<str>]) -> String {
    let cookie = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if names.iter().any(|secret| secret.eq_ignore_ascii_case(name.trim())) => {
            format!("{name}={MASK}")
        }
        _ => mask_pair(pair, names, DEPTH).map_or_else(|| pair.to_owned(), Cow::into_owned),
    };
    line.split(';').map(cookie).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
