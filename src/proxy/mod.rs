//! One request, end to end.

pub mod activity;
mod asked;
pub mod body;
pub mod client;
mod clients;
pub mod closing;
pub mod failure;
pub mod forward;
pub mod gather;
pub mod inspect;
pub mod leftover;
pub mod outgoing;
mod own;
pub mod patience;
pub mod request;
pub mod response;
pub mod upgrade;
pub mod worker;

use crate::body::Body;
use crate::entity::{Compat, RouteId};
use crate::observe::access::Entry;
use crate::plugin::{Ctx, Group, Kept, Origin};
use crate::proxy::worker::{Pinned, Worker};
use crate::reply::Asker;
use crate::route::normalize::{Target, normalize};
use crate::route::rewrite::{forwarded_prefix, upstream_path};
use crate::route::{Match, Query};
use crate::snapshot::{Route, Service, Snapshot};
use crate::upstream::lease::Lease;
use activity::Busy;
use asked::Asked;
use body::RequestBody;
use client::Connection;
use failure::Failure;
use forward::{Answer, Errand, Times, between, forward};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use leftover::Sent;
use outgoing::{End, Outgoing};
use patience::patient;
use request::{Forwarded, Upgrade};
use response::{Closing, Latencies};
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

const MALFORMED: Failure = Failure::BadRequest("the request target is malformed");

/// An answer before the response phase.
struct Made {
    response: Response<Body>,
    origin: Origin,
    /// The upstream connection that the body comes over, and the limit between two reads.
    source: Option<(Lease<RequestBody>, Duration)>,
}

/// One request under way.
struct Exchange {
    busy: Busy,
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    snapshot: Pinned,
    asked: Asked,
    start: Instant,
    times: Times,
    answered: Option<Instant>,
    cx: Ctx,
    /// The route whose plugins run. Until it is settled, and without one, the global plugins run.
    route: Option<RouteId>,
    upgrade: Upgrade,
    /// Whether it was on its way to an upstream; what fails then looks like an upstream's failure.
    under_way: bool,
    /// Where a redirect leads.
    location: Option<HeaderValue>,
    /// Whether nothing more can be read from this client.
    closes: bool,
}

/// Answers a request, whatever it is: with the upstream's answer, a plugin's, or the gateway's own.
pub async fn handle(worker: Rc<Worker>, connection: Rc<Connection>, req: Request<Incoming>) -> Response<Outgoing> {
    let (req, sent) = take_body(req);
    let mut exchange = Exchange::begin(worker, connection, &req);
    let entry = exchange.worker.access.entry(&req, exchange.cx.client);
    let made = match exchange.run(req).await {
        Ok(made) => made,
        Err(failure) => exchange.own_words(failure),
    };
    if let (None, Some(sent)) = (&made.source, sent) {
        sent.soon().await;
    }
    exchange.finish(made, entry)
}

fn take_body(req: Request<Incoming>) -> (Request<Body>, Option<Sent>) {
    let (parts, body) = req.into_parts();
    let (body, sent) =
        if parts.version == Version::HTTP_2 { leftover::patient(body) } else { (Body::Incoming(body), None) };
    (Request::from_parts(parts, body), sent)
}

// === impl Exchange ===

impl Exchange {
    fn begin(worker: Rc<Worker>, connection: Rc<Connection>, req: &Request<Body>) -> Self {
        let (snapshot, settings) = (worker.snapshot(), &worker.settings);
        let client = connection.client(req.headers(), settings);
        connection.activity.set_unread(!http_body::Body::is_end_stream(req.body()));
        let start = Instant::now();
        let mut cx = Ctx::new(snapshot.compat, client, connection.tls.is_some(), start.into_std());
        cx.https = connection.https(req.headers());
        cx.body_buffer = settings.client_body_buffer_size;
        cx.error_type = settings.error_default_type;
        if snapshot.compat == Compat::Kong3 {
            cx.request_id = Some(uuid::Uuid::new_v4().simple().to_string().into());
        }
        Self {
            busy: connection.activity.begin(),
            asked: Asked::of(req),
            start,
            times: Times::default(),
            answered: None,
            route: None,
            upgrade: Upgrade::None,
            under_way: false,
            location: None,
            closes: false,
            worker,
            connection,
            snapshot,
            cx,
        }
    }

