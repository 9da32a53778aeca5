//! SHA-crypt: `$5$` with SHA-256, `$6$` with SHA-512, as libxcrypt and glibc have it. The hashing is the crate's; here is
//! how a hash is written.

use super::crypt64::{is_spelt, spell};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha_crypt::{Params, sha256_crypt, sha512_crypt};

/// Rounds where none are written.
const ROUNDS: u32 = 5000;
/// Most letters of salt; no tool writes more.
const MAX_SALT: usize = 16;
/// Letters of a digest.
const LETTERS: [usize; 2] = [43, 86];

/// A hash of either kind.
#[derive(Clone)]
pub(super) struct ShaCrypt {
    /// Whether it is SHA-512.
    wide: bool,
    rounds: u32,
    params: Params,
    salt: Box<[u8]>,
    written: Box<[u8]>,
}

// === impl ShaCrypt ===

impl ShaCrypt {
    /// Reads what follows the name (`$5$` or `$6$`): `SALT$DIGEST` or `rounds=N$SALT$DIGEST`.
    pub(super) fn read(wide: bool, rest: &str) -> Option<Self> {
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(more) => more.split_once('$').and_then(|(rounds, rest)| Some((rounds.parse().ok()?, rest)))?,
            None => (ROUNDS, rest),
        };
        let (salt, written) = rest.split_once('$')?;
        let whole = written.len() == LETTERS[usize::from(wide)] && is_spelt(written.as_bytes());
        let params = Params::new(rounds).ok().filter(|_| whole && salt.len() <= MAX_SALT)?;
        Some(Self { wide, rounds, params, salt: salt.as_bytes().into(), written: written.as_bytes().into() })
    }

    /// Whether it is the hash of this password.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let computed = if self.wide {
            letters_of_512(&sha512_crypt(password, &self.salt, self.params))
        } else {
            letters_of_256(&sha256_crypt(password, &self.salt, self.params))
        };
        verify_slices_are_equal(&computed, &self.written).is_ok()
    }

    /// Whether it is SHA-512.
    pub(super) fn is_wide(&self) -> bool {
        self.wide
    }

    /// How many times it hashes.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }
}

/// Bytes of the three thirds of the digest stand together, in an order that changes from group to group.
fn letters_of_512(digest: &[u8; 64]) -> Vec<u8> {
    let mut out = vec![0; LETTERS[1]];
    for (at, four) in out.chunks_exact_mut(4).enumerate() {
        let mut group = [digest[at], digest[at + 21], digest[at + 42]];
        group.rotate_left(at % 3);
        spell(group, four);
    }
    spell([0, 0, digest[63]], &mut out[84..]);
    out
}

/// The same, the order changing the other way.
fn letters_of_256(digest: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![0; LETTERS[0]];
    for (at, four) in out.chunks_exact_mut(4).enumerate() {
        let mut group = [digest[at], digest[at + 10], digest[at + 20]];
        group.rotate_right(at % 3);
        spell(group, four);
    }
    spell([0, digest[31], digest[30]], &mut out[40..]);
    out
}
