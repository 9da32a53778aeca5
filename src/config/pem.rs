//! Certificates and keys inside of a file: PEM to DER, and whether they are good (`kong/declarative.md` §4).

use super::value::Checked;
use crate::keys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::time::SystemTime;
use x509_parser::prelude::X509Certificate;

/// DER of every certificate in a PEM text.
///
/// # Errors
/// Words for what is wrong, without Kong's `invalid certificate: `.
pub(super) fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|error| damage(&error))?;
    let Some(first) = all.first() else { return Err("there is none in the text".to_owned()) };
    keys::parse(first)?;
    Ok(all.into_iter().map(|der| der.to_vec()).collect())
}

/// DER of the first private key in a PEM text.
///
/// # Errors
/// Words for what is wrong, without Kong's `invalid key: `.
pub(super) fn key(pem: &str) -> Result<Vec<u8>, String> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| damage(&error))?;
    Ok(key.secret_der().to_vec())
}

/// What is wrong with a PEM text, for people.
fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::Base64Decode(_) => "its base64 text is damaged".to_owned(),
        pem::Error::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is damaged".to_owned(),
        pem::Error::NoItemsFound => "there is none in the text".to_owned(),
        other => other.to_string(),
    }
}

/// Kong's words for a text that is no certificate.
pub(super) fn certificate_error(pem: &str) -> Result<(), String> {
    certificates(pem).map(|_| ()).map_err(|error| format!("invalid certificate: {error}"))
}

/// Kong's words for a text that is no private key.
pub(super) fn key_error(pem: &str) -> Result<(), String> {
    key(pem).map(|_| ()).map_err(|error| format!("invalid key: {error}"))
}

/// Whether a certificate and its key belong together, and the alternative ones.
pub(super) fn pair_errors(entity: &Checked) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for (cert, key, message) in [
        ("cert", "key", "certificate does not match key"),
        ("cert_alt", "key_alt", "alternative certificate does not match key"),
    ] {
        if let (Some(cert), Some(key)) = (entity.str(cert), entity.str(key)) {
            wrong.extend(mismatch(cert, key, message).map(|words| ("@entity", words)));
        }
    }
    if let (Some(one), Some(other)) = (entity.str("cert"), entity.str("cert_alt")) {
        wrong.extend(same_kind(one, other).map(|words| ("@entity", words)));
    }
    wrong
}

/// A key that is good in itself but cannot be used here is told in our words.
fn mismatch(cert: &str, key: &str, message: &str) -> Option<String> {
    let (chain, key) = (certificates(cert).ok()?, self::key(key).ok()?);
    match keys::certified_der(&chain, &key) {
        Ok(_) => None,
        Err(keys::KeyError::Mismatch) => Some(message.to_owned()),
        Err(other) => Some(other.to_string()),
    }
}

fn same_kind(one: &str, other: &str) -> Option<String> {
    let kind = |pem: &str| {
        let chain = certificates(pem).ok()?;
        let der = CertificateDer::from(chain.into_iter().next()?);
        keys::parse(&der).ok().map(|parsed| parsed.public_key().algorithm.algorithm.to_id_string())
    };
    let (one, other) = (kind(one)?, kind(other)?);
    let message = "certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), the provided certificates were both of the same type";
    (one == other).then(|| message.to_owned())
}

/// Words for a text that has a certificate of no authority, or none at all.
pub(super) fn authorities_error(pem: &str) -> Result<(), String> {
    certificate_error(pem)?;
    let all = certificates(pem).unwrap_or_default();
    let message = "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint";
    if all.into_iter().all(|der| is_authority(Some(der))) { Ok(()) } else { Err(message.to_owned()) }
}

/// `client_verify` says something only of clients whose authority is known.
pub(super) fn unused_verify(sni: &Checked) -> Vec<(&'static str, String)> {
    let alone = sni.get("client_verify").is_some() && sni.get("client_ca").is_none();
    if alone { vec![("client_verify", "needs `client_ca`".to_owned())] } else { Vec::new() }
}

/// Whether a CA certificate is one, alone, and not out of its time.
pub(super) fn authority_errors(entity: &Checked, now: SystemTime) -> Vec<(&'static str, String)> {
    let Some(chain) = entity.str("cert").and_then(|pem| certificates(pem).ok()) else { return Vec::new() };
    let message = if chain.len() > 1 {
        "please submit only one certificate at a time"
    } else if is_expired(chain.first(), now) {
        "certificate expired, \"Not After\" time is in the past"
    } else if !is_authority(chain.into_iter().next()) {
        "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint"
    } else {
        return Vec::new();
    };
    vec![("@entity", message.to_owned())]
}

fn is_expired(der: Option<&Vec<u8>>, now: SystemTime) -> bool {
    let der = CertificateDer::from(der.cloned().unwrap_or_default());
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let over =
        |parsed: &X509Certificate<'_>| parsed.validity().not_after.timestamp() < i64::try_from(now).unwrap_or(i64::MAX);
    keys::parse(&der).is_ok_and(|parsed| over(&parsed))
}

fn is_authority(der: Option<Vec<u8>>) -> bool {
    let der = CertificateDer::from(der.unwrap_or_default());
    keys::parse(&der).is_ok_and(|parsed| parsed.is_ca())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_told_in_kongs_words() {
        assert!(certificate_error("x").is_err_and(|words| words.starts_with("invalid certificate: ")));
        assert!(key_error("y").is_err_and(|words| words.starts_with("invalid key: ")));
    }
}
