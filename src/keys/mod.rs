//! Certificates and keys: read from PEM files, and checked to belong together.
//!
//! Not here: which of them is shown to whom (`server/certificates.rs`, `upstream/tls.rs`), nor PEM texts inside a
//! declarative configuration.

mod facts;
#[cfg(test)]
pub(crate) mod fixtures;

pub use facts::{Facts, facts};

use crate::crypto;
use crate::settings::pem::Pem;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, SigningKey};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a certificate or key cannot be used.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read, or is no PEM.
    File(PathBuf, pem::Error),
    /// The file has no certificate.
    NoCertificate(PathBuf),
    /// The file has no private key that is not encrypted.
    NoKey(PathBuf),
    /// The text has none of these.
    Without(&'static str),
    /// The chain is empty, or its first certificate cannot be understood.
    BadCertificate(String),
    /// The key is of a kind or size that cannot be used.
    BadKey(String),
    /// The key is another certificate's.
    Mismatch,
    /// So many certificate files, and so many key files.
    Unpaired(usize, usize),
}

/// All certificates of a PEM file, in their order.
///
/// # Errors
/// If the file cannot be read, is malformed, or has none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let fail = |error| KeyError::File(path.to_owned(), error);
    let found: Vec<_> = CertificateDer::pem_file_iter(path).map_err(fail)?.collect::<Result<_, _>>().map_err(fail)?;
    if found.is_empty() { Err(KeyError::NoCertificate(path.to_owned())) } else { Ok(found) }
}

/// The first private key of a PEM file.
///
/// # Errors
/// If the file cannot be read, is malformed, or has none.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KeyError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => KeyError::NoKey(path.to_owned()),
        error => KeyError::File(path.to_owned(), error),
    })
}

/// All certificates that a setting names, in their order.
///
/// # Errors
/// See [`certificates`] and [`certificates_of`].
pub fn chain(of: &Pem) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    match of {
        Pem::File(path) => certificates(path),
        Pem::Text(text) => certificates_of(text.as_bytes()),
    }
}

/// The first private key of what a setting names.
///
/// # Errors
/// See [`private_key`] and [`private_key_of`].
pub fn key(of: &Pem) -> Result<PrivateKeyDer<'static>, KeyError> {
    match of {
        Pem::File(path) => private_key(path),
        Pem::Text(text) => private_key_of(text.as_bytes()),
    }
}

/// All certificates of a PEM text, in their order.
///
/// # Errors
/// If it is malformed, or has none.
pub fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| KeyError::BadCertificate(words(&error)))?;
    if found.is_empty() { Err(KeyError::Without("certificate")) } else { Ok(found) }
}

/// The first private key of a PEM text.
///
/// # Errors
/// If it is malformed, or has none.
pub fn private_key_of(pem: &[u8]) -> Result<PrivateKeyDer<'static>, KeyError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound => KeyError::Without("private key"),
        error => KeyError::BadKey(words(&error)),
    })
}

/// The first public key of a PEM text, or the one of a certificate, as DER: a `SubjectPublicKeyInfo`, or what PKCS #1 has.
///
/// # Errors
/// If it is malformed, or has none.
pub fn public_key_of(text: &[u8]) -> Result<Vec<u8>, KeyError> {
    let (_, block) = parse_x509_pem(text).map_err(|_| KeyError::Without("public key"))?;
    match block.label.as_str() {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(block.contents),
        "CERTIFICATE" => {
            let certificate = CertificateDer::from(block.contents);
            let parsed = parse(&certificate).map_err(KeyError::BadCertificate)?;
            Ok(parsed.public_key().raw.to_vec())
        }
        _ => Err(KeyError::Without("public key")),
    }
}

/// What is wrong with a PEM text; the library shows its marks as numbers.
fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("it ends before `-----END {}-----`", String::from_utf8_lossy(end_marker).trim())
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("a block begins with the broken line `{}`", String::from_utf8_lossy(line).trim())
        }
        other => other.to_string(),
    }
}

/// Certificate and key from DER, whatever of PKCS #8, PKCS #1 or SEC 1 the key is.
///
/// # Errors
/// See [`certified`].
pub fn certified_der(chain: &[Vec<u8>], key: &[u8]) -> Result<CertifiedKey, KeyError> {
    let key = PrivateKeyDer::try_from(key.to_vec()).map_err(|reason| KeyError::BadKey(reason.to_owned()))?;
    certified(chain.iter().cloned().map(CertificateDer::from).collect(), key)
}

