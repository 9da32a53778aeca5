//! What is decided about a request without a socket, a clock or a peer: its route, what its upstream is asked, and how an
//! answer leaves. `proxy/mod.rs` acts on it, `explain/` shows it. Pure.

use super::affinity::Sticky;
use super::asked::{self, Asked};
use super::client::Connection;
use super::clients;
use super::facts;
use super::failure::Failure;
use super::ids;
use super::inspect;
use super::own;
use super::request::{self, Forwarded, Own, Upgrade};
use super::response::{self, Closing, Latencies};
use super::seen::Seen;
use crate::body::Body;
use crate::entity::{Compat, RouteId};
use crate::plugin::{Chain, Ctx, Group, Kept, Origin, Peer};
use crate::reply::Asker;
use crate::route::normalize::{Target, normalize};
use crate::route::rewrite::{forwarded_prefix, upstream_path};
use crate::route::{Ends, Match, Query};
use crate::settings::Settings;
use crate::snapshot::{Route, Snapshot};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use std::net::IpAddr;
use std::time::{Instant, SystemTime};

const MALFORMED: Failure = Failure::BadRequest("the request target is malformed");

/// What a request meets. Nothing of it changes while the request is under way.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What is served.
    pub snapshot: &'a Snapshot,
    /// How.
    pub settings: &'a Settings,
    /// The connection that the request came over.
    pub connection: &'a Connection,
}

/// One request, as far as it is decided.
#[derive(Debug)]
pub struct Course {
    pub(super) asked: Asked,
    /// What plugins know of it.
    pub cx: Ctx,
    /// The route whose plugins run. Until it is settled, and without one, the global plugins run.
    pub route: Option<RouteId>,
    pub(super) upgrade: Upgrade,
    /// Where a redirect leads.
    location: Option<HeaderValue>,
    /// Whether nothing more can be read from this client.
    closes: bool,
    /// A cookie by which the client comes back to its target.
    pub(super) sticky: Option<Box<Sticky>>,
}

/// A request on its route, before the route's plugins.
#[derive(Debug)]
pub struct Settled {
    /// The route.
    pub route: RouteId,
    forwarded: Forwarded,
    /// The client's, without `?`.
    query: Option<Vec<u8>>,
}

/// A request as its upstream gets it, but for what depends on the peer.
#[derive(Debug)]
pub struct Outbound {
    /// The Host that the client or a plugin chose; `None` is the peer's own.
    pub host: Option<HeaderValue>,
    /// The head, without what the gateway tells itself.
    pub parts: Parts,
    /// That; `None` where it is in the head already.
    pub own: Option<Own>,
    /// The body.
    pub body: Body,
}

// === impl Course ===

impl Course {
    /// Nothing is decided yet. The request began `now`, which is `wall` by the calendar; `id` is asked for where requests
    /// have one.
    #[must_use]
    pub fn begin<B>(
        scene: Scene<'_>,
        req: &Request<B>,
        now: Instant,
        wall: SystemTime,
        id: impl FnOnce() -> Box<str>,
    ) -> Self {
        let Scene { snapshot, settings, connection } = scene;
        let client = connection.client(req.headers(), settings);
        let mut cx = Ctx::new(snapshot.compat, client, connection.tls.is_some(), now, wall);
        cx.https = connection.https(req.headers());
        cx.peer = Peer { address: connection.peer, trusted: connection.trusted, port: connection.port };
        cx.body_buffer = settings.client_body_buffer_size;
        cx.error_type = settings.error_default_type;
        let header = settings.request_id_header.as_ref();
        if header.is_some() || snapshot.compat == Compat::Kong3 {
            let given = header.and_then(|name| ids::given(req.headers(), name));
            cx.request_id = Some(given.unwrap_or_else(id));
        }
        let debug = settings.allow_debug_header.unwrap_or(snapshot.compat == Compat::Kong2);
        let asked = Asked::of(req, debug);
        Self { asked, cx, route: None, upgrade: Upgrade::None, location: None, closes: false, sticky: None }
    }

