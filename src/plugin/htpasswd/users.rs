//! An htpasswd file: who may come in, and who has shown so already.
//!
//! The format is Apache's as nginx reads it: `USER:HASH` in each line, what follows a second colon is a remark, lines
//! that begin with `#` and empty ones say nothing, and of two lines for one user the first counts.

use super::hash::Hash;
use arc_swap::ArcSwapOption;
use crate::plugin::basic::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use sha1::{Digest as _, Sha1};
use std::hint::black_box;
use std::sync::Arc;

/// Checks that take no longer than this many microseconds may be done on a worker.
const CHEAP: u64 = 10;

/// A user's name and password under a key that only this process has.
pub(super) type Seal = [u8; 32];

/// Makes seals.
pub(super) struct Sealer(hmac::Key);

/// The users of a file. Who showed a right password is remembered here, and so forgotten with the file.
#[derive(Debug)]
pub(super) struct Users {
    accounts: HashMap<Box<[u8]>, Account>,
    /// The hash that is most expensive to check, against which an unknown user's password is hashed.
    dearest: Hash,
    /// Of the whole file.
    digest: [u8; 20],
}

#[derive(Debug)]
struct Account {
    hash: Hash,
    /// The last pair that was right.
    proven: ArcSwapOption<Seal>,
}

/// A line that lets nobody in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Counted from 1.
    pub(super) line: usize,
    /// Never shows a hash, nor a name: in a line that is not as it should be, either may be a password.
    pub(super) why: String,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    /// `None` when there is not one user.
    pub(super) users: Option<Users>,
    pub(super) faults: Vec<Fault>,
}

// === impl Sealer ===

impl Sealer {
    /// The key should be random.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// A user's name has no colon, so that no two pairs look alike.
    pub(super) fn seal(&self, of: &Credentials) -> Seal {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&of.user);
        context.update(b":");
        context.update(&of.password);
        let mut seal = [0; 32];
        seal.copy_from_slice(context.sign().as_ref());
        seal
    }
}

// === impl Users ===

impl Users {
    /// Reads a file.
    pub(super) fn read(bytes: &[u8]) -> Read {
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let (mut accounts, mut faults, mut seen) = (HashMap::new(), Vec::new(), HashSet::new());
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                continue;
            }
            match account(line, &mut seen) {
                Ok((user, account)) => _ = accounts.insert(user.into(), account),
                Err(why) => faults.push(Fault { line: at + 1, why }),
            }
        }
        let dearest = accounts.values().map(|account: &Account| &account.hash).max_by_key(|hash| hash.cost()).cloned();
        let digest = Sha1::digest(bytes).into();
        Read { users: dearest.map(|dearest| Self { accounts, dearest, digest }), faults }
    }

    /// Whether they were read from just these bytes.
    pub(super) fn are_from(&self, bytes: &[u8]) -> bool {
        self.digest == *Sha1::digest(bytes)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is such a user.
    pub(super) fn knows(&self, user: &[u8]) -> bool {
        self.accounts.contains_key(user)
    }

    /// Whether no check takes long.
    pub(super) fn is_cheap(&self) -> bool {
        self.dearest.cost() <= CHEAP
    }

    /// Whether this pair is the last one that was right for its user.
    pub(super) fn is_proven(&self, user: &[u8], seal: &Seal) -> bool {
        let proven = self.accounts.get(user).map(|account| account.proven.load());
        proven.is_some_and(|proven| proven.as_deref().is_some_and(|proven| verify_slices_are_equal(proven, seal).is_ok()))
    }

    /// Whether the password is the user's; then that is remembered. A refusal takes the time of the most expensive hash
    /// of the file at least, whether there is such a user or not.
    pub(super) fn verify(&self, asked: &Credentials, seal: &Seal) -> bool {
        if self.is_proven(&asked.user, seal) {
            return true;
        }
        let account = self.accounts.get(&asked.user);
        if let Some(account) = account.filter(|account| account.hash.verify(&asked.password)) {
            account.proven.store(Some(Arc::new(*seal)));
            return true;
        }
        if account.is_none_or(|account| account.hash.cost() < self.dearest.cost()) {
            // Right or not: it is another user's.
            black_box(self.dearest.verify(&asked.password));
        }
        false
    }
}

/// A user is seen also in a line that lets nobody in: whoever is shut out by it must not come in by a later one.
fn account<'a>(line: &'a [u8], seen: &mut HashSet<&'a [u8]>) -> Result<(&'a [u8], Account), String> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or("it is not USER:HASH")?;
    let (user, rest) = (&line[..colon], &line[colon + 1..]);
    if user.is_empty() {
        return Err("the user's name is empty".to_owned());
    }
    if !seen.insert(user) {
        return Err("this user has a line above, which counts".to_owned());
    }
    let hash = rest.split(|byte| *byte == b':').next().unwrap_or(rest);
    Ok((user, Account { hash: Hash::read(hash)?, proven: ArcSwapOption::empty() }))
}

