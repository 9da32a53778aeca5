//! Hashes as they stand in a file: which kinds there are, what checking one costs, and whether a password fits.
//!
//! Kinds are those of Apache's `htpasswd` and of nginx, but for crypt(3)'s DES. Pure.

use super::crypt64::is_spelt;
use super::md5_crypt::Md5Crypt;
use super::sha_crypt::ShaCrypt;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use std::fmt;

/// Most that is accepted: a bcrypt cost of 15 takes about two seconds, a stranger's for the asking.
const MAX_BCRYPT_COST: u32 = 15;
/// The same for SHA-crypt: two tenths of a second, and more than one for the longest password.
const MAX_SHA_ROUNDS: u32 = 1_000_000;

/// Reads a hash of one kind: from the whole text, and what comes after the name.
type Reader = fn(&str, &str) -> Result<Hash, String>;

/// What a hash begins with.
const KINDS: [(&str, Reader); 9] = [
    ("$2y$", |text, _| read_bcrypt(text)),
    ("$2b$", |text, _| read_bcrypt(text)),
    ("$2a$", |text, _| read_bcrypt(text)),
    ("$apr1$", |_, rest| read_md5("$apr1$", rest)),
    ("$1$", |_, rest| read_md5("$1$", rest)),
    ("$5$", |_, rest| read_sha2(rest, false)),
    ("$6$", |_, rest| read_sha2(rest, true)),
    ("{SHA}", |_, rest| read_sha1(rest, false)),
    ("{SSHA}", |_, rest| read_sha1(rest, true)),
];

/// What to do about a hash that is not accepted.
const MAKE_ANEW: &str = "make a new one with `htpasswd -B FILE USER`";

/// One password's hash.
#[derive(Clone)]
pub(super) enum Hash {
    /// `{SHA}`, `{SSHA}`; also `{PLAIN}`, so that no password stays in memory and its length takes no time to compare.
    Sha1 { digest: [u8; 20], salt: Box<[u8]> },
    /// `$apr1$`, `$1$`.
    Md5(Md5Crypt),
    /// `$5$`, `$6$`.
    Sha2(ShaCrypt),
    /// `$2y$`, `$2b$`, `$2a$`: as written.
    Bcrypt { written: Box<str>, cost: u32 },
}

// === impl Hash ===

impl Hash {
    /// Reads a hash.
    ///
    /// # Errors
    /// Why it is not accepted, without a letter of it.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        if let Some(plain) = text.strip_prefix(b"{PLAIN}") {
            return Ok(Self::sha1(plain));
        }
        let text = std::str::from_utf8(text.trim_ascii()).ok().filter(|text| text.is_ascii()).ok_or_else(unknown)?;
        let named = KINDS.iter().find_map(|(name, read)| Some((text.strip_prefix(name)?, read)));
        match named {
            Some((rest, read)) => read(text, rest),
            None if text.is_empty() => Err("there is no hash".to_owned()),
            None if is_des(text) => Err(format!("crypt(3)'s DES is not accepted: it is soon guessed; {MAKE_ANEW}")),
            None => Err(unknown()),
        }
    }

    fn sha1(password: &[u8]) -> Self {
        Self::Sha1 { digest: Sha1::digest(password).into(), salt: Box::default() }
    }

    /// Whether it is the hash of this password. Takes as long for a wrong one as for the right one.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Sha1 { digest, salt } => {
                let computed = Sha1::new().chain_update(password).chain_update(salt).finalize();
                verify_slices_are_equal(&computed, digest).is_ok()
            }
            Self::Md5(hash) => hash.verify(password),
            Self::Sha2(hash) => hash.verify(password),
            Self::Bcrypt { written, .. } => bcrypt::verify(password, written).unwrap_or_default(),
        }
    }

    /// About how many microseconds a check takes on a processor of today.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Self::Sha1 { .. } => 1,
            Self::Md5(_) => 150,
            Self::Sha2(hash) => u64::from(hash.rounds()) / if hash.is_wide() { 6 } else { 10 },
            Self::Bcrypt { cost, .. } => 50 << cost,
        }
    }
}

/// The kind only: a hash has no place in a log.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 { .. } => "Sha1",
            Self::Md5(_) => "Md5",
            Self::Sha2(_) => "Sha2",
            Self::Bcrypt { .. } => "Bcrypt",
        })
    }
}

fn read_sha1(encoded: &str, salted: bool) -> Result<Hash, String> {
    let broken = || broken("SHA-1");
    let bytes = STANDARD.decode(encoded).map_err(|_| broken())?;
    let (digest, salt) = bytes.split_first_chunk().filter(|(_, salt)| salted || salt.is_empty()).ok_or_else(broken)?;
    Ok(Hash::Sha1 { digest: *digest, salt: salt.into() })
}