    /// What nginx refuses.
    ///
    /// # Errors
    /// Why the gateway answers itself.
    pub fn receive(&mut self, scene: Scene<'_>, parts: &mut Parts) -> Result<(), Failure> {
        let said = match parts.version {
            Version::HTTP_2 => {
                let said = request::from_http2(&mut parts.headers, &parts.uri);
                self.asked.seen = Seen::of(&parts.headers);
                said
            }
            _ => Ok(()),
        };
        scene.snapshot.global.keep(parts, &mut self.cx);
        self.note(&scene.snapshot.global, scene, parts);
        said?;
        inspect::inspect(parts, &self.asked.seen, scene.settings)?;
        if self.asked.seen.connection {
            request::remove_named_by_connection(&mut parts.headers);
        }
        ids::tell(&mut parts.headers, scene.settings.request_id_header.as_ref(), &self.cx);
        Ok(())
    }

    /// The plugins that run before there is a route. An answer comes with the name of the plugin that gave it.
    pub fn rewrite(&mut self, snapshot: &Snapshot, parts: &mut Parts) -> Option<(&'static str, Response<Body>)> {
        if !snapshot.global.rare().rewrite {
            return None;
        }
        let empty = Request::new(()).into_parts().0;
        let mut req = Request::from_parts(std::mem::replace(parts, empty), Body::Empty);
        let answer = snapshot.global.rewrite(&mut req, &mut self.cx);
        *parts = req.into_parts().0;
        answer
    }

    /// The route, and what it asks of a client before any plugin of it.
    ///
    /// # Errors
    /// Why the gateway answers itself.
    pub fn settle(&mut self, scene: Scene<'_>, parts: &mut Parts) -> Result<Settled, Failure> {
        let Scene { snapshot, connection, .. } = scene;
        let target = target(&parts.uri)?;
        let path = normalize(target.path).map_err(|_| MALFORMED)?;
        let found =
            snapshot.router.find(&query(parts, target, &path, connection, self.cx.client)).ok_or(Failure::NoRoute)?;
        let route = snapshot.route(found.route);
        self.check_scheme(route, parts, connection)?;
        if clients::is_misdirected(&snapshot.certificates.clients, &parts.headers, connection) {
            return Err(Failure::Misdirected);
        }
        self.enter(found.route, route, parts);
        self.note(&route.chain, scene, parts);
        let prefix = forwarded_prefix(&path, found.prefix, route.strip_path);
        let forwarded = Forwarded::new(&parts.headers, target.path, prefix, self.cx.client, connection);
        let base = route.service.map_or("/", |id| &snapshot.service(id).path);
        self.cx.path = upstream_path(base, &path, found.prefix, route.strip_path, route.path_handling);
        self.cx.captures = captures(&found, &path);
        self.cx.stripped = found.prefix.filter(|_| route.strip_path);
        Ok(Settled { route: found.route, forwarded, query: target.query.map(<[u8]>::to_vec) })
    }

    /// Begins to note what log records need, if a plugin writes them.
    fn note(&mut self, chain: &Chain, scene: Scene<'_>, parts: &Parts) {
        if chain.records() && self.cx.facts.is_none() {
            self.cx.facts = Some(Box::new(facts::begin(scene, parts)));
        }
    }

    /// `kong/routing.md` §7. Before any plugin.
    fn check_scheme(&mut self, route: &Route, parts: &Parts, connection: &Connection) -> Result<(), Failure> {
        if let Some(status) = route.https_only.filter(|_| !self.cx.https) {
            return Err(self.send_to_https(status, parts, connection));
        }
        if route.grpc {
            let kind = parts.headers.get(header::CONTENT_TYPE);
            let grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
            return match (grpc, parts.version) {
                (false, _) => Err(Failure::NotGrpc),
                (true, Version::HTTP_2) => Ok(()),
                (true, _) => Err(Failure::GrpcNeedsHttp2),
            };
        }
        Ok(())
    }

    fn send_to_https(&mut self, status: StatusCode, parts: &Parts, connection: &Connection) -> Failure {
        if !status.is_redirection() {
            return Failure::HttpsOnly;
        }
        self.location = asked::https_location(&parts.headers, &parts.uri, connection.trusted);
        Failure::HttpsRedirect(status)
    }

