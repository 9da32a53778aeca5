//! What comes of nginx's configuration files: `import/NAME.conf` gives `import/NAME.yml`, and in `import/NAME.txt` what
//! is not in it as it was. `import/faults/NAME.conf` gives the error in `import/faults/NAME.txt`.
//!
//! `BLESS=1 cargo test --test import` writes them anew; look at the difference before you commit it.
#![allow(clippy::unwrap_used)]

use gateway::config::report::{Severity, Source};
use gateway::config::{open, render};
use gateway::import::{Imported, Refused, nginx, write};
use gateway::settings::Settings;
use gateway::settings::reading::Edge;
use gateway::world::World;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "conf")).collect();
    inputs.sort();
    inputs
}

fn source(path: &Path) -> Source {
    Source::from_bytes(path.file_name().unwrap().to_str().unwrap().to_owned(), &fs::read(path).unwrap()).unwrap()
}

/// `parts/*.conf` and single files there; nothing else exists.
fn include(pattern: &str) -> Result<Vec<Source>, String> {
    let name = pattern.rsplit('/').next().unwrap();
    if pattern == "parts/*.conf" {
        return Ok(inputs("parts").iter().map(|path| source(path)).collect());
    }
    let path = folder("parts").join(name);
    if path.is_file() { Ok(vec![source(&path)]) } else { Err(format!("{pattern}: No such file or directory")) }
}

fn import(source: Source) -> Result<Imported, Box<Refused>> {
    nginx::import(&[source], "/etc/nginx", &include)
}

/// Compares a text with a file, or writes the file.
fn compare(path: &Path, text: &str, changed: &mut Vec<String>) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, text).unwrap();
    } else if fs::read_to_string(path).unwrap_or_default() != text {
        changed.push(format!("{}\n{text}", path.display()));
    }
}

#[test]
fn everything_comes_out_as_it_did() {
    let mut changed = Vec::new();
    for input in inputs("") {
        let imported = import(source(&input)).unwrap_or_else(|refused| panic!("{}: {refused:?}", input.display()));
        let lines = imported.notes.iter().map(|note| format!("{}\n", note.line()));
        let found = format!("{} servers, {} locations\n", imported.servers, imported.locations);
        compare(&input.with_extension("yml"), &write::write(&imported.document), &mut changed);
        compare(&input.with_extension("txt"), &lines.chain([found]).collect::<String>(), &mut changed);
    }
    assert!(changed.is_empty(), "new:\n{}", changed.join("\n"));
}

#[test]
fn faults_are_shown_where_they_are() {
    let mut changed = Vec::new();
    for input in inputs("faults") {
        let refused = import(source(&input)).map(|_| ()).unwrap_err();
        let text = render::human(&refused.report, &refused.source, false, 120);
        compare(&input.with_extension("txt"), &text, &mut changed);
    }
    assert!(changed.is_empty(), "new:\n{}", changed.join("\n"));
}

#[test]
fn there_are_cases_and_none_is_left_over() {
    assert!(inputs("").len() >= 25 && inputs("faults").len() >= 5);
    for part in ["", "faults"] {
        for path in fs::read_dir(folder(part)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            assert!(path.with_extension("conf").is_file(), "{}", path.display());
        }
    }
}

