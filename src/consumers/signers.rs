//! Who signs requests for hmac-auth, by name (`hmacauth_credentials`; `kong/plugins.md` §9).

use super::CredentialId;
use aws_lc_rs::hmac;
use std::collections::HashMap;
use std::fmt;

/// Everybody who signs requests.
pub struct Signers {
    by_name: HashMap<Box<[u8]>, Signer, foldhash::fast::RandomState>,
    nobody: Signer,
}

/// Somebody who signs requests.
pub struct Signer {
    /// The credential; `None` for one whom there is not.
    pub credential: Option<CredentialId>,
    /// As it is: ready keys, one for each of [`HASHES`], would take 5 kB, and making one takes less than a microsecond.
    secret: Box<[u8]>,
}

/// Names of algorithms, as `algorithm="…"` has them, and their hashes.
pub const HASHES: [(&str, hmac::Algorithm); 4] = [
    ("hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ("hmac-sha256", hmac::HMAC_SHA256),
    ("hmac-sha384", hmac::HMAC_SHA384),
    ("hmac-sha512", hmac::HMAC_SHA512),
];

// === impl Signers ===

impl Signers {
    /// Adds a credential. One without a secret, for which Kong makes one up, can sign nothing and is left out.
    pub fn put(&mut self, name: &str, secret: Option<&str>, credential: CredentialId) {
        if let Some(secret) = secret {
            self.by_name.insert(name.as_bytes().into(), Signer::new(secret.as_bytes(), Some(credential)));
        }
    }

    /// Who has this name: nobody, if there is none, whose signatures take as long to be found wrong.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> &Signer {
        self.by_name.get(name).unwrap_or(&self.nobody)
    }
}

impl Default for Signers {
    fn default() -> Self {
        Self { by_name: HashMap::default(), nobody: Signer::new(b"nobody's secret", None) }
    }
}

// === impl Signer ===

impl Signer {
    fn new(secret: &[u8], credential: Option<CredentialId>) -> Self {
        Self { credential, secret: secret.into() }
    }

    /// Whether a signature is this one's, by the algorithm of that place in [`HASHES`]. How long it takes does not depend
    /// on where a wrong one differs.
    #[must_use]
    pub fn signed(&self, hash: usize, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, hash)) = HASHES.get(hash) else { return false };
        let is_right = hmac::verify(&hmac::Key::new(*hash, &self.secret), message, signature).is_ok();
        is_right && self.credential.is_some()
    }
}

/// Nothing of a secret is shown.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("credential", &self.credential).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_signature_is_its_owners() {
        let mut signers = Signers::default();
        signers.put("al", Some("sekret"), CredentialId(4));
        signers.put("bo", None, CredentialId(5));
        for (at, (name, hash)) in HASHES.into_iter().enumerate() {
            let right = hmac::sign(&hmac::Key::new(hash, b"sekret"), b"text");
            assert!(signers.find(b"al").signed(at, b"text", right.as_ref()), "{name}");
            assert!(!signers.find(b"al").signed(at, b"Text", right.as_ref()), "{name}");
            assert!(!signers.find(b"al").signed(at, b"text", &right.as_ref()[1..]), "{name}");
            assert!(!signers.find(b"bo").signed(at, b"text", right.as_ref()), "{name}");
        }
        assert_eq!(signers.find(b"al").credential, Some(CredentialId(4)));
        assert_eq!((signers.find(b"bo").credential, signers.find(b"AL").credential), (None, None));
        assert!(!signers.find(b"al").signed(HASHES.len(), b"", b""));
        let nobodys = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"nobody's secret"), b"");
        assert!(!signers.find(b"cy").signed(1, b"", nobodys.as_ref()));
        assert_eq!(format!("{:?}", signers.find(b"al")), "Signer { credential: Some(CredentialId(4)), .. }");
    }
}
