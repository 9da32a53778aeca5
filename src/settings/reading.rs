//! What a row of the table works with while the settings are read: the settings so far, and the few things outside
//! that a value's meaning depends on, as functions.

use super::listen::{self, Lookup};
use super::pem::{self, Pem};
use super::{ClientVerify, Listen, Settings, units};
use crate::observe::format::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What has to be asked of the machine. Whoever calls decides how.
#[derive(Clone, Copy)]
pub struct Edge<'a> {
    /// A host name's address, for listeners.
    pub lookup: Lookup<'a>,
    /// Whether a file is there.
    pub is_file: &'a dyn Fn(&Path) -> bool,
}

// === impl Edge ===

impl Edge<'static> {
    /// No name has an address, and every file is there: nothing is asked.
    pub const NOTHING: Self = Self { lookup: &|_| None, is_file: &|_| true };
}

/// Something to tell at start; nothing fails because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The setting. Its value is not kept: it may be a secret.
    pub key: String,
    /// One clause, lower case, no full stop.
    pub reason: String,
}

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not of this type.
    Type(&'static str),
    /// None of these.
    OneOf(&'static [&'static str]),
    /// Anything else, as a whole message.
    Message(String),
}

/// The settings, half-way.
pub struct Reading<'a> {
    /// The key at hand.
    pub key: &'static str,
    /// What was read so far.
    pub settings: Settings,
    /// What to tell at start.
    pub notes: Vec<Note>,
    /// The world outside.
    pub edge: Edge<'a>,
    /// `client_ssl`.
    pub client_ssl: bool,
    /// `ssl_cipher_suite`, if it is `custom`: then `ssl_protocols` counts.
    pub custom_suite: bool,
    /// `client_ssl_cert`.
    pub client_cert: Option<Pem>,
    /// `client_ssl_cert_key`.
    pub client_key: Option<Pem>,
    /// `ssl_client_certificate`.
    pub client_ca: Option<PathBuf>,
    /// `ssl_verify_client`; `None` is `off`.
    pub client_verify: Option<ClientVerify>,
    /// `nginx_http_log_format`: formats of access logs, by name.
    pub formats: Vec<(Box<str>, Arc<Format>)>,
    /// `otlp_headers` and `otlp_service_name`.
    pub otlp: (http::HeaderMap, Option<Box<str>>),
}

/// What reading a value gives.
pub type Done = Result<(), Fault>;

// === impl Fault ===

impl Fault {
    /// Kong's words (`kong/operations.md` §1).
    #[must_use]
    pub fn message(&self, key: &str, value: &str) -> String {
        match self {
            Self::Type(name) => format!("{key} is not a {name}: '{value}'"),
            Self::OneOf(values) => format!("{key} has an invalid value: '{value}' ({})", values.join(", ")),
            Self::Message(text) => text.clone(),
        }
    }
}

// === impl Reading ===

impl<'a> Reading<'a> {
    /// Before the first key: the defaults.
    #[must_use]
    pub fn new(edge: Edge<'a>) -> Self {
        Self {
            key: "",
            settings: Settings::default(),
            notes: Vec::new(),
            edge,
            client_ssl: false,
            custom_suite: false,
            client_cert: None,
            client_key: None,
            client_ca: None,
            client_verify: None,
            formats: Vec::new(),
            otlp: Default::default(),
        }
    }

    /// Notes something about the key at hand.
    pub fn note(&mut self, reason: &str) {
        self.notes.push(Note { key: self.key.to_owned(), reason: reason.to_owned() });
    }

    /// Reads listeners. The files that they name must be there.
    pub(super) fn listeners(&self, text: &str) -> Result<Vec<Listen>, Fault> {
        let listens = listen::parse(text, self.edge.lookup).map_err(|fault| Fault::Message(fault.message(self.key)))?;
        for path in listens.iter().filter_map(|listen| listen.client_ca.as_ref()) {
            self.file(&path.to_string_lossy())?;
        }
        Ok(listens)
    }

    /// A path that must be a file.
    pub(super) fn file(&self, text: &str) -> Result<PathBuf, Fault> {
        let path = PathBuf::from(text);
        let found = (self.edge.is_file)(&path);
        found.then_some(path).ok_or_else(|| Fault::Message(format!("{}: no such file at {text}", self.key)))
    }

    /// A path that must be a file, or a text in PEM.
    pub(super) fn pem(&self, text: &str) -> Result<Pem, Fault> {
        if !pem::is_text(text) {
            return self.file(text).map(Pem::File);
        }
        let broken = || Fault::Message(format!("{}: the text is neither PEM nor base64 of it", self.key));
        pem::text(text).map(Pem::Text).ok_or_else(broken)
    }

    /// A list of them, and of `system` where that is allowed.
    pub(super) fn pems(&self, text: &str, system: bool) -> Result<Vec<Pem>, Fault> {
        let each =
            |entry: &str| if system && entry == "system" { Ok(Pem::File(entry.into())) } else { self.pem(entry) };
        units::list(text).map(each).collect()
    }
}

/// A switch, under the name that Kong gives its type.
pub(super) fn switch(text: &str, kind: &'static str) -> Result<bool, Fault> {
    units::switch(text).ok_or(Fault::Type(kind))
}

/// A whole number.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, Fault> {
    units::number(text).ok_or(Fault::Type("number"))
}

/// Bytes.
pub(super) fn size(text: &str) -> Result<u64, Fault> {
    units::size(text).ok_or(Fault::Type("size"))
}

/// Bytes, as a length of something in memory.
pub(super) fn length(text: &str) -> Result<usize, Fault> {
    usize::try_from(size(text)?).map_err(|_| Fault::Type("size"))
}

/// nginx's time.
pub(super) fn time(text: &str) -> Result<Duration, Fault> {
    units::time(text).ok_or(Fault::Type("time"))
}

/// Seconds, whole or not.
pub(super) fn seconds(text: &str) -> Result<Duration, Fault> {
    let seconds = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or(Fault::Type("number"))
}
