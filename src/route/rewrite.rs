//! What the upstream sees of a path: arithmetic on service path, matched prefix and request path
//! (`kong/routing.md` §5). Must not know hosts, queries or escapes beyond the final one.

use super::normalize::escape_into;

/// How service path and request path are joined (`kong/routing.md` §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathHandling {
    /// With exactly one slash between.
    #[default]
    V0,
    /// By plain concatenation.
    V1,
}

/// Two parts of a path, with or without a slash in between.
type Parts<'a> = (&'a [u8], &'static [u8], &'a [u8]);

/// The path to ask the upstream for, escaped.
///
/// `base` is the service's path, `path` the normalised request path, `prefix` how many of its bytes the route's path
/// matched (`None` if the route has no paths).
#[must_use]
pub fn upstream_path(base: &str, path: &[u8], prefix: Option<usize>, strip: bool, handling: PathHandling) -> String {
    let base = if base.is_empty() { "/" } else { base }.as_bytes();
    let parts = match (handling, strip) {
        (PathHandling::V1, false) => (base, &b""[..], unrooted(path)),
        (PathHandling::V1, true) => concatenate(base, postfix(path, prefix)),
        (PathHandling::V0, false) => keep(base, path),
        (PathHandling::V0, true) => replace(base, path, postfix(path, prefix)),
    };
    let mut out = String::with_capacity(base.len() + path.len() + 1);
    for part in [parts.0, parts.1, parts.2] {
        escape_into(&mut out, part);
    }
    out
}

/// The value of `X-Forwarded-Prefix`: what was stripped, decoded as it stands; `None` if nothing worth telling
/// (`kong/proxying.md` §2). May hold any byte, so not every one makes a header value.
#[must_use]
pub fn forwarded_prefix(path: &[u8], prefix: Option<usize>, strip: bool) -> Option<&[u8]> {
    let stripped = path.get(..prefix.filter(|_| strip)?)?;
    (!matches!(stripped, b"" | b"/")).then_some(stripped)
}

/// What follows the matched prefix. A dot segment that stripping uncovered is dropped, once.
fn postfix(path: &[u8], prefix: Option<usize>) -> &[u8] {
    let Some(prefix) = prefix else { return unrooted(path) };
    match path.get(prefix..).unwrap_or_default() {
        b"." | b".." => b"",
        [b'.', b'/', rest @ ..] | [b'.', b'.', b'/', rest @ ..] => rest,
        rest => rest,
    }
}

fn unrooted(path: &[u8]) -> &[u8] {
    path.get(1..).unwrap_or_default()
}

/// v1, stripped: no slash is added, but two become one.
fn concatenate<'a>(base: &'a [u8], postfix: &'a [u8]) -> Parts<'a> {
    match base.strip_suffix(b"/") {
        Some(short) if postfix.starts_with(b"/") => (short, b"", postfix),
        _ => (base, b"", postfix),
    }
}

/// v0, not stripped: one slash between.
fn keep<'a>(base: &'a [u8], path: &'a [u8]) -> Parts<'a> {
    match path {
        _ if base.ends_with(b"/") => (base, b"", unrooted(path)),
        b"/" => (base, b"", b""),
        path => (base, b"", path),
    }
}

/// v0, stripped: one slash between; at the end, the request's.
fn replace<'a>(base: &'a [u8], path: &'a [u8], postfix: &'a [u8]) -> Parts<'a> {
    let slash_asked = path.ends_with(b"/");
    match (base.strip_suffix(b"/"), postfix) {
        (Some(b""), b"") => (base, b"", b""),
        (Some(short), b"") => (if slash_asked { base } else { short }, b"", b""),
        (None, b"") => (base, if slash_asked && path.len() > 1 { b"/" } else { b"" }, b""),
        (Some(short), [b'/', ..]) => (short, b"", postfix),
        (None, [b'/', ..]) | (Some(_), _) => (base, b"", postfix),
        (None, _) => (base, b"/", postfix),
    }
}

#[cfg(test)]
mod tests;
