//! `config parse`, `config init` and their like: Kong's commands with Kong's words, streams and exit codes
//! (`kong/declarative.md` §9, `kong/operations.md` §5).

use super::Done;
use super::args::Config;
use super::voice::Voice;
use crate::cli::document::Place;
use crate::cli::edge::Setup;
use crate::cli::findings::compile_here;
use crate::cli::print;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What `config init` writes.
const SAMPLE: &str = include_str!("sample.yml");

/// `kong config …`.
pub(super) fn main(command: &Config, voice: Voice) -> Done {
    match command {
        Config::Parse { file, at } => parse(file.as_deref(), &super::setup::of(at)?, voice),
        Config::Init { file, .. } => init(file),
        Config::DbExport { .. } => Err("'kong config db_export' only works with a database.".to_owned()),
        Config::DbImport { .. } => Err("'kong config db_import' only works with a database.\n\
             Without one, a configuration is loaded by a POST to the Admin API's endpoint /config,\n\
             or is the file that declarative_config names."
            .to_owned()),
    }
}

/// `config parse FILE`.
pub(in crate::cli) fn parse(file: Option<&Path>, setup: &Setup, voice: Voice) -> Done {
    let file = file.ok_or("expected a declarative configuration file; see `kong config --help`")?;
    let path = absolute(file);
    let shown = path.display();
    let source = Place::File(path.clone())
        .read()
        .map_err(|error| format!("Failed parsing:\n{shown}: {}", print::reason(&error)))?;
    if !accepted(&path) {
        return Err(format!("Failed parsing:\nunknown file type: {shown}. (Accepted types: json, lua, yaml)"));
    }
    let (compiled, _) = compile_here(source, setup).map_err(|messages| messages.join("\n"))?;
    compiled.kong().map_or(Ok(()), |words| Err(format!("Failed parsing:\n{words}")))?;
    voice.say("parse successful");
    Ok(())
}

/// Kong goes by the end of the name, whatever stands before it (`kong/declarative.md` §1).
fn accepted(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    ["json", "yml", "yaml"].iter().any(|suffix| name.ends_with(suffix.as_bytes()))
}

/// `config init [FILE]`.
pub(in crate::cli) fn init(file: &Path) -> Done {
    let path = absolute(file);
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut f| f.write_all(SAMPLE.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} already exists.\nWill not overwrite it.", path.display()),
        _ => format!("{}: {}", path.display(), print::reason(&error)),
    })
}

/// Kong names files by their whole paths.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
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
