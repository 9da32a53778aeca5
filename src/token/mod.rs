//! JSON Web Tokens as PostgREST and its kind want them (RFC 7519): made, taken apart, and verified.
//!
//! Signatures are the work of jsonwebtoken. What is here is what people ask about a token: who it is, until when, whether
//! a key signed it, and what is odd. Time, randomness, files and variables are arguments.

pub mod inspect;
pub mod key;
pub mod mint;
pub mod verify;
pub mod when;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

/// A JSON object: a header, or claims.
pub type Object = Map<String, Value>;

/// A token in its parts. Nothing is verified.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// How it is signed, and of which kind it is.
    pub header: Object,
    /// What it says.
    pub claims: Object,
    /// The text that is signed: header and claims, encoded.
    signed: String,
    /// The signature, encoded.
    signature: String,
}

/// Why a text is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAToken {
    /// Nothing is there.
    Empty,
    /// It has so many parts instead of three.
    Parts(usize),
    /// It has five: it is encrypted (RFC 7516).
    Encrypted,
    /// This part is no base64url.
    Base64(&'static str),
    /// This part is no JSON object.
    Json(&'static str),
}

// === impl Token ===

impl Token {
    /// Takes a token apart, as it was copied: with `Authorization:`, `Bearer` or quotes around it as well.
    ///
    /// # Errors
    /// What keeps it from being a token.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let text = bare(text);
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [""] => Err(NotAToken::Empty),
            [header, claims, signature] => Ok(Self {
                header: object("first part (the header)", header)?,
                claims: object("second part (the claims)", claims)?,
                signed: format!("{header}.{claims}"),
                signature: (*signature).to_owned(),
            }),
            [_, _, _, _, _] => Err(NotAToken::Encrypted),
            other => Err(NotAToken::Parts(other.len())),
        }
    }

    /// Whether there is a signature, right or wrong.
    #[must_use]
    pub const fn has_signature(&self) -> bool {
        !self.signature.is_empty()
    }

    /// A claim or header field that is text.
    fn text_of<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
        object.get(name).and_then(Value::as_str)
    }

    /// A claim, if it is text.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        Self::text_of(&self.claims, name)
    }

    /// `alg`, as written.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        Self::text_of(&self.header, "alg")
    }

    /// `kid`: which key signed it.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        Self::text_of(&self.header, "kid")
    }

    /// A claim that is a time, in seconds since 1970; fractions are dropped.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        #[allow(clippy::cast_possible_truncation)] // a float beyond the range is one of its ends, which is as far away
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }
}

/// A token is a secret: nothing of it is shown.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

/// What a stranger wrote, for a terminal: nothing in it moves the cursor.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// The token in what was copied around it.
fn bare(text: &str) -> &str {
    let mut rest = text.trim();
    for word in ["authorization:", "bearer "] {
        let fits = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        rest = if fits { rest[word.len()..].trim_start() } else { rest };
    }
    rest.trim_matches(['"', '\''])
}

fn object(part: &'static str, text: &str) -> Result<Object, NotAToken> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken::Base64(part))?;
    serde_json::from_slice(&bytes).map_err(|_| NotAToken::Json(part))
}

// === impl NotAToken ===

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no token: nothing was given"),
            Self::Parts(1) => {
                f.write_str("this is no token: a token has three parts with dots between, and this has no dot")
            }
            Self::Parts(n) => {
                write!(f, "this is no token: a token has three parts with dots between, and this has {n}")
            }
            Self::Encrypted => {
                f.write_str("this token is encrypted (it has five parts); only its receiver can read it")
            }
            Self::Base64(part) => write!(f, "this is no token: its {part} is not base64url; was all of it copied?"),
            Self::Json(part) => write!(f, "this is no token: its {part} is no JSON object; was all of it copied?"),
        }
    }
}

impl std::error::Error for NotAToken {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::{Strategy, any, prop_assert, prop_oneof, proptest};

    /// Header and claims of the example in RFC 7519 §3.1.
    const RFC: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                       Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn a_token_comes_apart() {
        let token = Token::parse(RFC).unwrap();
        assert_eq!((token.algorithm(), token.key_id()), (Some("HS256"), None));
        assert_eq!((token.claim("iss"), token.time("exp")), (Some("joe"), Some(1_300_819_380)));
        assert_eq!(format!("{token:?}"), "Token { .. }");
    }

    #[test]
    fn what_is_copied_with_it_is_no_matter() {
        for around in ["Bearer T", "authorization: bearer T\n", "\"T\"", "  T  "] {
            assert!(Token::parse(&around.replace('T', RFC)).is_ok(), "{around}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        let fault = |text: &str| Token::parse(text).unwrap_err();
        assert_eq!(fault(" "), NotAToken::Empty);
        assert_eq!(fault("secret"), NotAToken::Parts(1));
        assert_eq!(fault("a.b.c.d.e"), NotAToken::Encrypted);
        assert_eq!(fault("a+.b.c"), NotAToken::Base64("first part (the header)"));
        assert_eq!(fault("W10.e30.x"), NotAToken::Json("first part (the header)"));
        assert_eq!(fault("e30.W10.x"), NotAToken::Json("second part (the claims)"));
        assert_eq!(fault("été"), NotAToken::Parts(1));
    }

    /// Three parts, each JSON of some kind or no JSON at all.
    fn near_tokens() -> impl Strategy<Value = String> {
        let json = prop_oneof![
            any::<String>(),
            (any::<i64>(), any::<f64>(), ".{0,9}").prop_map(|(n, f, text)| {
                serde_json::json!({ "alg": text, "exp": n, "iat": f, "nbf": text, "role": [n], "kid": text })
                    .to_string()
            }),
        ];
        let part = json.prop_map(|text| URL_SAFE_NO_PAD.encode(text));
        (part.clone(), part, ".{0,20}").prop_map(|(header, claims, signature)| format!("{header}.{claims}.{signature}"))
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in prop_oneof![any::<String>(), near_tokens()], now in any::<i64>()) {
            if let Ok(token) = Token::parse(&text) {
                let said = inspect::lines(&token, now).into_iter().map(|(_, value)| value).chain(inspect::remarks(&token, now));
                prop_assert!(said.into_iter().all(|line| !line.contains(char::is_control)));
                let keys = key::Keys::secret(key::Secret::new(b"secret").unwrap());
                let expected = verify::Expected { leeway: 30, ..verify::Expected::default() };
                let faults = verify::verify(&token, &keys, &expected, now).unwrap_err();
                prop_assert!(faults.iter().all(|fault| !fault.to_string().contains(char::is_control)));
            }
            let _ = when::expiry(&text, now);
        }
    }
}
