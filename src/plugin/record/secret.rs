//! What must not stand in a record.

use crate::observe::redact::{self, MASK, is_secret, redact};
use http::{HeaderName, HeaderValue};
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

    /// A header's value. Kong masks `Authorization`.
    pub(super) fn header(self, name: &HeaderName, value: &HeaderValue) -> String {
        redact::header(name, value, self.0)
    }

    /// An argument's value.
    pub(super) fn argument(self, name: &str, value: &str) -> String {
        if is_secret(name, self.0) { MASK.to_owned() } else { redact(value, self.0).into_owned() }
    }
}
