//! Which route takes a request.
//!
//! The types here are the border: `config/compile.rs` builds a [`Router`] from [`Spec`]s, `proxy/` asks it with a
//! [`Query`].

pub mod normalize;
pub mod rewrite;

use crate::entity::{Compat, RouteId};
use http::{HeaderMap, HeaderName};

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
}

/// One group of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// Where; `None` if it took no part.
    pub range: Option<(usize, usize)>,
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
#[derive(Debug, Default)]
pub struct Router {}

impl Router {
    /// Indexes routes. Every one that cannot be routed to is reported; the others are indexed all the same.
    ///
    /// # Errors
    /// The routes that cannot be routed to.
    pub fn build(_routes: Vec<Spec>, _flavor: Flavor) -> Result<Self, Vec<SpecError>> {
        Ok(Self {})
    }

    /// The route that takes a request.
    #[must_use]
    pub fn find(&self, _query: &Query<'_>) -> Option<Match> {
        None
    }
}
