//! What must not stand in a record.

use crate::observe::redact::{MASK, is_secret, redact};
use http::{HeaderName, HeaderValue, header};
use std::borrow::Cow;

/// The names of what brings a secret, in lower case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secrets<'a>(pub(super) &'a [Box<str>]);

// === impl Secrets ===

impl<'a> Secrets<'a> {
    /// A request's target.
    pub(super) fn target(self, target: &'a str) -> Cow<'a, str> {
        redact(target, self.0)
    }

    /// A header's value. Kong masks the first two.
    pub(super) fn header(self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = String::from_utf8_lossy(value.as_bytes());
        match name {
            &header::AUTHORIZATION | &header::PROXY_AUTHORIZATION => MASK.to_owned(),
            named if self.0.iter().any(|secret| **secret == *named.as_str()) => MASK.to_owned(),
            &header::COOKIE | &header::SET_COOKIE => self.cookies(&text),
            _ => redact(&text, self.0).into_owned(),
        }
    }

    /// An argument's value.
    pub(super) fn argument(self, name: &str, value: &str) -> String {
        if is_secret(name, self.0) { MASK.to_owned() } else { redact(value, self.0).into_owned() }
    }

    fn cookies(self, line: &str) -> String {
        let cookie = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if self.0.iter().any(|secret| secret.eq_ignore_ascii_case(name.trim())) => {
                format!("{name}={MASK}")
            }
            _ => redact(pair, self.0).into_owned(),
        };
        line.split(';').map(cookie).collect::<Vec<_>>().join(";")
    }
}
