//! The MD5 crypts: `$1$` of BSD, and Apache's `$apr1$`, which differs by its name alone. Hashing goes on for 1000 rounds.
//!
//! Own code, since no crate that is kept has it. Checked against `openssl passwd` and `htpasswd`.

use super::crypt64::{is_spelt, spell};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use md5::{Digest, Md5};

/// Rounds are not written in a hash, so these are all.
const ROUNDS: usize = 1000;
/// Which bytes of the digest stand together in four letters; the last byte stands alone in two.
const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
const ALONE: usize = 11;
/// Letters of a digest.
const LETTERS: usize = 22;
/// Most letters of salt that count; no tool writes more.
const MAX_SALT: usize = 8;

/// A hash of either kind.
#[derive(Clone)]
pub(super) struct Md5Crypt {
    name: &'static str,
    salt: Box<[u8]>,
    written: [u8; LETTERS],
}

// === impl Md5Crypt ===

impl Md5Crypt {
    /// Reads what follows the name (`$1$` or `$apr1$`): `SALT$DIGEST`.
    pub(super) fn read(name: &'static str, rest: &[u8]) -> Option<Self> {
        let at = rest.iter().position(|byte| *byte == b'$').filter(|at| (1..=MAX_SALT).contains(at))?;
        let (salt, written) = (&rest[..at], &rest[at + 1..]);
        let written: [u8; LETTERS] = written.try_into().ok()?;
        is_spelt(&written).then(|| Self { name, salt: salt.into(), written })
    }

    /// Whether it is the hash of this password.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let computed = letters(&digest(self.name.as_bytes(), &self.salt, password));
        verify_slices_are_equal(&computed, &self.written).is_ok()
    }
}

fn digest(name: &[u8], salt: &[u8], password: &[u8]) -> [u8; 16] {
    let mut last = first(name, salt, password);
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        let mut hash = Md5::new();
        hash.update(if odd { password } else { &last });
        if round % 3 != 0 {
            hash.update(salt);
        }
        if round % 7 != 0 {
            hash.update(password);
        }
        hash.update(if odd { &last } else { password });
        last = hash.finalize().into();
    }
    last
}

/// What goes into the rounds.
fn first(name: &[u8], salt: &[u8], password: &[u8]) -> [u8; 16] {
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut hash = Md5::new().chain_update(password).chain_update(name).chain_update(salt);
    for piece in password.chunks(inner.len()) {
        hash.update(&inner[..piece.len()]);
    }
    let mut bits = password.len();
    while bits > 0 {
        hash.update(if bits % 2 == 1 { &[0] } else { &password[..1] });
        bits /= 2;
    }
    hash.finalize().into()
}

fn letters(digest: &[u8; 16]) -> [u8; LETTERS] {
    let mut out = [0; LETTERS];
    for (group, four) in GROUPS.iter().zip(out.chunks_exact_mut(4)) {
        spell(group.map(|at| digest[at]), four);
    }
    spell([0, 0, digest[ALONE]], &mut out[LETTERS - 2..]);
    out
}