    /// The story of a request, up to an answer's head.
    async fn run(&mut self, req: Request<Body>) -> Result<Made, Failure> {
        let (mut parts, body) = req.into_parts();
        if parts.version == Version::HTTP_2 {
            request::from_http2(&mut parts.headers, &parts.uri)?;
        }
        self.snapshot.global.keep(&parts.headers, &mut self.cx);
        inspect::inspect(&parts, &self.worker.settings)?;
        let raw = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let target = Target::split(raw.as_bytes()).ok_or(MALFORMED)?;
        let path = normalize(target.path).map_err(|_| MALFORMED)?;
        let found = self.find(&parts, &path).ok_or(Failure::NoRoute)?;
        let snapshot = self.snapshot.clone();
        let route = snapshot.route(found.route);
        self.check_scheme(route, &parts)?;
        if clients::is_misdirected(&snapshot.certificates.clients, &parts.headers, &self.connection) {
            return Err(Failure::Misdirected);
        }
        self.settle(found.route, route, &parts);
        let prefix = forwarded_prefix(&path, found.prefix, route.strip_path);
        let forwarded = Forwarded::new(&parts.headers, target.path, prefix, self.cx.client, &self.connection);
        let base = route.service.map_or("/", |id| &snapshot.service(id).path);
        self.cx.path = upstream_path(base, &path, found.prefix, route.strip_path, route.path_handling);
        self.cx.captures = captures(&found, &path);
        let query = target.query.map(<[u8]>::to_vec);

        let mut req = Request::from_parts(parts, body);
        let plugins = route.chain.access(&mut req, &mut self.cx);
        let answered = patient(plugins, self.worker.settings.client_body_timeout).await;
        if let Some(response) = answered.ok_or(Failure::ClientTimeout)? {
            return Ok(Made { response, origin: Origin::Gateway, source: None });
        }
        let service = route.service.map(|id| snapshot.service(id)).ok_or(Failure::NoService)?;
        self.ask(service, route.preserve_host, forwarded, query, req).await
    }

    fn find(&self, parts: &Parts, path: &[u8]) -> Option<Match> {
        let connection = &self.connection;
        self.snapshot.router.find(&Query {
            method: parts.method.as_str(),
            host: parts.headers.get(header::HOST).map(HeaderValue::as_bytes),
            path,
            headers: &parts.headers,
            tls: connection.tls.is_some(),
            port: connection.port,
            sni: connection.sni(),
        })
    }

