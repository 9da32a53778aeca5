//! `gateway check` as a process: what it prints where, and its exit codes.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const GOOD: &str =
    "_format_version: \"2.1\"\nservices:\n- name: a\n  url: http://a.test\n  routes:\n  - name: r\n    paths: [/]\n";
const BAD: &str = "_format_version: \"2.1\"\nservices:\n- name: a\n  url: http://a.test\n  pth: /x\n";
const ODD: &str = "_format_version: \"2.1\"\nservices: []\nservices: []\n";

/// What a run printed, and its exit code.
struct Said {
    out: String,
    err: String,
    code: i32,
}

fn gateway(args: &[&str], folder: &Path, stdin: &str, env: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(args).current_dir(folder).env_clear().envs(env.iter().copied());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever does not read it may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap() }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("good.yml", GOOD), ("bad.yml", BAD), ("odd.yml", ODD)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn check(args: &[&str]) -> Said {
    gateway(&[&["check"], args].concat(), folder().path(), BAD, &[])
}

#[test]
fn the_exit_code_is_the_worst() {
    for (args, code) in [
        (&["good.yml"][..], 0),
        (&["bad.yml"], 1),
        (&["good.yml", "bad.yml"], 1),
        (&["odd.yml"], 0),
        (&["--deny-warnings", "odd.yml"], 1),
        (&["none.yml"], 2),
        (&["bad.yml", "none.yml", "good.yml"], 2),
        (&["-"], 1),
        (&["."], 2),
        (&["--format", "xml", "good.yml"], 2),
        (&["--explain", "unknown-field"], 0),
        (&["--explain", "no-such-code"], 2),
    ] {
        assert_eq!(check(args).code, code, "{args:?}");
    }
}

#[test]
fn each_file_has_a_last_line_and_all_have_one() {
    let said = check(&["good.yml", "bad.yml", "none.yml", "odd.yml"]);
    let tail: Vec<_> = said.out.lines().rev().take(5).collect();
    let expected = [
        "4 files: 2 fine, 1 refused, 1 unreadable",
        "odd.yml: 1 warning",
        "none.yml: could not be read",
        "bad.yml: 1 error in 0 routes, 1 service, 0 plugins",
        "good.yml: fine, 1 route, 1 service, 0 plugins",
    ];
    assert_eq!(tail, expected);
    assert_eq!(said.err, "error: none.yml: No such file or directory\n");
    assert_eq!(check(&["good.yml"]).out, "good.yml: fine, 1 route, 1 service, 0 plugins\n");
}

#[test]
fn standard_input_is_a_file_like_others() {
    let said = check(&["--format", "short", "-"]);
    let expected = "standard input:5:3: error[unknown-field]: service `a` has no field `pth` (did you mean `path`?)\n";
    assert_eq!((said.out.as_str(), said.err.as_str()), (expected, ""));
}

#[test]
fn programs_get_one_document_whatever_happens() {
    for format in ["json", "sarif"] {
        let said = check(&["--format", format, "good.yml", "none.yml", "bad.yml"]);
        let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, said.err.as_str()), (2, ""), "{format}");
        let text = document.to_string();
        assert!(text.contains("unreadable-file") && text.contains("unknown-field"), "{text}");
    }
}

#[test]
fn a_folder_in_place_of_the_file_is_explained() {
    let said = check(&["."]);
    assert!(said.err.starts_with("error: .: Is a directory\nhelp: Docker makes a folder"), "{}", said.err);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let folder = folder();
    let colored = |env| gateway(&["check", "bad.yml"], folder.path(), "", env).out.contains('\u{1b}');
    assert!(!colored(&[]));
    assert!(colored(&[("FORCE_COLOR", "1")]));
    assert!(!colored(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_narrow_terminal_gets_narrow_excerpts() {
    let folder = folder();
    let long = BAD.replace("http://a.test", &format!("http://a.test/{}", "a".repeat(300)));
    std::fs::write(folder.path().join("long.yml"), long).unwrap();
    let said = gateway(&["check", "long.yml"], folder.path(), "", &[("COLUMNS", "50")]);
    let widest = said.out.lines().filter(|line| line.contains(" | ")).map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|width| width <= 56), "{}", said.out);
}

#[test]
fn a_code_is_explained_and_a_misspelt_one_found() {
    let said = check(&["--explain", "error[unknown-field]"]);
    assert!(said.out.starts_with("error[unknown-field]: an object has no field of this name\n\n"), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    let said = check(&["--explain", "unkown-field"]);
    assert!(
        said.err.starts_with("error: there is no code `unkown-field`; did you mean `unknown-field`?\n"),
        "{}",
        said.err
    );
}

#[test]
fn what_kong_has_not_is_refused_where_that_is_wanted() {
    let folder = folder();
    let text = GOOD.replace("services:", "_gateway: {proxy_listen: 127.0.0.1:8000}\nservices:");
    std::fs::write(folder.path().join("own.yml"), text).unwrap();
    assert_eq!(gateway(&["check", "own.yml"], folder.path(), "", &[]).code, 0);
    let said = gateway(&["check", "--portable", "own.yml"], folder.path(), "", &[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("own.yml: can be served here, but not by Kong: 1 error in 1 route"), "{}", said.out);
}
