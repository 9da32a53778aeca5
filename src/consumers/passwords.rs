//! The passwords of basic-auth. None is kept: a SHA-256 stands for it, and whether there is such a user takes no other time
//! to find out than whether the password is right.

use super::CredentialId;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use sha1::{Digest, Sha1};
use std::collections::HashMap;
use uuid::Uuid;

/// Whose user's name and password are which.
#[derive(Default)]
pub struct Passwords {
    users: HashMap<Box<[u8]>, User, foldhash::fast::RandomState>,
    form: Form,
}

/// How a configuration writes passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    #[default]
    Plain,
    /// As Kong stores them (`_transform: false`): the SHA-1 of password and consumer's id, in lower-case hexadecimal.
    Hashed,
}

struct User {
    credential: CredentialId,
    salt: Salt,
    proof: [u8; 32],
}

/// What a password is hashed with: its consumer's id, as text.
type Salt = [u8; uuid::fmt::Hyphenated::LENGTH];

/// The salt of nobody.
const NOBODYS: Salt = [b'0'; uuid::fmt::Hyphenated::LENGTH];

// === impl Passwords ===

impl Passwords {
    /// Nobody, with passwords in this form.
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self { users: HashMap::default(), form }
    }

    /// Adds a user. In [`Form::Hashed`], what is no hash lets nobody in.
    pub fn put(&mut self, user: &str, password: &str, consumer: Uuid, credential: CredentialId) {
        let mut salt = NOBODYS;
        consumer.hyphenated().encode_lower(&mut salt);
        let proof = match self.form {
            Form::Plain => sha256(&[password.as_bytes(), &salt]),
            Form::Hashed => sha256(&[password.as_bytes()]),
        };
        self.users.insert(user.as_bytes().into(), User { credential, salt, proof });
    }

    /// Whether there is such a user.
    #[must_use]
    pub fn knows(&self, user: &[u8]) -> bool {
        self.users.contains_key(user)
    }

    /// The credential of user and password, if they are right. For an unknown user a password is checked as well.
    #[must_use]
    pub fn verify(&self, user: &[u8], password: &[u8]) -> Option<CredentialId> {
        let known = self.users.get(user);
        let (salt, proof) = known.map_or((&NOBODYS, &[0; 32]), |user| (&user.salt, &user.proof));
        let right = verify_slices_are_equal(&self.prove(password, salt), proof).is_ok();
        known.filter(|_| right).map(|user| user.credential)
    }

    fn prove(&self, password: &[u8], salt: &Salt) -> [u8; 32] {
        match self.form {
            Form::Plain => sha256(&[password, salt]),
            Form::Hashed => sha256(&[kongs(password, salt).as_bytes()]),
        }
    }
}

/// A password as Kong stores it for a consumer (`kong/plugins/basic-auth/crypto.lua`).
#[must_use]
pub fn stored(password: &str, consumer: Option<Uuid>) -> String {
    let mut salt = NOBODYS;
    consumer.unwrap_or_default().hyphenated().encode_lower(&mut salt);
    kongs(password.as_bytes(), &salt)
}

/// Kong's hash.
fn kongs(password: &[u8], salt: &Salt) -> String {
    let hash = Sha1::new().chain_update(password).chain_update(salt).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HASH: &str = "152ed538ed0e3c7f89694cfc27297c4c860c47fa";

    fn of(form: Form, users: &[(&str, &str)]) -> Passwords {
        let consumer = Uuid::try_parse("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").unwrap();
        let mut passwords = Passwords::new(form);
        for (at, (user, password)) in users.iter().enumerate() {
            passwords.put(user, password, consumer, CredentialId::from(at));
        }
        passwords
    }

    #[test]
    fn a_password_fits_its_own_user_alone() {
        let passwords = of(Form::Plain, &[("a", "one"), ("b", "two"), ("c", "")]);
        assert_eq!(passwords.verify(b"b", b"two"), Some(CredentialId(1)));
        assert_eq!(passwords.verify(b"c", b""), Some(CredentialId(2)));
        for (user, password) in
            [("a", "two"), ("a", "On"), ("a", "onee"), ("a", ""), ("A", "one"), ("d", "one"), ("", "")]
        {
            assert_eq!(passwords.verify(user.as_bytes(), password.as_bytes()), None, "{user}:{password}");
        }
        assert!(passwords.knows(b"a") && !passwords.knows(b"d"));
    }

    #[test]
    fn kongs_own_hashes_are_understood_where_a_file_has_them() {
        let users = [("hashed", HASH), ("raw", "secret"), ("upper", &HASH.to_uppercase()[..])];
        let passwords = of(Form::Hashed, &users);
        assert_eq!(passwords.verify(b"hashed", b"secret"), Some(CredentialId(0)));
        for (user, password) in
            [("hashed", HASH), ("raw", "secret"), ("raw", HASH), ("upper", "secret"), ("x", "secret")]
        {
            assert_eq!(passwords.verify(user.as_bytes(), password.as_bytes()), None, "{user}");
        }
        let plain = of(Form::Plain, &users);
        assert_eq!(plain.verify(b"hashed", b"secret"), None);
        assert_eq!(plain.verify(b"raw", b"secret"), Some(CredentialId(1)));
    }

    #[test]
    fn the_same_password_of_two_consumers_is_kept_otherwise() {
        let mut passwords = of(Form::Plain, &[("a", "one")]);
        passwords.put("b", "one", Uuid::from_u128(1), CredentialId(1));
        let proof = |user: &[u8]| passwords.users.get(user).unwrap().proof;
        assert_ne!(proof(b"a"), proof(b"b"));
    }
}
