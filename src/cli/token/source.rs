//! Where keys and tokens come from: files, variables and standard input. Nothing that was read is ever shown.

use super::args::{Given, Secret};
use crate::cli::{edge, print};
use crate::token::key;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Most bytes of any of them.
const MOST: u64 = 1 << 20;

/// Reads a file.
///
/// # Errors
/// A message with its name.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, String> {
    let read = File::open(path).and_then(limited);
    read.map_err(|error| format!("{}: {}", path.display(), print::reason(&error)))
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    let fits = bytes.len() as u64 <= MOST;
    fits.then_some(bytes).ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"))
}

/// The secret, and where it was found.
///
/// # Errors
/// A message with what to do.
pub(super) fn secret(args: &Secret) -> Result<(key::Secret, String), String> {
    let name = &args.secret_name;
    let (text, place) = if let Some(path) = &args.secret_file {
        (file(path)?, format!("the secret in {}", path.display()))
    } else if let Some(path) = &args.env_file {
        (of_env_file(path, name)?, format!("{name} in {}", path.display()))
    } else {
        (of_variable(name)?, format!("the variable {name}"))
    };
    let text = if args.base64 { decoded(&text).ok_or_else(|| format!("{place}: it is no base64"))? } else { text };
    let secret = key::Secret::new(&text).map_err(|_| format!("{place} is empty"))?;
    Ok((secret, place))
}

fn of_variable(name: &str) -> Result<Vec<u8>, String> {
    let help = "name the secret's file with --secret-file, or a `.env` that has it with --env-file";
    edge::variable(name).map(String::into_bytes).ok_or_else(|| format!("the variable {name} is not set; {help}"))
}

fn of_env_file(path: &Path, name: &str) -> Result<Vec<u8>, String> {
    let bytes = file(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let value = super::dotenv::value(&text, name).ok_or_else(|| {
        format!("{}: it has no {name}; --secret-name says what the secret is called there", path.display())
    })?;
    Ok(value.into_bytes())
}

/// Either alphabet, with or without padding.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    STANDARD_NO_PAD.decode(&text[..end]).or_else(|_| URL_SAFE_NO_PAD.decode(&text[..end])).ok()
}

/// The text of a token.
///
/// # Errors
/// A message when it cannot be read.
pub(super) fn token(args: &Given) -> Result<String, String> {
    let bytes = match (&args.file, args.token.as_deref()) {
        (Some(path), _) => file(path)?,
        (None, Some(text)) if text != "-" => return Ok(text.to_owned()),
        (None, _) => standard_input()?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn standard_input() -> Result<Vec<u8>, String> {
    if io::stdin().is_terminal() {
        print::err("paste the token, then press Enter and Ctrl-D\n");
    }
    limited(io::stdin().lock()).map_err(|error| format!("standard input: {}", print::reason(&error)))
}
