//! `NAME:VALUE`, as Kong's transformers take an entry of a list apart (`kong/plugins.md` §3, "Entry splitting").

use http::HeaderValue;

/// Name and value of an entry, without trimming. Neither has a colon at the border.
pub(super) fn split(entry: &str) -> (&str, &str) {
    entry.split_once(':').map_or((entry, ""), |(name, rest)| (name, rest.trim_start_matches(':')))
}

/// The rule that an entry has a name and a colon.
pub(super) fn has_colon(entry: &str) -> Result<(), String> {
    if entry.find(':').is_some_and(|at| at > 0) { Ok(()) } else { Err(format!("invalid value: {entry}")) }
}

/// A value as that of a header, if it can be. Blanks around it are no part of it (RFC 9110 §5.5).
pub(super) fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.trim_matches([' ', '\t']).as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_split_at_its_first_colons_without_trimming() {
        let cases = [
            ("a", ("a", "")),
            ("a:", ("a", "")),
            ("X-A: b", ("X-A", " b")),
            ("h2:value:2", ("h2", "value:2")),
            ("a::b", ("a", "b")),
            ("a:b:", ("a", "b:")),
        ];
        for (entry, expected) in cases {
            assert_eq!(split(entry), expected);
        }
    }

    #[test]
    fn an_entry_needs_a_name_and_a_colon() {
        assert_eq!(has_colon("x-a"), Err("invalid value: x-a".to_owned()));
        assert_eq!(has_colon(":x"), Err("invalid value: :x".to_owned()));
        assert_eq!(has_colon("x-empty:"), Ok(()));
    }

    #[test]
    fn a_header_holds_no_line_end() {
        assert_eq!(header_value(" a b\t"), Some(HeaderValue::from_static("a b")));
        assert_eq!(header_value("a\nb"), None);
    }
}
