//! `gateway token` as a program: what it says is in `token/NAME.txt`, and openssl agrees with what it signs.
//!
//! `BLESS=1 cargo test --test token` writes the texts anew; look at the difference before you commit it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

/// A folder with keys, in which the program runs.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self(folder);
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/token/vectors");
        for name in ["jwks.json", "rsa.pem", "rsa.crt", "ec256.pem", "ed.pem"] {
            fs::copy(vectors.join(name), bench.path(name)).unwrap();
        }
        bench.put("secret", SECRET);
        bench.put(".env", &format!("# the stack\nPOSTGRES_PASSWORD=x\nJWT_SECRET={SECRET}\n"));
        bench.put("blank", "\n");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs `gateway token …` with a text on standard input.
    fn run(&self, words: &str, input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.current_dir(self.0.path()).env_remove("JWT_SECRET").arg("token").args(words.split(' '));
        self.fed(&mut command, input)
    }

    fn fed(&self, command: &mut Command, input: &str) -> Output {
        let command = command.current_dir(self.0.path()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who refuses its options reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What `openssl` answers.
    fn openssl(&self, words: &str, input: &[u8]) -> Output {
        fs::write(self.path("input"), input).unwrap();
        let words = words.split(' ').chain(["input"]);
        Command::new("openssl").current_dir(self.0.path()).args(words).output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A token that openssl signed.
fn vector(name: &str) -> String {
    let all = include_str!("../src/token/vectors/tokens.txt");
    all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().to_owned()
}

/// What changes from run to run, hidden.
fn masked(text: &str) -> String {
    let dates = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC").unwrap();
    let gaps =
        regex::Regex::new(r"in \d+ (year|day|hour|minute|second)s?|\d+ (year|day|hour|minute|second)s? ago").unwrap();
    let tokens = regex::Regex::new(r"eyJ[\w-]+\.[\w-]+\.[\w-]+").unwrap();
    let secrets = regex::Regex::new(r"\b[0-9a-f]{64}\b").unwrap();
    let text = dates.replace_all(text, "DATE");
    let text = gaps.replace_all(&text, "GAP");
    let text = tokens.replace_all(&text, "TOKEN");
    secrets.replace_all(&text, "SECRET").into_owned()
}

/// Name, words, and what stands on standard input.
fn cases() -> Vec<(&'static str, String, String)> {
    let bare = |name, words: &str| (name, words.to_owned(), String::new());
    let with = |name, words: &str, token: &str| (name, words.to_owned(), vector(token));
    let text = |name, words: &str, text: &str| (name, words.to_owned(), text.to_owned());
    vec![
        bare("mint-service-role", "mint --role service_role --env-file .env"),
        bare("mint-user", "mint --role authenticated --sub 7b9f --exp 15m --claim plan=free --secret-file secret"),
        bare("mint-without-a-secret", "mint --role anon"),
        bare("mint-with-a-typed-secret", "mint --role anon --secret typed-secret"),
        bare("mint-with-a-blank-secret", "mint --role anon --secret-file blank"),
        bare("mint-with-another-name", "mint --role anon --env-file .env --secret-name SUPABASE_JWT_SECRET"),
        bare("mint-with-a-weak-secret", "mint --role anon --env-file .env --secret-name POSTGRES_PASSWORD"),
        bare("mint-with-a-public-key", "mint --role anon --key rsa.pem"),
        bare("mint-with-the-wrong-algorithm", "mint --role anon --secret-file secret --alg RS256"),
        bare("mint-in-the-past", "mint --role anon --secret-file secret --exp 2001-01-01"),
        bare("mint-until-nobody-knows-when", "mint --role anon --secret-file secret --exp soon"),
        bare("keys", "keys --env-file .env"),
        bare("keys-new", "keys --new --format shell"),
        bare("keys-from-two-places", "keys --env-file .env --secret-file secret"),
        with("inspect", "inspect", "hs256"),
        with("inspect-json", "inspect --json -", "eddsa"),
        text("inspect-nothing", "inspect", ""),
        text("inspect-a-secret", "inspect -", "not-a-token"),
        text("inspect-half", "inspect -", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xl.x"),
        with("verify", "verify --env-file .env", "hs256"),
        with("verify-by-jwks", "verify --jwks jwks.json", "eddsa"),
        with("verify-by-certificate", "verify --key rsa.crt --iss supabase", "ps384"),
        with("verify-by-another-key", "verify --key ec256.pem", "rs256"),
        with("verify-by-another-secret", "verify --env-file .env --secret-name POSTGRES_PASSWORD", "hs256"),
        with("verify-for-another", "verify --secret-file secret --iss https://auth.test --aud api", "hs256"),
        with("verify-without-the-file", "verify --jwks nowhere.json", "hs256"),
        text("verify-expired", "verify --secret-file secret", &expired()),
    ]
}

/// A token of the year 2001.
fn expired() -> String {
    use base64::Engine;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let text = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(r#"{"role":"anon","exp":1000000000}"#));
    let signed = Bench::new().openssl(&format!("dgst -sha256 -hmac {SECRET} -binary"), text.as_bytes());
    format!("{text}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signed.stdout))
}

#[test]
fn everything_is_said_as_it_was() {
    let (bench, bless, mut changed) = (Bench::new(), std::env::var_os("BLESS").is_some(), Vec::new());
    for (name, words, input) in cases() {
        let done = bench.run(&words, &input);
        let code = done.status.code().unwrap();
        let (stdout, stderr) = (masked(&out(&done)), masked(&String::from_utf8_lossy(&done.stderr)));
        let said = format!("$ gateway token {words}\n{stdout}--- standard error\n{stderr}--- exit status {code}\n");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/token").join(name).with_extension("txt");
        if bless {
            fs::write(path, said).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != said {
            changed.push(said);
        }
        for stream in [&done.stdout, &done.stderr] {
            let text = String::from_utf8_lossy(stream);
            assert!(!text.contains(SECRET) && !text.contains("typed-secret"), "{words} shows a secret");
        }
    }
    assert!(changed.is_empty(), "said anew:\n{}", changed.join("\n"));
}

#[test]
fn openssl_signs_the_same() {
    use base64::Engine;
    let bench = Bench::new();
    for (name, digest) in [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")] {
        let token = out(&bench.run(&format!("mint --role anon --secret-file secret --alg {name}"), ""));
        let (text, signature) = token.trim_end().rsplit_once('.').unwrap();
        let signed = bench.openssl(&format!("dgst -{digest} -hmac {SECRET} -binary"), text.as_bytes()).stdout;
        assert_eq!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signed), signature, "{name}");
    }
}

#[test]
fn openssl_verifies_what_a_private_key_signs() {
    use base64::Engine;
    let bench = Bench::new();
    for words in [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem",
        "pkey -in private.pem -pubout -out public.pem",
    ] {
        let done = Command::new("openssl").current_dir(bench.0.path()).args(words.split(' ')).output().unwrap();
        assert!(done.status.success(), "{words}");
    }
    let token = out(&bench.run("mint --role anon --key private.pem", ""));
    let (text, signature) = token.trim_end().rsplit_once('.').unwrap();
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
    fs::write(bench.path("signature"), signature).unwrap();
    let said = bench.openssl("dgst -sha256 -verify public.pem -signature signature", text.as_bytes());
    assert_eq!(out(&said), "Verified OK\n");
    assert!(bench.run("verify --key public.pem", &token).status.success());
}

#[test]
fn a_new_pair_is_good_for_its_own_secret_only() {
    let bench = Bench::new();
    bench.put("new.env", &out(&bench.run("keys --new", "")));
    let all = fs::read_to_string(bench.path("new.env")).unwrap();
    let names: Vec<_> = all.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, ["JWT_SECRET", "ANON_KEY", "SERVICE_ROLE_KEY"]);
    for name in ["ANON_KEY=", "SERVICE_ROLE_KEY="] {
        let token = all.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert!(bench.run("verify --env-file new.env", token).status.success());
        assert_eq!(bench.run("verify --env-file .env", token).status.code(), Some(1));
    }
}
