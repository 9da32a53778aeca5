//! Where logs go, and what lines of access logs look like: `proxy_access_log` and its like (`kong/operations.md` §7).

use super::reading::{Done, Fault, Reading};
use super::units::list;
use crate::observe::format::Format;
use crate::observe::trace::Share;
use http::HeaderName;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appended to a file.
    File(PathBuf),
}

/// An access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Where it goes.
    pub to: Target,
    /// What its lines look like.
    pub layout: Layout,
}

/// What the lines of an access log look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As Kong writes them that is served: `combined`, and the request's id with format 3.0.
    Kong,
    /// An object of JSON each.
    Json,
    /// A format of nginx's.
    Lines(Arc<Format>),
}

/// The formats that have a name without a definition.
const NAMED: [&str; 2] = ["combined", "json"];

// === impl AccessLog ===

impl AccessLog {
    /// None.
    pub const OFF: Self = Self { to: Target::Off, layout: Layout::Kong };
    /// The one of clients, if nothing is set.
    pub const STDOUT: Self = Self { to: Target::Stdout, layout: Layout::Kong };
}

// === impl Target ===

impl Target {
    /// A log's path. Kong's image links its own logs to standard output and error (`kong/operations.md` §6), so that is what
    /// their names mean here.
    fn named(path: &str, prefix: &Path) -> Self {
        match path {
            "off" => Self::Off,
            "/dev/stdout" | "logs/access.log" | "logs/admin_access.log" => Self::Stdout,
            "/dev/stderr" | "logs/error.log" => Self::Stderr,
            path => Self::File(prefix.join(path)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Stdout => f.write_str("standard output"),
            Self::Stderr => f.write_str("standard error"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// `PATH [FORMAT]`. What else nginx allows there, such as `buffer=32k`, changes nothing.
pub(super) fn access_log(r: &Reading<'_>, text: &str) -> Result<AccessLog, Fault> {
    let mut words = text.split_whitespace();
    let to = Target::named(words.next().unwrap_or("off"), &r.settings.prefix);
    let layout = words.next().filter(|word| !word.contains('=')).map_or(Ok(Layout::Kong), |name| layout(r, name))?;
    Ok(AccessLog { to, layout })
}

fn layout(r: &Reading<'_>, name: &str) -> Result<Layout, Fault> {
    if let Some((_, format)) = r.formats.iter().find(|(known, _)| **known == *name) {
        return Ok(Layout::Lines(Arc::clone(format)));
    }
    match name {
        "combined" => Ok(Layout::Lines(Arc::new(Format::combined().clone()))),
        "json" => Ok(Layout::Json),
        _ => {
            let own = r.formats.iter().map(|(name, _)| &**name);
            let known = NAMED.into_iter().chain(own).collect::<Vec<_>>().join(", ");
            Err(Fault::Message(format!("{}: unknown log format '{name}'; there are: {known}", r.key)))
        }
    }
}

/// `NAME [escape=…] 'TEXT' …`, as nginx's `log_format`.
pub(super) fn log_format(r: &mut Reading<'_>, text: &str) -> Done {
    let (name, format) = Format::define(text).map_err(|wrong| Fault::Message(format!("{}: {wrong}", r.key)))?;
    if NAMED.contains(&&*name) {
        return Err(Fault::Message(format!("{}: there is a log format '{name}' already", r.key)));
    }
    r.formats.push((name, Arc::new(format)));
    Ok(())
}

/// A path. nginx's level behind it changes nothing: `log_level` is for all.
pub(super) fn error_log(r: &Reading<'_>, text: &str) -> Target {
    Target::named(text.split_whitespace().next().unwrap_or("off"), &r.settings.prefix)
}

/// What secrets are called, in lower case.
pub(super) fn secrets(text: &str) -> Box<[Box<str>]> {
    list(text).map(|name| name.to_ascii_lowercase().into()).collect()
}

/// A share of all: 0 to 1.
pub(super) fn share(text: &str) -> Result<Share, Fault> {
    text.parse().ok().and_then(Share::new).ok_or(Fault::Type("number from 0 to 1"))
}

/// The header that a request's id stands in, if any.
pub(super) fn id_header(text: &str) -> Result<Option<HeaderName>, Fault> {
    if matches!(text, "off" | "none") {
        return Ok(None);
    }
    let name: HeaderName = text.parse().map_err(|_| Fault::Type("header name"))?;
    match [CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE].contains(&name) {
        true => {
            Err(Fault::Message(format!("request_id_header: `{text}` has a meaning of its own and cannot hold an id")))
        }
        false => Ok(Some(name)),
    }
}
