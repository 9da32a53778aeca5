//! One request, end to end.

pub mod activity;
pub mod affinity;
mod asked;
pub mod body;
pub mod client;
mod clients;
pub mod closing;
pub mod decide;
pub mod detour;
mod ending;
mod facts;
pub mod failure;
pub mod forward;
pub mod gather;
mod ids;
pub mod inspect;
pub mod leftover;
pub mod outgoing;
mod own;
pub mod patience;
pub mod request;
pub mod response;
pub mod seen;
pub mod serials;
mod sizes;
mod told;
pub mod upgrade;
pub mod wall;
pub mod worker;

use crate::body::Body;
use crate::observe::access::{CLIENT_GONE, Entry, Met, Sizes};
use crate::observe::trace::Trace;
use crate::plugin::{Ended, Origin};
use crate::proxy::worker::{Pinned, Worker};
use crate::snapshot::Service;
use crate::upstream::peers::Hold;
use activity::Busy;
use client::Connection;
use decide::{Course, Scene, Settled};
use ending::Ending;
use failure::Failure;
use forward::{Answer, Errand, Times, between, forward};
use http::{Request, Response, header};
use leftover::Sent;
use outgoing::{AtEnd, End, Outgoing};
use patience::patient;
use response::Latencies;
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use told::Noted;
use upgrade::Tunnel;
use uuid::Uuid;

/// An answer before the response phase.
struct Made {
    response: Response<Body>,
    origin: Origin,
    /// That its target is busy with it, where this is counted.
    hold: Option<Hold>,
}

/// Where a request is served.
struct Place {
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    snapshot: Pinned,
}

/// One request under way. It has a box of its own from its first moment to its last: it is large, and passes through many
/// hands.
struct Exchange {
    /// Its connection is busy with it; `None` once the answer's body says so.
    busy: Option<Busy>,
    place: Place,
    course: Course,
    times: Times,
    answered: Option<Instant>,
    /// Bytes of the request; 0 where nobody measures.
    received: u64,
    /// What its line in the access log needs of its head.
    entry: Option<Entry>,
    /// What is done at its end.
    ending: Ending,
    /// Whether it was on its way to an upstream; what fails then looks like an upstream's failure.
    under_way: bool,
    /// What follows an answer by which something else than HTTP was agreed on.
    tunnel: Option<Box<Tunnel>>,
}

/// A request that has no answer yet. If its client takes it back, it has a line in the access log all the same.
struct Owed<'a> {
    exchange: &'a mut Exchange,
    answered: bool,
}

/// Answers a request, whatever it is: with the upstream's answer, a plugin's, or the gateway's own. `sent` is where one
/// learns that a client over HTTP/2 has sent all of it.
#[inline]
pub async fn handle(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    req: Request<Body>,
    sent: Option<Sent>,
) -> Response<Outgoing> {
    let mut exchange = Exchange::begin(worker, connection, &req);
    let mut owed = Owed { exchange: &mut exchange, answered: false };
    let made = match owed.exchange.run(req).await {
        Ok(made) => made,
        Err(failure) => owed.exchange.own_words(failure),
    };
    if let (Origin::Gateway | Origin::Failed, Some(sent)) = (made.origin, sent) {
        sent.soon().await;
    }
    owed.answered = true;
    drop(owed);
    exchange.finish(made)
}

fn request_id() -> Box<str> {
    Uuid::new_v4().simple().to_string().into()
}

// === impl Owed ===

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.exchange.taken_back();
        }
    }
}

// === impl Place ===

impl Place {
    /// The trace that a request belongs to, if somebody wants to know.
    fn trace(&self, req: &Request<Body>) -> Option<Trace> {
        let settings = &self.worker.settings;
        match settings.trace_context {
            true => Some(Trace::joined(req.headers(), settings.trace_share, Uuid::new_v4)),
            false if self.worker.access.needs().trace => Trace::seen(req.headers()),
            false => None,
        }
    }

    /// What a request's line in the access log needs of its head.
    fn entry(&self, course: &Course, req: &Request<Body>) -> Option<Entry> {
        let handshake = self.connection.tls.as_ref().and_then(|tls| tls.handshake);
        let met = Met { client: course.cx.client, tls: course.cx.tls, handshake };
        self.worker.access.entry(req, met)
    }

