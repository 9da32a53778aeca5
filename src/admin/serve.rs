//! The connections to these listeners, and their limits: whoever may reach them must not hold them up for others.

use super::answer::{Api, answer};
use super::change::Means;
use super::journal::Journal;
use super::node::Node;
use super::reply::message;
use super::{Door, State, change, guard};
use crate::config::MAX_TEXT;
use crate::observe::access::Met;
use crate::proxy::closing::Ending;
use crate::proxy::response::PRODUCT;
use crate::server::connection::read_proxy_header;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, SERVER};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

/// Connections to one listener at a time; others wait in the kernel's queue.
const CONNECTIONS: usize = 256;
/// Longest wait for a handshake, for a head, and for a piece of a body.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for a whole body.
const SENDING: Duration = Duration::from_secs(30);
/// How long a connection may live. One that reads its answer slowly has no longer either.
const LIFE: Duration = Duration::from_secs(120);
/// Largest head, in bytes and in lines.
const HEAD: usize = 32 * 1024;
const LINES: usize = 100;
/// Rest after the system refused another connection.
const REST: Duration = Duration::from_millis(50);
/// How long a connection may still bring a request after another process has taken over.
const MOMENT: Duration = Duration::from_secs(1);
/// Longest time that a line of a log waits for others.
const GATHER: Duration = Duration::from_millis(500);

const LATENCY: HeaderName = HeaderName::from_static("x-kong-admin-latency");

/// What every connection needs.
struct Desk {
    state: State,
    node: Node,
    means: Means,
    journal: Journal,
}

/// Who asks, and where.
#[derive(Clone, Copy)]
struct Caller {
    api: Api,
    /// Whether at a loopback address.
    local: bool,
    met: Met,
}

/// Serves every listener until `ended` closes.
pub(super) async fn all(
    doors: Vec<(TcpListener, Door)>,
    state: State,
    node: Node,
    journal: Journal,
    mut ended: watch::Receiver<()>,
) {
    let means = Means { letterbox: state.letterbox.clone(), levels: Rc::default() };
    let desk = Rc::new(Desk { state, node, means, journal });
    for (socket, door) in doors {
        tokio::task::spawn_local(listen(socket, Rc::new(door), desk.clone()));
    }
    // Nothing is ever sent: that the wait is over means the end.
    while timeout(GATHER, ended.changed()).await.map_or(true, |told| told.is_ok()) {
        desk.journal.flush();
    }
    if *desk.state.stopping.borrow() == Some(Ending::HandOver) {
        // Whoever has just connected here is not told by the one that serves now.
        let _ = timeout(MOMENT * 2, alone(&desk)).await;
    }
    desk.journal.flush();
}

/// Waits until no connection is left.
async fn alone(desk: &Rc<Desk>) {
    while Rc::strong_count(desk) > 1 {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn listen(socket: TcpListener, door: Rc<Door>, desk: Rc<Desk>) {
    let mut leaving = desk.state.stopping.clone();
    let accepting = accept(socket, door, desk);
    tokio::select! {
        () = accepting => {}
        () = handed_over(&mut leaving) => {}
    }
}

/// Waits until another process answers in the place of this one. One that only stops says so here to its end.
async fn handed_over(stopping: &mut watch::Receiver<Option<Ending>>) {
    if stopping.wait_for(|ending| *ending == Some(Ending::HandOver)).await.is_err() {
        std::future::pending().await
    }
}

async fn accept(socket: TcpListener, door: Rc<Door>, desk: Rc<Desk>) {
    let listener = match tokio::net::TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "an admin listener cannot be used"),
    };
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(seat) = seats.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (door, desk) = (door.clone(), desk.clone());
                tokio::task::spawn_local(async move {
                    if let Err(error) = connection(stream, &door, &desk).await {
                        tracing::debug!(%peer, %error, "a connection to an admin listener ended with an error");
                    }
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection to an admin listener");
                sleep(REST).await;
            }
        }
    }
}

