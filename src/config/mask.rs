//! Secrets in excerpts: stars in their place, byte for byte, so that places stay right.

use regex::Regex;
use std::sync::LazyLock;

/// What comes before a secret and must stay, and the secret itself.
const SECRETS: &[&str] = &[
    // A field whose name says so, in block or flow style, or a header in a list: `apikey: x`.
    r#"(?i)([a-z0-9_-]*(?:password|passwd|secret|token|key|authorization)["']?\s*[:=]\s*["']?)([^\s"',{}\[\]|>&*!$][^"',}\]\n]*)"#,
    r"(?i)(\b(?:bearer|basic)\s+)([^\s$][^\s]*)",
    // A JSON Web Token by its look.
    r"()(\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2})",
    // A line of base64, as in PEM.
    r"(?m)(^\s*)([A-Za-z0-9+/]{40,}={0,2})",
];

static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| SECRETS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());

/// The text with secrets starred, of the same length in bytes.
#[must_use]
pub(super) fn mask(text: &str) -> String {
    PATTERNS.iter().fold(text.to_owned(), |text, pattern| {
        let star = |found: &regex::Captures<'_>| match &found[2] {
            // The name of a variable is none of its value.
            named if named.contains("${") => found[0].to_owned(),
            secret => format!("{}{}", &found[1], "*".repeat(secret.len())),
        };
        pattern.replace_all(&text, star).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.len(), SECRETS.len());
    }

    #[test]
    fn secrets_become_stars_of_the_same_length() {
        for (text, masked) in [
            ("  key: abc", "  key: ***"),
            ("{username: u, password: 'p w'}", "{username: u, password: '***'}"),
            ("- \"apikey:abc\"", "- \"apikey:***\""),
            ("Authorization: Bearer abc.def", "Authorization: **************"),
            ("- 'X-Auth:Bearer abc'", "- 'X-Auth:Bearer ****"),
            ("anon: eyJhbGciOi.eyJpc3Mi.sig", "anon: ***********************"),
            ("\"client_secret\": \"größe\"", "\"client_secret\": \"*******\""),
            ("MIIBszCCAVmgAwIBAgIUE0+/abcdefghijklmnopqrstuv==", "************************************************"),
        ] {
            assert_eq!(mask(text), masked);
            assert_eq!(mask(text).len(), text.len());
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "'Authorization: Bearer ${KEY}'",
            "key_names: [apikey]",
            "key: ${KEY}",
            "  password: $PASSWORD",
            "host: a.test",
            "key: |",
            "keys:",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
