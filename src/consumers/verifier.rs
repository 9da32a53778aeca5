//! What a token's signature is verified by (RFC 7518 §3): an algorithm, and a key that was parsed once.

use crate::entity::Compat;
use crate::keys;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use std::fmt;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A way to sign tokens.
#[derive(Debug)]
pub struct Algorithm {
    /// `alg`, as tokens name it.
    pub name: &'static str,
    in_kong_2: bool,
    scheme: Scheme,
}

#[derive(Debug)]
enum Scheme {
    /// By a secret that both sides have.
    Shared(hmac::Algorithm),
    /// By a private key.
    Public(&'static dyn VerificationAlgorithm),
}

/// A key, ready for one algorithm.
pub enum Verifier {
    /// A secret.
    Shared(Box<hmac::Key>),
    /// A public key.
    Public(ParsedPublicKey),
    /// A secret that nobody wrote: Kong makes one up, which nobody can sign with.
    Nobodys,
}

/// Why a public key is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is none in the text.
    NoKey,
    /// It is of another kind than the algorithm's, or too short (RFC 7518 §3.3: RSA keys have 2048 bits or more).
    Other,
}

/// Those of Kong 3.9. RSA keys of fewer than 2048 bits verify nothing here.
static ALGORITHMS: [Algorithm; 13] = [
    Algorithm::shared("HS256", hmac::HMAC_SHA256),
    Algorithm::shared("HS384", hmac::HMAC_SHA384),
    Algorithm::shared("HS512", hmac::HMAC_SHA512),
    Algorithm::public("RS256", true, &signature::RSA_PKCS1_2048_8192_SHA256),
    Algorithm::public("RS384", true, &signature::RSA_PKCS1_2048_8192_SHA384),
    Algorithm::public("RS512", true, &signature::RSA_PKCS1_2048_8192_SHA512),
    Algorithm::public("ES256", true, &signature::ECDSA_P256_SHA256_FIXED),
    Algorithm::public("ES384", true, &signature::ECDSA_P384_SHA384_FIXED),
    Algorithm::public("ES512", false, &signature::ECDSA_P521_SHA512_FIXED),
    Algorithm::public("PS256", false, &signature::RSA_PSS_2048_8192_SHA256),
    Algorithm::public("PS384", false, &signature::RSA_PSS_2048_8192_SHA384),
    Algorithm::public("PS512", false, &signature::RSA_PSS_2048_8192_SHA512),
    Algorithm::public("EdDSA", false, &signature::ED25519),
];

// === impl Algorithm ===

impl Algorithm {
    const fn shared(name: &'static str, hash: hmac::Algorithm) -> Self {
        Self { name, in_kong_2: true, scheme: Scheme::Shared(hash) }
    }

    const fn public(name: &'static str, in_kong_2: bool, scheme: &'static dyn VerificationAlgorithm) -> Self {
        Self { name, in_kong_2, scheme: Scheme::Public(scheme) }
    }

    /// The one of this name, written exactly so, if a compatibility knows it.
    #[must_use]
    pub fn named(name: &str, compat: Compat) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|known| known.name == name && (known.in_kong_2 || compat == Compat::Kong3))
    }

    /// Whether both sides have the same secret.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.scheme, Scheme::Shared(_))
    }
}

impl PartialEq for Algorithm {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

// === impl Verifier ===

impl Verifier {
    /// A secret for an algorithm of that kind. An empty one, which everybody knows, is none.
    #[must_use]
    pub fn secret(algorithm: &Algorithm, secret: &[u8]) -> Option<Self> {
        match algorithm.scheme {
            Scheme::Shared(hash) if !secret.is_empty() => Some(Self::Shared(Box::new(hmac::Key::new(hash, secret)))),
            _ => None,
        }
    }

    /// A public key in PEM, or the one of a certificate, for an algorithm of that kind.
    ///
    /// # Errors
    /// Why it is of no use.
    pub fn public(algorithm: &Algorithm, pem: &[u8]) -> Result<Self, Unusable> {
        let Scheme::Public(scheme) = algorithm.scheme else { return Err(Unusable::Other) };
        let der = keys::public_key_of(pem).map_err(|_| Unusable::NoKey)?;
        let key = ParsedPublicKey::new(scheme, der).map_err(|_| Unusable::Other)?;
        if is_short_rsa(&key) { Err(Unusable::Other) } else { Ok(Self::Public(key)) }
    }

    /// Whether its owner signed a message. A secret's time does not depend on where a wrong signature differs.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Shared(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            Self::Nobodys => false,
        }
    }
}

/// It would be refused with every signature, so better at once.
fn is_short_rsa(key: &ParsedPublicKey) -> bool {
    let der: Result<PublicKeyX509Der<'_>, _> = key.as_der();
    let Ok(der) = der else { return true };
    let parsed = SubjectPublicKeyInfo::from_der(der.as_ref()).ok();
    let key = parsed.as_ref().and_then(|(_, info)| info.parsed().ok());
    matches!(key, Some(PublicKey::RSA(rsa)) if rsa.key_size() < 2048)
}

/// Nothing of a secret is shown.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