async fn connection(mut socket: TcpStream, door: &Door, desk: &Rc<Desk>) -> io::Result<()> {
    if door.listen.proxy_protocol {
        timeout(PATIENCE, read_proxy_header(&mut socket)).await??;
    }
    let local = socket.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
    let client = socket.peer_addr()?.ip().to_canonical();
    let caller = Caller { api: door.api, local, met: Met { client, tls: door.tls.is_some(), handshake: None } };
    match &door.tls {
        None => speak(socket, caller, desk).await,
        Some(tls) => {
            let met = timeout(PATIENCE, tls.accept(socket)).await??;
            let handshake = met.handshake();
            speak(met.stream, Caller { met: Met { handshake, ..caller.met }, ..caller }, desk).await
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(socket: S, caller: Caller, desk: &Rc<Desk>) -> io::Result<()> {
    let handler = service_fn(|req| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(handle(req, caller, &desk).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .max_headers(LINES)
        .serve_connection(TokioIo::new(socket), handler);
    let (mut connection, mut leaving) = (pin!(connection), desk.state.stopping.clone());
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(io::Error::other),
        () = sleep(LIFE) => {}
        () = handed_over(&mut leaving).then(|()| sleep(MOMENT)) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(PATIENCE, connection).await?.map_err(io::Error::other)
}

async fn handle(req: Request<Incoming>, caller: Caller, desk: &Desk) -> Response<Full<Bytes>> {
    let (begun, Caller { api, local, met }) = (Instant::now(), caller);
    let entry = desk.journal.entry(api, &req, met);
    let mut res = reply(req, api, local, desk).await.unwrap_or_else(|refused| refused);
    dress(&mut res, desk, begun.elapsed());
    if let Some(entry) = entry {
        desk.journal.write(api, &entry, &res, begun.elapsed());
    }
    res.map(Full::new)
}

async fn reply(req: Request<Incoming>, api: Api, local: bool, desk: &Desk) -> Result<Response<Bytes>, Response<Bytes>> {
    let (parts, body) = req.into_parts();
    if let Some(why) = guard::refusal(&parts, local, &desk.node.hostname) {
        return Err(message(StatusCode::FORBIDDEN, why));
    }
    let most = match (api, desk.state.settings.admin_client_max_body_size) {
        (Api::Status, _) => 0,
        (Api::Admin, 0) => MAX_TEXT,
        (Api::Admin, most) => most.min(MAX_TEXT),
    };
    let asked = Request::from_parts(parts, whole(body, most).await?);
    let (served, node) = (desk.state.served(), desk.node.weighed());
    let wish = {
        let now = desk.state.now(&served, &node, SystemTime::now());
        match change::wish(api, local, &asked, &now).map_err(|refused| *refused)? {
            Some(wish) => wish,
            None => return Ok(answer(api, local, &asked, &now)),
        }
    };
    // What is served now is not held while another one is read.
    drop(served);
    Ok(desk.means.grant(wish, &desk.state.settings).await)
}

/// All of a body. A client may send slowly, and not stop.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, Response<Bytes>> {
    let late = || message(StatusCode::REQUEST_TIMEOUT, "Request body was not received in time");
    let (mut body, mut all, end) = (pin!(Limited::new(body, most)), BytesMut::new(), Instant::now() + SENDING);
    loop {
        let wait = PATIENCE.min(end.saturating_duration_since(Instant::now()));
        match timeout(wait, body.frame()).await {
            Ok(Some(Ok(frame))) => all.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Ok(Some(Err(_))) => return Err(message(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large")),
            Ok(None) => return Ok(all.freeze()),
            Err(_) => return Err(late()),
        }
    }
}

/// The headers that every answer has.
fn dress(res: &mut Response<Bytes>, desk: &Desk, taken: Duration) {
    let tokens = desk.state.settings.headers;
    let headers = res.headers_mut();
    // Pages of other origins may not read secrets.
    if !desk.state.settings.admin_show_secrets {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    if tokens.server {
        headers.insert(SERVER, HeaderValue::from_static(PRODUCT));
    }
    if tokens.admin_latency {
        headers.insert(LATENCY, HeaderValue::from(u64::try_from(taken.as_millis()).unwrap_or(u64::MAX)));
    }
}