/// A certificate, which is an authority as well, and its key.
fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> [Vec<u8>; 2] {
    let mut params = rcgen::CertificateParams::new(vec!["a.example.com".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    [params.self_signed(&key).unwrap().pem().into(), key.serialize_pem().into()]
}

/// What the gateway says of a document, where every file that it names is there; or only what keeps it from running.
fn complaints(text: &str, least: Severity) -> Vec<String> {
    let (first, other) = (pair(&rcgen::PKCS_ECDSA_P256_SHA256), pair(&rcgen::PKCS_ED25519));
    let file = |path: &Path| {
        let path = path.to_string_lossy();
        let pair = if path.contains("ecdsa") { &first } else { &other };
        // Something for everybody: certificate, key, and a password.
        Ok(if path.contains("htpasswd") { b"a:{PLAIN}b\n".to_vec() } else { pair.concat() })
    };
    let world = World { env: &|_| None, file: &file, now: SystemTime::now() };
    let edge = Edge { lookup: &|_| Some([127, 0, 0, 1].into()), is_file: &|_| true };
    let (_, report) = open(&Source::new("gateway.yml", text), world, edge).compile(world, &Settings::default());
    // The one pair is not made out for everybody.
    let found = report.found.iter().filter(|found| found.severity <= least && !found.code.starts_with("certificate-"));
    found.map(|found| found.message.clone()).collect()
}

#[test]
fn the_gateway_takes_what_comes_out() {
    for input in inputs("") {
        let text = write::write(&import(source(&input)).unwrap().document);
        assert_eq!(complaints(&text, Severity::Warning), Vec::<String>::new(), "{}\n{text}", input.display());
    }
}

/// Words that a mutation may put anywhere.
const WORDS: &[&str] = &[
    "{",
    "}",
    ";",
    " ",
    "\"",
    "'",
    "\\",
    "#",
    "$",
    "~",
    "^~",
    "= ",
    "server",
    "location",
    "listen",
    "if",
    "return",
    "301",
    "444",
    "proxy_pass",
    "http://",
    "https://$host",
    "$request_uri",
    "include ",
    "upstream",
    "*",
    ".",
    "/",
    "//",
    "é",
    "\u{0}",
    "\t",
    "\n",
    "99999999999999999999",
    "-1",
    "on",
    "off",
    "_",
    "ssl",
    "[::]",
    ":",
    ",",
    "${VAR}",
    "{vault://env/x}",
    "(?i)",
    "(",
    "[",
    "|",
    "zone=",
    "rate=1r/s",
    "\u{feff}",
    "&a",
    "*a",
    "- ",
    ": ",
    "@",
];

/// Imports a text. A fault has a place in it; what comes out is a file that the gateway can at least read, and takes a
/// second at most.
fn is_tame(text: &str) {
    let start = Instant::now();
    match import(Source::new("n.conf", text)) {
        Ok(imported) => {
            let out = write::write(&imported.document);
            // What is in the files that it names, and what their hosts resolve to, is not this text's doing.
            let elsewhere = ["certificate", "USER:HASH", "listed twice"];
            let ours = |message: &String| !elsewhere.iter().any(|words| message.contains(words));
            assert_eq!(complaints(&out, Severity::Error).into_iter().find(ours), None, "{text}\n---\n{out}");
        }
        Err(refused) => {
            let span = refused.report.found[0].span;
            assert!(span.start() <= span.end() && span.end() <= refused.source.text.len(), "{span:?}");
            assert!(!render::human(&refused.report, &refused.source, false, 120).is_empty());
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}: {text}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        is_tame(&text);
    }

    #[test]
    fn any_words_are_survived(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        is_tame(&words.concat());
    }

    #[test]
    fn cases_with_mistakes_are_survived(
        case in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(WORDS)), 1..6),
    ) {
        let inputs = inputs("");
        let mut text = source(&inputs[case.index(inputs.len())]).text.to_string();
        for (place, cut, word) in edits {
            let edge = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
            let (from, to) = (edge(place.index(text.len())), edge((place.index(text.len()) + cut).min(text.len())));
            text.replace_range(from..to.max(from), word);
        }
        is_tame(&text);
    }
}

#[test]
fn a_type_that_the_gateway_cannot_have_is_told() {
    let answer = |kind: &str| {
        let text = format!("server {{ default_type {kind}; location / {{ return 200 x; }} }}");
        is_tame(&text);
        write::write(&import(Source::new("n.conf", text)).unwrap().document)
    };
    for (kind, reason) in [
        ("\0cation/json", "a header's value holds no control characters"),
        ("${A}b/c", "the gateway would read it as a variable"),
        ("\"{vault://env/A}\"", "the gateway would read it as a variable"),
    ] {
        let out = answer(kind);
        assert!(out.contains(&format!("# DIFFERS: n.conf:1 `return 200 x`: {reason}")), "{out}");
        assert!(out.contains("content_type: text/plain"), "{out}");
    }
    assert!(answer("text/html").contains("content_type: text/html"));
}

