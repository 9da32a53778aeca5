//! What a client says who it is: `Authorization: Basic` (RFC 7617).

use crate::plugin::basic::Credentials;
use http::{HeaderMap, header};

/// Longest password that is looked at, as in libxcrypt. What SHA-crypt costs grows with the length.
const MAX_PASSWORD: usize = 511;

/// Those of a request; `None` when there are none, or none that RFC 7617 knows. Two such headers are none: the upstream
/// might look at the other one.
pub(super) fn read(headers: &HeaderMap) -> Option<Credentials> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (line, None) = (lines.next()?.as_bytes(), lines.next()) else { return None };
    let (scheme, rest) = line.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let found = Credentials::decode(rest)?;
    let printed = !found.user.iter().chain(&found.password).any(u8::is_ascii_control);
    (printed && found.password.len() <= MAX_PASSWORD).then_some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn read(lines: &[&str]) -> Option<(String, String)> {
        let headers = lines.iter().map(|line| (header::AUTHORIZATION, line.parse().unwrap())).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        super::read(&headers).map(|found| (text(&found.user), text(&found.password)))
    }

    #[test]
    fn user_and_password_are_told_apart_by_the_first_colon() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        // echo -n admin:secret | base64, and so on.
        assert_eq!(read(&["Basic YWRtaW46c2VjcmV0"]), pair("admin", "secret"));
        assert_eq!(read(&["bAsIc   YWRtaW46c2VjcmV0 "]), pair("admin", "secret"));
        assert_eq!(read(&["Basic YTpiOmM="]), pair("a", "b:c"));
        assert_eq!(read(&["Basic YTpiOmM"]), pair("a", "b:c"), "without padding");
        assert_eq!(read(&["Basic YTpiOmN="]), pair("a", "b:c"), "with other bits in it");
        assert_eq!(read(&["Basic YTo="]), pair("a", ""));
        assert_eq!(read(&["Basic asO2cmc6cMOkw58="]), pair("jörg", "päß"));
        assert_eq!(read(&["Basic 6Tph"]), pair("\u{fffd}", "a"), "Latin-1");
    }

    #[test]
    fn what_is_no_basic_is_nothing() {
        for line in [
            "",
            "Basic",
            "Basic ",
            "Basic YQ==",
            "Basic OnNlY3JldA==",
            "Basic YWRtaW46c2VjcmV0!",
            "Basic YWRt aW46c2VjcmV0",
            "BasicYWRtaW46c2VjcmV0",
            "Bearer YWRtaW46c2VjcmV0",
            "Basic YTpiAGM=",
            "Basic YTpiCg==",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["Basic YWRtaW46c2VjcmV0", "Basic YWRtaW46c2VjcmV0"]), None);
    }

    #[test]
    fn a_password_has_a_limit() {
        let line = |length| format!("Basic {}", STANDARD.encode(format!("a:{}", "x".repeat(length))));
        assert!(read(&[&line(MAX_PASSWORD)]).is_some());
        assert_eq!(read(&[&line(MAX_PASSWORD + 1)]), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_sent_comes_out(user in "[^:\\pC]{1,20}", password in "[^\\pC]{0,20}") {
            let line = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            proptest::prop_assert_eq!(read(&[&line]), Some((user, password)));
        }

        #[test]
        fn no_header_makes_it_panic(line in "(Basic )?[ -~]{0,40}") {
            let _ = read(&[&line]);
        }
    }
}
