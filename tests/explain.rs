//! What `gateway explain` and `gateway routes` say, as files: the first line of `explain/NAME.txt` is a command, the rest
//! what it prints. The commands run in `explain/`, where the configurations are.
//!
//! `BLESS=1 cargo test --test explain` writes the texts anew; look at the difference before you commit it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain")
}

fn transcripts() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "txt")).collect();
    all.sort();
    all
}

/// Runs a command line of the shell, with `gateway` as the program under test.
fn said(line: &str) -> String {
    let script = line.replacen("gateway", "\"$GATEWAY\"", 1);
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(folder()).env("GATEWAY", env!("CARGO_BIN_EXE_gateway"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KONG_")) {
        command.env_remove(name);
    }
    let out = command.env("SUPABASE_SERVICE_KEY", "very-secret").output().unwrap();
    let text = [out.stdout, out.stderr].concat();
    let code = out.status.code().filter(|code| *code != 0).map(|code| format!("exit status {code}\n"));
    String::from_utf8(text).unwrap() + &code.unwrap_or_default()
}

#[test]
fn everything_is_said_as_it_was() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut changed = Vec::new();
    for path in transcripts() {
        let before = fs::read_to_string(&path).unwrap();
        let line = before.lines().next().unwrap();
        let now = format!("{line}\n\n{}", said(line.strip_prefix("$ ").unwrap()));
        if bless {
            fs::write(&path, &now).unwrap();
        } else if before != now {
            changed.push(format!("{}\n{now}", path.display()));
        }
    }
    assert!(changed.is_empty(), "said anew:\n{}", changed.join("\n"));
}

#[test]
fn there_are_enough_of_them_no_secret_is_told_and_lines_are_short() {
    let all = transcripts();
    assert!(all.len() > 24);
    for path in all.iter().filter(|path| !path.to_string_lossy().contains("-secrets")) {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("very-secret"), "{}", path.display());
        // Headers are told as they are, however long.
        let long = text.lines().skip(1).filter(|line| line.chars().count() > 80 && !line.contains(": "));
        assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new(), "{}", path.display());
    }
}

#[test]
fn a_batch_answers_line_by_line() {
    let line = "printf '%s\\n' '{\"url\":\"http://localhost/mcp\"}' nonsense '{\"url\":\"http://localhost/\",\"target\":\"/api/x\"}' \
                | gateway explain --batch --config ../../gateway.yml";
    let text = said(line);
    let answers: Vec<serde_json::Value> =
        text.lines().take(3).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["upstream"]["target"], "/mcp");
    assert!(answers[1]["error"].as_str().unwrap().starts_with("no JSON"));
    assert_eq!(answers[2]["upstream"]["target"], "/x");
    assert!(text.ends_with("exit status 2\n"), "{text}");
}
