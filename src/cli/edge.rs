//! The settings of this process: asks the environment, the disk and the resolver, and gives the answers to `settings`.

use super::args;
use crate::config::section::Setting;
use crate::settings::reading::Edge;
use crate::settings::sources::{KONG, OWN, Sources};
use crate::settings::{self, Loaded, Settings, file, secret_files};
use crate::world::World;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::time::SystemTime;

/// A variable's value, if it is set and is text.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Most bytes of a file that a document refers to.
const MAX_FILE: u64 = 16 << 20;

/// This machine, for reading a document. `env` answers for variables.
pub(super) fn world(env: &dyn Fn(&str) -> Option<String>) -> World<'_> {
    World { env, file: &read_file, now: SystemTime::now() }
}

/// This machine, for reading settings.
pub(super) const EDGE: Edge<'static> = Edge { lookup: &lookup, is_file: &Path::is_file };

/// The sources of settings besides the document, and what they say without it.
pub(super) struct Setup {
    flags: Vec<(String, String)>,
    file: Vec<(String, String)>,
    /// What holds in place of the table's defaults.
    defaults: Vec<(String, String)>,
    /// The settings of a document that has none.
    pub(super) base: Loaded,
}

impl Setup {
    /// Reads the sources. `flags` come from options of their own, and beat `--set`.
    ///
    /// # Errors
    /// All messages.
    pub(super) fn new(args: &args::Settings, flags: Vec<(String, String)>) -> Result<Self, Vec<String>> {
        let file = args.conf.as_deref().map_or(Ok(Vec::new()), read_conf).map_err(|message| vec![message])?;
        let flags: Vec<_> = args.set.iter().cloned().chain(flags).collect();
        Self::of(flags, file, Vec::new())
    }

    /// Of sources that are read already; the environment comes between them. `defaults` are weaker than all others.
    ///
    /// # Errors
    /// All messages.
    pub(super) fn of(
        flags: Vec<(String, String)>,
        file: Vec<(String, String)>,
        defaults: Vec<(String, String)>,
    ) -> Result<Self, Vec<String>> {
        let base = load(&flags, &file, &defaults)?;
        Ok(Self { flags, file, defaults, base })
    }

    /// The settings with those of a document, which are the weakest.
    ///
    /// # Errors
    /// All messages.
    pub(super) fn with(&self, document: &[Setting]) -> Result<Loaded, Vec<String>> {
        let document = document.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
        let document: Vec<_> = self.defaults.iter().cloned().chain(document).collect();
        load(&self.flags, &self.file, &document)
    }
}

/// The listeners among settings that another process noted; nothing else is read, and no other source asked.
///
/// # Errors
/// All messages.
pub(super) fn listeners(mut pairs: Vec<(String, String)>) -> Result<Settings, Vec<String>> {
    pairs.retain(|(key, _)| {
        matches!(&**key, "proxy_listen" | "proxy_listen_default" | "admin_listen" | "status_listen")
    });
    let sources = Sources { flags: &[], env: &|_| None, names: &[], file: &pairs, document: &[] };
    settings::load(&sources, EDGE).map(|loaded| loaded.settings)
}

type Pairs = [(String, String)];

fn load(flags: &Pairs, file: &Pairs, document: &Pairs) -> Result<Loaded, Vec<String>> {
    let names = names();
    let files = secret_files::variables(&names, &variable, &secret)?;
    let env = |name: &str| files.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).or_else(|| variable(name));
    let is_path = |name: &String| files.iter().any(|(base, _)| name.strip_suffix("_FILE") == Some(base));
    let given = names.iter().filter(|name| !is_path(name)).cloned();
    let names: Vec<_> = given.chain(files.iter().map(|(name, _)| name.clone())).collect();
    settings::load(&Sources { flags, env: &env, names: &names, file, document }, EDGE)
}

/// What a file of a setting holds.
fn secret(path: &str) -> Result<String, String> {
    let bytes = read_file(Path::new(path)).map_err(|error| super::print::reason(&error))?;
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {} MiB", MAX_FILE >> 20)));
    }
    Ok(bytes)
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

pub(super) fn read_conf(path: &Path) -> Result<Vec<(String, String)>, String> {
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
