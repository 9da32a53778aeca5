//! Asking the upstream: which peer, over which connection, how often, and for how long (`kong/proxying.md` §4).

use super::body::{Break, Progress, RequestBody, Upload};
use super::failure::Failure;
use super::request::Own;
use crate::body::{Body, Lent};
use crate::http1::turn::turn;
use crate::plugin::record::Try;
use crate::proxy::worker::{Held, Worker};
use crate::settings::Settings;
use crate::snapshot::Service;
use crate::upstream::alarm::Alarm;
use crate::upstream::connect::ConnectError;
use crate::upstream::http1::connection::{Connection, Fault};
use crate::upstream::http1::early::relayed;
use crate::upstream::http1::response::Head;
use crate::upstream::peers::{Hold, Peer};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// A request ready to go upstream, but for its Host, which depends on the peer.
#[derive(Debug)]
pub struct Errand<'a> {
    /// Where it goes.
    pub service: &'a Service,
    /// The Host that the client or a plugin chose; `None` is the peer's own.
    pub host: Option<HeaderValue>,
    /// The head, without what the gateway tells itself; its body is not looked at.
    pub req: &'a mut Request<Body>,
    /// That.
    pub own: Option<&'a Own>,
    /// The body.
    pub body: RequestBody,
    /// The hash of what decides which target gets it; see [`super::affinity`].
    pub hash: u32,
}

/// An upstream's answer.
#[derive(Debug)]
pub struct Answer {
    /// Its head, and a body that gives the connection back at its end.
    pub response: Response<Body>,
    /// The connection, where something else is spoken over it from here on (101).
    pub switched: Option<Box<Connection>>,
    /// That its target is busy with it, where this is counted.
    pub hold: Option<Hold>,
}

/// When things happened; filled in as they do, whatever the outcome.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// When the last peer was chosen; `None` when none was.
    pub chosen: Option<Instant>,
    /// Each attempt, if somebody wants to know.
    pub tries: Option<Vec<Try>>,
}

/// How one attempt failed.
enum Trouble {
    /// The request was not sent.
    Unsent(Failure),
    /// It was sent, all or in part, to a peer that failed.
    Sent(Failure),
    /// The client's body broke; there is nothing to try again.
    Client(Break),
}

// === impl Times ===

impl Times {
    /// A peer is about to be chosen. The time, if it is of interest.
    fn begin(&self) -> Option<Instant> {
        self.tries.is_some().then(Instant::now)
    }

    /// A peer was chosen, now.
    fn choose(&mut self, peer: SocketAddr, start: Option<Instant>) -> Instant {
        let now = Instant::now();
        self.chosen = Some(now);
        if let (Some(tries), Some(start)) = (&mut self.tries, start) {
            tries.push(Try { peer, start: start.into_std(), choice: between(start, now), failed: None });
        }
        now
    }

    /// The last attempt was in vain.
    fn fail(&mut self, why: Failure) {
        if let Some(last) = self.tries.as_mut().and_then(|tries| tries.last_mut()) {
            last.failed = Some(why.status());
        }
    }
}

/// Sends a request and waits for the answer's head.
///
/// # Errors
/// What the client is told after the last attempt.
pub async fn forward(
    worker: &Rc<Worker>,
    held: &Held,
    errand: &mut Errand<'_>,
    times: &mut Times,
) -> Result<Answer, Failure> {
    let mut peers = worker.directory.peers(held, &held.turns, errand.service, errand.hash);
    let repeats = may_repeat(errand);
    let (mut failure, mut sent) = (Failure::BadGateway, false);
    for _ in 0..=errand.service.retries {
        if sent && !repeats {
            break;
        }
        let start = times.begin();
        let peer = peers.next().await?;
        let chosen = times.choose(peer.address, start);
        let name = errand.host.as_ref().unwrap_or(&peer.host).clone();
        errand.req.headers_mut().insert(header::HOST, name);
        match attempt(worker, &peer, errand, repeats, chosen).await {
            Ok(answer) => {
                let hold = peer.answered(answer.response.status());
                return Ok(Answer { hold, ..answer });
            }
            Err(Trouble::Client(why)) => return Err(broken(why)),
            Err(Trouble::Unsent(why)) => failure = why,
            Err(Trouble::Sent(why)) => (failure, sent) = (why, true),
        }
        times.fail(failure);
        let service = &errand.service.identity;
        tracing::warn!(%service, peer = %peer.address, ?failure, "an attempt at the upstream failed");
        peers.failed(peer, failure == Failure::GatewayTimeout);
    }
    peers.gave_up(failure.status());
    Err(failure)
}

