//! JSON Web Tokens, as far as they can be read without their key (RFC 7519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// A token that could be read.
pub(super) struct Token<'a> {
    text: &'a str,
    header: Value,
    claims: Value,
}

/// What tokens look like: two JSON objects in base64, and a signature.
static LOOK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{6,}\.e[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*").ok());

/// All pieces of a text that look like tokens, and where they are.
pub(super) fn all(text: &str) -> impl Iterator<Item = (usize, &str)> {
    LOOK.iter().flat_map(|look| look.find_iter(text)).map(|found| (found.start(), found.as_str()))
}

// === impl Token ===

impl<'a> Token<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, about `it`.
    pub(super) fn read(text: &'a str) -> Result<Self, &'static str> {
        let parts: Vec<_> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else { return Err("it has not the three parts of a token") };
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            serde_json::from_slice(&bytes).ok().filter(Value::is_object)
        };
        let header = object(header).ok_or("its first part is damaged")?;
        let claims = object(claims).ok_or("its second part is damaged")?;
        if signature.is_empty() && header["alg"] != "none" {
            return Err("its signature is missing");
        }
        Ok(Self { text, header, claims })
    }

    /// Whom it lets act.
    pub(super) fn role(&self) -> Option<&str> {
        self.claims["role"].as_str()
    }

    /// Who made it.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims["iss"].as_str()
    }

    /// When it ends.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        let exp = &self.claims["exp"];
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = exp.as_u64().or_else(|| exp.as_f64().map(|seconds| seconds as u64))?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Whether a secret signed it; `None` where that is no matter of a secret.
    pub(super) fn is_signed_by(&self, secret: &[u8]) -> Option<bool> {
        let algorithm = match self.header["alg"].as_str()? {
            "HS256" => Algorithm::HS256,
            "HS384" => Algorithm::HS384,
            "HS512" => Algorithm::HS512,
            _ => return None,
        };
        let (message, signature) = self.text.rsplit_once('.')?;
        let key = DecodingKey::from_secret(secret);
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).ok()
    }

    /// What it says of itself, for people: role, issuer, end. Nothing of it is secret.
    pub(super) fn described(&self) -> String {
        let role = self.role().map(|role| format!("role `{}`", plain(role)));
        let issuer = self.issuer().map(|issuer| format!("issued by `{}`", plain(issuer)));
        let end = self.expires().map_or("never expires".to_owned(), |end| format!("expires on {}", date(end)));
        [role, issuer, Some(end)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Its beginning, without what a terminal would not print.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The day, as `2033-03-01` (UTC).
pub(super) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (mut year, mut days) = (1970_u64, seconds / 86_400);
    // Whole cycles of the calendar first, so that no date takes long.
    year += days / 146_097 * 400;
    days %= 146_097;
    let leap = |year: u64| u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)));
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let months = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> String {
        date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn days_have_their_dates() {
        assert_eq!(after(0), "1970-01-01");
        assert_eq!(after(951_782_400), "2000-02-29");
        assert_eq!(after(1_709_251_200), "2024-03-01");
        assert_eq!(after(4_102_444_799), "2099-12-31");
        assert_eq!(after(253_402_300_800), "10000-01-01");
    }

    #[test]
    fn what_is_no_token_is_told() {
        let why = |text| Token::read(text).err().unwrap_or("fine");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), "fine");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30"), "it has not the three parts of a token");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e30."), "its signature is missing");
        assert_eq!(why("eyJhbGciOiJIUzI1N.e30.c2ln"), "its first part is damaged");
        assert_eq!(why("eyJhbGciOiJIUzI1NiJ9.e3.c2ln"), "its second part is damaged");
    }

    #[test]
    fn tokens_are_found() {
        let found: Vec<_> = all("a: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln, eyJhbG").collect();
        assert_eq!(found, [(10, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")]);
        assert!(LOOK.is_some());
    }
}
