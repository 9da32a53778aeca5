//! Everything a request may need to know, fixed at one moment. Built once, never changed, shared by `Arc`.
//!
//! Holds no text that must still be parsed and no reference into the document.

use crate::acme;
use crate::consumers::Consumers;
use crate::entity::{Compat, Identity, RouteId, ServiceId, UpstreamId};
use crate::health::Board;
use crate::listing::Listing;
use crate::live::LiveFile;
use crate::outbox::Outboxes;
use crate::plugin::Chain;
use crate::route::Router;
pub use crate::route::rewrite::PathHandling;
use crate::sni::Names;
use foldhash::fast::FixedState;
use http::{HeaderName, HeaderValue, StatusCode};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a process serves.
#[derive(Debug)]
pub struct Snapshot {
    /// Whose behaviour.
    pub compat: Compat,
    /// Finds a request's route.
    pub router: Router,
    /// By [`RouteId`].
    pub routes: Box<[Route]>,
    /// By [`ServiceId`].
    pub services: Box<[Service]>,
    /// By [`UpstreamId`].
    pub upstreams: Box<[Upstream]>,
    /// Consumers, groups, credentials.
    pub consumers: Arc<Consumers>,
    /// Certificates for listeners, and the names they serve.
    pub certificates: Certificates,
    /// The plugins that run for requests without a route.
    pub global: Chain,
    /// The names that DNS is asked for.
    pub names: HashSet<Box<str>, FixedState>,
    /// What plugins call secrets of clients ([`Plugin::secrets`](crate::plugin::Plugin::secrets)).
    pub secrets: Arc<[Box<str>]>,
    /// Its entities as documents, where the Admin API is on.
    pub listing: Option<Arc<Listing>>,
    /// Files that plugins want to be told of when they change.
    pub live: Vec<LiveFile>,
    /// Lines that plugins write, on their way out of the process.
    pub outboxes: Outboxes,
    /// Certificates to order.
    pub acme: Option<Arc<acme::Plan>>,
    /// Whether `/metrics` tells of targets; see [`Plugin::tells_of_targets`](crate::plugin::Plugin::tells_of_targets).
    pub tells_of_targets: bool,
}

/// A route, as run.
#[derive(Clone, Debug)]
pub struct Route {
    /// Id and name.
    pub identity: Identity,
    /// Where its requests go; `None` answers 503 unless a plugin answers.
    pub service: Option<ServiceId>,
    /// Whether the matched prefix is cut off.
    pub strip_path: bool,
    /// Whether the client's Host goes upstream.
    pub preserve_host: bool,
    /// How service path and request path are joined.
    pub path_handling: PathHandling,
    /// `Some` when only https may use it: 426 or the redirect's status.
    pub https_only: Option<StatusCode>,
    /// Whether only gRPC may use it (`protocols` grpc or grpcs).
    pub grpc: bool,
    /// Its plugins.
    pub chain: Chain,
}

/// A service, as run.
#[derive(Clone, Debug)]
pub struct Service {
    /// Id and name.
    pub identity: Identity,
    /// Where it is.
    pub host: Host,
    /// Its port; not used when the host names an upstream.
    pub port: u16,
    /// The Host that the upstream gets, unless the host names an upstream entity; see [`authority`].
    pub authority: HeaderValue,
    /// Base path, starting with `/`.
    pub path: String,
    /// Tries after the first.
    pub retries: u32,
    /// Limit for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Limit between two writes.
    pub write_timeout: Duration,
    /// Limit between two reads.
    pub read_timeout: Duration,
    /// `Some` for https.
    pub tls: Option<Arc<UpstreamTls>>,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name for DNS, lower case.
    Name(Box<str>),
    /// An upstream entity.
    Upstream(UpstreamId),
}

/// How to speak TLS to an upstream. PEM texts were parsed; DER inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UpstreamTls {
    /// `tls_verify`: `None` and `false` accept any certificate, as Kong does.
    pub verify: bool,
    /// `tls_verify_depth`.
    pub depth: Option<u8>,
    /// DER of the CA certificates to trust; empty means the configured or system ones.
    pub authorities: Vec<Vec<u8>>,
    /// DER chain and key to show.
    pub client: Option<(Vec<Vec<u8>>, Vec<u8>)>,
}

