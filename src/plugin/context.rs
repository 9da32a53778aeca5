//! What a plugin knows of the request besides the request itself.

use super::record::Facts;
use super::{Arrival, Authenticated};
use crate::args::Args;
use crate::entity::{Compat, ConsumerId, RouteId, ServiceId, UpstreamId};
use crate::lua::Session;
use crate::observe::trace::Trace;
use crate::reply::Asker;
use crate::settings::ErrorType;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

/// Who made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The upstream.
    Upstream,
    /// The gateway, after it asked the upstream in vain (502, 504).
    Failed,
    /// The gateway or a plugin, without asking an upstream.
    Gateway,
}

/// Client headers that a later phase needs, as they came.
#[derive(Clone, Debug, Default)]
pub struct Kept(Vec<(HeaderName, HeaderValue)>);

/// A request's head as it was when its plugins had run, for later phases.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its method.
    pub method: Method,
    /// Its target.
    pub uri: Uri,
    /// Its protocol.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
}

/// The other end of a client's connection, and what this end knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether its forwarded headers are believed (`trusted_ips`).
    pub trusted: bool,
    /// The port that the client sees (`port_maps` applied).
    pub port: u16,
}

/// An upstream's answer as it came, before a plugin changed it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
}

/// An answer's head as it went to the client, for later phases.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
}

/// How a request ended, for the `log` phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The answer's status.
    pub status: StatusCode,
    /// Bytes of the request, its head included: if some plugin of the chain [measures](super::Plugin::measures).
    pub received: u64,
    /// Bytes of the answer: the same.
    pub sent: u64,
    /// What the gateway took until it had chosen a peer, or answered itself.
    pub gateway: Duration,
    /// What the upstream took from there to the head of its answer.
    pub upstream: Duration,
    /// From the request's head to the answer's last byte.
    pub whole: Duration,
}

/// Where a function plugin sends a request instead of where its service says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detour {
    /// To whom.
    pub host: Option<Whom>,
    /// Whether by https.
    pub https: Option<bool>,
    /// Limits for a connection, between two writes, and between two reads.
    pub timeouts: Option<[Duration; 3]>,
    /// Tries after the first.
    pub retries: Option<u32>,
    /// What the upstream is told of the client, in place of what the gateway would say (`X-Forwarded-*`).
    pub forwarded: HeaderMap,
}

/// Who is asked instead of a service's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A name or an address, and a port.
    Target(Box<str>, u16),
    /// An upstream entity.
    Upstream(UpstreamId),
}

/// One group of the route's regex path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// What it matched; `None` if it took no part.
    pub text: Option<Box<[u8]>>,
}

/// One request's context, from routing to the log phase.
#[derive(Debug)]
pub struct Ctx {
    /// Whose behaviour.
    pub compat: Compat,
    /// The client's address after real-ip processing.
    pub client: IpAddr,
    /// The other end of its connection.
    pub peer: Peer,
    /// Whether the client came over TLS to this gateway.
    pub tls: bool,
    /// Whether the client speaks https: by its connection, or by the word of a trusted peer that it came through.
    pub https: bool,
    /// When the request began.
    pub now: Instant,
    /// Which request it is, and where ids of it come from.
    pub arrival: Arrival,
    /// The same by the calendar, for what dates and expires.
    pub wall: SystemTime,
    /// The route, if one matched.
    pub route: Option<RouteId>,
    /// Its service, if it has one.
    pub service: Option<ServiceId>,
    /// The authenticated (or anonymous) consumer.
    pub consumer: Option<ConsumerId>,
    /// By what it was authenticated; `None` for nobody and for the anonymous consumer.
    pub authenticated: Option<Authenticated>,
    /// Groups of the authenticated client, where a function plugin said so (`kong.ctx.shared.authenticated_groups`).
    pub authenticated_groups: Option<Box<[Box<str>]>>,
    /// The authenticated user, for the access log: one who is no consumer.
    pub user: Option<Box<str>>,
    /// Path to ask the upstream for: starts with `/`, escaped, without query.
    pub path: String,
    /// A query that a plugin made (without `?`; empty removes it). `None`: the client's goes on byte for byte.
    pub query: Option<String>,
    /// The upstream `Host` that a plugin set.
    pub host: Option<HeaderValue>,
    /// Where a plugin sends it instead of where the service says.
    pub detour: Option<Box<Detour>>,
    /// How many bytes of the normalised path the route stripped; `None` if it does not.
    pub stripped: Option<usize>,
    /// Groups of the route's regex path: number 0 is the whole path. Empty when the path is no regex.
    pub captures: Vec<Group>,
    /// Request headers that some plugin of the chain [keeps](super::Plugin::keeps).
    pub kept: Kept,
    /// The request's head, if some plugin of the chain [wants it](super::Plugin::keeps_head) later.
    pub head: Option<Box<Head>>,
    /// The answer's head, if some plugin of the chain [wants it](super::Rare) after it has gone.
    pub answered: Option<Box<Answered>>,
    /// Headers that a plugin adds to whatever answer there will be, before the `response` phase.
    pub answer_headers: HeaderMap,
    /// The request's tables in Lua.
    pub lua: Session,
    /// Largest request body, in bytes, that a plugin may read (`client_body_buffer_size`).
    pub body_buffer: usize,
    /// Largest body of unknown length, in bytes, that a plugin lets through; whoever passes it on keeps to that.
    pub body_limit: Option<u64>,
    /// The `error_default_type` setting: the shape of an error for a request that names none.
    pub error_type: ErrorType,
    /// The request's id, which Kong 3 shows in errors.
    pub request_id: Option<Box<str>>,
    /// The trace that it belongs to, if somebody wants to know.
    pub trace: Option<Trace>,
    /// Whether the request is only thought of (`gateway explain`): nothing may be counted or remembered, and what was
    /// counted may not change the decision.
    pub dry_run: bool,
    /// Who made the answer; set before the `response` phase.
    pub origin: Origin,
    /// Whether a plugin made it, or Kong's core in the way of one (`kong.response.get_source`: `exit`).
    pub exited: bool,
    /// The upstream's answer as it came, if some plugin of the chain [looks back](super::Plugin::keeps_head).
    pub received: Option<Box<Received>>,
    /// What log records tell, if some plugin of the chain [writes them](super::Plugin::records).
    pub facts: Option<Box<Facts>>,
    /// How it ended; only in the `log` phase.
    pub ended: Option<Ended>,
    /// What a plugin wants to find again in a later phase, by type.
    pub stash: Extensions,
    /// From which slot on which consumer was known. Usually empty.
    pub(super) consumers: Vec<(usize, Option<ConsumerId>)>,
}

