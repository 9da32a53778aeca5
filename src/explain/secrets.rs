//! Secrets in what is shown: stars in their place, unless they are asked for. Pure.

use crate::observe::redact::redact;
use http::{HeaderName, HeaderValue};
use std::borrow::Cow;

/// Parts of the names of headers whose values are secrets.
const SECRET_PARTS: [&str; 6] = ["authorization", "cookie", "token", "secret", "password", "jwt"];
/// What such a name may end with.
const SECRET_END: &str = "key";
/// What stands in a secret's place.
const STARS: &str = "****";

/// Whether secrets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets<'a> {
    /// As stars, also what has one of these names (in lower case).
    Masked(&'a [Box<str>]),
    /// As they are.
    Shown,
}

// === impl Secrets ===

impl Secrets<'_> {
    /// A header's value. The scheme of a credential stays: `Bearer ****`.
    #[must_use]
    pub fn value(self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = super::steps::lossy(value);
        let Self::Masked(names) = self else { return text };
        match text.split_once(' ') {
            _ if !is_secret(name.as_str(), names) => redact(&text, names).into_owned(),
            Some((scheme, _)) if name.as_str().contains("authorization") => format!("{scheme} {STARS}"),
            _ => STARS.to_owned(),
        }
    }

    /// A request target, or a URL.
    #[must_use]
    pub fn target(self, target: &str) -> Cow<'_, str> {
        match self {
            Self::Shown => Cow::Borrowed(target),
            Self::Masked(names) => redact(target, names),
        }
    }

    /// A query without its question mark.
    #[must_use]
    pub fn query(self, query: &str) -> String {
        let text = format!("?{query}");
        self.target(&text)[1..].to_owned()
    }
}

fn is_secret(name: &str, names: &[Box<str>]) -> bool {
    let known = name.ends_with(SECRET_END) || SECRET_PARTS.iter().any(|part| name.contains(part));
    known || names.iter().any(|own| **own == *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_starred() {
        let masked = |name, value| {
            Secrets::Masked(&["x-pass".into()]).value(&HeaderName::from_static(name), &HeaderValue::from_static(value))
        };
        assert_eq!(masked("authorization", "Bearer abc"), "Bearer ****");
        assert_eq!(masked("authorization", "abc"), "****");
        assert_eq!(masked("proxy-authorization", "hmac username=\"al\", signature=\"x\""), "hmac ****");
        assert_eq!(masked("x-session", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"), "REDACTED");
        assert_eq!(masked("cookie", "a=b; c=d"), "****");
        assert_eq!((masked("x-api-key", "abc"), masked("apikey", "abc")), ("****".to_owned(), "****".to_owned()));
        assert_eq!(masked("accept", "a/b"), "a/b");
        assert_eq!(masked("x-pass", "abc"), "****");
        assert_eq!(Secrets::Masked(&[]).query("apikey=abc&x=1"), "apikey=REDACTED&x=1");
        assert_eq!(Secrets::Masked(&[]).query("jwt=abc&x=1"), "jwt=REDACTED&x=1");
        assert_eq!(Secrets::Masked(&["x-pass".into()]).query("x-pass=abc&x=1"), "x-pass=REDACTED&x=1");
        let shown = Secrets::Shown.value(&HeaderName::from_static("cookie"), &HeaderValue::from_static("a"));
        assert_eq!(shown, "a");
    }
}
