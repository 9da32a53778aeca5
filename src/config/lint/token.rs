//! JSON Web Tokens in a configuration: found by their looks, taken apart by [`crate::token`].

use crate::token::{NotAToken, Token, plain, when};
use std::time::{Duration, SystemTime};

/// What a token begins with: an object in base64.
const START: &str = "eyJ";

/// Characters of a claim that are shown.
const SHOWN: usize = 60;

/// All pieces of a text that look like tokens, and where they are.
pub(super) fn all(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    text.match_indices(START).filter_map(move |(at, _)| {
        let is_new = at >= end && !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let length = is_new.then(|| length(&text[at..])).flatten()?;
        end = at + length;
        Some((at, &text[at..end]))
    })
}

/// How much at the beginning of a text looks like a token: two JSON objects in base64, and a signature.
fn length(text: &str) -> Option<usize> {
    let run = |from: usize| text[from..].bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)).count();
    let header = run(0);
    let claims = run(header + text[header..].starts_with(".e").then_some(1)?);
    let both = header + 1 + claims;
    let signature = run(both + text[both..].starts_with('.').then_some(1)?);
    (header >= 9 && claims >= 3).then_some(both + 1 + signature)
}

/// Reads one.
///
/// # Errors
/// What is wrong with it, about `it`.
pub(super) fn read(text: &str) -> Result<Token, String> {
    let token = Token::parse(text).map_err(|fault| match fault {
        NotAToken::Base64(part) | NotAToken::Json(part) => format!("its {part} is damaged"),
        _ => "it has not the three parts of a token".to_owned(),
    })?;
    match token.has_signature() || token.algorithm() == Some("none") {
        true => Ok(token),
        false => Err("its signature is missing".to_owned()),
    }
}

/// Whom it lets act.
pub(super) fn role(token: &Token) -> Option<&str> {
    token.claim("role")
}

/// When it ends.
pub(super) fn end(token: &Token) -> Option<SystemTime> {
    let seconds = u64::try_from(token.time("exp")?).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// What it says of itself, for people: role, issuer, end. Nothing of it is secret.
pub(super) fn described(token: &Token, now: SystemTime) -> String {
    let shown = |text: &str| plain(text).chars().take(SHOWN).collect::<String>();
    let role = role(token).map(|role| format!("role `{}`", shown(role)));
    let issuer = token.claim("iss").map(|issuer| format!("issued by `{}`", shown(issuer)));
    let end = match end(token) {
        Some(end) if end <= now => format!("expired on {}", date(end)),
        Some(end) => format!("expires on {}", date(end)),
        None => "never expires".to_owned(),
    };
    [role, issuer, Some(end)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The day, as `2033-03-01` (UTC).
pub(super) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    when::day(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tokens_are_found_by_their_looks() {
        let found = |text| all(text).collect::<Vec<_>>();
        let token = "eyJhbGciOi.eyJpc3Mi.sig-_";
        let text = format!("Bearer {token}, x-{token}.y é{token}");
        assert_eq!(found(&text), [(7, token), (36, token)]);
        assert_eq!(found("eyJhbGciOi.e30."), [(0, "eyJhbGciOi.e30.")]);
        assert_eq!(found("eyJhbGciOi.eyJpc3Mi.eyJhbGciOi.eyJpc3Mi.x").len(), 1);
        for text in
            ["eyJ", "eyJhbGci.e30.x", "eyJhbGciOi.e3.x", "eyJhbGciOi.e30", "eyJhbGciOi.x30.x", "aeyJhbGciOi.e30.x"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        let why = |text| read(text).err().unwrap_or("fine".to_owned());
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), "fine");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30"), "it has not the three parts of a token");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30."), "its signature is missing");
        assert_eq!(why("eyJhbGciOiJIUzI1N.e30.c2ln"), "its first part (the header) is damaged");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e3.c2ln"), "its second part (the claims) is damaged");
    }

    proptest::proptest! {
        /// What takes 200 KB that would stay resident.
        #[test]
        fn what_is_found_is_what_an_expression_finds(text in "((eyJ|e|a){1,3}[bB7_-]{0,8}[.é ]?){0,12}") {
            let look = regex::Regex::new(r"\beyJ[A-Za-z0-9_-]{6,}\.e[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*").unwrap();
            let expected: Vec<_> = look.find_iter(&text).map(|found| (found.start(), found.as_str())).collect();
            proptest::prop_assert_eq!(all(&text).collect::<Vec<_>>(), expected);
        }
    }
}
