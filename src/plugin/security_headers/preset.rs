//! The presets: which headers a browser is told without a word in the file.
//!
//! `standard` breaks no page that isn't framed by a stranger. `strict` follows the OWASP Secure Headers Project and its
//! HTTP Headers Cheat Sheet, without what breaks pages for little: `Cross-Origin-Embedder-Policy`, and CSP's
//! `upgrade-insecure-requests`, which over plain http sends a page's own files to a port where there may be nobody.

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue};

/// The `preset` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// What nearly every page bears.
    Standard,
    /// What a page must have been written for.
    Strict,
    /// Only what the file names.
    None,
}

/// A header, and what it is set to.
type Line = (HeaderName, &'static str);

static STANDARD: [Line; 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "SAMEORIGIN"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
];

static STRICT: [Line; 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

// === impl Preset ===

impl Preset {
    /// The names in a file.
    pub(super) const NAMES: &[&str] = &["standard", "strict", "none"];

    /// The preset of a name that passed the schema.
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            Some("strict") => Self::Strict,
            Some("none") => Self::None,
            _ => Self::Standard,
        }
    }

    /// Its headers, without HSTS.
    pub(super) fn lines(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let lines: &'static [Line] = match self {
            Self::Standard => &STANDARD,
            Self::Strict => &STRICT,
            Self::None => &[],
        };
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
    }
}