// === impl Kept ===

impl Kept {
    /// Keeps a header line.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// The first line of that name.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Every line of that name.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a HeaderValue> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v)
    }
}

// === impl Head ===

impl Head {
    /// The head of a request.
    #[must_use]
    pub fn of<B>(req: &Request<B>) -> Self {
        Self {
            method: req.method().clone(),
            uri: req.uri().clone(),
            version: req.version(),
            headers: req.headers().clone(),
        }
    }

    /// The head that a request has, which is not needed any more.
    #[must_use]
    pub fn of_spent<B>(req: Request<B>) -> Self {
        let Parts { method, uri, version, headers, .. } = req.into_parts().0;
        Self { method, uri, version, headers }
    }

    /// A request with this head and no body.
    #[must_use]
    pub fn into_request<B: Default>(self) -> Request<B> {
        let mut req = Request::new(B::default());
        *req.method_mut() = self.method;
        *req.uri_mut() = self.uri;
        *req.version_mut() = self.version;
        *req.headers_mut() = self.headers;
        req
    }
}

// === impl Answered ===

impl Answered {
    /// The head of an answer.
    #[must_use]
    pub fn of<B>(res: &Response<B>) -> Self {
        Self { status: res.status(), headers: res.headers().clone() }
    }

    /// The same, of one that is not needed any more.
    #[must_use]
    pub fn of_spent<B>(res: Response<B>) -> Self {
        let parts = res.into_parts().0;
        Self { status: parts.status, headers: parts.headers }
    }

    /// An answer with this head and no body.
    #[must_use]
    pub fn into_response<B: Default>(self) -> Response<B> {
        let mut res = Response::new(B::default());
        *res.status_mut() = self.status;
        *res.headers_mut() = self.headers;
        res
    }
}

// === impl Ctx ===

impl Ctx {
    /// The context of a request that no route took (yet).
    #[must_use]
    pub fn new(compat: Compat, client: IpAddr, tls: bool, now: Instant, wall: SystemTime) -> Self {
        Self {
            compat,
            client,
            peer: Peer { address: SocketAddr::new(client, 0), trusted: false, port: 0 },
            tls,
            https: tls,
            now,
            arrival: Arrival::NOWHERE,
            wall,
            route: None,
            service: None,
            consumer: None,
            authenticated: None,
            authenticated_groups: None,
            user: None,
            path: String::new(),
            query: None,
            host: None,
            detour: None,
            stripped: None,
            captures: Vec::new(),
            kept: Kept::default(),
            head: None,
            answered: None,
            answer_headers: HeaderMap::new(),
            lua: Session::default(),
            body_buffer: 8 * 1024,
            body_limit: None,
            error_type: ErrorType::Plain,
            request_id: None,
            trace: None,
            dry_run: false,
            origin: Origin::Gateway,
            exited: false,
            received: None,
            facts: None,
            ended: None,
            stash: Extensions::new(),
            consumers: Vec::new(),
        }
    }

    /// The query as it goes upstream so far: what a plugin made of it, else the client's.
    #[must_use]
    pub fn query_of<'a, B>(&'a self, req: &'a Request<B>) -> &'a str {
        self.query.as_deref().or_else(|| req.uri().query()).unwrap_or("")
    }

    /// The arguments in that query.
    #[must_use]
    pub fn args<B>(&self, req: &Request<B>) -> Args {
        Args::parse(self.query_of(req).as_bytes())
    }

    /// Gives the upstream these arguments. A bare `?` of the client's stays as it is: recorded.
    pub fn set_args<B>(&mut self, args: &Args, req: &Request<B>) {
        if self.query.is_some() || req.uri().query() != Some("") {
            self.query = Some(args.encode_sorted());
        }
    }

    /// The way that a plugin chose, to change it.
    pub fn detour(&mut self) -> &mut Detour {
        self.detour.get_or_insert_default()
    }

    /// Who asks, for an error that a plugin answers with.
    #[must_use]
    pub fn asker<'a, B>(&'a self, req: &'a Request<B>) -> Asker<'a> {
        Asker {
            headers: Some(req.headers()),
            http2: req.version() == Version::HTTP_2,
            default_type: self.error_type,
            compat: self.compat,
            request_id: self.request_id.as_deref(),
        }
    }
}
