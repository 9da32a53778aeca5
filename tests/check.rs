//! What is said about configurations, as files: `check/NAME.yml` gives `check/NAME.txt`. First what `gateway check` shows,
//! then, after a line of dashes, what `kong config parse` would print.
//!
//! `BLESS=1 cargo test --test check` writes the texts anew, and the sections of `docs/checks.md`; look at the difference
//! before you commit it.
#![allow(clippy::unwrap_used)]

use gateway::config::render::{self, Checked, Verdict};
use gateway::config::report::{NOT_PORTABLE, Source};
use gateway::config::section::Setting;
use gateway::config::{codes, kong_print, load, open};
use gateway::import::nginx;
use gateway::settings::reading::Edge;
use gateway::settings::sources::Sources;
use gateway::settings::{self, Settings};
use gateway::world::World;
use jsonwebtoken::{EncodingKey, Header};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn said(input: &Path) -> String {
    let name = input.file_name().unwrap().to_str().unwrap().to_owned();
    let source = Source::from_bytes(name, &fs::read(input).unwrap()).unwrap();
    let opened = open(&source, world(), Edge::NOTHING);
    let settings = settings(opened.settings());
    let (snapshot, report) = opened.compile(world(), &settings);
    assert_eq!(snapshot.is_none(), report.has_errors(), "{}", input.display());
    let kong = kong_print::render(&report).unwrap_or_else(|| "parse successful".to_owned());
    format!("{}{}\n{kong}\n", render::human(&report, &source, false, 120), "-".repeat(40))
}

/// The settings that the file itself has, or the defaults if those cannot be used.
fn settings(document: &[Setting]) -> Settings {
    let document: Vec<_> = document.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect();
    let sources = Sources { flags: &[], env: &variable, names: &[], file: &[], document: &document };
    settings::load(&sources, Edge::NOTHING).map(|loaded| loaded.settings).unwrap_or_default()
}

/// The first of June 2026, with some variables, and the files below `tests/pem` as `/pem/NAME`; `/etc/tls` and
/// `/run/secrets` are those of the examples in the codes.
fn world() -> World<'static> {
    World { env: &variable, file: &file, now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000) }
}

fn file(path: &Path) -> std::io::Result<Vec<u8>> {
    let name = match path.to_str() {
        Some("/run/secrets/users") => "users.htpasswd",
        Some("/run/secrets/empty") => return Ok(Vec::new()),
        Some("/run/secrets/odd-users") => return Ok(b"ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nbob\n".to_vec()),
        Some("/etc/tls/fullchain.pem") => "good.pem",
        Some("/etc/tls/privkey.pem") => "key.pem",
        Some(path) => {
            path.strip_prefix("/pem/").or_else(|| path.strip_prefix("/etc/tls/")).ok_or(std::io::ErrorKind::NotFound)?
        }
        None => return Err(std::io::ErrorKind::NotFound.into()),
    };
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pem").join(name))
}

/// One file in every format; the others are the same findings in other clothes.
#[test]
fn the_formats_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let input = folder.join("values.yml");
    let source = Source::from_bytes("values.yml", &fs::read(&input).unwrap()).unwrap();
    let (_, report) = load(&source, World::EMPTY, &Settings::default());
    let all = [Checked { source: &source, report: &report, verdict: Verdict::Invalid }];
    let said = [
        ("short", render::short(&report, &source)),
        ("github", render::github(&report, &source)),
        ("json", render::json(&all)),
        ("sarif", render::sarif(&all)),
        ("narrow", render::human(&report, &source, false, 40)),
        ("colors", render::human(&report, &source, true, 120)),
    ];
    for (format, said) in said {
        as_before(&folder.join("formats").join(format), &said);
    }
}

fn as_before(path: &Path, said: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, said).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), said, "{}", path.display());
}

#[test]
fn every_code_in_the_sources_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pattern = regex::Regex::new(
        r#"(?s)(?:Diagnostic::(?:error|warning)|\.stop|\bsay|\.reject|\.reject_ours)\(\s*"([a-z][a-z-]+)"|(?:CODE|UNSET|NOT_PORTABLE): &str = "([a-z-]+)"|=> "(no-such-[a-z]+)""#,
    );
    let pattern = pattern.unwrap();
    let mut seen = 0;
    for file in sources(&root.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("\nmod tests {").next().unwrap();
        for found in pattern.captures_iter(code) {
            let name = found.iter().skip(1).flatten().next().unwrap().as_str();
            seen += 1;
            assert!(codes::named(name).is_some(), "{}: the code `{name}` is not in src/config/codes", file.display());
        }
    }
    assert!(seen > 40, "the pattern finds {seen} codes");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = all.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs")).collect()
}

/// The sections of `docs/checks.md` are the table's; what stands above them is written by hand.
#[test]
fn every_code_has_its_section() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let text = fs::read_to_string(&path).unwrap();
    let (by_hand, _) = text.split_once("\n### ").unwrap();
    as_before(&path, &format!("{by_hand}{}", codes::document()));
}

/// Codes for which no example is short, or none is known.
const WITHOUT_EXAMPLE: &[&str] = &["nginx-too-much", "no-randomness", "no-such-entity", "too-deep", "too-large"];
/// Codes of what answers on the network.
const ONLINE: &[&str] = &["upstream-no-http", "upstream-path", "upstream-tls", "upstream-unreachable"];

