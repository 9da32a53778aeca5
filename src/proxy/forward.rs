//! Asking the upstream: which peer, over which connection, how often, and for how long (`kong/proxying.md` §4).

use super::activity::Activity;
use super::body::{Break, Progress, RequestBody, Upload};
use super::failure::Failure;
use crate::body::Body;
use crate::plugin::record::Try;
use crate::proxy::worker::{Held, Worker};
use crate::settings::Settings;
use crate::snapshot::Service;
use crate::upstream::alarm::Alarm;
use crate::upstream::connect::ConnectError;
use crate::upstream::lease::Lease;
use crate::upstream::peers::{Hold, Peer};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
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
    /// The head.
    pub parts: Parts,
    /// The body.
    pub body: RequestBody,
    /// The hash of what decides which target gets it; see [`super::affinity`].
    pub hash: u32,
}

/// An upstream's answer, and what is needed to pass it on.
#[derive(Debug)]
pub struct Answer {
    /// The answer.
    pub response: Response<Incoming>,
    /// The connection it comes over.
    pub lease: Lease<RequestBody>,
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

/// How one attempt failed, and whether another may be made.
enum Trouble {
    /// The request was not sent; here it is back.
    Unsent(Box<Request<RequestBody>>, Failure),
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

    /// A peer was chosen.
    fn choose(&mut self, peer: SocketAddr, start: Option<Instant>) {
        let now = Instant::now();
        self.chosen = Some(now);
        if let (Some(tries), Some(start)) = (&mut self.tries, start) {
            tries.push(Try { peer, start: start.into_std(), choice: between(start, now), failed: None });
        }
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
    errand: Errand<'_>,
    times: &mut Times,
) -> Result<Answer, Failure> {
    let Errand { service, host, parts, body, hash } = errand;
    let mut peers = worker.directory.peers(held, &held.turns, service, hash);
    let spare = spare_head(&parts, &body);
    let mut request = Some(Request::from_parts(parts, body));
    let mut failure = Failure::BadGateway;
    for _ in 0..=service.retries {
        let Some(mut ready) = request.take().or_else(|| spare.as_ref().map(again)) else { break };
        let start = times.begin();
        let peer = peers.next().await?;
        times.choose(peer.address, start);
        let name = host.clone().unwrap_or_else(|| peer.host.clone());
        ready.headers_mut().insert(header::HOST, name);
        match attempt(worker, service, &peer, ready, spare.as_ref()).await {
            Ok(answer) => {
                let hold = peer.answered(answer.response.status());
                return Ok(Answer { hold, ..answer });
            }
            Err(Trouble::Client(why)) => return Err(broken(why)),
            Err(Trouble::Unsent(back, why)) => (request, failure) = (Some(*back), why),
            Err(Trouble::Sent(why)) => failure = why,
        }
        times.fail(failure);
        tracing::warn!(service = %service.identity, peer = %peer.address, ?failure, "an attempt at the upstream failed");
        peers.failed(peer, failure == Failure::GatewayTimeout);
    }
    peers.gave_up(failure.status());
    Err(failure)
}

/// A copy of the head for further attempts, where Kong would make them after the request was sent: idempotent methods,
/// and no body, for a body that was sent is never sent again. Also where no retry is allowed: a kept connection that
/// closes as the request is sent is not one.
fn spare_head(parts: &Parts, body: &RequestBody) -> Option<Parts> {
    let once = matches!(parts.method, Method::POST | Method::PATCH) || parts.method.as_str() == "LOCK";
    (!once && http_body::Body::is_end_stream(body)).then(|| copy(parts))
}

fn copy(parts: &Parts) -> Parts {
    let (mut fresh, ()) = Request::new(()).into_parts();
    fresh.method = parts.method.clone();
    fresh.uri = parts.uri.clone();
    fresh.headers = parts.headers.clone();
    fresh
}

fn again(parts: &Parts) -> Request<RequestBody> {
    Request::from_parts(copy(parts), RequestBody::empty())
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

/// One attempt at one peer. An idle connection that turns out to be dead is not an attempt (recorded).
async fn attempt(
    worker: &Rc<Worker>,
    service: &Service,
    peer: &Peer,
    mut request: Request<RequestBody>,
    spare: Option<&Parts>,
) -> Result<Answer, Trouble> {
    let host = request.headers()[header::HOST].clone();
    let link = match worker.links.link(peer.address, service.tls.as_ref(), &host) {
        Ok(link) => link,
        Err(error) => return Err(Trouble::Unsent(Box::new(request), connect_failure(&error, peer))),
    };
    while let Some(lease) = Lease::reused(link.key, &worker.pool).await {
        match exchange(lease, request, service).await {
            Err(Trouble::Unsent(back, _)) => request = *back,
            Err(Trouble::Sent(Failure::BadGateway)) if spare.is_some() => {
                request = spare.map(again).unwrap_or_default();
                request.headers_mut().insert(header::HOST, host.clone());
                break;
            }
            other => return other,
        }
    }
    // Boxed, as it is rare and its TLS handshake is large: every request's future would be as large otherwise.
    match Box::pin(worker.links.connect(&link, service.connect_timeout)).await {
        Ok(sender) => exchange(Lease::fresh(sender, link.key, worker.pool.clone()), request, service).await,
        Err(error) => Err(Trouble::Unsent(Box::new(request), connect_failure(&error, peer))),
    }
}

fn connect_failure(error: &ConnectError, peer: &Peer) -> Failure {
    tracing::warn!(peer = %peer.address, %error, "cannot connect to the upstream");
    match error {
        ConnectError::Timeout => Failure::GatewayTimeout,
        ConnectError::Io(_) | ConnectError::Tls(_) => Failure::BadGateway,
    }
}

/// Sends over one connection and waits for the head.
async fn exchange(
    mut lease: Lease<RequestBody>,
    request: Request<RequestBody>,
    service: &Service,
) -> Result<Answer, Trouble> {
    let progress = request.body().progress();
    let outcome = {
        let (sender, alarm) = lease.parts();
        let mut sending = pin!(sender.try_send_request(request));
        let mut watch = Watch { service, progress: progress.as_deref(), sent: Instant::now(), alarm };
        poll_fn(|cx| match sending.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => watch.poll_expired(cx).map(|()| None),
        })
        .await
    };
    match outcome {
        Some(Ok(response)) => Ok(Answer { response, lease, hold: None }),
        None => Err(Trouble::Sent(Failure::GatewayTimeout)),
        Some(Err(mut error)) => Err(match (error.take_message(), progress.map(|p| p.state.get())) {
            (_, Some(Upload::Broken(why))) => Trouble::Client(why),
            (Some(back), _) => Trouble::Unsent(Box::new(back), Failure::BadGateway),
            (None, _) => {
                tracing::warn!(error = %error.into_error(), "the upstream gave no usable answer");
                Trouble::Sent(Failure::BadGateway)
            }
        }),
    }
}

/// Waits for the upstream no longer than the service allows: between writes while there is something to write, between
/// reads after that. Time that the client takes for its body does not count.
struct Watch<'a> {
    service: &'a Service,
    progress: Option<&'a Progress>,
    sent: Instant,
    alarm: &'a mut Alarm,
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

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut look = self.deadline();
        if self.progress.is_some() {
            // What the body waits for may change without waking this task, and an earlier deadline with it.
            look = look.min(Instant::now() + self.service.read_timeout.min(self.service.write_timeout));
        }
        self.alarm.poll_at(look, cx)
    }
}

/// The client's body, limited to so many bytes (`u64::MAX` is no limit), and small ones at hand measured.
///
/// # Errors
/// When it breaks before anything is sent.
pub async fn request_body(body: Body, max: u64, settings: &Settings, from: &Activity) -> Result<RequestBody, Failure> {
    if http_body::Body::is_end_stream(&body) {
        return Ok(RequestBody::empty());
    }
    let body = super::gather::gather(body, settings.client_body_buffer_size, max).await.map_err(broken)?;
    Ok(RequestBody::new(body, max, settings.client_body_timeout, Some(from.clone())))
}

/// The whole of a duration in the past, never negative.
#[must_use]
pub fn between(from: Instant, to: Instant) -> Duration {
    to.saturating_duration_since(from)
}