/// Certificate (leaf first) and key, ready to sign.
///
/// rustls' own check is not used: it refuses certificates of X.509 version 1, which nginx serves.
///
/// # Errors
/// If the key cannot be used (RSA must have 2048 to 8192 bits), the leaf cannot be read, or they do not match.
pub fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, KeyError> {
    let bad_key = |error: rustls::Error| KeyError::BadKey(error.to_string());
    certified_by(chain, crypto::provider().key_provider.load_private_key(key).map_err(bad_key)?)
}

/// Certificate (leaf first) and a key that is ready.
///
/// # Errors
/// If the leaf cannot be read, or the key is another's.
pub fn certified_by(chain: Vec<CertificateDer<'static>>, key: Arc<dyn SigningKey>) -> Result<CertifiedKey, KeyError> {
    let leaf = chain.first().ok_or_else(|| KeyError::BadCertificate("there is none".to_owned()))?;
    if belongs(&*key, leaf)? { Ok(CertifiedKey::new(chain, key)) } else { Err(KeyError::Mismatch) }
}

/// Compares the bare public keys: the algorithm's name may differ where the key does not (RSA and RSASSA-PSS).
fn belongs(key: &dyn SigningKey, leaf: &CertificateDer<'_>) -> Result<bool, KeyError> {
    let leaf = parse(leaf).map_err(KeyError::BadCertificate)?;
    let Some(public) = key.public_key() else { return Ok(true) };
    let (_, public) = SubjectPublicKeyInfo::from_der(&public).map_err(|error| KeyError::BadKey(error.to_string()))?;
    Ok(public.subject_public_key.data == leaf.public_key().subject_public_key.data)
}

/// Reads a certificate of any X.509 version.
///
/// # Errors
/// What the parser says.
pub(crate) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    X509Certificate::from_der(certificate).map(|(_, parsed)| parsed).map_err(|error| error.to_string())
}

/// The public key of a certificate, as DER.
pub(crate) fn public_key(certificate: &X509Certificate<'_>) -> SubjectPublicKeyInfoDer<'static> {
    SubjectPublicKeyInfoDer::from(certificate.public_key().raw.to_vec())
}

// === impl KeyError ===

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, pem::Error::Io(error)) => write!(f, "cannot read {}: {error}", path.display()),
            Self::File(path, error) => write!(f, "{} is not valid PEM: {}", path.display(), words(error)),
            Self::NoCertificate(path) => write!(f, "no certificate in {}", path.display()),
            Self::NoKey(path) => {
                write!(f, "no private key in {} (an encrypted one must be decrypted first)", path.display())
            }
            Self::Without(what) => write!(f, "there is no {what} in it"),
            Self::BadCertificate(reason) => write!(f, "invalid certificate: {reason}"),
            Self::BadKey(reason) => write!(f, "invalid key: {reason}"),
            Self::Mismatch => f.write_str("certificate does not match key"),
            Self::Unpaired(certs, keys) => {
                write!(f, "ssl_cert was specified {certs} times while ssl_cert_key was specified {keys} times")
            }
        }
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn half_a_text_is_told_in_words() {
        let text = fixtures::pem(&fixtures::leaf(&["a.test"]));
        let half = certificates_of(&text.as_bytes()[..100]).unwrap_err().to_string();
        assert_eq!(half, "invalid certificate: it ends before `-----END CERTIFICATE-----`");
    }

    #[test]
    fn a_pair_must_match() {
        let (one, two) = (fixtures::leaf(&["a.test"]), fixtures::leaf(&["b.test"]));
        certified_der(&one.chain, &one.key).unwrap();
        assert_eq!(certified_der(&one.chain, &two.key).unwrap_err().to_string(), "certificate does not match key");
        assert_eq!(certified_der(&[], &one.key).unwrap_err().to_string(), "invalid certificate: there is none");
        assert!(matches!(certified_der(&[vec![1, 2, 3]], &one.key), Err(KeyError::BadCertificate(_))));
        assert!(matches!(certified_der(&one.chain, b"key"), Err(KeyError::BadKey(_))));
    }

    #[test]
    fn a_certificate_of_version_1_is_served() {
        let pair = fixtures::version_1();
        certified_der(&pair.chain, &pair.key).unwrap();
    }

    #[test]
    fn files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pem");
        let text = |error: KeyError| error.to_string().replace(path.to_str().unwrap(), "x.pem");
        assert!(text(certificates(&path).unwrap_err()).starts_with("cannot read x.pem: No such file"));
        std::fs::write(&path, "nothing").unwrap();
        assert_eq!(text(certificates(&path).unwrap_err()), "no certificate in x.pem");
        assert!(text(private_key(&path).unwrap_err()).starts_with("no private key in x.pem"));
        let pair = fixtures::leaf(&["a.test"]);
        std::fs::write(&path, fixtures::pem(&pair)).unwrap();
        certified(certificates(&path).unwrap(), private_key(&path).unwrap()).unwrap();
    }
}