    fn scene(&self) -> Scene<'_> {
        Scene { snapshot: &self.snapshot, settings: &self.worker.settings, connection: &self.connection }
    }
}

// === impl Exchange ===

impl Exchange {
    fn begin(worker: Rc<Worker>, connection: Rc<Connection>, req: &Request<Body>) -> Box<Self> {
        let (snapshot, start) = (worker.snapshot(), Instant::now());
        worker.traffic.request();
        let place = Place { worker, connection, snapshot };
        let busy = place.connection.activity.begin();
        let (now, wall) = (start.into_std(), place.worker.wall.at(start.into_std()));
        let course = Course::begin(place.scene(), req, now, wall, request_id);
        let mut exchange = Box::new(Self {
            busy: Some(busy),
            course,
            times: Times::default(),
            answered: None,
            received: 0,
            entry: None,
            ending: Ending::new(start),
            under_way: false,
            tunnel: None,
            place,
        });
        let Self { place, course, .. } = &mut *exchange;
        course.cx.arrival = place.worker.serials.arrival(&place.connection);
        course.cx.trace = place.trace(req);
        exchange.entry = exchange.place.entry(&exchange.course, req);
        exchange
    }

    /// Its client went, or took it back.
    fn taken_back(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let Self { place: Place { worker, snapshot, .. }, course, times, ending, .. } = self;
        let (tries, upstream, sizes) = (times.tries.take(), None, None);
        let noted = Noted { entry, status: CLIENT_GONE, start: ending.start, tries, upstream, sizes };
        noted.tell(worker, snapshot, &course.cx, End { bytes: 0, whole: false }, Instant::now());
    }

    /// The story of a request, up to an answer's head.
    async fn run(&mut self, req: Request<Body>) -> Result<Made, Failure> {
        let (mut parts, body) = req.into_parts();
        if self.place.worker.access.needs().length {
            self.received = sizes::request(&parts);
        }
        self.course.receive(self.place.scene(), &mut parts)?;
        let snapshot = self.place.snapshot.clone();
        if let Some((_, response)) = self.course.rewrite(&snapshot, &mut parts) {
            return Ok(Made { response, origin: Origin::Gateway, hold: None });
        }
        let settled = self.course.settle(self.place.scene(), &mut parts)?;
        let route = snapshot.route(settled.route);
        if route.chain.measures() {
            self.received = sizes::request(&parts);
        }

        let mut req = Request::from_parts(parts, body);
        let plugins = route.chain.access(&mut req, &mut self.course.cx);
        let answered = patient(plugins, self.place.worker.settings.client_body_timeout).await;
        if let Some(response) = answered.ok_or(Failure::ClientTimeout)? {
            return Ok(Made { response, origin: Origin::Gateway, hold: None });
        }
        let service = route.service.map(|id| snapshot.service(id)).ok_or(Failure::NoService)?;
        let met = detour::met(service, self.course.cx.detour.as_deref());
        self.ask(&met, settled, req).await
    }

    async fn ask(&mut self, service: &Service, settled: Settled, req: Request<Body>) -> Result<Made, Failure> {
        let hash = self.course.affinity(self.place.scene(), service, &req, uuid::Uuid::new_v4);
        let out = self.course.outbound(self.place.scene(), settled, req)?;

        self.under_way = true;
        let Place { worker, snapshot, .. } = &self.place;
        let max = self.course.body_limit(self.place.scene());
        let body = forward::request_body(out.body, max, &worker.settings).await?;
        if self.course.cx.facts.is_some() {
            (self.times.tries, self.ending.upload) = (Some(Vec::new()), body.progress());
        } else if worker.access.needs().tries {
            self.times.tries = Some(Vec::new());
        }
        let mut errand = Errand { service, host: out.host, parts: out.parts, own: out.own, body, hash };
        let answer = forward(worker, snapshot, &mut errand, &mut self.times).await?;
        self.answered = Some(Instant::now());
        self.pass_on(answer)
    }

