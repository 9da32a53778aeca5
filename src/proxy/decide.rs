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
    /// What the gateway tells its upstream in lines of its own: on a route, and unless it is in the head already.
    pub own: Option<Own>,
    /// The client's, without `?`, once there is a route.
    query: Option<Vec<u8>>,
    /// A cookie by which the client comes back to its target.
    pub(super) sticky: Option<Box<Sticky>>,
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
        let upgrade = Upgrade::None;
        Self { asked, cx, route: None, upgrade, location: None, closes: false, own: None, query: None, sticky: None }
    }

    /// What nginx refuses.
    ///
    /// # Errors
    /// Why the gateway answers itself.
    pub fn receive<B>(&mut self, scene: Scene<'_>, req: &mut Request<B>) -> Result<(), Failure> {
        let said = match req.version() {
            Version::HTTP_2 => {
                let said = request::from_http2(req);
                self.asked.seen = Seen::of(req.headers());
                said
            }
            _ => Ok(()),
        };
        scene.snapshot.global.keep(req, &mut self.cx);
        self.note(&scene.snapshot.global, scene, req);
        said?;
        inspect::inspect(req, &self.asked.seen, scene.settings)?;
        if self.asked.seen.connection {
            request::remove_named_by_connection(req.headers_mut());
        }
        ids::tell(req.headers_mut(), scene.settings.request_id_header.as_ref(), &self.cx);
        Ok(())
    }

    /// The plugins that run before there is a route, which see no body. An answer comes with the name of the plugin that
    /// gave it.
    pub fn rewrite(&mut self, snapshot: &Snapshot, req: &mut Request<Body>) -> Option<(&'static str, Response<Body>)> {
        if !snapshot.global.rare().rewrite {
            return None;
        }
        let body = std::mem::take(req.body_mut());
        let answer = snapshot.global.rewrite(req, &mut self.cx);
        *req.body_mut() = body;
        answer
    }

    /// The route, and what it asks of a client before any plugin of it.
    ///
    /// # Errors
    /// Why the gateway answers itself.
    pub fn settle<B>(&mut self, scene: Scene<'_>, req: &Request<B>) -> Result<RouteId, Failure> {
        let Scene { snapshot, connection, .. } = scene;
        let target = target(req.uri())?;
        let path = normalize(target.path).map_err(|_| MALFORMED)?;
        let found =
            snapshot.router.find(&query(req, target, &path, connection, self.cx.client)).ok_or(Failure::NoRoute)?;
        let route = snapshot.route(found.route);
        self.check_scheme(route, req, connection)?;
        if clients::is_misdirected(&snapshot.certificates.clients, req.headers(), connection) {
            return Err(Failure::Misdirected);
        }
        self.enter(found.route, route, req);
        self.note(&route.chain, scene, req);
        let prefix = forwarded_prefix(&path, found.prefix, route.strip_path);
        let forwarded = Forwarded::new(req.headers(), target.path, prefix, self.cx.client, connection);
        self.own = Some(Own::new(forwarded, &self.upgrade));
        self.query = target.query.map(<[u8]>::to_vec);
        let base = route.service.map_or("/", |id| &snapshot.service(id).path);
        self.cx.path = upstream_path(base, &path, found.prefix, route.strip_path, route.path_handling);
        self.cx.captures = captures(&found, &path);
        self.cx.stripped = found.prefix.filter(|_| route.strip_path);
        Ok(found.route)
    }

    /// Begins to note what log records need, if a plugin writes them.
    fn note<B>(&mut self, chain: &Chain, scene: Scene<'_>, req: &Request<B>) {
        if chain.records() && self.cx.facts.is_none() {
            self.cx.facts = Some(Box::new(facts::begin(scene, req)));
        }
    }

    /// `kong/routing.md` §7. Before any plugin.
    fn check_scheme<B>(&mut self, route: &Route, req: &Request<B>, connection: &Connection) -> Result<(), Failure> {
        if let Some(status) = route.https_only.filter(|_| !self.cx.https) {
            return Err(self.send_to_https(status, req, connection));
        }
        if route.grpc {
            let kind = req.headers().get(header::CONTENT_TYPE);
            let grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
            return match (grpc, req.version()) {
                (false, _) => Err(Failure::NotGrpc),
                (true, Version::HTTP_2) => Ok(()),
                (true, _) => Err(Failure::GrpcNeedsHttp2),
            };
        }
        Ok(())
    }

    fn send_to_https<B>(&mut self, status: StatusCode, req: &Request<B>, connection: &Connection) -> Failure {
        if !status.is_redirection() {
            return Failure::HttpsOnly;
        }
        self.location = asked::https_location(req.headers(), req.uri(), connection.trusted);
        Failure::HttpsRedirect(status)
    }

    /// From here on the route's plugins run, also on an answer of the gateway's own.
    fn enter<B>(&mut self, id: RouteId, route: &Route, req: &Request<B>) {
        self.route = Some(id);
        self.cx.route = Some(id);
        self.cx.service = route.service;
        (self.cx.kept, self.cx.head) = (Kept::default(), None);
        route.chain.keep(req, &mut self.cx);
        if req.version() == Version::HTTP_11 {
            self.upgrade = request::wanted_upgrade(req.headers());
        }
    }

    /// Makes the request, once the route's plugins have run, what the upstream is asked, but for what depends on the peer
    /// and for what the gateway tells itself ([`Course::own`]). The Host that the client or a plugin chose; `None` is the
    /// peer's own.
    ///
    /// # Errors
    /// When plugins made a target that is none.
    pub fn outbound(&mut self, scene: Scene<'_>, req: &mut Request<Body>) -> Result<Option<HeaderValue>, Failure> {
        let headers = req.headers_mut();
        let preserved = self.route.is_some_and(|id| scene.snapshot.route(id).preserve_host);
        let host = self.cx.host.take().or_else(|| headers.get(header::HOST).filter(|_| preserved).cloned());
        request::clean(headers, &self.upgrade);
        self.tell(headers);
        if clients::are_asked(scene.settings, scene.snapshot) {
            clients::introduce(headers, scene.connection);
        }
        request::identify(headers, &self.cx, self.asked.version);
        if let Some(trace) = &self.cx.trace {
            trace.write(headers);
        }
        if !matches!(req.body(), Body::Lent(_)) {
            req.headers_mut().remove(header::CONTENT_LENGTH);
        }
        *req.uri_mut() = self.upstream_uri()?;
        *req.version_mut() = Version::HTTP_11;
        if let Some(facts) = &mut self.cx.facts {
            facts.upstream = Some(req.uri().clone());
        }
        Ok(host)
    }

    /// Where a plugin has another word in what the gateway tells itself, all of that is put into the map.
    fn tell(&mut self, headers: &mut HeaderMap) {
        if let Some(detour) = &mut self.cx.detour {
            self.own.take().into_iter().for_each(|own| own.put(headers));
            headers.extend(std::mem::take(&mut detour.forwarded));
        }
    }

    fn upstream_uri(&mut self) -> Result<Uri, Failure> {
        let query = match self.cx.query.take() {
            Some(made) => Some(made.into_bytes()).filter(|made| !made.is_empty()),
            None => self.query.take(),
        };
        upstream_uri(&self.cx.path, query.as_deref())
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
pub fn query<'a, B>(
    req: &'a Request<B>,
    target: Target<'a>,
    path: &'a [u8],
    connection: &'a Connection,
    client: IpAddr,
) -> Query<'a> {
    let client_port = Some(connection.peer.port()).filter(|_| connection.peer.ip() == client);
    let ends = Ends { client: Some(client), client_port, server: Some(connection.server.ip()) };
    Query {
        method: req.method().as_str(),
        host: req.headers().get(header::HOST).map(HeaderValue::as_bytes),
        path,
        headers: req.headers(),
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
