//! The one set of cryptographic algorithms, for both sides: which suites, in which order; and random keys.
//!
//! Not here: certificates, and what a connection does with them.

use rustls::crypto::GetRandomFailed;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CipherSuite, SupportedCipherSuite};
use std::sync::{Arc, OnceLock};

/// TLS 1.2 and 1.3 by aws-lc-rs, the post-quantum hybrid X25519MLKEM768 first among the key exchanges, and
/// AES-128-GCM first among the suites: it is strong enough for all that a web gateway carries, and a handshake costs a
/// tenth less than with AES-256 (SHA-256 is done by hardware where SHA-384 is not).
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.sort_by_key(rank);
        Arc::new(provider)
    }))
}

/// Random bytes, good enough for a key.
///
/// # Errors
/// If the system gives none.
pub fn random() -> Result<[u8; 32], GetRandomFailed> {
    let mut bytes = [0; 32];
    provider().secure_random.fill(&mut bytes)?;
    Ok(bytes)
}

/// TLS 1.3 before 1.2, and AES-128 before the others within each; the sort is stable.
fn rank(suite: &SupportedCipherSuite) -> (bool, bool) {
    let small = matches!(
        suite.suite(),
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    );
    (suite.tls13().is_none(), !small)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(random().unwrap(), random().unwrap());
    }

    #[test]
    fn aes_128_and_the_hybrid_come_first() {
        let provider = provider();
        assert_eq!(provider.cipher_suites.first().unwrap().suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert_eq!(provider.kx_groups.first().unwrap().name(), NamedGroup::X25519MLKEM768);
        let versions: Vec<bool> = provider.cipher_suites.iter().map(|suite| suite.tls13().is_some()).collect();
        assert!(versions.is_sorted_by(|a, b| a >= b), "TLS 1.3 first: {versions:?}");
    }
}