/// An upstream: a named group of targets.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Id and name.
    pub identity: Identity,
    /// The Host that targets get.
    pub host_header: Option<Box<str>>,
    /// Who serves. Weight 0 never does.
    pub targets: Box<[Target]>,
    /// How one of them is chosen.
    pub algorithm: Algorithm,
    /// How they fare.
    pub board: Arc<Board>,
    /// How checks speak TLS to them, where they do.
    pub checked_by: Option<Arc<UpstreamTls>>,
}

/// How one of several targets is chosen (`kong/proxying.md` §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// In turn, by weight.
    RoundRobin,
    /// The one with the fewest requests under way, by weight.
    LeastConnections,
    /// Of two, the one that answered faster lately.
    Latency,
    /// By what a request says, so that alike requests have one target.
    Hashing(Hashing),
}

/// What of a request decides about its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// First.
    pub on: HashOn,
    /// Where the request lacks the first.
    pub fallback: HashOn,
    /// Points of the ring that targets are spread over.
    pub slots: u32,
}

/// Something of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashOn {
    /// Nothing: all requests are alike.
    Nothing,
    /// Who sends it.
    Consumer,
    /// The client's address.
    Ip,
    /// A header.
    Header(HeaderName),
    /// A cookie of this name. Clients without one get one, for this path.
    Cookie(Box<str>, Box<str>),
    /// The path.
    Path,
    /// An argument of the query.
    Query(Box<str>),
    /// A group of the route's regex path, by name or number.
    Capture(Box<str>),
}

/// One of an upstream's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: Uuid,
    /// Address or name.
    pub host: Host,
    /// The host as written.
    pub name: Box<str>,
    /// The Host that it gets over http and over https: its name or the upstream's `host_header`; see [`authority`].
    pub authorities: [HeaderValue; 2],
    /// Port.
    pub port: u16,
    /// Share of requests.
    pub weight: u32,
}

/// Certificates of the file, by name.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// DER chain and key; a certificate with `cert_alt` has two.
    pub pairs: Vec<Vec<KeyPair>>,
    /// SNI (lower case, may begin or end with `*`, or be `*`) to an index of `pairs`.
    pub names: HashMap<Box<str>, usize>,
    /// Which clients a name lets in; names without an entry let everybody in.
    pub clients: Names<Arc<ClientAuth>>,
}

/// The files that a certificate and its key came from, as far as they came from files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairFiles {
    /// The chain's.
    pub cert: Option<PathBuf>,
    /// The key's.
    pub key: Option<PathBuf>,
}

/// Whom a listener or a server name lets in: clients with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientAuth {
    /// DER of the authorities that may have issued it.
    pub authorities: Vec<Vec<u8>>,
    /// Whether a client without one is turned away.
    pub required: bool,
}

/// A certificate chain with its key, DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// Leaf first.
    pub chain: Vec<Vec<u8>>,
    /// PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
    /// Where they came from.
    pub files: PairFiles,
}

/// A Host value: the port is left out where it is the scheme's own (`kong/proxying.md` §2). A name that no header can
/// hold gives an empty value; the configuration refuses such names.
#[must_use]
pub fn authority(host: &str, port: u16, https: bool) -> HeaderValue {
    let usual = if https { 443 } else { 80 };
    let text = if port == usual { host.to_owned() } else { format!("{host}:{port}") };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

// === impl PairFiles ===

impl PairFiles {
    /// Whether anything came from a file.
    #[must_use]
    pub fn any(&self) -> bool {
        self.cert.is_some() || self.key.is_some()
    }

    /// The files, the chain's first.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.cert.iter().chain(&self.key).cloned()
    }
}

// === impl Target ===

impl Target {
    /// As Kong names it: host and port, the host as written.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// The route of a number.
    ///
    /// # Panics
    /// If the number is another snapshot's.
    #[must_use]
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id.index()]
    }

    /// The service of a number.
    ///
    /// # Panics
    /// If the number is another snapshot's.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.index()]
    }

    /// The upstream of a number.
    ///
    /// # Panics
    /// If the number is another snapshot's.
    #[must_use]
    pub fn upstream(&self, id: UpstreamId) -> &Upstream {
        &self.upstreams[id.index()]
    }
}
