//! The keys of key-auth, by their SHA-256: looking one up takes no longer for a key that is nearly right, and memory
//! holds none that could be used.

use super::CredentialId;
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::HashMap;

/// Whose key is which.
#[derive(Default)]
pub struct Keys(HashMap<[u8; 32], CredentialId, foldhash::fast::RandomState>);

// === impl Keys ===

impl Keys {
    /// Adds a key.
    pub fn put(&mut self, key: &str, credential: CredentialId) {
        self.0.insert(hash(key.as_bytes()), credential);
    }

    /// Whose key it is.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<CredentialId> {
        self.0.get(&hash(key)).copied()
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, key).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_whole_and_exact() {
        let mut keys = Keys::default();
        keys.put("secret", CredentialId(3));
        assert_eq!(keys.find(b"secret"), Some(CredentialId(3)));
        for wrong in ["Secret", "secret ", "secre", ""] {
            assert_eq!(keys.find(wrong.as_bytes()), None);
        }
    }
}
