//! The settings of this process: asks the environment, the disk and the resolver, and gives the answers to `settings`.

use super::args;
use crate::settings::reading::Edge;
use crate::settings::sources::{KONG, OWN, Sources};
use crate::settings::{self, Loaded, file};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

/// A variable's value, if it is set and is text.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Loads the settings. `flags` come from options of their own, and beat `--set`.
///
/// # Errors
/// All messages.
pub(super) fn settings(args: &args::Settings, flags: Vec<(String, String)>) -> Result<Loaded, Vec<String>> {
    let file = args.conf.as_deref().map_or(Ok(Vec::new()), read_conf).map_err(|message| vec![message])?;
    let flags: Vec<_> = args.set.iter().cloned().chain(flags).collect();
    let edge = Edge { lookup: &lookup, is_file: &Path::is_file };
    settings::load(&Sources { flags: &flags, env: &variable, names: &names(), file: &file }, edge)
}

/// The flags of whatever serves.
pub(super) fn flags(serving: &args::Serving) -> Vec<(String, String)> {
    let listen = (!serving.listen.is_empty()).then(|| ("proxy_listen".to_owned(), serving.listen.join(", ")));
    let level = serving.log_level.clone().map(|level| ("log_level".to_owned(), level));
    listen.into_iter().chain(level).collect()
}

fn names() -> Vec<String> {
    let ours = |name: &String| name.starts_with(KONG) || name.starts_with(OWN);
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(ours).collect()
}

fn read_conf(path: &Path) -> Result<Vec<(String, String)>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("no file at: {}", path.display()),
        _ => format!("{}: {}", path.display(), super::print::reason(&error)),
    })?;
    file::parse(&text).map_err(|line| format!("{}:{}: not KEY = VALUE: {}", path.display(), line.number, line.text))
}

fn lookup(host: &str) -> Option<IpAddr> {
    let mut found: Vec<_> = (host, 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().copied()
}