fn read_md5(name: &'static str, rest: &str) -> Result<Hash, String> {
    Md5Crypt::read(name, rest.as_bytes()).map(Hash::Md5).ok_or_else(|| broken("MD5-crypt"))
}

fn read_sha2(rest: &str, wide: bool) -> Result<Hash, String> {
    let hash = ShaCrypt::read(wide, rest).ok_or_else(|| broken("SHA-crypt"))?;
    match hash.rounds() {
        ..=MAX_SHA_ROUNDS => Ok(Hash::Sha2(hash)),
        rounds => Err(too_dear(&format!("{rounds} rounds"), MAX_SHA_ROUNDS)),
    }
}

fn read_bcrypt(text: &str) -> Result<Hash, String> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| broken("bcrypt"))?;
    match parts.get_cost() {
        cost @ 4..=MAX_BCRYPT_COST => Ok(Hash::Bcrypt { written: text.into(), cost }),
        0..4 => Err(broken("bcrypt")),
        cost => Err(too_dear(&format!("a bcrypt cost of {cost}"), MAX_BCRYPT_COST)),
    }
}

/// 13 letters; or `_` and 19, BSD's longer form.
fn is_des(text: &str) -> bool {
    let letters = text.strip_prefix('_').filter(|rest| rest.len() == 19).or((text.len() == 13).then_some(text));
    letters.is_some_and(|letters| is_spelt(letters.as_bytes()))
}

fn unknown() -> String {
    format!("no kind of hash that is known ($2y$, $apr1$, $1$, $5$, $6$, {{SHA}}, {{SSHA}}, {{PLAIN}}): {MAKE_ANEW}")
}

fn broken(kind: &str) -> String {
    format!("not a whole {kind} hash: {MAKE_ANEW}")
}