    /// From here on the route's plugins run, also on an answer of the gateway's own.
    fn enter(&mut self, id: RouteId, route: &Route, parts: &Parts) {
        self.route = Some(id);
        self.cx.route = Some(id);
        self.cx.service = route.service;
        (self.cx.kept, self.cx.head) = (Kept::default(), None);
        route.chain.keep(parts, &mut self.cx);
        if parts.version == Version::HTTP_11 {
            self.upgrade = request::wanted_upgrade(&parts.headers);
        }
    }

    /// What the upstream is asked, once the route's plugins have run.
    ///
    /// # Errors
    /// When plugins made a target that is none.
    pub fn outbound(&mut self, scene: Scene<'_>, settled: Settled, req: Request<Body>) -> Result<Outbound, Failure> {
        let (mut parts, body) = req.into_parts();
        let kept = || parts.headers.get(header::HOST).filter(|_| scene.snapshot.route(settled.route).preserve_host);
        let host = self.cx.host.take().or_else(|| kept().cloned());
        request::clean(&mut parts.headers, &self.upgrade);
        let own = self.tell(Own::new(settled.forwarded, &self.upgrade), &mut parts.headers);
        if clients::are_asked(scene.settings, scene.snapshot) {
            clients::introduce(&mut parts.headers, scene.connection);
        }
        request::identify(&mut parts.headers, &self.cx, self.asked.version);
        if let Some(trace) = &self.cx.trace {
            trace.write(&mut parts.headers);
        }
        if !matches!(body, Body::Incoming(_) | Body::Lent(_)) {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let query = match self.cx.query.take() {
            Some(made) => Some(made.into_bytes()).filter(|made| !made.is_empty()),
            None => settled.query,
        };
        parts.uri = upstream_uri(&self.cx.path, query.as_deref())?;
        parts.version = Version::HTTP_11;
        if let Some(facts) = &mut self.cx.facts {
            facts.upstream = Some(parts.uri.clone());
        }
        Ok(Outbound { host, parts, own, body })
    }

    /// What the gateway tells itself, unless a plugin has another word in it; then all of that is put into the map.
    fn tell(&mut self, own: Own, headers: &mut HeaderMap) -> Option<Own> {
        let Some(detour) = &mut self.cx.detour else { return Some(own) };
        own.put(headers);
        headers.extend(std::mem::take(&mut detour.forwarded));
        None
    }

    /// Whether the client asked to speak something else. Over HTTP/1.0 it cannot (RFC 9110 §7.8).
    #[must_use]
    pub fn may_switch(&self) -> bool {
        self.upgrade != Upgrade::None && self.asked.version == Version::HTTP_11
    }

    /// How large the body may be: `u64::MAX` is no limit.
    #[must_use]
    pub fn body_limit(&self, scene: Scene<'_>) -> u64 {
        general_limit(scene.settings).min(self.cx.body_limit.unwrap_or(u64::MAX))
    }

    /// The gateway's own answer.
    pub fn own_words(&mut self, scene: Scene<'_>, mut failure: Failure) -> Response<Body> {
        let limit = general_limit(scene.settings);
        if failure == Failure::BodyTooLarge && self.cx.body_limit.is_some_and(|plugins| plugins < limit) {
            failure = Failure::SizeLimit;
        }
        failure.log(self.cx.client, self.route.map(|id| &scene.snapshot.route(id).identity));
        self.closes = failure.closes();
        self.cx.exited |= failure.is_exit();
        let headers = self.asked.error_headers();
        let mut response = failure.answer(&self.asker(scene, failure.saw_headers().then_some(&headers)));
        if let Some(location) = self.location.take() {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }

    fn asker<'a>(&'a self, scene: Scene<'_>, headers: Option<&'a HeaderMap>) -> Asker<'a> {
        Asker {
            headers,
            http2: self.asked.version == Version::HTTP_2,
            default_type: scene.settings.error_default_type,
            compat: scene.snapshot.compat,
            request_id: self.cx.request_id.as_deref(),
        }
    }

