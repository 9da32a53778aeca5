//! What would become of a request, told in advance: its route and why, its plugins and what each does, what the upstream
//! would be asked or the gateway answers. For `gateway explain`.
//!
//! Nothing is decided here. [`Course`] decides as it does for requests that are served, plugins run as they do there; this
//! module looks on and writes down. Pure but for plugins whose work is slow.

mod batch;
mod choice;
mod json;
mod paint;
mod question;
mod reason;
mod routing;
pub mod secrets;
mod steps;
pub mod table;
mod text;

pub use batch::{read as read_batch, version};
pub use json::json;
pub use paint::Paint;
pub use question::Question;
pub use routing::{Loser, Routing, Winner};
pub use steps::{Change, Ran, Step};
pub use text::{Look, text};

use crate::body::Body;
use crate::config::outline::Outline;
use crate::observe::trace::Trace;
use crate::plugin::{Origin, Piece};
use crate::proxy::decide::{Course, Outbound, Scene, Settled};
use crate::proxy::detour;
use crate::proxy::failure::Failure;
use crate::proxy::forward::{broken, request_body};
use crate::proxy::response::Latencies;
use crate::settings::Settings;
use crate::snapshot::{Host, Service, Snapshot};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use std::net::IpAddr;
use std::time::{Instant, SystemTime};
use steps::Recorder;

/// What is served, and what is known of where it was written.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a> {
    /// What is served.
    pub snapshot: &'a Snapshot,
    /// Where it was written.
    pub outline: &'a Outline,
    /// How it is served.
    pub settings: &'a Settings,
}

/// What would become of a request.
#[derive(Debug)]
pub struct Explanation {
    /// The client, after real-ip processing.
    pub client: IpAddr,
    /// Whether the other end of the connection is believed in what it forwards.
    pub trusted: bool,
    /// The port that the client reached.
    pub port: u16,
    /// Its route and why; `None` if it did not get so far.
    pub routing: Option<Routing>,
    /// Its plugins in running order.
    pub steps: Vec<Step>,
    /// How it ends.
    pub outcome: Outcome,
    /// What was taken for granted.
    pub notes: Vec<String>,
}

/// How a request ends here.
#[derive(Debug)]
pub enum Outcome {
    /// The upstream is asked.
    Upstream(Box<Asked>),
    /// It is answered without the upstream.
    Answer(Box<Answer>),
    /// The parser of HTTP refuses it with 400, for this reason.
    Unparsable(String),
}

