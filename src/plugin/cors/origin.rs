//! Which origins are allowed: how an entry of `origins` and a request's `Origin` are read and compared.

use crate::entity::Compat;
use crate::pcre::Pcre;
use http::HeaderValue;
use std::borrow::Cow;

/// The `origins` field.
#[derive(Debug)]
pub(super) enum Origins {
    /// Everyone.
    Any,
    /// One plain entry is sent whoever asks.
    Fixed(HeaderValue),
    /// Those that an entry matches.
    Listed(Box<[Entry]>),
}

/// One entry among several, or a regular expression.
#[derive(Debug)]
pub(super) enum Entry {
    /// Compared with the normalised origin.
    Plain(Box<str>),
    /// Matched against the host.
    Host(Pcre),
    /// Matched against the normalised origin.
    Whole(Pcre),
    /// `*` among others: everyone in Kong 3.
    Star,
}

/// What an answer to an origin says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// `*`, or the origin itself where credentials are allowed.
    Any,
    /// This origin.
    Allowed(HeaderValue),
    /// No origin.
    Refused,
}

/// An origin in the form in which origins are compared.
#[derive(Debug, PartialEq, Eq)]
struct Normal<'a> {
    /// `scheme://host[:port]` without a default port, or the text as it is if that is no URL with a host.
    whole: Cow<'a, str>,
    /// The host alone.
    host: &'a str,
}

// === impl Origins ===

impl Origins {
    /// Reads entries that passed the schema. In Kong 2 a `*` among others is a broken expression that matches nothing.
    pub(super) fn read<'a>(entries: impl Iterator<Item = &'a str>, compat: Compat) -> Self {
        let entries: Vec<_> = entries.collect();
        match &*entries {
            [] | ["*"] => return Self::Any,
            [one] if is_plain(one) => {
                if let Ok(value) = HeaderValue::from_str(one) {
                    return Self::Fixed(value);
                }
            }
            _ => {}
        }
        Self::Listed(entries.into_iter().filter_map(|text| Entry::read(text, compat)).collect())
    }

    /// Whether the answer depends on `Origin`, or may after a change of this list.
    pub(super) fn vary(&self) -> bool {
        !matches!(self, Self::Any)
    }

    /// Whether `judge` looks at the origin.
    pub(super) fn need_origin(&self) -> bool {
        matches!(self, Self::Listed(_))
    }

    /// What to answer to an origin. One that is no text, or none, matches nothing.
    pub(super) fn judge(&self, origin: Option<&HeaderValue>) -> Verdict {
        match self {
            Self::Any => Verdict::Any,
            Self::Fixed(value) => Verdict::Allowed(value.clone()),
            Self::Listed(entries) => origin.map_or(Verdict::Refused, |origin| search(entries, origin)),
        }
    }
}

fn search(entries: &[Entry], origin: &HeaderValue) -> Verdict {
    if entries.iter().any(|entry| matches!(entry, Entry::Star)) {
        return Verdict::Any;
    }
    let Ok(text) = std::str::from_utf8(origin.as_bytes()) else { return Verdict::Refused };
    let normal = normalise(text);
    if !entries.iter().any(|entry| entry.matches(&normal)) {
        return Verdict::Refused;
    }
    match normal.whole {
        Cow::Borrowed(_) => Verdict::Allowed(origin.clone()),
        Cow::Owned(whole) => HeaderValue::try_from(whole).map_or(Verdict::Refused, Verdict::Allowed),
    }
}

// === impl Entry ===

impl Entry {
    /// Reads an entry; none that can never match.
    fn read(text: &str, compat: Compat) -> Option<Self> {
        match text {
            "*" => (compat == Compat::Kong3).then_some(Self::Star),
            plain if is_plain(plain) => Some(Self::Plain(normalise(plain).whole.into())),
            regex => Self::expression(regex),
        }
    }

    /// Matched whole: anchored at both ends, whether or not it is written so.
    fn expression(text: &str) -> Option<Self> {
        let start = text.strip_prefix('^').unwrap_or(text);
        let end = if start.ends_with('$') { "" } else { "$" };
        let regex = Pcre::anchored(&format!("{start}{end}")).ok()?;
        Some(if text.contains(':') { Self::Whole(regex) } else { Self::Host(regex) })
    }

    fn matches(&self, origin: &Normal<'_>) -> bool {
        match self {
            Self::Plain(text) => **text == *origin.whole,
            Self::Host(regex) => regex.is_match(origin.host.as_bytes()),
            Self::Whole(regex) => regex.is_match(origin.whole.as_bytes()),
            Self::Star => true,
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/-".contains(&b))
}

/// The parts of a URL that make an origin. Letter case stays, as in Kong; the brackets of an IPv6 address too, which
/// Kong loses.
fn normalise(text: &str) -> Normal<'_> {
    parts(text).unwrap_or(Normal { whole: Cow::Borrowed(text), host: text })
}

fn parts(text: &str) -> Option<Normal<'_>> {
    let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let address = authority.split_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let port = port.filter(|port| !matches!((scheme, *port), ("http", "80") | ("https", "443")));
    let length = scheme.len() + 3 + host.len() + port.map_or(0, |port| port.len() + 1);
    let whole = match port {
        _ if length == text.len() => Cow::Borrowed(text),
        Some(port) => format!("{scheme}://{host}:{port}").into(),
        None => format!("{scheme}://{host}").into(),
    };
    (!host.is_empty()).then_some(Normal { whole, host })
}

fn is_scheme(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::{is_plain, normalise};

    #[test]
    fn an_origin_is_a_url_without_default_port_and_path() {
        let cases = [
            ("http://foo.test", "http://foo.test", "foo.test"),
            ("http://foo.test:80", "http://foo.test", "foo.test"),
            ("https://foo.test:443/", "https://foo.test", "foo.test"),
            ("https://foo.test:80", "https://foo.test:80", "foo.test"),
            ("http://foo.test:8000/a?b#c", "http://foo.test:8000", "foo.test"),
            ("http://me:secret@foo.test", "http://foo.test", "foo.test"),
            ("http://[::1]", "http://[::1]", "[::1]"),
            ("http://[::1]:3000", "http://[::1]:3000", "[::1]"),
            ("HTTP://FOO.TEST", "HTTP://FOO.TEST", "FOO.TEST"),
            ("chrome-extension://abc", "chrome-extension://abc", "abc"),
            ("foo.test", "foo.test", "foo.test"),
            ("foo.test:80", "foo.test:80", "foo.test:80"),
            ("null", "null", "null"),
            ("http://", "http://", "http://"),
            ("", "", ""),
        ];
        for (text, whole, host) in cases {
            let normal = normalise(text);
            assert_eq!((&*normal.whole, normal.host), (whole, host), "{text}");
        }
    }

    #[test]
    fn anything_beyond_a_plain_address_is_an_expression() {
        assert!(is_plain("http://app.test:8080/"));
        assert!(!is_plain("app\\.test") && !is_plain("*") && !is_plain("a_b") && !is_plain(""));
    }
}
