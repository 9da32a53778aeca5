//! Whether a token is good: signed by one of the keys, and valid now. As PostgREST decides, every fault told.

use super::Token;
use super::key::{Key, Keys, Secret, algorithm, name};
use super::{plain, when};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;
use std::fmt;

/// What a token has to say, besides being signed.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Seconds that clocks may differ (PostgREST allows 30).
    pub leeway: i64,
    /// `iss`.
    pub issuer: Option<String>,
    /// One of `aud`.
    pub audience: Option<String>,
}

/// What is wrong with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No key signed it; what may have happened, if that is known.
    Signature(Option<&'static str>),
    /// Not signed at all.
    Unsigned,
    /// Signed in a way that is not known.
    Algorithm(String),
    /// No key is for it: the algorithm, its `kid`, and what there is.
    NoKey(&'static str, Option<String>, String),
    /// Its header asks for something that is not understood (RFC 7515 §4.1.11).
    Critical,
    /// It ended then.
    Expired(i64, String),
    /// It begins then.
    NotYet(i64, String),
    /// A claim that should be a time is none.
    NoTime(&'static str),
    /// A claim is not what was expected: its name, what it is, what it should be.
    Other(&'static str, String, String),
}

/// Verifies a token at a time, in seconds since 1970.
///
/// # Errors
/// Everything that is wrong with it, the signature first.
pub fn verify(token: &Token, keys: &Keys, expected: &Expected, now: i64) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    faults.extend(signature(token, keys).err());
    faults.extend(token.header.contains_key("crit").then_some(Fault::Critical));
    faults.extend(times(token, expected.leeway, now));
    faults.extend(names(token, expected));
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Whether one of the keys signed it.
///
/// # Errors
/// Why not.
pub fn signature(token: &Token, keys: &Keys) -> Result<(), Fault> {
    let written = token.algorithm().unwrap_or_default();
    if written.eq_ignore_ascii_case("none") {
        return Err(Fault::Unsigned);
    }
    // The names of algorithms are case-sensitive (RFC 7515 §4.1.1).
    let algorithm = algorithm(written).ok().filter(|found| name(*found) == written);
    let algorithm = algorithm.ok_or_else(|| Fault::Algorithm(plain(written)))?;
    let fits = |key: &&Key| key.fits(algorithm, token.key_id());
    let mut candidates = keys.all.iter().filter(fits).peekable();
    if candidates.peek().is_none() {
        return Err(Fault::NoKey(name(algorithm), token.key_id().map(plain), keys.listed()));
    }
    if candidates.any(|key| signed(token, &key.decoding, algorithm)) {
        return Ok(());
    }
    Err(Fault::Signature(keys.secret.as_ref().and_then(|secret| near_miss(token, secret, algorithm))))
}

fn signed(token: &Token, key: &DecodingKey, algorithm: Algorithm) -> bool {
    crypto::verify(&token.signature, token.signed.as_bytes(), key, algorithm).unwrap_or_default()
}

/// What people do with secrets: set them in base64 on one side only, or with a blank or line break too much.
fn near_miss(token: &Token, secret: &Secret, algorithm: Algorithm) -> Option<&'static str> {
    let text = secret.bytes();
    let trimmed = text.trim_ascii();
    let with_break = [trimmed, b"\n"].concat();
    let decoded = STANDARD.decode(trimmed).or_else(|_| URL_SAFE_NO_PAD.decode(trimmed)).ok();
    let encoded = STANDARD.encode(trimmed).into_bytes();
    let tries = [
        (decoded, "it is signed by what this secret is in base64: give --base64 (PostgREST: jwt-secret-is-base64)"),
        (Some(encoded), "it is signed by this secret written in base64, taken as text"),
        (Some(trimmed.to_vec()), "it is signed by this secret without the blanks around it"),
        (
            Some(with_break),
            "it is signed by this secret with a line break behind it (`echo` adds one, `printf %s` doesn't)",
        ),
    ];
    let right = |bytes: &[u8]| bytes != text && signed(token, &DecodingKey::from_secret(bytes), algorithm);
    tries.into_iter().find_map(|(bytes, hint)| right(&bytes?).then_some(hint))
}

fn times(token: &Token, leeway: i64, now: i64) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in ["exp", "nbf", "iat"] {
        let Some(value) = token.claims.get(name).filter(|value| !value.is_null()) else { continue };
        let Some(at) = token.time(name).filter(|_| value.is_number()) else {
            faults.push(Fault::NoTime(name));
            continue;
        };
        let away = when::away(at, now);
        match name {
            "exp" if now.saturating_sub(leeway) >= at => faults.push(Fault::Expired(at, away)),
            "nbf" if now.saturating_add(leeway) < at => faults.push(Fault::NotYet(at, away)),
            _ => {}
        }
    }
    faults
}

fn names(token: &Token, expected: &Expected) -> Vec<Fault> {
    let issuer = expected.issuer.as_ref().filter(|wanted| token.claim("iss") != Some(wanted.as_str()));
    let audience = expected.audience.as_ref().filter(|wanted| !is_for(token, wanted));
    let fault = |name: &'static str, wanted: &String| {
        let said = token.claims.get(name).map_or_else(|| "missing".to_owned(), |said| plain(&said.to_string()));
        Fault::Other(name, said, wanted.clone())
    };
    [("iss", issuer), ("aud", audience)].into_iter().filter_map(|(name, wanted)| Some(fault(name, wanted?))).collect()
}

