//! What is said about configurations, as files: `check/NAME.yml` gives `check/NAME.txt`. First what `gateway check` shows,
//! then, after a line of dashes, what `kong config parse` would print.
//!
//! `BLESS=1 cargo test --test check` writes the texts anew; look at the difference before you commit it.
#![allow(clippy::unwrap_used)]

use gateway::config::report::Source;
use gateway::config::{kong_print, load, render};
use gateway::settings::Settings;
use gateway::world::World;
use std::fs;
use std::path::{Path, PathBuf};

fn said(input: &Path) -> String {
    let name = input.file_name().unwrap().to_str().unwrap().to_owned();
    let source = Source::from_bytes(name, &fs::read(input).unwrap()).unwrap();
    let (snapshot, report) = load(&source, World { env: &variable, ..World::EMPTY }, &Settings::default());
    assert_eq!(snapshot.is_none(), report.has_errors(), "{}", input.display());
    let kong = kong_print::render(&report).unwrap_or_else(|| "parse successful".to_owned());
    format!("{}{}\n{kong}\n", render::human(&report, &source, false, 120), "-".repeat(40))
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "HOST" => "set.test",
        "PORT" => "8080",
        "RETRIES" => "3",
        "BAD_HOST" => "not a host",
        _ => return None,
    };
    Some(value.to_owned())
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
    assert!(inputs.len() > 20);
    for text in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")).unwrap() {
        let text = text.unwrap().path();
        assert!(inputs.iter().any(|input| input.file_stem() == text.file_stem()), "{}", text.display());
    }
}