// === impl Fault ===

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Of `secret`, by `htpasswd -nbB -C 4`.
    const BCRYPT: &str = "$2y$04$dxYkxNptbNq/ecgMBZjJp.uVmFJ/HEjl3/biXUia3kzj1gfUSfvhG";

    fn asked(user: &str, password: &str) -> Credentials {
        Credentials { user: user.as_bytes().into(), password: password.as_bytes().into() }
    }

    fn lets_in(users: &Users, user: &str, password: &str) -> bool {
        let asked = asked(user, password);
        users.verify(&asked, &Sealer::new(&[7; 32]).seal(&asked))
    }

    fn faults(text: &str) -> Vec<String> {
        Users::read(text.as_bytes()).faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn lines_are_read_as_nginx_reads_them() {
        let text = "\u{feff}# comment\r\n\r\na:{PLAIN}one\r\nb:{PLAIN}two:a remark: more\n \n#c:{PLAIN}x\nd e:{PLAIN}\nzoë:{PLAIN}four five\n\
                    last:{PLAIN}end";
        let read = Users::read(text.as_bytes());
        assert_eq!(read.faults, []);
        let users = read.users.unwrap();
        assert_eq!(users.len(), 5);
        for (user, password) in [("a", "one"), ("b", "two"), ("d e", ""), ("zoë", "four five"), ("last", "end")] {
            assert!(lets_in(&users, user, password), "{user}");
            assert!(!lets_in(&users, user, "x"), "{user}");
        }
        assert!(!lets_in(&users, "c", "x") && !lets_in(&users, "#c", "x"));
    }

    #[test]
    fn a_user_need_not_be_utf8() {
        let users = Users::read(b"\xe9:{PLAIN}p\xe9").users.unwrap();
        let asked = Credentials { user: (*b"\xe9").into(), password: (*b"p\xe9").into() };
        assert!(users.verify(&asked, &[0; 32]));
    }

    #[test]
    fn of_two_lines_the_first_counts() {
        let read = Users::read(b"a:{PLAIN}one\na:{PLAIN}two\n");
        let users = read.users.unwrap();
        assert!(lets_in(&users, "a", "one") && !lets_in(&users, "a", "two"));
        assert_eq!(read.faults, [Fault { line: 2, why: "this user has a line above, which counts".to_owned() }]);
        let read = Users::read(b"a:!\nb:{PLAIN}x\na:{PLAIN}two\n");
        assert!(!lets_in(&read.users.unwrap(), "a", "two"), "shut out by the first");
        assert_eq!(read.faults.len(), 2);
    }

    #[test]
    fn bad_lines_are_named_by_number_and_the_others_count() {
        let text = "hunter2\n:{PLAIN}x\na:hunter2\nb:{PLAIN}x\nc:\n";
        let said = faults(text);
        assert_eq!(said.len(), 4);
        assert!(said[0] == "line 1: it is not USER:HASH" && said[1] == "line 2: the user's name is empty", "{said:?}");
        assert!(said[2].starts_with("line 3: no kind of hash") && said[3] == "line 5: there is no hash", "{said:?}");
        assert!(!said.concat().contains("hunter2"));
        assert_eq!(Users::read(text.as_bytes()).users.unwrap().len(), 1);
    }

    #[test]
    fn a_file_without_users_is_none() {
        for text in ["", "\n\n", "# nobody\n", "a:hunter2\n"] {
            assert!(Users::read(text.as_bytes()).users.is_none(), "{text}");
        }
    }

    #[test]
    fn a_right_pair_is_remembered_by_its_seal_alone() {
        let users = Users::read(format!("a:{BCRYPT}\n").as_bytes()).users.unwrap();
        let (right, sealer) = (asked("a", "secret"), Sealer::new(&[1; 32]));
        let seal = sealer.seal(&right);
        assert!(!users.is_cheap());
        assert!(!users.is_proven(b"a", &seal));
        assert!(!users.verify(&asked("a", "wrong"), &sealer.seal(&asked("a", "wrong"))));
        assert!(!users.is_proven(b"a", &seal));
        assert!(users.verify(&right, &seal));
        assert!(users.is_proven(b"a", &seal) && !users.is_proven(b"b", &seal));
        assert!(!users.is_proven(b"a", &sealer.seal(&asked("a", "wrong"))));
        assert!(!users.is_proven(b"a", &Sealer::new(&[2; 32]).seal(&right)), "another process");
    }

    #[test]
    fn pairs_that_read_alike_have_other_seals() {
        let sealer = Sealer::new(&[1; 32]);
        assert_ne!(sealer.seal(&asked("a", "b:c")), sealer.seal(&asked("ab", ":c")));
        assert_ne!(sealer.seal(&asked("a", "")), sealer.seal(&asked("a", "a")));
    }

    #[test]
    fn another_users_password_lets_nobody_in() {
        let users = Users::read(format!("a:{BCRYPT}\nb:{{PLAIN}}x\n").as_bytes()).users.unwrap();
        assert!(lets_in(&users, "a", "secret") && lets_in(&users, "b", "x"));
        // Both are hashed against a's hash, and it fits.
        assert!(!lets_in(&users, "b", "secret") && !lets_in(&users, "nobody", "secret"));
        assert!(!users.is_cheap(), "a refusal takes as long as a's");
    }

    proptest::proptest! {
        #[test]
        fn no_file_and_no_password_make_it_panic(
            line in r"(a:)?(\$(1|5|6|2y|apr1)\$|\{(SHA|SSHA|PLAIN)\}|rounds=1000|\$|[a-z./=+: \r\n#é])*",
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        ) {
            for content in [line.as_bytes(), &*bytes] {
                if let Some(users) = Users::read(content).users {
                    users.verify(&Credentials { user: (*b"a").into(), password: bytes.clone().into() }, &[0; 32]);
                }
            }
        }
    }
}