    /// `kong/routing.md` §7. Before any plugin.
    fn check_scheme(&mut self, route: &Route, parts: &Parts) -> Result<(), Failure> {
        if let Some(status) = route.https_only.filter(|_| !self.cx.https) {
            return Err(self.send_to_https(status, parts));
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

    fn send_to_https(&mut self, status: StatusCode, parts: &Parts) -> Failure {
        if !status.is_redirection() {
            return Failure::HttpsOnly;
        }
        self.location = asked::https_location(&parts.headers, &parts.uri, self.connection.trusted);
        Failure::HttpsRedirect(status)
    }

    /// From here on the route's plugins run, also on an answer of the gateway's own.
    fn settle(&mut self, id: RouteId, route: &Route, parts: &Parts) {
        self.route = Some(id);
        self.cx.route = Some(id);
        self.cx.service = route.service;
        self.cx.kept = Kept::default();
        route.chain.keep(&parts.headers, &mut self.cx);
        if parts.version == Version::HTTP_11 {
            self.upgrade = request::wanted_upgrade(&parts.headers);
        }
    }

    async fn ask(
        &mut self,
        service: &Service,
        preserve_host: bool,
        forwarded: Forwarded,
        query: Option<Vec<u8>>,
        mut req: Request<Body>,
    ) -> Result<Made, Failure> {
        let tunnel = (self.upgrade != Upgrade::None).then(|| hyper::upgrade::on(&mut req));
        let (mut parts, body) = req.into_parts();
        let kept = || parts.headers.get(header::HOST).filter(|_| preserve_host).cloned();
        let host = self.cx.host.take().or_else(kept);
        request::clean(&mut parts.headers, &self.upgrade);
        forwarded.write(&mut parts.headers);
        if clients::are_asked(&self.worker.settings, &self.snapshot) {
            clients::introduce(&mut parts.headers, &self.connection);
        }
        request::identify(&mut parts.headers, &self.cx, self.asked.version);
        if !matches!(body, Body::Incoming(_)) {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let query = match self.cx.query.take() {
            Some(made) => Some(made.into_bytes()).filter(|made| !made.is_empty()),
            None => query,
        };
        parts.uri = upstream_uri(&self.cx.path, query.as_deref())?;
        parts.version = Version::HTTP_11;

        self.under_way = true;
        let max = self.general_limit().min(self.cx.body_limit.unwrap_or(u64::MAX));
        let body = forward::request_body(body, max, &self.worker, &self.connection.activity).await?;
        let errand = Errand { service, host, parts, body };
        let answer = forward(&self.worker, &self.snapshot, errand, &mut self.times).await?;
        self.answered = Some(Instant::now());
        self.pass_on(answer, service.read_timeout, tunnel)
    }

    /// How large any body may be.
    fn general_limit(&self) -> u64 {
        match self.worker.settings.client_max_body_size {
            0 => u64::MAX,
            limit => limit,
        }
    }

    /// Takes the upstream's answer as it comes.
    fn pass_on(&mut self, answer: Answer, read: Duration, tunnel: Option<OnUpgrade>) -> Result<Made, Failure> {
        let Answer { mut response, lease } = answer;
        let status = response.status();
        response::clean(status, response.headers_mut(), &self.upgrade, self.asked.trailers);
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let client = tunnel.ok_or(Failure::BadGateway)?;
            let busy = self.connection.activity.begin();
            upgrade::tunnel(client, hyper::upgrade::on(&mut response), &self.worker, busy);
            let response = response.map(|_| Body::Empty);
            return Ok(Made { response, origin: Origin::Upstream, source: None });
        }
        let response = response.map(Body::Incoming);
        Ok(Made { response, origin: Origin::Upstream, source: Some((lease, read)) })
    }

    /// The gateway's own answer.
    fn own_words(&mut self, mut failure: Failure) -> Made {
        if failure == Failure::BodyTooLarge && self.cx.body_limit.is_some_and(|limit| limit < self.general_limit()) {
            failure = Failure::SizeLimit;
        }
        failure.log(self.cx.client, self.route.map(|id| &self.snapshot.route(id).identity));
        self.closes = failure.closes();
        let headers = self.asked.error_headers();
        let asker = Asker {
            headers: failure.saw_headers().then_some(&headers),
            http2: self.asked.version == Version::HTTP_2,
            default_type: self.worker.settings.error_default_type,
            compat: self.snapshot.compat,
            request_id: self.cx.request_id.as_deref(),
        };
        let mut response = failure.answer(&asker);
        if let Some(location) = self.location.take() {
            response.headers_mut().insert(header::LOCATION, location);
        }
        let origin = if self.under_way && failure.is_exchange() { Origin::Failed } else { Origin::Gateway };
        Made { response, origin, source: None }
    }

    /// The response phase, and the last word on the head.
    fn finish(mut self, made: Made, entry: Option<Entry>) -> Response<Outgoing> {
        let Made { mut response, origin, source } = made;
        self.cx.origin = origin;
        let snapshot = self.snapshot.clone();
        let chain = self.route.map_or(&snapshot.global, |id| &snapshot.route(id).chain);
        chain.response(&mut response, &mut self.cx);
        own::frame(&mut response, self.asked.head);
        self.name_route(&mut response, &snapshot);
        if origin != Origin::Upstream {
            response.headers_mut().insert(header::DATE, self.worker.date(SystemTime::now()));
        }
        let (tokens, compat, latencies) = (self.worker.settings.headers, snapshot.compat, self.latencies());
        let request_id = self.cx.request_id.as_deref();
        response::close(&mut response, &Closing { tokens, compat, origin, latencies, request_id });
        let stays = self.asked.stays && !self.closes && !self.worker.closing.is_closing();
        own::say_connection(&mut response, self.asked.version, stays);
        self.depart(response, source, entry)
    }

    /// `Kong-Debug` asks which route and service it was.
    fn name_route(&self, response: &mut Response<Body>, snapshot: &Snapshot) {
        if let (Some(id), true) = (self.route, self.asked.debug && snapshot.compat == Compat::Kong2) {
            let route = snapshot.route(id);
            let service = route.service.map(|id| &snapshot.service(id).identity);
            own::name(response.headers_mut(), &route.identity, service);
        }
    }

    fn latencies(&self) -> Latencies {
        let answered = self.answered.unwrap_or_else(Instant::now);
        let chosen = self.times.chosen.unwrap_or(answered);
        Latencies { gateway: between(self.start, chosen), upstream: between(chosen, answered) }
    }

    /// Sends the body on its way; when it has gone, the log phase runs.
    fn depart(
        self,
        response: Response<Body>,
        source: Option<(Lease<RequestBody>, Duration)>,
        entry: Option<Entry>,
    ) -> Response<Outgoing> {
        let status = response.status();
        let Self { worker, snapshot, cx, route, busy, .. } = self;
        let response = response.map(|body| match source {
            Some((lease, read)) => Outgoing::proxied(body, lease, read, busy),
            None => Outgoing::own(body, busy),
        });
        let chain_logs = !route.map_or(&snapshot.global, |id| &snapshot.route(id).chain).is_empty();
        if entry.is_none() && !chain_logs {
            return response;
        }
        let at_end = Box::new(move |end: End| {
            if let Some(entry) = &entry {
                worker.access.write(entry, cx.user.as_deref(), status, end.bytes, SystemTime::now());
            }
            route.map_or(&snapshot.global, |id| &snapshot.route(id).chain).log(&cx);
        });
        response.map(|body| body.at_end(at_end))
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

/// The groups of a regex path, as plugins see them.
fn captures(found: &Match, path: &[u8]) -> Vec<Group> {
    let text = |(start, end)| path.get(start..end).map(Into::into);
    found.captures.iter().map(|group| Group { name: group.name.clone(), text: group.range.and_then(text) }).collect()
}
