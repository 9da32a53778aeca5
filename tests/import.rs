//! What comes of nginx's configuration files: `import/NAME.conf` gives `import/NAME.yml`, and in `import/NAME.txt` what
//! is not in it as it was. `import/faults/NAME.conf` gives the error in `import/faults/NAME.txt`.
//!
//! `BLESS=1 cargo test --test import` writes them anew; look at the difference before you commit it.
#![allow(clippy::unwrap_used)]

use gateway::config::report::Source;
use gateway::config::{load, render};
use gateway::import::{Imported, Refused, nginx, write};
use gateway::settings::Settings;
use gateway::world::World;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
        for path in fs::read_dir(folder(part)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            assert!(path.with_extension("conf").is_file(), "{}", path.display());
        }
    }
}

/// A certificate that may stand for any of those in the cases, and its key.
fn pair() -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec!["a.example.com".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// What the gateway says of a document.
fn complaints(text: &str) -> Vec<String> {
    let (certificate, key) = pair();
    let is_key = |path: &Path| path.to_string_lossy().contains("key");
    let file = |path: &Path| Ok(if is_key(path) { key.clone() } else { certificate.clone() }.into_bytes());
    let world = World { env: &|_| None, file: &file, now: SystemTime::now() };
    let (_, report) = load(&Source::new("gateway.yml", text), world, &Settings::default());
    let soon = |message: &str| ["redirect", "htpasswd", "limit-req", "security-headers", "request-size-limiting"].iter().any(|name| message.contains(&format!("`{name}`")) || message.contains(&format!("'{name}'")));
    report.found.iter().map(|found| found.message.clone()).filter(|m| !soon(m)).collect()
}

#[test]
fn the_gateway_takes_what_comes_out() {
    for input in inputs("") {
        let text = write::write(&import(source(&input)).unwrap().document);
        assert_eq!(complaints(&text), Vec::<String>::new(), "{}\n{text}", input.display());
    }
}