#[test]
fn texts_that_the_gateway_would_put_something_in_for_are_told() {
    let text = "server { auth_basic \"{vault://env/A}\"; auth_basic_user_file /x.htpasswd;
        location / { proxy_pass http://h; } location /a/ { return 200 \"{vault://env/A}\"; } }";
    is_tame(text);
    let out = write::write(&import(Source::new("n.conf", text)).unwrap().document);
    for told in ["the realm is `restricted` here", "its text holds a variable, and is left out"] {
        assert!(out.contains(told) && !out.contains("realm: ") && !out.contains("body: "), "{out}");
    }
}

#[test]
fn zones_need_a_name_that_the_gateway_can_have() {
    for (zone, reason) in
        [("zone=", "there is no zone of this name"), ("zone=${A}", "the gateway would read its name as a variable")]
    {
        let http = format!("limit_req_zone $remote_addr {zone}:10m rate=1r/s;");
        let text = format!("{http} server {{ location / {{ limit_req {zone}; proxy_pass http://h; }} }}");
        is_tame(&text);
        let out = write::write(&import(Source::new("n.conf", text)).unwrap().document);
        assert!(out.contains(&format!("`limit_req {zone}`: {reason}")) && !out.contains("name: limit-req"), "{out}");
    }
}

#[test]
fn depth_and_size_are_limited() {
    for text in ["location / {".repeat(50_000), "{".repeat(50_000), "a ".repeat(500_000), "\\".repeat(100_000)] {
        is_tame(&text);
    }
    let many = "server { server_name a; location /x/ { proxy_pass http://h; } }\n".repeat(600_000);
    let refused = import(Source::new("n.conf", many)).unwrap_err();
    assert_eq!(refused.report.found[0].code, "nginx-too-much");
}

#[test]
fn many_servers_are_read_in_time() {
    let one = |n: usize| {
        format!(
            "server {{ listen 80; server_name h{n}.test; gzip on; location /a/ {{ proxy_pass http://h{n}:1/; }} }}\n"
        )
    };
    is_tame(&(0..1000).map(one).collect::<String>());
    let location = |n: usize| format!("location /l{n}/ {{ proxy_pass http://h:1; gzip on; }}\n");
    is_tame(&format!("server {{ server_name a.test; {} }}", (0..1000).map(location).collect::<String>()));
}

/// Runs the command in a folder: exit code, standard output, standard error.
fn run(folder: &Path, words: &str) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gateway"));
    let out = command.args(["import", "nginx"]).args(words.split(' ')).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn the_command_writes_and_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sites")).unwrap();
    fs::write(at("n.conf"), "http { include sites/*; include mime.types; }").unwrap();
    fs::write(at("sites/b"), "server { server_name b.test; location / { proxy_pass http://b:1; } }").unwrap();
    fs::write(at("sites/a"), "server { server_name a.test; location / { proxy_pass http://a:1; } gzip on; }").unwrap();

    let (code, out, err) = run(folder.path(), "n.conf");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.find("http://a:1").unwrap() < out.find("http://b:1").unwrap(), "included by name: {out}");
    assert!(err.starts_with("NOT CARRIED OVER: ") && err.contains("/sites/a:1 `gzip on`: "), "{err}");
    assert!(err.ends_with("imported 2 servers, 2 locations; 1 directive was not carried over\n"), "{err}");

    assert_eq!(run(folder.path(), "n.conf -o g.yml").0, Some(0));
    assert_eq!(fs::read_to_string(at("g.yml")).unwrap(), out);
    let (code, _, err) = run(folder.path(), "n.conf -o g.yml");
    assert_eq!((code, err.lines().last()), (Some(1), Some("error: g.yml exists; --force overwrites it")));
    assert_eq!(run(folder.path(), "n.conf -o g.yml --force").0, Some(0));

    let (code, out, err) = run(folder.path(), "n.conf --strict -o strict.yml");
    assert_eq!((code, out.as_str(), at("strict.yml").exists()), (Some(1), "", false));
    assert!(err.ends_with("nothing was written: --strict\n"), "{err}");
    assert_eq!(run(folder.path(), "sites/b --strict").0, Some(0));
}

#[test]
fn the_command_refuses_what_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.conf"), "server { listen 80 }").unwrap();
    let (code, out, err) = run(folder.path(), "bad.conf");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("--> bad.conf:1:10") && err.contains("directive `listen` does not end with `;`"), "{err}");
    let (code, _, err) = run(folder.path(), "missing.conf");
    assert_eq!((code, err.as_str()), (Some(2), "error: missing.conf: No such file or directory\n"));
}
