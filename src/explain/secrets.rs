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
pub enum Secrets {
    /// As stars.
    Masked,
    /// As they are.
    Shown,
}

// === impl Secrets ===

impl Secrets {
    /// A header's value. The scheme of a credential stays: `Bearer ****`.
    #[must_use]
    pub fn value(self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = super::steps::lossy(value);
        let secret =
            name.as_str().ends_with(SECRET_END) || SECRET_PARTS.iter().any(|part| name.as_str().contains(part));
        match (self, secret) {
            (Self::Shown, _) => text,
            (Self::Masked, true) => match text.split_once(' ') {
                Some((scheme, _)) if name.as_str().contains("authorization") => format!("{scheme} {STARS}"),
                _ => STARS.to_owned(),
            },
            (Self::Masked, false) => redact(&text).into_owned(),
        }
    }

    /// A request target, or a URL.
    #[must_use]
    pub fn target(self, target: &str) -> Cow<'_, str> {
        match self {
            Self::Shown => Cow::Borrowed(target),
            Self::Masked => redact(target),
        }
    }

    /// A query without its question mark.
    #[must_use]
    pub fn query(self, query: &str) -> String {
        let text = format!("?{query}");
        self.target(&text)[1..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_starred() {
        let masked =
            |name, value| Secrets::Masked.value(&HeaderName::from_static(name), &HeaderValue::from_static(value));
        assert_eq!(masked("authorization", "Bearer abc"), "Bearer ****");
        assert_eq!(masked("authorization", "abc"), "****");
        assert_eq!(masked("proxy-authorization", "hmac username=\"al\", signature=\"x\""), "hmac ****");
        assert_eq!(masked("x-session", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"), "REDACTED");
        assert_eq!(masked("cookie", "a=b; c=d"), "****");
        assert_eq!((masked("x-api-key", "abc"), masked("apikey", "abc")), ("****".to_owned(), "****".to_owned()));
        assert_eq!(masked("accept", "a/b"), "a/b");
        assert_eq!(Secrets::Masked.query("apikey=abc&x=1"), "apikey=REDACTED&x=1");
        assert_eq!(Secrets::Masked.query("jwt=abc&x=1"), "jwt=REDACTED&x=1");
        let shown = Secrets::Shown.value(&HeaderName::from_static("cookie"), &HeaderValue::from_static("a"));
        assert_eq!(shown, "a");
    }
}
