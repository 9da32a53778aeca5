//! The settings as Kong finds them: a file in Kong's places, and Kong's defaults where they are not this gateway's.

use super::args::At;
use crate::cli::edge::{self, Setup};
use std::path::Path;

/// Where Kong looks for a file of settings that nobody names (`kong/operations.md` §1).
const FILES: [&str; 2] = ["/etc/kong/kong.conf", "/etc/kong.conf"];

/// What Kong 2.8 does when nothing is set (`kong/operations.md` §2).
const DEFAULTS: [(&str, &str); 3] = [
    ("proxy_listen_default", "0.0.0.0:8000, 0.0.0.0:8443 ssl http2"),
    ("admin_listen", "127.0.0.1:8001, 127.0.0.1:8444 ssl"),
    ("nginx_daemon", "on"),
];

/// Reads the sources that a command names.
///
/// # Errors
/// All messages, a line each.
pub(super) fn of(at: &At) -> Result<Setup, String> {
    with(at, Vec::new())
}

/// The same; `defaults` are stronger than Kong's.
///
/// # Errors
/// All messages, a line each.
pub(super) fn with(at: &At, defaults: Vec<(String, String)>) -> Result<Setup, String> {
    let flags = at.prefix.iter().map(|prefix| ("prefix".to_owned(), prefix.clone())).collect();
    let file = at.conf.as_deref().or_else(|| FILES.map(Path::new).into_iter().find(|path| path.is_file()));
    load(flags, file, defaults).map_err(|messages| messages.join("\n"))
}

/// What `kong check` reads.
///
/// # Errors
/// All messages.
pub(super) fn of_file(file: &Path) -> Result<Setup, Vec<String>> {
    load(Vec::new(), Some(file), Vec::new())
}

fn load(
    flags: Vec<(String, String)>,
    file: Option<&Path>,
    defaults: Vec<(String, String)>,
) -> Result<Setup, Vec<String>> {
    let file = file.map_or(Ok(Vec::new()), edge::read_conf).map_err(|message| vec![message])?;
    let kongs = DEFAULTS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Setup::of(flags, file, kongs.into_iter().chain(defaults).collect())
}
