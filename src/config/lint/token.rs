//! JSON Web Tokens in a configuration: found by their looks, taken apart by [`crate::token`].

use crate::token::{NotAToken, Token, plain, when};
use regex::Regex;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// What tokens look like: two JSON objects in base64, and a signature.
static LOOK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{6,}\.e[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*").ok());

/// Characters of a claim that are shown.
const SHOWN: usize = 60;

/// All pieces of a text that look like tokens, and where they are.
pub(super) fn all(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // The expression is made only where something may fit: it takes as long as reading a usual file.
    let look = if text.contains("eyJ") { LOOK.as_ref() } else { None };
    look.into_iter().flat_map(|look| look.find_iter(text)).map(|found| (found.start(), found.as_str()))
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
    use super::*;

    #[test]
    fn what_is_no_token_is_told() {
        let why = |text| read(text).err().unwrap_or("fine".to_owned());
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), "fine");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30"), "it has not the three parts of a token");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30."), "its signature is missing");
        assert_eq!(why("eyJhbGciOiJIUzI1N.e30.c2ln"), "its first part (the header) is damaged");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e3.c2ln"), "its second part (the claims) is damaged");
    }

    #[test]
    fn tokens_are_found() {
        let found: Vec<_> = all("a: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln, eyJhbG").collect();
        assert_eq!(found, [(10, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")]);
        assert!(LOOK.is_some());
    }
}
