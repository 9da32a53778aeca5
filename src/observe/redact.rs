//! What must never stand in a log: keys and tokens in a request's target or a referer.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Parts of the names of query parameters whose values are secrets, lower case.
const SECRET_PARTS: [&str; 9] =
    ["token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "signature", "credential"];
/// Names of others, lower case.
const SECRET_NAMES: [&str; 6] = ["authorization", "key", "jwt", "otp", "pwd", "sig"];

/// What stands in place of a secret.
pub const MASK: &str = "REDACTED";

/// The text with secrets masked: values of telling query parameters and of those that are named (in lower case), and
/// anything that looks like a JWT.
#[must_use]
pub fn redact<'a>(target: &'a str, names: &[Box<str>]) -> Cow<'a, str> {
    if !target.contains('?') && !target.contains("eyJ") {
        return Cow::Borrowed(target);
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = path.split('/').map(mask_jwt).collect::<Vec<_>>().join("/");
    let Some(query) = query else { return Cow::Owned(path) };
    let pairs = query.split('&').map(|pair| mask_pair(pair, names)).collect::<Vec<_>>().join("&");
    Cow::Owned(format!("{path}?{pairs}"))
}

fn mask_pair<'a>(pair: &'a str, names: &[Box<str>]) -> Cow<'a, str> {
    let Some((name, value)) = pair.split_once('=') else { return Cow::Borrowed(mask_jwt(pair)) };
    if is_secret(name, names) || looks_like_jwt(value) {
        Cow::Owned(format!("{name}={MASK}"))
    } else {
        Cow::Borrowed(pair)
    }
}

/// Whether an argument is a secret, by its name, however that is written.
#[must_use]
pub fn is_secret(name: &str, names: &[Box<str>]) -> bool {
    let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
    let known = SECRET_NAMES.contains(&&*name) || SECRET_PARTS.iter().any(|part| name.contains(part));
    known || names.iter().any(|own| **own == *name)
}

fn mask_jwt(text: &str) -> &str {
    if looks_like_jwt(text) { MASK } else { text }
}

/// Three base64url parts, the first of which begins with `{"`.
fn looks_like_jwt(text: &str) -> bool {
    text.find("eyJ").is_some_and(|at| text[at..].split('.').filter(|part| part.len() > 3).count() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.c2lnbmF0dXJl";
        for (from, to) in [
            ("/a?b=c", "/a?b=c"),
            ("/a", "/a"),
            ("/rt?apikey=abc&vsn=1", "/rt?apikey=REDACTED&vsn=1"),
            ("/rt?Token=abc", "/rt?Token=REDACTED"),
            ("/rt?%61pikey=abc&X%20Pass=d&x=e", "/rt?%61pikey=REDACTED&X%20Pass=REDACTED&x=e"),
            (
                "/v?X-Amz-Signature=abc&token_hash=d&keyword=e",
                "/v?X-Amz-Signature=REDACTED&token_hash=REDACTED&keyword=e",
            ),
        ] {
            assert_eq!(redact(from, &["x pass".into()]), to);
        }
        assert_eq!(redact(&format!("/v/{jwt}/x"), &[]), "/v/REDACTED/x");
        assert_eq!(redact(&format!("/v?q={jwt}"), &[]), "/v?q=REDACTED");
    }
}