/// What the upstream is asked.
#[derive(Debug)]
pub struct Asked {
    /// The service, as it is called and written.
    pub service: String,
    /// Its URL as written.
    pub url: String,
    /// Its line.
    pub line: usize,
    /// Whom it may be sent to, as `HOST:PORT`, with weights where there are several.
    pub peers: Vec<(String, Option<u32>)>,
    /// How one of several is chosen.
    pub choice: Option<String>,
    /// Whether it goes over TLS.
    pub tls: bool,
    /// The method.
    pub method: Method,
    /// The request target.
    pub target: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer that no upstream gives.
#[derive(Debug)]
pub struct Answer {
    /// Who gives it.
    pub by: Answerer,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Who answers instead of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// The gateway, for this reason.
    Gateway(Failure),
    /// The plugin of this name.
    Plugin(&'static str),
}

/// Why no route's plugins run.
enum Stop {
    /// The gateway answers, for this reason.
    Failure(Failure),
    /// A plugin does, before there is a route.
    Answer(&'static str, Box<Response<Body>>),
}

/// A request under explanation.
struct Inquiry<'a> {
    served: Served<'a>,
    scene: Scene<'a>,
    course: Course,
    recorder: Recorder<'a>,
}

/// Explains one request. `now` is when it would come, which is `wall` by the calendar.
pub async fn explain(served: Served<'_>, question: &Question, now: Instant, wall: SystemTime) -> Explanation {
    let connection = question.connection(served.settings, served.snapshot);
    let scene = Scene { snapshot: served.snapshot, settings: served.settings, connection: &connection };
    let mut told = Explanation {
        client: connection.peer.ip(),
        trusted: connection.trusted,
        port: connection.port,
        routing: None,
        steps: Vec::new(),
        outcome: Outcome::Unparsable(String::new()),
        notes: question.notes(served.settings),
    };
    let request = match question.request() {
        Ok(request) => request,
        Err(why) => return Explanation { outcome: Outcome::Unparsable(why), ..told },
    };
    let mut course = Course::begin(scene, &request, now, wall, || "made-for-each-request".into());
    course.cx.dry_run = true;
    if served.settings.trace_context {
        let (share, random) = (served.settings.trace_share, course.cx.arrival.random);
        course.cx.trace = Some(Trace::joined(request.headers(), share, random));
    }
    course.cx.arrival.server = connection.server;
    told.client = course.cx.client;
    let (mut parts, body) = request.into_parts();
    let settled = settle(&mut course, scene, &mut parts, &mut told.notes);
    if settled.as_ref().map_or_else(Stop::is_after_routing, |_| true) {
        told.routing = routing::routing(served, &parts, &connection);
    }
    let recorder = Recorder::new(served, course.chain(served.snapshot), &parts, &question.body);
    let mut inquiry = Inquiry { served, scene, course, recorder };
    told.outcome = inquiry.follow(settled, parts, body).await;
    told.steps = inquiry.recorder.finish(&inquiry.course.cx);
    told
}

/// All that comes before a route's plugins.
fn settle(course: &mut Course, scene: Scene<'_>, parts: &mut Parts, notes: &mut Vec<String>) -> Result<Settled, Stop> {
    course.receive(scene, parts).map_err(Stop::Failure)?;
    let before = scene.snapshot.global.rare().rewrite.then(|| parts.headers.clone());
    let answer = course.rewrite(scene.snapshot, parts);
    notes.extend(before.and_then(|before| steps::rewritten(&before, &parts.headers)));
    match answer {
        Some((name, response)) => Err(Stop::Answer(name, Box::new(response))),
        None => course.settle(scene, parts).map_err(Stop::Failure),
    }
}

// === impl Stop ===

impl Stop {
    fn is_after_routing(&self) -> bool {
        matches!(self, Self::Failure(failure) if reason::is_after_routing(*failure))
    }
}

// === impl Inquiry ===

impl Inquiry<'_> {
    async fn follow(&mut self, settled: Result<Settled, Stop>, parts: Parts, body: Body) -> Outcome {
        let snapshot = self.served.snapshot;
        let settled = match settled {
            Ok(settled) => settled,
            Err(Stop::Failure(failure)) => return self.refuse(failure, false).await,
            Err(Stop::Answer(by, response)) => {
                self.recorder.answered(by, response.status());
                return self.answer(Answerer::Plugin(by), *response, Origin::Gateway).await;
            }
        };
        let (mut req, route) = (Request::from_parts(parts, body), snapshot.route(settled.route));
        let answer = route.chain.access_seen(&mut req, &mut self.course.cx, &mut self.recorder).await;
        if let Some(response) = answer {
            let by = Answerer::Plugin(self.recorder.answerer().unwrap_or_default());
            return self.answer(by, response, Origin::Gateway).await;
        }
        let Some(service) = route.service.map(|id| snapshot.service(id)) else {
            return self.refuse(Failure::NoService, false).await;
        };
        let met = detour::met(service, self.course.cx.detour.as_deref());
        let hash = self.course.affinity(self.scene, &met, &req, uuid::Uuid::nil);
        let hash = Some(hash).filter(|_| !self.course.gets_cookie());
        match self.course.outbound(self.scene, settled, req) {
            Ok(out) => self.ask(&met, hash, out).await,
            Err(failure) => self.refuse(failure, false).await,
        }
    }

