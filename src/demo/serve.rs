//! The stand-ins' sockets: one thread for all, one listener each.

use super::frames::{self, Echo};
use super::{StandIn, answer, events};
use crate::body::Body;
use crate::settings::resolve::Override;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// More of a body than this is not told back.
const LONGEST_BODY: usize = 1 << 20;

/// Starts them. They run until the process ends; the answer says where, as `Settings::resolve` takes it.
///
/// # Errors
/// When no socket or thread is to be had.
pub fn start(stand_ins: &[StandIn]) -> io::Result<Vec<Override>> {
    let (mut addresses, mut listeners) = (Vec::new(), Vec::new());
    for stand_in in stand_ins {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        addresses.push(((stand_in.host.clone(), stand_in.port), listener.local_addr()?));
        listeners.push((stand_in.clone(), listener));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || LocalSet::new().block_on(&runtime, accept_all(listeners));
    std::thread::Builder::new().name("stand-ins".to_owned()).spawn(run)?;
    Ok(addresses)
}

async fn accept_all(listeners: Vec<(StandIn, std::net::TcpListener)>) {
    let tasks = listeners.into_iter().map(|(stand_in, listener)| accept(Rc::new(stand_in), listener));
    futures_util::future::join_all(tasks).await;
}

async fn accept(stand_in: Rc<StandIn>, listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(spawn_local(converse(stand_in.clone(), socket))),
            // Out of descriptors, most likely: let some be closed.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn converse(stand_in: Rc<StandIn>, socket: TcpStream) {
    let service = service_fn(move |request| {
        let stand_in = stand_in.clone();
        async move { Ok::<_, Infallible>(reply(&stand_in, request).await) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
    // An error is the client's going away; nobody is there to be told.
    let _ = connection.with_upgrades().await;
}

async fn reply(stand_in: &StandIn, mut request: Request<Incoming>) -> Response<Body> {
    if let Some(key) = web_socket(&request) {
        let upgrade = hyper::upgrade::on(&mut request);
        spawn_local(echo(upgrade));
        return switch(&key);
    }
    if wants_events(&request) {
        return text(
            "text/event-stream",
            Body::boxed(StreamBody::new(events::ticks()).map_err(|never| match never {})),
        );
    }
    let (head, body) = request.into_parts();
    let answer = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => answer::describe(stand_in, &head, &body.to_bytes()),
        Err(_) => answer::describe(stand_in, &head, b"(too long to be told back)"),
    };
    text("application/json", Body::full(answer))
}

fn text(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The client's key, if it asks for a WebSocket.
fn web_socket<B>(request: &Request<B>) -> Option<String> {
    let asked = request.headers().get(header::UPGRADE)?.as_bytes().eq_ignore_ascii_case(b"websocket");
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    asked.then(|| key.to_owned())
}

fn wants_events<B>(request: &Request<B>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // An MCP client accepts both, and expects JSON for what it posts.
    let streams = accept.contains("text/event-stream") && request.method() == http::Method::GET;
    streams || request.uri().path().ends_with("/sse")
}

fn switch(key: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(frames::accept(key)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

async fn echo(upgrade: OnUpgrade) {
    if let Ok(upgraded) = upgrade.await {
        // An error is the client's going away.
        let _ = echo_frames(TokioIo::new(upgraded)).await;
    }
}

async fn echo_frames<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut socket: S) -> io::Result<()> {
    let mut input = Vec::new();
    loop {
        match frames::echo(&mut input) {
            Echo::More if socket.read_buf(&mut input).await? == 0 => return Ok(()),
            Echo::More | Echo::Silence => {}
            Echo::Reply(frame, last) => {
                socket.write_all(&frame).await?;
                if last {
                    return socket.shutdown().await;
                }
            }
            Echo::Broken => return socket.shutdown().await,
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
