//! Keys for tokens: shared secrets, PEM keys and JWKS documents, for signing and for verifying.

use crate::keys;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, crypto};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::fmt;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Every algorithm, by name.
pub const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// What signs tokens, and with which algorithm.
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
}

/// A key that verifies tokens.
pub struct Key {
    /// How to find it: `kid`.
    pub id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    pub algorithm: Option<String>,
    pub(super) decoding: DecodingKey,
}

/// Keys, any of which may have signed a token.
#[derive(Debug, Default)]
pub struct Keys {
    /// Those that can be used.
    pub all: Vec<Key>,
    /// The secret, if that is what they were made of.
    pub(super) secret: Option<Secret>,
    /// Why others of a set cannot be used.
    pub unusable: Vec<String>,
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKey(String);

/// The algorithm of a name.
///
/// # Errors
/// All names.
pub fn algorithm(name: &str) -> Result<Algorithm, String> {
    let found = ALGORITHMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let names = || ALGORITHMS.map(|(name, _)| name).join(", ");
    found
        .map(|(_, algorithm)| *algorithm)
        .ok_or_else(|| format!("there is no algorithm `{name}`; there are {}", names()))
}

/// The name of an algorithm.
#[must_use]
pub fn name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(_, known)| *known == algorithm).map_or("?", |(name, _)| name)
}

// === impl Secret ===

impl Secret {
    /// A secret as it was read: a line break at its end is not part of it.
    ///
    /// # Errors
    /// If nothing is left.
    pub fn new(text: &[u8]) -> Result<Self, NoKey> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() { Err(NoKey("the secret is empty".to_owned())) } else { Ok(Self(text.into())) }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Why it is too weak for an algorithm, if it is: RFC 7518 §3.2 wants as many bytes as the hash has, and PostgREST
    /// refuses to start with fewer than 32.
    #[must_use]
    pub fn weakness(&self, algorithm: Algorithm) -> Option<String> {
        let wanted = match algorithm {
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            _ => 32,
        };
        if EXAMPLES.iter().any(|known| known.as_bytes() == &*self.0) {
            return Some(
                "this secret is an example from Supabase's documentation: everybody can make keys with it".to_owned(),
            );
        }
        let (length, name) = (self.0.len(), name(algorithm));
        let bytes = if length == 1 { "byte" } else { "bytes" };
        (length < wanted).then(|| format!("the secret has {length} {bytes}; {name} wants {wanted} or more"))
    }
}

/// Secrets that everybody knows: of Supabase's self-hosting guide, and of its command line tool.
const EXAMPLES: [&str; 2] = [
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    "super-secret-jwt-token-with-at-least-32-characters-long",
];

/// Nothing of it is shown.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").finish()
    }
}

// === impl Signer ===

impl Signer {
    /// Signs with a secret.
    ///
    /// # Errors
    /// If the algorithm is none for secrets.
    pub fn secret(secret: &Secret, algorithm: Option<Algorithm>) -> Result<Self, NoKey> {
        let algorithm = algorithm.unwrap_or(Algorithm::HS256);
        let key = EncodingKey::from_secret(secret.bytes());
        Self::proved(key, algorithm).ok_or_else(|| {
            NoKey(format!("{} signs with a private key (--key FILE), not with a secret", name(algorithm)))
        })
    }

