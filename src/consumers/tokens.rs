//! Who signs the tokens that jwt lets in, by the name that tokens call them (`jwt_secrets`; `kong/plugins.md` §8).

use super::CredentialId;
use super::verifier::{Algorithm, Verifier};
use crate::entity::Compat;
use crate::nginx64;
use std::collections::HashMap;

/// Every issuer of tokens.
#[derive(Default)]
pub struct Tokens(HashMap<Box<str>, Issuer, foldhash::fast::RandomState>);

/// Who signs tokens, and how that is verified.
#[derive(Debug)]
pub struct Issuer {
    /// The credential.
    pub credential: CredentialId,
    /// The only algorithm that its tokens may name.
    pub algorithm: &'static Algorithm,
    as_written: Key,
    from_base64: Key,
}

/// A credential's key.
#[derive(Debug)]
pub enum Key {
    /// None was written, or what was written is no base64 and should be.
    Missing,
    /// It cannot be used with the algorithm.
    Unusable,
    /// It is ready.
    Ready(Verifier),
}

/// The texts of a credential.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    /// `secret`.
    pub secret: Option<&'a str>,
    /// `rsa_public_key`: whatever public key it is.
    pub public_key: Option<&'a str>,
}

// === impl Tokens ===

impl Tokens {
    /// Adds an issuer.
    pub fn put(&mut self, name: &str, issuer: Issuer) {
        self.0.insert(name.into(), issuer);
    }

    /// The issuer of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Issuer> {
        self.0.get(name)
    }
}

// === impl Issuer ===

impl Issuer {
    /// Parses the keys.
    #[must_use]
    pub fn new(credential: CredentialId, algorithm: &'static Algorithm, written: Written<'_>, compat: Compat) -> Self {
        let (as_written, from_base64) = if algorithm.is_shared() {
            shared(algorithm, written.secret)
        } else {
            public(algorithm, written.public_key, compat)
        };
        Self { credential, algorithm, as_written, from_base64 }
    }

    /// The key, as an instance of the plugin takes it (`secret_is_base64`).
    #[must_use]
    pub const fn key(&self, is_base64: bool) -> &Key {
        if is_base64 { &self.from_base64 } else { &self.as_written }
    }
}

/// A secret as it is, and as base64.
fn shared(algorithm: &Algorithm, secret: Option<&str>) -> (Key, Key) {
    let Some(secret) = secret else { return (Key::Ready(Verifier::Nobodys), Key::Ready(Verifier::Nobodys)) };
    let ready = |secret: &[u8]| Verifier::secret(algorithm, secret).map_or(Key::Missing, Key::Ready);
    let decoded = nginx64::decode_url(secret.as_bytes());
    (ready(secret.as_bytes()), decoded.map_or(Key::Missing, |secret| ready(&secret)))
}

/// A public key as it is, and as base64, which Kong 3 does not ask of public keys.
fn public(algorithm: &Algorithm, pem: Option<&str>, compat: Compat) -> (Key, Key) {
    let Some(pem) = pem else { return (Key::Missing, Key::Missing) };
    let ready = |pem: &[u8]| Verifier::public(algorithm, pem).map_or(Key::Unusable, Key::Ready);
    let from_base64 = match compat {
        Compat::Kong2 => nginx64::decode_url(pem.as_bytes()).map_or(Key::Missing, |pem| ready(&pem)),
        Compat::Kong3 => ready(pem.as_bytes()),
    };
    (ready(pem.as_bytes()), from_base64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    const RSA: &str = include_str!("../token/vectors/rsa.pem");

    fn issuer(algorithm: &str, secret: Option<&str>, public_key: Option<&str>, compat: Compat) -> Issuer {
        let algorithm = Algorithm::named(algorithm, compat).unwrap();
        Issuer::new(CredentialId(1), algorithm, Written { secret, public_key }, compat)
    }

    fn signs(key: &Key, secret: &[u8]) -> bool {
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"text");
        matches!(key, Key::Ready(verifier) if verifier.verifies(b"text", signature.as_ref()))
    }

    #[test]
    fn a_secret_is_taken_as_it_is_and_as_base64() {
        let one = issuer("HS256", Some("c2VrcmV0"), None, Compat::Kong2);
        assert!(signs(one.key(false), b"c2VrcmV0") && !signs(one.key(false), b"sekret"));
        assert!(signs(one.key(true), b"sekret") && !signs(one.key(true), b"c2VrcmV0"));
        for text in ["no base64!", "===", "Y"] {
            let one = issuer("HS256", Some(text), None, Compat::Kong2);
            assert!(matches!((one.key(true), one.key(false)), (Key::Missing, Key::Ready(_))), "{text}");
        }
        let nobodys = issuer("HS256", None, Some(RSA), Compat::Kong2);
        assert!(matches!(nobodys.key(false), Key::Ready(Verifier::Nobodys)));
    }

    #[test]
    fn a_public_key_is_base64_for_kong_2_only() {
        let plain = |compat| issuer("RS256", Some("unused"), Some(RSA), compat);
        assert!(matches!(plain(Compat::Kong2).key(false), Key::Ready(_)));
        assert!(matches!(plain(Compat::Kong2).key(true), Key::Missing));
        assert!(matches!(plain(Compat::Kong3).key(true), Key::Ready(_)));
        let encoded = issuer("RS256", None, Some(&STANDARD.encode(RSA)), Compat::Kong2);
        assert!(matches!((encoded.key(false), encoded.key(true)), (Key::Unusable, Key::Ready(_))));
        assert!(matches!(issuer("ES256", Some("secret"), None, Compat::Kong2).key(false), Key::Missing));
        assert!(matches!(issuer("ES256", None, Some(RSA), Compat::Kong3).key(false), Key::Unusable));
    }

    #[test]
    fn an_issuer_is_found_by_its_exact_name() {
        let mut tokens = Tokens::default();
        tokens.put("iss", issuer("HS256", Some("s"), None, Compat::Kong2));
        assert_eq!(tokens.find("iss").map(|found| found.credential), Some(CredentialId(1)));
        assert!(tokens.find("ISS").is_none() && tokens.find("").is_none());
        let shown = format!("{:?}", tokens.find("iss").unwrap());
        assert!(!shown.contains("\"s\""), "{shown}");
    }
}
