//! A gateway's file before it is text: entities in the field's words, with the comments that go above them. Knows
//! nothing of where they came from.

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Text, quoted where it has to be.
    Text(String),
    /// A whole number.
    Int(u64),
    /// A truth.
    Bool(bool),
    /// A list in one line.
    Row(Vec<String>),
    /// A list, an entry a line.
    List(Vec<Item>),
    /// A mapping.
    Map(Vec<Entry>),
    /// A mapping with a name, for those that repeat it.
    Named(String, Vec<Entry>),
    /// The mapping of that name.
    Again(String),
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Lines of comment above it.
    pub comments: Vec<String>,
    /// The value.
    pub value: Node,
}

/// A pair of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Lines of comment above it.
    pub comments: Vec<String>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Node,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What the file is, and what concerns all of it.
    pub head: Vec<String>,
    /// `_gateway`.
    pub settings: Vec<Entry>,
    /// `services`, with their routes.
    pub services: Vec<Service>,
    /// `routes` without a service: a plugin answers.
    pub routes: Vec<Route>,
    /// `upstreams`.
    pub upstreams: Vec<Upstream>,
    /// `certificates`.
    pub certificates: Vec<Certificate>,
    /// `plugins` for every request.
    pub plugins: Vec<Plugin>,
}

/// Where requests go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What is asked for, and how patiently.
    pub target: Target,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Its plugins.
    pub plugins: Vec<Plugin>,
}

/// What makes two services the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// `http` or `https`.
    pub scheme: String,
    /// A name, an address, or an upstream.
    pub host: String,
    /// The port, where it is not the scheme's own.
    pub port: Option<u16>,
    /// The path; empty for none.
    pub path: String,
    /// Milliseconds.
    pub connect_timeout: Option<u64>,
    /// Milliseconds.
    pub write_timeout: Option<u64>,
    /// Milliseconds.
    pub read_timeout: Option<u64>,
    /// Tries after the first.
    pub retries: Option<u64>,
    /// Whether the upstream's certificate is looked at.
    pub tls_verify: bool,
}

/// Which requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Lines of comment above it.
    pub comments: Vec<String>,
    /// Its name.
    pub name: String,
    /// Hosts; none is all.
    pub hosts: Vec<String>,
    /// Server names that the TLS handshake must have asked for.
    pub snis: Vec<String>,
    /// The path: a prefix, or an expression after `~`.
    pub path: String,
    /// Among expressions: the higher first.
    pub regex_priority: u64,
    /// Whether the prefix goes.
    pub strip_path: bool,
    /// Whether service path and rest are joined as they are (`path_handling: v1`).
    pub plain_join: bool,
    /// Whether the upstream sees the client's Host.
    pub preserve_host: bool,
    /// TLS alone.
    pub https_only: bool,
    /// The status that sends clients without TLS there.
    pub redirect: Option<u16>,
    /// Its plugins.
    pub plugins: Vec<Plugin>,
}

/// A plugin of a route, of a service or of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Its name.
    pub name: &'static str,
    /// `config`.
    pub config: Vec<Entry>,
}

/// Targets under one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upstream {
    /// Lines of comment above it.
    pub comments: Vec<String>,
    /// Its name.
    pub name: String,
    /// `HOST:PORT` and its weight.
    pub targets: Vec<(String, Option<u64>)>,
}

/// A certificate and the names that it is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Certificate {
    /// Lines of comment above it.
    pub comments: Vec<String>,
    /// Files of chain and key; a second pair is for other clients.
    pub pairs: Vec<(String, String)>,
    /// The names.
    pub snis: Vec<Sni>,
}

/// A name that clients ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sni {
    /// It.
    pub name: String,
    /// The file of the authorities that a client's certificate must come from.
    pub client_ca: Option<String>,
    /// Whether a client may do without.
    pub optional: bool,
}

// === impl Entry ===

impl Entry {
    /// A pair without a comment.
    #[must_use]
    pub fn new(key: &str, value: Node) -> Self {
        Self { comments: Vec::new(), key: key.to_owned(), value }
    }

    /// The same, with a comment above.
    #[must_use]
    pub fn under(mut self, comment: impl Into<String>) -> Self {
        self.comments.push(comment.into());
        self
    }
}

// === impl Item ===

impl Item {
    /// An entry without a comment.
    #[must_use]
    pub fn new(value: Node) -> Self {
        Self { comments: Vec::new(), value }
    }
}

// === impl Node ===

impl Node {
    /// Some text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts, an entry a line.
    #[must_use]
    pub fn texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self::List(texts.into_iter().map(|text| Item::new(Self::Text(text))).collect())
    }
}