    /// Signs with a private key in PEM: RSA, EC (P-256, P-384) or Ed25519. Without an algorithm, the usual one of the key.
    ///
    /// # Errors
    /// If it is no such key, or not one for the algorithm.
    pub fn pem(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Self, NoKey> {
        if label(pem, "EC PRIVATE KEY") {
            return Err(NoKey(
                "it is an EC key in its old form; `openssl pkey -in FILE` writes it in the new one".to_owned(),
            ));
        }
        let usual = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
        let candidates = algorithm.as_ref().map_or(&usual[..], std::slice::from_ref);
        let found = candidates.iter().find_map(|one| Self::proved(private(pem, *one)?, *one));
        found.ok_or_else(|| match algorithm {
            Some(one) => NoKey(format!("it is no private key that {} can sign with", name(one))),
            None => NoKey("it is no unencrypted private key (RSA, EC P-256 or P-384, Ed25519) in PEM".to_owned()),
        })
    }

    /// Whether a key fits its algorithm is best seen by signing.
    fn proved(key: EncodingKey, algorithm: Algorithm) -> Option<Self> {
        crypto::sign(b"", &key, algorithm).ok()?;
        Some(Self { key, algorithm })
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature of a text, in base64url.
    ///
    /// # Errors
    /// What the library says; a signer has signed before.
    pub(super) fn sign(&self, text: &str) -> Result<String, NoKey> {
        crypto::sign(text.as_bytes(), &self.key, self.algorithm)
            .map_err(|error| NoKey(format!("it cannot sign: {error}")))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn private(pem: &[u8], algorithm: Algorithm) -> Option<EncodingKey> {
    match algorithm.family() {
        AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(pem).ok(),
        AlgorithmFamily::Ec => EncodingKey::from_ec_pem(pem).ok(),
        AlgorithmFamily::Ed => EncodingKey::from_ed_pem(pem).ok(),
        AlgorithmFamily::Hmac => None,
    }
}

/// Whether a PEM text has a section of this name.
fn label(pem: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(pem).contains(&format!("-----BEGIN {name}-----"))
}

// === impl Keys ===

impl Keys {
    /// One secret.
    #[must_use]
    pub fn secret(secret: Secret) -> Self {
        let key = Key::plain(DecodingKey::from_secret(secret.bytes()));
        Self { all: vec![key], secret: Some(secret), unusable: Vec::new() }
    }

    /// A public key in PEM, or the one of a certificate.
    ///
    /// # Errors
    /// If there is none, or one of a kind that signs no tokens.
    pub fn pem(pem: &[u8]) -> Result<Self, NoKey> {
        let info = if label(pem, "CERTIFICATE") { of_certificate(pem)? } else { of_public(pem)? };
        let decoding = decoding(&info)?;
        Ok(Self { all: vec![Key::plain(decoding)], ..Self::default() })
    }

    /// A JWKS document (RFC 7517), or a single JWK. Keys that cannot be used are left out, and told.
    ///
    /// # Errors
    /// If it is neither, or no key of it can be used.
    pub fn jwks(text: &[u8]) -> Result<Self, NoKey> {
        let document: Value = serde_json::from_slice(text).map_err(|error| NoKey(format!("it is no JSON: {error}")))?;
        let single = || document.get("kty").map(|_| vec![document.clone()]);
        let written = document.get("keys").and_then(Value::as_array).cloned().or_else(single);
        let written =
            written.ok_or_else(|| NoKey("it has neither `keys`, as a JWKS has, nor `kty`, as a key has".into()))?;
        let mut keys = Self::default();
        for (at, value) in written.into_iter().enumerate() {
            match Key::jwk(value) {
                Ok(key) => keys.all.push(key),
                Err(reason) => keys.unusable.push(format!("key {} of the set: {reason}", at + 1)),
            }
        }
        if keys.all.is_empty() { Err(NoKey(keys.none())) } else { Ok(keys) }
    }

    fn none(&self) -> String {
        if self.unusable.is_empty() { "the set has no key".to_owned() } else { self.unusable.join("; ") }
    }
}

fn of_certificate(pem: &[u8]) -> Result<SubjectPublicKeyInfoDer<'static>, NoKey> {
    let chain = keys::certificates_of(pem).map_err(|error| NoKey(error.to_string()))?;
    let leaf = chain.first().ok_or_else(|| NoKey("there is no certificate in it".to_owned()))?;
    keys::parse(leaf).map(|leaf| keys::public_key(&leaf)).map_err(NoKey)
}

fn of_public(pem: &[u8]) -> Result<SubjectPublicKeyInfoDer<'static>, NoKey> {
    if String::from_utf8_lossy(pem).contains("PRIVATE KEY-----") {
        let help = "verifying needs the public key: `openssl pkey -in FILE -pubout` writes it";
        return Err(NoKey(format!("it is a private key; {help}")));
    }
    SubjectPublicKeyInfoDer::from_pem_slice(pem)
        .map_err(|_| NoKey("it has neither a `PUBLIC KEY` nor a `CERTIFICATE` in PEM".to_owned()))
}

fn decoding(info: &SubjectPublicKeyInfoDer<'_>) -> Result<DecodingKey, NoKey> {
    let parsed = SubjectPublicKeyInfo::from_der(info).map_err(|error| NoKey(error.to_string()))?.1;
    let key = &*parsed.subject_public_key.data;
    match parsed.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => Ok(DecodingKey::from_rsa_der(key)),
        "1.2.840.10045.2.1" => Ok(DecodingKey::from_ec_der(key)),
        "1.3.101.112" => Ok(DecodingKey::from_ed_der(key)),
        other => {
            Err(NoKey(format!("tokens are signed by RSA, EC or Ed25519 keys, and this is another kind ({other})")))
        }
    }
}

// === impl Key ===

impl Key {
    const fn plain(decoding: DecodingKey) -> Self {
        Self { id: None, algorithm: None, decoding }
    }

    fn jwk(value: Value) -> Result<Self, String> {
        let jwk: Jwk = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if jwk.common.public_key_use == Some(PublicKeyUse::Encryption) {
            return Err("it is for encryption (`use`: `enc`)".to_owned());
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
        let algorithm = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
        Ok(Self { id: jwk.common.key_id, algorithm, decoding })
    }

    /// The kind of algorithms that it is for.
    #[must_use]
    pub fn family(&self) -> AlgorithmFamily {
        self.decoding.family()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

// === impl NoKey ===

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoKey {}