    async fn ask(&mut self, service: &Service, hash: Option<u32>, out: Outbound) -> Outcome {
        let max = self.course.body_limit(self.scene);
        let Outbound { host, mut parts, own, body } = out;
        if let Some(own) = own {
            own.put(&mut parts.headers);
        }
        let body = match request_body(body, max, self.scene.settings).await {
            Ok(body) => body,
            Err(failure) => return self.refuse(failure, true).await,
        };
        let exact = http_body::Body::size_hint(&body).exact();
        let bytes = match body.collect().await {
            Ok(whole) => whole.to_bytes(),
            Err(error) => {
                let why = error.downcast_ref().copied().map_or(Failure::BadGateway, broken);
                return self.refuse(why, true).await;
            }
        };
        let (peers, own) = peers(self.served.snapshot, service);
        let chosen = choice::target(self.served.snapshot, service, hash);
        let own = chosen.map(|target| target.authorities[usize::from(service.tls.is_some())].clone()).or(own);
        let Some(name) = host.or(own) else { return self.refuse(Failure::NoPeer, true).await };
        parts.headers.insert(header::HOST, name);
        frame(&mut parts.headers, exact, &bytes);
        self.respond(&mut Response::new(Body::Empty), Origin::Upstream);
        let outline = self.course.cx.service.and_then(|id| self.served.outline.services.get(id.index()));
        Outcome::Upstream(Box::new(Asked {
            service: service.identity.to_string(),
            url: outline.map(|outline| outline.url.clone()).unwrap_or_default(),
            line: outline.map_or(0, |outline| outline.line),
            peers,
            choice: choice::of(self.served.snapshot, service, hash),
            tls: service.tls.is_some(),
            method: parts.method,
            target: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            headers: parts.headers,
            body: bytes,
        }))
    }

    /// The gateway's own answer.
    async fn refuse(&mut self, failure: Failure, under_way: bool) -> Outcome {
        let response = self.course.own_words(self.scene, failure);
        self.answer(Answerer::Gateway(failure), response, Course::origin(failure, under_way)).await
    }

    async fn answer(&mut self, by: Answerer, mut response: Response<Body>, origin: Origin) -> Outcome {
        self.respond(&mut response, origin);
        self.course.frame(self.served.snapshot, &mut response);
        self.course.close(self.scene, &mut response, Latencies::default(), false);
        let (parts, body) = response.into_parts();
        // Own answers are at hand and cannot break.
        let mut body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let chain = self.course.chain(self.served.snapshot);
        if chain.rare().body {
            let mut piece = Piece { data: body, last: true };
            chain.body(&mut piece, &mut self.course.cx);
            body = piece.data;
        }
        Outcome::Answer(Box::new(Answer { by, status: parts.status, headers: parts.headers, body }))
    }

    fn respond(&mut self, response: &mut Response<Body>, origin: Origin) {
        self.course.cx.origin = origin;
        let chain = self.course.chain(self.served.snapshot);
        chain.response_seen(response, &mut self.course.cx, &mut self.recorder);
    }
}

/// What the connection to the upstream says of the body's length.
fn frame(headers: &mut HeaderMap, exact: Option<u64>, body: &Bytes) {
    match exact {
        _ if body.is_empty() => {}
        Some(length) => drop(headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length))),
        None => drop(headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))),
    }
}

/// Whom a service's requests may go to, and the Host that the first gets. None of weight 0.
fn peers(snapshot: &Snapshot, service: &Service) -> (Vec<(String, Option<u32>)>, Option<HeaderValue>) {
    let one = |name: &str| (vec![(format!("{name}:{}", service.port), None)], Some(service.authority.clone()));
    match &service.host {
        Host::Address(IpAddr::V6(ip)) => one(&format!("[{ip}]")),
        Host::Address(ip) => one(&ip.to_string()),
        Host::Name(name) => one(name),
        Host::Upstream(id) => {
            let targets: Vec<_> = snapshot.upstream(*id).targets.iter().filter(|target| target.weight > 0).collect();
            let host = targets.first().map(|target| target.authorities[usize::from(service.tls.is_some())].clone());
            let named = targets.iter().map(|target| (format!("{}:{}", target.name, target.port), Some(target.weight)));
            (named.collect(), host)
        }
    }
}
