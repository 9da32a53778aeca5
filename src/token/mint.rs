//! Tokens, made.

use super::Object;
use super::key::{NoKey, Signer, name};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// The issuer that Supabase's own keys name.
pub const ISSUER: &str = "supabase";

/// The claims that have a field of [`Claims`].
pub const OWN: [&str; 6] = ["role", "iss", "sub", "aud", "iat", "exp"];

/// What a token is to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// Who is asking: PostgREST's database role.
    pub role: String,
    /// Who issued it; empty for nobody.
    pub issuer: String,
    /// Which user it is about.
    pub subject: Option<String>,
    /// For whom it is meant.
    pub audience: Option<String>,
    /// From when it counts, in seconds since 1970.
    pub issued: i64,
    /// When it ends.
    pub expires: Option<i64>,
    /// Claims of other names.
    pub others: Object,
}

/// Makes a token. `key_id` goes into its header.
///
/// # Errors
/// If the key cannot sign, which it did when it was read.
pub fn mint(claims: &Claims, signer: &Signer, key_id: Option<&str>) -> Result<String, NoKey> {
    let mut header = Map::new();
    header.insert("alg".into(), name(signer.algorithm()).into());
    header.insert("typ".into(), "JWT".into());
    header.extend(key_id.map(|id| ("kid".to_owned(), Value::from(id))));
    let text = format!("{}.{}", encoded(header), encoded(claims.object()));
    let signature = signer.sign(&text)?;
    Ok(format!("{text}.{signature}"))
}

fn encoded(object: Object) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(object).to_string())
}

/// A claim as the command line gives it: JSON where it is some, else text.
///
/// # Errors
/// If it is no pair, or has an option of its own.
pub fn claim(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE"))?;
    if let Some(own) = OWN.iter().find(|own| **own == key) {
        let instead = if *own == "iat" { "it is the time of now".to_owned() } else { format!("use --{own}") };
        return Err(format!("`{key}` is no claim for --claim: {instead}"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

/// A new secret from 32 random bytes, in letters that need no quotes anywhere.
#[must_use]
pub fn secret(random: &[u8; 32]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Claims ===

impl Claims {
    fn object(&self) -> Object {
        let some = |text: &str| (!text.is_empty()).then(|| json!(text));
        let own = [
            ("role", some(&self.role)),
            ("iss", some(&self.issuer)),
            ("sub", self.subject.as_ref().map(|text| json!(text))),
            ("aud", self.audience.as_ref().map(|text| json!(text))),
            ("iat", Some(json!(self.issued))),
            ("exp", self.expires.map(|at| json!(at))),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        self.others.clone().into_iter().chain(own).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::token::Token;
    use crate::token::key::Secret;

    #[test]
    fn a_token_says_what_was_asked_for() {
        let signer = Signer::secret(&Secret::new(b"a-secret-of-thirty-two-characters").unwrap(), None).unwrap();
        let others = [claim("plan=3").unwrap(), claim("team=red").unwrap()].into_iter().collect();
        let claims = Claims {
            role: "anon".into(),
            issuer: ISSUER.into(),
            issued: 7,
            expires: Some(9),
            others,
            ..Claims::default()
        };
        let token = Token::parse(&mint(&claims, &signer, Some("k1")).unwrap()).unwrap();
        assert_eq!(Value::Object(token.header.clone()), json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}));
        let want = json!({"role": "anon", "iss": "supabase", "iat": 7, "exp": 9, "plan": 3, "team": "red"});
        assert_eq!(Value::Object(token.claims), want);
    }

    #[test]
    fn claims_with_an_option_are_refused() {
        assert_eq!(claim("exp=3").unwrap_err(), "`exp` is no claim for --claim: use --exp");
        assert_eq!(claim("plan").unwrap_err(), "`plan` is not of the form NAME=VALUE");
        assert_eq!(claim("x={\"a\":[1]}").unwrap().1, json!({"a": [1]}));
    }

    #[test]
    fn a_secret_is_long_and_plain() {
        let made = secret(&[0xA5; 32]);
        assert_eq!((made.len(), &made[..4]), (64, "a5a5"));
    }
}
