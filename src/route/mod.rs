//! Which route takes a request.
//!
//! The types here are the border: `config/compile.rs` builds a [`Router`] from [`Spec`]s, `proxy/` asks it with a
//! [`Query`].

mod expressed;
pub mod expression;
mod find;
mod host;
mod index;
mod narrow;
pub mod normalize;
mod order;
pub mod rewrite;
mod rule;
mod shadow;
pub mod trace;
mod trie;

pub use crate::pcre::Capture;
pub use rule::is_plain;
pub use shadow::{Shadow, shadows};

use crate::entity::{Compat, RouteId};
use http::{HeaderMap, HeaderName};
use std::net::IpAddr;

/// What a route asks of a request, as compiled from a file: texts that passed validation.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Which route this is.
    pub id: RouteId,
    /// Its UUID; decides ties in Kong 3.
    pub uuid: uuid::Uuid,
    /// Hosts, exact or with one `*`, with or without port.
    pub hosts: Vec<String>,
    /// Paths as written: prefixes, or regular expressions by Kong 2's guess or Kong 3's `~`.
    pub paths: Vec<String>,
    /// Upper-case methods.
    pub methods: Vec<String>,
    /// Header names, and for each the values of which one must be there.
    pub headers: Vec<(HeaderName, Vec<String>)>,
    /// TLS server names.
    pub snis: Vec<String>,
    /// Orders regular expressions.
    pub regex_priority: i64,
    /// Unix seconds; the older route wins a tie.
    pub created_at: i64,
    /// What it asks in place of all of these; see [`expression`].
    pub expression: Option<Asked>,
}

/// A route's expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As written.
    pub text: String,
    /// Higher ones go first.
    pub priority: i64,
    /// Whether only requests over TLS, or only those without, are the route's: its `protocols`.
    pub tls: Option<bool>,
}

/// What of a request routing looks at.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The method, verbatim.
    pub method: &'a str,
    /// The `Host` header, verbatim.
    pub host: Option<&'a [u8]>,
    /// The normalised path: decoded, so any bytes.
    pub path: &'a [u8],
    /// All headers.
    pub headers: &'a HeaderMap,
    /// Whether the listener is a TLS one.
    pub tls: bool,
    /// The TLS server name.
    pub sni: Option<&'a str>,
    /// The port that the client reached, after port maps. Kong 3 compares a host's port with it.
    pub port: u16,
    /// The query, without `?`. Only expressions look at it, and at the rest.
    pub query: Option<&'a [u8]>,
    /// Whence and whither.
    pub ends: Ends,
}

/// The ends of a request's connection; `None` where they are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The client's address, after real-ip processing.
    pub client: Option<IpAddr>,
    /// Its port, unless a proxy stands between.
    pub client_port: Option<u16>,
    /// The address that it reached.
    pub server: Option<IpAddr>,
}

/// The route that took a request, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which.
    pub route: RouteId,
    /// How many bytes of the normalised path its path matched; `None` if it has no paths.
    pub prefix: Option<usize>,
    /// Groups of a regex path, number 0 the whole path: byte ranges in the normalised path. Empty for others.
    pub captures: Vec<Capture>,
    /// What the ranges are of instead, where they are those of an expression.
    pub texts: Option<Box<[u8]>>,
}

/// A regular expression that does not compile, or another thing that keeps a route from being routed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The route.
    pub route: RouteId,
    /// The offending text.
    pub text: String,
    /// What the engine said.
    pub message: String,
}

/// Whose rules order the routes.
pub type Flavor = Compat;

/// Finds a request's route.
///
/// The cost of a look-up does not grow with the number of routes, as long as they differ in host, path prefix or SNI.
#[derive(Debug, Default)]
pub struct Router(index::Index);

// === impl Router ===

impl Router {
    /// Indexes routes.
    ///
    /// # Errors
    /// All routes that cannot be routed to.
    pub fn build(routes: &[Spec], flavor: Flavor) -> Result<Self, Vec<SpecError>> {
        index::Index::build(routes, flavor).map(Self)
    }

    /// The route that takes a request. Allocates only for the groups of an expression.
    #[must_use]
    pub fn find(&self, query: &Query<'_>) -> Option<Match> {
        find::Search::new(&self.0, query).find()
    }

    /// How a request fares with every route. For people: looks at all of them.
    #[must_use]
    pub fn trace(&self, query: &Query<'_>) -> trace::Trace {
        find::Search::new(&self.0, query).trace()
    }
}
