//! `Strict-Transport-Security` (RFC 6797): its value, and when there is one.

use super::preset::Preset;
use crate::config::value::Checked;
use http::HeaderValue;

/// The `hsts` field, with what is not written filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hsts {
    enabled: bool,
    /// Seconds.
    max_age: i64,
    include_subdomains: bool,
    preload: bool,
}

/// A year, in seconds: what the browsers' preload lists ask for at least.
const YEAR: i64 = 365 * 24 * 60 * 60;

// === impl Hsts ===

impl Hsts {
    /// Reads the field. Without a preset it is off unless the file says something of it; sibling hosts are included only
    /// by `strict`, for it can lock them out.
    pub(super) fn read(field: Option<&Checked>, preset: Preset) -> Self {
        let truth = |name| field.and_then(|hsts| hsts.get(name).map(|_| hsts.bool(name)));
        let max_age = field.and_then(|hsts| hsts.int("max_age"));
        let (subdomains, preload) = (truth("include_subdomains"), truth("preload"));
        let written = max_age.is_some() || subdomains.is_some() || preload.is_some();
        Self {
            enabled: truth("enabled").unwrap_or(written || preset != Preset::None),
            max_age: max_age.unwrap_or(YEAR),
            include_subdomains: subdomains.unwrap_or(preset == Preset::Strict),
            preload: preload.unwrap_or_default(),
        }
    }

    /// The header's value; `None` where it is off.
    pub(super) fn value(self) -> Option<HeaderValue> {
        let subdomains = if self.include_subdomains { "; includeSubDomains" } else { "" };
        let preload = if self.preload { "; preload" } else { "" };
        let text = format!("max-age={}{subdomains}{preload}", self.max_age);
        self.enabled.then(|| HeaderValue::try_from(text).ok()).flatten()
    }

    /// Whether it asks for a place in the preload lists that they do not give.
    pub(super) fn preloads_in_vain(self) -> bool {
        self.enabled && self.preload && !(self.include_subdomains && self.max_age >= YEAR)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::testing::checked;
    use serde_json::{Value as Json, json};

    fn read(json: &Json, preset: Preset) -> Hsts {
        Hsts::read(Some(&checked(json)), preset)
    }

    fn value(json: &Json, preset: Preset) -> Option<String> {
        Some(read(json, preset).value()?.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_not_written_comes_from_the_preset() {
        let year = Some("max-age=31536000".to_owned());
        let nulls = json!({ "enabled": null, "max_age": null });
        assert_eq!(value(&nulls, Preset::Standard), year);
        assert_eq!(value(&nulls, Preset::Strict), Some("max-age=31536000; includeSubDomains".to_owned()));
        assert_eq!(value(&nulls, Preset::None), None);
        assert_eq!(value(&json!({ "enabled": true }), Preset::None), year);
        assert_eq!(value(&json!({ "max_age": 60 }), Preset::None), Some("max-age=60".to_owned()));
        assert_eq!(value(&json!({ "enabled": false, "max_age": 60 }), Preset::Strict), None);
        assert_eq!(value(&json!({ "include_subdomains": false }), Preset::Strict), year);
        let all = json!({ "max_age": 63_072_000, "include_subdomains": true, "preload": true });
        let expected = "max-age=63072000; includeSubDomains; preload".to_owned();
        assert_eq!(value(&all, Preset::Standard), Some(expected));
        assert_eq!(Hsts::read(None, Preset::Standard).value().unwrap(), "max-age=31536000");
    }

    #[test]
    fn preload_lists_want_a_year_and_all_subdomains() {
        for (json, vain) in [
            (json!({ "preload": true }), true),
            (json!({ "preload": true, "include_subdomains": true }), false),
            (json!({ "preload": true, "include_subdomains": true, "max_age": 86_400 }), true),
            (json!({ "preload": true, "enabled": false }), false),
            (json!({ "max_age": 5 }), false),
        ] {
            assert_eq!(read(&json, Preset::Standard).preloads_in_vain(), vain, "{json}");
        }
    }
}