    /// The plugins whose later phases run.
    #[must_use]
    pub fn chain<'a>(&self, snapshot: &'a Snapshot) -> &'a Chain {
        chain(self.route, snapshot)
    }

    /// An answer's head after the response phase of the plugins, before `Date`.
    pub fn frame(&self, snapshot: &Snapshot, response: &mut Response<Body>) {
        own::frame(response, self.asked.head);
        // `Kong-Debug` asks which route and service it was.
        if let (Some(id), true) = (self.route, self.asked.debug) {
            let route = snapshot.route(id);
            let service = route.service.map(|id| &snapshot.service(id).identity);
            own::name(response.headers_mut(), &route.identity, service);
        }
    }

    /// The last word on an answer's head. `stopping` is whether the gateway is about to end.
    pub fn close(&self, scene: Scene<'_>, response: &mut Response<Body>, latencies: Latencies, stopping: bool) {
        let closing = Closing {
            tokens: scene.settings.headers,
            compat: scene.snapshot.compat,
            origin: self.cx.origin,
            latencies,
            request_id: self.cx.request_id.as_deref(),
        };
        response::close(response, &closing);
        ids::tell(response.headers_mut(), scene.settings.request_id_header.as_ref(), &self.cx);
        let ends = stopping || own::ends_with_connection(response, self.asked.version);
        let stays = self.asked.stays && !self.closes && !ends;
        own::say_connection(response, self.asked.version, stays);
    }

    /// Who is said to have made an answer after a failure, if it was `under_way` to an upstream by then.
    #[must_use]
    pub fn origin(failure: Failure, under_way: bool) -> Origin {
        if under_way && failure.is_exchange() { Origin::Failed } else { Origin::Gateway }
    }
}

/// The plugins of a route, or those that run without one.
pub(super) fn chain(route: Option<RouteId>, snapshot: &Snapshot) -> &Chain {
    route.map_or(&snapshot.global, |id| &snapshot.route(id).chain)
}

/// A request's target, in parts.
///
/// # Errors
/// When it is none.
pub fn target(uri: &Uri) -> Result<Target<'_>, Failure> {
    let raw = uri.path_and_query().map_or("", |target| target.as_str());
    Target::split(raw.as_bytes()).ok_or(MALFORMED)
}

/// What routing looks at: a request, its target and the path of that in normal form, and who sent it.
#[must_use]
pub fn query<'a>(
    parts: &'a Parts,
    target: Target<'a>,
    path: &'a [u8],
    connection: &'a Connection,
    client: IpAddr,
) -> Query<'a> {
    let client_port = Some(connection.peer.port()).filter(|_| connection.peer.ip() == client);
    let ends = Ends { client: Some(client), client_port, server: Some(connection.server.ip()) };
    Query {
        method: parts.method.as_str(),
        host: parts.headers.get(header::HOST).map(HeaderValue::as_bytes),
        path,
        headers: &parts.headers,
        tls: connection.tls.is_some(),
        port: connection.port,
        sni: connection.sni(),
        query: target.query,
        ends,
    }
}

/// How large any body may be.
fn general_limit(settings: &Settings) -> u64 {
    match settings.client_max_body_size {
        0 => u64::MAX,
        limit => limit,
    }
}

/// The upstream's target in origin form.
fn upstream_uri(path: &str, query: Option<&[u8]>) -> Result<Uri, Failure> {
    let mut text = Vec::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    text.extend_from_slice(path.as_bytes());
    if let Some(query) = query {
        text.push(b'?');
        text.extend_from_slice(query);
    }
    Uri::from_maybe_shared(bytes::Bytes::from(text))
        .map_err(|_| Failure::BadRequest("the upstream target is malformed"))
}

/// The groups of a regex path or an expression, as plugins see them.
fn captures(found: &Match, path: &[u8]) -> Vec<Group> {
    let whole = found.texts.as_deref().unwrap_or(path);
    let text = |(start, end)| whole.get(start..end).map(Into::into);
    found.captures.iter().map(|group| Group { name: group.name.clone(), text: group.range.and_then(text) }).collect()
}