fn too_dear(what: &str, most: u32) -> String {
    format!("{what} would let strangers keep the processor busy; {most} is the most: {MAKE_ANEW}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Of `pass:wörd`: by Apache's `htpasswd` 2.4.67, `openssl passwd` 3.0 and Python's `crypt` over libxcrypt.
    const MADE: [&str; 15] = [
        "$2y$04$YBlGy5CabhEvbYcxm3z5H.r4JnkK0VNa0pHyTgZw4LovCuAOijVL.",
        "$2b$04$abcdefghijklmnopqrstuuWXKr2BvN6MFBGmbO8G1GNLW0JIJkxnC",
        "$2a$04$abcdefghijklmnopqrstuuWXKr2BvN6MFBGmbO8G1GNLW0JIJkxnC",
        "$apr1$U3nr6q7l$TnNKnWZWyelaP5OX5pS5M0",
        "$apr1$saltsalt$dlYe.Hj2BD6ZPtkWiilfQ1",
        "$1$saltsalt$IBfc389l5IEXXdiwdjgB0/",
        "$5$uP8dV2ygv1jzOGjU$RHiQBuJ2LxQFvjS0g5FnxcFhmalgELioKykmx/YA7O9",
        "$5$saltsalt$2Op9/kVAQ1GN09Eemt0wtVjmvpnHswRioMKJ4ytV927",
        "$6$UTGYG5zQ.69erhLD$/WxMqH17M7g8CgbsFiGTDIjru5rgAycNBVJ/TMiJv6uxmoecTtYOyPYYME4fYLPp/BqtbGJ0Gr2qxtiVNNTWw0",
        "$6$saltsalt$4ME//p1HhMu5nePr6s5aZNqE.DY.AaQX89xLOQMcX.jgMaMFd5ktoqzU9PsNQBg50nbg5mt/Kr7kKr6TTob2F/",
        "$6$rounds=1000$saltsalt$qzqUhNn3hvnurxBCWh8MUMHuoFDd7lmlwVWvROZiH2igmkDBWHaiv6wym./5UJt1Xd8o47vatLFfYruzpno/T/",
        "{SHA}NMfTLf4kql4x98PMVl16orqGin0=",
        "{SSHA}pGfIGXhlkwNQ6wGoxVCUn196/FVzYWx0",
        "{PLAIN}pass:wörd",
        "  {SHA}NMfTLf4kql4x98PMVl16orqGin0=\t",
    ];

    fn fits(hash: &str, password: &str) -> bool {
        Hash::read(hash.as_bytes()).unwrap().verify(password.as_bytes())
    }

    #[test]
    fn what_the_tools_make_fits_its_password_and_no_other() {
        for hash in MADE {
            assert!(fits(hash, "pass:wörd"), "{hash}");
            for other in ["", "pass", "pass:word", "pass:wörd ", "PASS:WÖRD"] {
                assert!(!fits(hash, other), "{hash} fits {other:?}");
            }
        }
    }

    #[test]
    fn short_and_long_passwords_and_salts_are_hashed_as_the_tools_do() {
        let long = "x".repeat(100);
        for (hash, password) in [
            ("$1$s$iXWZU0LDEJ7Jjmms7KFsH0", ""),
            ("$apr1$s$e2aCb9PLCjZ2t55SoAxXn.", ""),
            ("$apr1$CoWfbCpQ$ifsXpqcAE6ue/hmy8LJPX.", ""),
            ("$2y$04$HNyLbawvjbuHJq6PlK/peO8iFkkIgK3veptPaTSb0k1VQnb.7h2LS", ""),
            ("$1$abcdefgh$ax3Kvr/hbxTbyc0QiTLcg/", &long),
            ("$apr1$abcdefgh$9/cwT0JwksL/fA2yBHBE6/", &long),
            ("$5$abcdefghijklmnop$eq0z.PIuAZvCCSUXhAcrIS5rtAk4zxY4tlzXoWXdQO5", &long),
            (
                "$6$abcdefghijklmnop$r/HtRGuCzMNedONV3I8Xz8Qm4Qy85pQ/RigX0agmbAzWsa3BCc1B564NfCD/Giyliby36KbTMkrVLsmFYtbTu1",
                &long,
            ),
            ("$5$rounds=1234$s$DeihO651POVXx.VpUucfzl2yZc1OhmSXslt.ffydjYA", "pw"),
            (
"$6$my_salt$Uf27eLxdKEGAsgGQ6oPdKJMofdereCuBI3htJso/vMYTrODGlvdQ2qlDLaO4Rc3MfNdgKcVrikcbH2Jvb1qu51", "pw"),
            ("{PLAIN}", ""),
        ] {
            assert!(fits(hash, password), "{hash}");
            assert!(!fits(hash, "y"), "{hash}");
        }
    }

    #[test]
    fn bcrypt_looks_at_72_bytes_as_everywhere() {
        let hash = "$2y$05$OerbkkiYf7ZTAEJGDQI./ecZrrIcNwiejVsJEESSl8s./zDLeifxa";
        for (length, same) in [(71, false), (72, true), (80, true), (100, true)] {
            assert_eq!(fits(hash, &"x".repeat(length)), same, "{length}");
        }
    }

    #[test]
    fn what_is_not_accepted_says_why_and_shows_no_letter() {
        let bcrypt = "YBlGy5CabhEvbYcxm3z5H.r4JnkK0VNa0pHyTgZw4LovCuAOijVL.";
        let sha = "2Op9/kVAQ1GN09Eemt0wtVjmvpnHswRioMKJ4ytV927";
        for (hash, why) in [
            (String::new(), "there is no hash"),
            ("F5ZnvKZDES.QU".to_owned(), "DES"),
            ("_J9..CCCCXBrJUJV154M".to_owned(), "DES"),
            ("secret".to_owned(), "no kind of hash"),
            ("pässword".to_owned(), "no kind of hash"),
            (format!("$2x$04${bcrypt}"), "no kind of hash"),
            ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7".to_owned(), "no kind of hash"),
            (format!("$2y$03${bcrypt}"), "not a whole bcrypt hash"),
            (format!("$2y$16${bcrypt}"), "a bcrypt cost of 16"),
            (format!("$2y$04${}", &bcrypt[1..]), "not a whole bcrypt hash"),
            ("$apr1$saltsalt$dlYe".to_owned(), "not a whole MD5-crypt hash"),
            ("$apr1$$dlYe.Hj2BD6ZPtkWiilfQ1".to_owned(), "not a whole MD5-crypt hash"),
            (format!("$5$rounds=1000001$s${sha}"), "1000001 rounds"),
            (format!("$5$rounds=999$s${sha}"), "not a whole SHA-crypt hash"),
            (format!("$5$rounds=x$s${sha}"), "not a whole SHA-crypt hash"),
            (format!("$6$s${sha}"), "not a whole SHA-crypt hash"),
            (format!("$5${}${sha}", "s".repeat(17)), "not a whole SHA-crypt hash"),
            (format!("$5$rounds=5000${sha}"), "not a whole SHA-crypt hash"),
            ("{SHA}NMfTLf4k".to_owned(), "not a whole SHA-1 hash"),
            ("{SHA}?".to_owned(), "not a whole SHA-1 hash"),
        ] {
            let said = Hash::read(hash.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{hash}: {said}");
            assert!(hash.len() < 10 || !said.contains(&hash[7..]), "{said}");
        }
    }

    #[test]
    fn dearer_kinds_cost_more() {
        let costs = [13, 3, 6, 8, 0].map(|at| Hash::read(MADE[at].as_bytes()).unwrap().cost());
        assert_eq!(costs, [1, 150, 500, 833, 800]);
    }

    #[test]
    fn a_hash_is_not_printed() {
        assert_eq!(format!("{:?}", Hash::read(MADE[0].as_bytes()).unwrap()), "Bcrypt");
    }
}