/// `aud` is a text or a list of them (RFC 7519 §4.1.3).
fn is_for(token: &Token, wanted: &str) -> bool {
    match token.claims.get("aud") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(wanted)),
        _ => false,
    }
}

// === impl Key ===

impl Key {
    /// Whether it may have signed a token with this header.
    fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let named = self.algorithm.as_deref().is_none_or(|own| own == name(algorithm));
        let same = self.id.as_deref().zip(id).is_none_or(|(own, wanted)| own == wanted);
        self.family() == algorithm.family() && named && same
    }
}

// === impl Keys ===

impl Keys {
    /// What there is, for a message.
    fn listed(&self) -> String {
        let one = |key: &Key| {
            let (kind, id) = (format!("{:?}", key.family()).to_uppercase(), key.id.as_ref());
            id.map_or_else(|| kind.clone(), |id| format!("{kind} `{id}`"))
        };
        let all: Vec<_> = self.all.iter().map(one).collect();
        all.join(", ")
    }
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(None) => {
                f.write_str("the signature is wrong: another key made it, or the token was changed")
            }
            Self::Signature(Some(hint)) => write!(f, "the signature is wrong: {hint}"),
            Self::Unsigned => f.write_str("it is not signed (`alg` is `none`): everybody can make such a token"),
            Self::Algorithm(name) if name.is_empty() => f.write_str("its header does not say how it is signed (`alg`)"),
            Self::Algorithm(name) => write!(f, "its algorithm `{name}` is not known"),
            Self::NoKey(name, None, there) => {
                write!(f, "it is signed by {name}, and no key here is for that (here: {there})")
            }
            Self::NoKey(name, Some(id), there) => {
                write!(f, "it is signed by {name} with key `{id}`, which is not here (here: {there})")
            }
            Self::Critical => {
                f.write_str("its header has `crit`, which nobody may pass over, and which is not understood")
            }
            Self::Expired(at, away) => write!(f, "it expired on {}, {away}", when::date(*at)),
            Self::NotYet(at, away) => write!(f, "it is not valid before {}, {away}", when::date(*at)),
            Self::NoTime(name) => write!(f, "`{name}` is no number, and should be seconds since 1970"),
            Self::Other(name, said, wanted) => write!(f, "`{name}` is {said}, and should be \"{wanted}\""),
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