/// Whether Kong would make further attempts after the request was sent: idempotent methods, and no body, for a body that was
/// sent is never sent again. Also where no retry is allowed: a kept connection that closes as the request is sent is not one.
fn may_repeat(errand: &Errand<'_>) -> bool {
    let method = errand.req.method();
    let once = matches!(*method, Method::POST | Method::PATCH) || method.as_str() == "LOCK";
    !once && http_body::Body::is_end_stream(&errand.body)
}

/// What the client is told when its body broke.
#[must_use]
pub const fn broken(why: Break) -> Failure {
    match why {
        Break::TooLarge => Failure::BodyTooLarge,
        Break::Slow => Failure::ClientTimeout,
        Break::Client => Failure::BadRequest("the request body is broken"),
    }
}

/// One attempt at one peer, which begins now. An idle connection that turns out to be dead is not an attempt (recorded).
async fn attempt(
    worker: &Rc<Worker>,
    peer: &Peer,
    errand: &mut Errand<'_>,
    repeats: bool,
    now: Instant,
) -> Result<Answer, Trouble> {
    let service = errand.service;
    let link = match worker.links.link(peer.address, service.tls.as_ref(), &errand.req.headers()[header::HOST]) {
        Ok(link) => link,
        Err(error) => return Err(Trouble::Unsent(connect_failure(&error, peer))),
    };
    while let Some(connection) = Connection::reused(link.key, &worker.pool) {
        worker.traffic.reuse();
        match exchange(connection, errand, now).await {
            Err(Trouble::Unsent(_)) => {}
            Err(Trouble::Sent(Failure::BadGateway)) if repeats => break,
            other => return other,
        }
    }
    // Boxed, as it is rare and its TLS handshake is large: every request's future would be as large otherwise.
    let begun = Instant::now();
    let opened = Box::pin(worker.links.connect(&link, service.connect_timeout)).await;
    worker.traffic.connect(opened.is_ok(), begun.elapsed());
    let stream = opened.map_err(|error| Trouble::Unsent(connect_failure(&error, peer)))?;
    let limit = worker.links.response_head;
    let fresh =
        Connection::fresh(stream, link.key, limit, worker.names.clone(), worker.rooms.clone(), worker.pool.clone());
    exchange(fresh, errand, Instant::now()).await
}

fn connect_failure(error: &ConnectError, peer: &Peer) -> Failure {
    tracing::warn!(peer = %peer.address, %error, "cannot connect to the upstream");
    match error {
        ConnectError::Timeout => Failure::GatewayTimeout,
        ConnectError::Io(_) | ConnectError::Tls(_) => Failure::BadGateway,
    }
}

/// Sends over one connection, from now on, and waits for the head.
async fn exchange(mut connection: Box<Connection>, errand: &mut Errand<'_>, now: Instant) -> Result<Answer, Trouble> {
    let Errand { service, req, own, body, .. } = errand;
    let progress = body.progress();
    let own = |out: &mut Vec<u8>| own.iter().for_each(|own| own.write(out));
    connection.begin(req, own, body, service.read_timeout);
    turn().await;
    let watch = Watch { service, progress: progress.as_deref(), sent: now };
    let outcome = poll_fn(|cx| match connection.poll_answer(cx, body) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => watch.poll_expired(connection.alarm(), cx).map(|()| None),
    });
    match outcome.await {
        Some(Ok((head, headers))) => Ok(answer(connection, head, headers, errand)),
        Some(Err(fault)) => Err(trouble(&fault, progress.as_deref())),
        None => Err(Trouble::Sent(Failure::GatewayTimeout)),
    }
}

