//! `gateway config parse` and `config init`: Kong's commands with Kong's words, streams and exit codes
//! (`kong/declarative.md` §9, `kong/operations.md` §5).

use super::args::Parse;
use super::document::Place;
use super::edge::Setup;
use super::findings::compile_here;
use super::{REFUSED, print};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `config init` writes.
const SAMPLE: &str = include_str!("sample.yml");

/// `config parse FILE`.
pub(super) fn parse(args: &Parse) -> ExitCode {
    match try_parse(args) {
        Ok(()) => {
            print::out("parse successful\n");
            ExitCode::SUCCESS
        }
        Err(message) => fail(&message),
    }
}

fn try_parse(args: &Parse) -> Result<(), String> {
    let file = args.file.as_deref();
    let file = file.ok_or("expected a declarative configuration file; see `kong config --help`")?;
    let setup = Setup::new(&args.settings, Vec::new()).map_err(|messages| messages.join("\n"))?;
    let path = absolute(file);
    let shown = path.display();
    let source = Place::File(path.clone())
        .read()
        .map_err(|error| format!("Failed parsing:\n{shown}: {}", print::reason(&error)))?;
    if !accepted(&path) {
        return Err(format!("Failed parsing:\nunknown file type: {shown}. (Accepted types: json, lua, yaml)"));
    }
    let (compiled, _) = compile_here(source, &setup).map_err(|messages| messages.join("\n"))?;
    compiled.kong().map_or(Ok(()), |words| Err(format!("Failed parsing:\n{words}")))
}

/// Kong goes by the end of the name, whatever stands before it (`kong/declarative.md` §1).
fn accepted(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    ["json", "yml", "yaml"].iter().any(|suffix| name.ends_with(suffix.as_bytes()))
}

/// `config init [FILE]`.
pub(super) fn init(file: &Path) -> ExitCode {
    let path = absolute(file);
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut f| f.write_all(SAMPLE.as_bytes()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fail(&format!("{} already exists.\nWill not overwrite it.", path.display()))
        }
        Err(error) => fail(&format!("{}: {}", path.display(), print::reason(&error))),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn fail(message: &str) -> ExitCode {
    let message = message.trim_end();
    print::err(&format!("Error: {message}\n\n  Run with --v (verbose) or --vv (debug) for more details\n"));
    ExitCode::from(REFUSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_the_end_of_the_name() {
        for (name, want) in [("a.yml", true), ("a.yaml", true), ("a.json", true), ("a.YML", false), ("a.lua", false)] {
            assert_eq!(accepted(Path::new(name)), want, "{name}");
        }
    }
}