/// Every example is told of as its code says, and of what to write instead nothing is.
#[test]
fn the_examples_are_examples() {
    for code in codes::all() {
        let has = !code.bad.is_empty() && !code.good.is_empty();
        assert_eq!(has, !WITHOUT_EXAMPLE.contains(&code.code), "{}: examples", code.code);
        if !has || ONLINE.contains(&code.code) {
            continue;
        }
        for (text, bad) in [(code.bad, true), (code.good, false)] {
            let told = if code.code.starts_with("nginx-") { of_nginx(text) } else { of_kong(text) };
            assert_eq!(told.contains(&code.code), bad, "{}: {text}\n{told:?}", code.code);
            let others = told.iter().filter(|other| !bad && **other != NOT_PORTABLE).count();
            assert_eq!(others, 0, "{}: {text}\n{told:?}", code.code);
        }
    }
}

/// The codes of what is said of an example.
fn of_kong(text: &str) -> Vec<&'static str> {
    let source = Source::new("example.yml", whole(text));
    let opened = open(&source, world(), Edge::NOTHING);
    let settings = settings(opened.settings());
    let (_, report) = opened.compile(world(), &settings);
    report.found.iter().chain(&report.extensions).map(|found| found.code).collect()
}

/// A document of an example, which may be the `config` of a request-transformer.
fn whole(text: &str) -> String {
    let version = if text.contains("_format_version") { "" } else { "_format_version: \"2.1\"\n" };
    match text.strip_prefix("config:") {
        Some(config) => {
            let config = config.replace('\n', "\n    ");
            format!("{version}plugins:\n  - name: request-transformer\n    config:{config}\n")
        }
        None => format!("{version}{text}\n"),
    }
}

fn of_nginx(text: &str) -> Vec<&'static str> {
    let include = |pattern: &str| match pattern.rsplit('/').next() {
        Some("nginx.conf") => Ok(vec![Source::new("nginx.conf", text)]),
        Some("app.conf") => Ok(vec![Source::new("app.conf", "server { listen 80; }")]),
        _ => Err(format!("{pattern}: No such file or directory")),
    };
    let imported = nginx::import(&[Source::new("nginx.conf", text)], "/etc/nginx", &include);
    imported.err().map(|refused| refused.report.found.iter().map(|found| found.code).collect()).unwrap_or_default()
}

/// What is written for code scanning has what the standard asks of it, and each finding its rule.
#[test]
fn every_sarif_log_is_by_the_standard() {
    let schema = serde_json::from_str(include_str!("sarif/required.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for input in inputs() {
        let name = input.file_name().unwrap().to_str().unwrap().to_owned();
        let source = Source::from_bytes(format!("a folder/{name}"), &fs::read(&input).unwrap()).unwrap();
        let (_, report) = load(&source, world(), &Settings::default());
        let log = render::sarif(&[Checked { source: &source, report: &report, verdict: Verdict::Invalid }]);
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        let faults: Vec<_> =
            schema.iter_errors(&log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert_eq!(faults, [""; 0], "{name}");
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"], "{name}");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "HOST" => "set.test",
        "PORT" => "8080",
        "RETRIES" => "3",
        "BAD_HOST" => "not a host",
        "BAD_URL" => "http://h.test:99999",
        "JWT_SECRET" => SECRET,
        "EMPTY_KEY" => "",
        "OPAQUE_KEY" => "sb_secret_0123456789abcdef",
        "BOBS_KEY" | "BOBS_PASSWORD" | "BOBS_SECRET" | "API_KEY" => "7f9c2ba4e88f827d616045507605853e",
        "API_KEY_FILE" => "/run/secrets/api-key",
        _ => return tokens(name),
    };
    Some(value.to_owned())
}

const SECRET: &str = "a secret of the tests, with 32 bytes or more";
/// 2033-05-18, 2026-05-02 and 2026-06-20.
const ENDS: [u64; 3] = [2_000_000_000, 1_777_680_000, 1_781_913_600];

/// Variables that hold tokens.
fn tokens(name: &str) -> Option<String> {
    let [later, over, soon] = ENDS;
    Some(match name {
        "SERVICE_KEY" | "WRONG_ANON_KEY" | "PLAIN_KEY" => token("service_role", "supabase", later, SECRET),
        "ANON_KEY" | "WRONG_SERVICE_KEY" => token("anon", "supabase", later, SECRET),
        "EXPIRED_KEY" => token("service_role", "supabase", over, SECRET),
        "ENDING_KEY" => token("service_role", "supabase", soon, SECRET),
        "FOREIGN_KEY" => token("service_role", "supabase", later, "another secret, and that is what is wrong"),
        "DEMO_KEY" => token("service_role", "supabase-demo", later, SECRET),
        "CUT_KEY" => token("service_role", "supabase", later, SECRET)[..60].to_owned(),
        "QUOTED_KEY" => format!("\"{}\"", token("service_role", "supabase", later, SECRET)),
        _ => return None,
    })
}

fn token(role: &str, issuer: &str, end: u64, secret: &str) -> String {
    let claims = serde_json::json!({"role": role, "iss": issuer, "exp": end});
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "yml" || e == "json")).collect();
    inputs.sort();
    inputs
}

#[test]
fn everything_is_said_as_it_was() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut changed = Vec::new();
    for input in inputs() {
        let (expected, said) = (input.with_extension("txt"), said(&input));
        if bless {
            fs::write(&expected, &said).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            changed.push(format!("{}\n{said}", expected.display()));
        }
    }
    assert!(changed.is_empty(), "said anew:\n{}", changed.join("\n"));
}

#[test]
fn there_are_cases_and_none_is_left_over() {
    let inputs = inputs();
    assert!(inputs.len() > 100);
    for text in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")).unwrap() {
        let text = text.unwrap().path();
        if text.is_dir() {
            continue;
        }
        assert!(inputs.iter().any(|input| input.file_stem() == text.file_stem()), "{}", text.display());
    }
}