fn trouble(fault: &Fault, progress: Option<&Progress>) -> Trouble {
    match (fault, progress.map(|progress| progress.state.get())) {
        (_, Some(Upload::Broken(why))) => Trouble::Client(why),
        (Fault::Body, _) => Trouble::Client(Break::Client),
        (Fault::Unsent(_), _) => Trouble::Unsent(Failure::BadGateway),
        (Fault::Sent(error), _) => {
            tracing::warn!(%error, "the upstream gave no usable answer");
            Trouble::Sent(Failure::BadGateway)
        }
    }
}

/// The answer whose head was read, over a connection that has all of the request, or goes on to send it.
fn answer(mut connection: Box<Connection>, head: Head, headers: HeaderMap, errand: &mut Errand<'_>) -> Answer {
    let switched = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let mut response = Response::new(Body::Empty);
    (*response.status_mut(), *response.version_mut()) = (head.status, head.version);
    *response.headers_mut() = headers;
    if let Some(reason) = head.reason {
        response.extensions_mut().insert(reason);
    }
    if switched {
        return Answer { response, switched: Some(connection), hold: None };
    }
    connection.recycle(std::mem::take(errand.req.headers_mut()));
    let connection = connection.answering(head.reading);
    *response.body_mut() = match connection.is_sent() {
        true => Body::Lent(Lent::new(connection)),
        false => relayed(connection, std::mem::take(&mut errand.body), errand.service.write_timeout),
    };
    Answer { response, switched: None, hold: None }
}

/// Waits for the upstream no longer than the service allows: between writes while there is something to write, between
/// reads after that. Time that the client takes for its body does not count.
struct Watch<'a> {
    service: &'a Service,
    progress: Option<&'a Progress>,
    sent: Instant,
}

// === impl Watch ===

impl Watch<'_> {
    /// When patience ends, as things stand now; the client's own pace postpones it.
    fn deadline(&self) -> Instant {
        let (read, write) = (self.service.read_timeout, self.service.write_timeout);
        let Some(progress) = self.progress else { return self.sent + read };
        let since = progress.since.get();
        match progress.state.get() {
            Upload::Done => since + read,
            Upload::Upstream | Upload::Untouched => since + write,
            Upload::Client | Upload::Broken(_) => Instant::now() + read.min(write),
        }
    }

    fn poll_expired(&self, alarm: &mut Alarm, cx: &mut Context<'_>) -> Poll<()> {
        let mut look = self.deadline();
        if self.progress.is_some() {
            // What the body waits for may change without waking this task, and an earlier deadline with it.
            look = look.min(Instant::now() + self.service.read_timeout.min(self.service.write_timeout));
        }
        alarm.poll_at(look, cx)
    }
}

/// The client's body, limited to so many bytes (`u64::MAX` is no limit), and small ones at hand measured.
///
/// # Errors
/// When it breaks before anything is sent.
pub async fn request_body(body: Body, max: u64, settings: &Settings) -> Result<RequestBody, Failure> {
    if http_body::Body::is_end_stream(&body) {
        return Ok(RequestBody::empty());
    }
    let body = super::gather::gather(body, settings.client_body_buffer_size, max).await.map_err(broken)?;
    Ok(RequestBody::new(body, max, settings.client_body_timeout))
}

/// The whole of a duration in the past, never negative.
#[must_use]
pub fn between(from: Instant, to: Instant) -> Duration {
    to.saturating_duration_since(from)
}