    /// Takes the upstream's answer as it comes.
    fn pass_on(&mut self, answer: Answer) -> Result<Made, Failure> {
        let Answer { mut response, switched, mut hold } = answer;
        let status = response.status();
        response::clean(status, response.headers_mut(), &self.course.upgrade, self.course.asked.trailers);
        if let Some(upstream) = switched {
            if !self.course.may_switch() {
                return Err(Failure::BadGateway);
            }
            let busy = self.place.connection.activity.begin();
            self.tunnel = Some(Tunnel::new(upstream.into_parts(), &self.place.worker, (busy, hold.take())));
        }
        Ok(Made { response, origin: Origin::Upstream, hold })
    }

    /// The gateway's own answer.
    fn own_words(&mut self, failure: Failure) -> Made {
        let response = self.course.own_words(self.place.scene(), failure);
        Made { response, origin: Course::origin(failure, self.under_way), hold: None }
    }

    /// The response phase, and the last word on the head.
    fn finish(mut self: Box<Self>, made: Made) -> Response<Outgoing> {
        let Made { mut response, origin, hold } = made;
        self.course.cx.origin = origin;
        self.course.stick(response.headers_mut());
        let snapshot = self.place.snapshot.clone();
        self.course.chain(&snapshot).response(&mut response, &mut self.course.cx);
        self.course.frame(&snapshot, &mut response);
        if origin != Origin::Upstream {
            response.headers_mut().insert(header::DATE, self.place.worker.date(SystemTime::now()));
        }
        let (stopping, latencies) = (self.place.worker.closing.is_closing(), self.latencies());
        self.course.close(self.place.scene(), &mut response, latencies, stopping);
        if let Some(facts) = &mut self.course.cx.facts {
            facts.tries = Some(self.times.tries.take().unwrap_or_default());
            facts.end = Some(facts::answered(&response, origin, latencies));
        }
        self.depart(response, hold)
    }

    fn latencies(&self) -> Latencies {
        let answered = self.answered.unwrap_or_else(Instant::now);
        let chosen = self.times.chosen.unwrap_or(answered);
        Latencies { gateway: between(self.ending.start, chosen), upstream: between(chosen, answered) }
    }

    /// What is known of the end before the body has gone, if some plugin may ask.
    fn ended(&self, response: &Response<Body>) -> Option<Ended> {
        let chain = self.course.chain(&self.place.snapshot);
        if chain.is_empty() {
            return None;
        }
        let (Latencies { gateway, upstream }, status) = (self.latencies(), response.status());
        let sent = if chain.measures() { sizes::answer(response.headers()) } else { 0 };
        Some(Ended { status, received: self.received, sent, gateway, upstream, whole: Duration::ZERO })
    }

    /// What its line in the access log needs of its end.
    fn noted(&mut self, entry: Entry, response: &Response<Body>) -> Noted {
        let (needs, headers) = (self.place.worker.access.needs(), response.headers());
        let sizes = (needs.answer || needs.length).then(|| Sizes {
            request: self.received,
            head: sizes::answer(headers),
            headers: headers.clone(),
        });
        Noted {
            entry,
            status: response.status().as_u16(),
            start: self.ending.start,
            tries: self.times.tries.take(),
            upstream: (self.course.cx.origin != Origin::Gateway).then(|| self.latencies().upstream),
            sizes: sizes.map(Box::new),
        }
    }

    /// Sends the body on its way; when it has gone, the log phase runs.
    fn depart(mut self: Box<Self>, response: Response<Body>, hold: Option<Hold>) -> Response<Outgoing> {
        self.ending.ended = self.ended(&response);
        self.ending.noted = self.entry.take().map(|entry| self.noted(entry, &response));
        let (busy, tunnel) = (self.busy.take(), self.tunnel.take());
        let outgoing = |body| Outgoing::new(body, busy).holding(hold).before(tunnel);
        let Self { place, course, ending, .. } = &mut *self;
        let chain = decide::chain(course.route, &place.snapshot);
        if ending.noted.is_none() && chain.is_empty() {
            return response.map(outgoing);
        }
        chain.keep_answer(&response, &mut course.cx);
        let (response, at_end): (_, Box<dyn AtEnd>) = match chain.rare().body {
            true => ending::watched(*self, response),
            false => (response, self),
        };
        response.map(|body| outgoing(body).at_end(at_end))
    }
}
