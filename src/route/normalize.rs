//! What a request's target says: its split into path and query, the normal form of a path that routes are compared
//! with, and the way back to a path that may be sent (`kong/routing.md` §1, §2, §5). Must not know routes.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use std::borrow::Cow;

/// A request's target, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// As sent, up to the query: starts with `/`; what `X-Forwarded-Path` shows.
    pub path: &'a [u8],
    /// Without the `?`. `Some` and empty for a bare `?`, which goes upstream, too.
    pub query: Option<&'a [u8]>,
}

/// A path that nginx, in front of Kong, answers with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPath {
    /// `%` without two hexadecimal digits.
    Escape,
    /// `%00`.
    Nul,
    /// Its dot segments climb above the root.
    AboveRoot,
}

/// As much of a path segment as dot segments need to know.
#[derive(Clone, Copy)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    Name,
}

/// All but these go upstream escaped (`kong/routing.md` §2); `%` stays as it is.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Bytes that stay escaped in a normal form: RFC 3986's reserved ones, and `%`.
const RESERVED: &[u8] = b"!#$%&'()*+,/:;=?@[]";

// === impl Target ===

impl<'a> Target<'a> {
    /// Splits a raw target as nginx and Kong together do: origin-form, or absolute-form, whose authority is not used.
    /// `None`: another form, which nginx answers with 400.
    ///
    /// The text is the request line's, byte for byte: `http::Uri` has already dropped what follows `#`.
    #[must_use]
    pub fn split(raw: &'a [u8]) -> Option<Self> {
        let raw = if raw.starts_with(b"/") { raw } else { after_authority(raw)? };
        let Some(mark) = raw.iter().position(|&b| b == b'?') else { return Some(Self::rooted(raw, None)) };
        let (path, query) = (&raw[..mark], &raw[mark + 1..]);
        // nginx ends the target at `#`: no query if that stands in the path, a shorter one else.
        let query = if path.contains(&b'#') { &[] } else { query.split(|&b| b == b'#').next().unwrap_or_default() };
        // Recorded: `??` arrives as `?`.
        let query = if query == b"?" { &[] } else { query };
        let shown = !query.is_empty() || raw.ends_with(b"?");
        Some(Self::rooted(path, shown.then_some(query)))
    }

    fn rooted(path: &'a [u8], query: Option<&'a [u8]>) -> Self {
        Self { path: if path.is_empty() { b"/" } else { path }, query }
    }
}

/// `http://host/path?query` without what stands before the path.
fn after_authority(raw: &[u8]) -> Option<&[u8]> {
    let scheme = raw.iter().position(|&b| b == b':')?;
    let rest = raw[scheme..].strip_prefix(b"://")?;
    let plain = raw[..scheme].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let authority = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    (plain && scheme > 0 && authority > 0).then_some(&rest[authority..])
}

/// A request path's normal form: escapes of unreserved bytes decoded, dot segments removed, slashes merged. Borrowed,
/// without allocation, if it is in that form already.
///
/// # Errors
/// What nginx refuses before Kong sees the request (`kong/routing.md` §1).
pub fn normalize(path: &[u8]) -> Result<Cow<'_, [u8]>, BadPath> {
    if is_normal(path) {
        return Ok(Cow::Borrowed(path));
    }
    inspect(path)?;
    Ok(Cow::Owned(rebuild(path)))
}

/// The normal form of a path from a file, which nginx never sees: nothing is refused.
#[must_use]
pub fn normalize_route_path(path: &[u8]) -> Cow<'_, [u8]> {
    if is_normal(path) { Cow::Borrowed(path) } else { Cow::Owned(rebuild(path)) }
}

/// A path as it may be sent: what a request target must not hold is escaped.
#[must_use]
pub fn escape(path: &[u8]) -> Cow<'_, str> {
    percent_encode(path, ESCAPED).into()
}

/// Appends a path as it may be sent.
pub(super) fn escape_into(out: &mut String, path: &[u8]) {
    out.extend(percent_encode(path, ESCAPED));
}

/// Whether nothing can need a change. May be `false` for a path that then comes out as it was, like `/.well-known`.
fn is_normal(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().all(|&byte| {
        let normal = byte != b'%' && !(before == b'/' && matches!(byte, b'/' | b'.'));
        before = byte;
        normal
    })
}

/// nginx's own reading, which differs from Kong's: an escaped slash is a slash, slashes are merged first, and `#`
/// ends the path.
fn inspect(path: &[u8]) -> Result<(), BadPath> {
    let (mut depth, mut segment) = (0_usize, Segment::Empty);
    let mut rest = path;
    while let Some((byte, after)) = decoded(rest)? {
        rest = after;
        if byte == b'/' {
            depth = segment.leave(depth)?;
            segment = Segment::Empty;
        } else {
            segment = segment.push(byte);
        }
    }
    segment.leave(depth).map(|_| ())
}

/// The next byte as nginx decodes it, and what follows. `None` at the end or at `#`.
fn decoded(rest: &[u8]) -> Result<Option<(u8, &[u8])>, BadPath> {
    match *rest {
        [] | [b'#', ..] => Ok(None),
        [b'%', ref after @ ..] => match after {
            [high, low, after @ ..] => match unhex(*high, *low).ok_or(BadPath::Escape)? {
                0 => Err(BadPath::Nul),
                // A decoded `#` does not end the path.
                byte => Ok(Some((byte, after))),
            },
            _ => Err(BadPath::Escape),
        },
        [byte, ref after @ ..] => Ok(Some((byte, after))),
    }
}

// === impl Segment ===

impl Segment {
    fn push(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Empty, b'.') => Self::Dot,
            (Self::Dot, b'.') => Self::DotDot,
            _ => Self::Name,
        }
    }

    /// How deep the path is after this segment.
    fn leave(self, depth: usize) -> Result<usize, BadPath> {
        match self {
            Self::Empty | Self::Dot => Ok(depth),
            Self::DotDot => depth.checked_sub(1).ok_or(BadPath::AboveRoot),
            Self::Name => Ok(depth + 1),
        }
    }
}

fn rebuild(path: &[u8]) -> Vec<u8> {
    let mut out = without_dots(&decode(path));
    out.dedup_by(|b, a| *a == b'/' && *b == b'/');
    out
}

/// Decodes all but the reserved bytes, whose digits become upper case. What is no escape stays.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match *after {
            [high, low, ref next @ ..] if byte == b'%' => match unhex(high, low) {
                Some(byte) => {
                    rest = next;
                    push_decoded(&mut out, byte, [b'%', high, low]);
                }
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    out
}

fn push_decoded(out: &mut Vec<u8>, byte: u8, escape: [u8; 3]) {
    if RESERVED.contains(&byte) {
        out.extend(escape.map(|b| b.to_ascii_uppercase()));
    } else {
        out.push(byte);
    }
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut segments = path.strip_prefix(b"/").unwrap_or(path).split(|&b| b == b'/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            b"." => {}
            b".." => out.truncate(out.iter().rposition(|&b| b == b'/').unwrap_or(0)),
            name => {
                out.push(b'/');
                out.extend_from_slice(name);
                continue;
            }
        }
        if segments.peek().is_none() {
            out.push(b'/');
        }
    }
    out
}

fn unhex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests;
