//! Requests at a fixed rate. A request that should have been sent while the one before was still awaited counts from when it
//! should have been sent, so that a server that stalls cannot hide it (coordinated omission).

use crate::{LIMIT, Seen, Target, tls, together};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// As many as `wrk` and h2load have under way in the other jobs.
const TASKS: usize = 32;
/// HTTP/2 connections, four tasks on each.
const CONNECTIONS: usize = 8;

type Body = Empty<Bytes>;

/// Whatever takes requests.
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Sender {
    async fn send(&mut self, request: Request<Body>) -> hyper::Result<http::Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

/// `rate` requests a second, over HTTP/1.1 (`clear`, `tls`) or HTTP/2 (`h2`). `again` is `clear` with a client that asks a second
/// time, over a new connection, where the server closed the one it had: as servers do that are told to change their mind.
pub(crate) async fn run(target: &Target, mode: &str, path: &str, rate: usize) -> Seen {
    let mut shared = Vec::new();
    for _ in 0..if mode == "h2" { CONNECTIONS } else { 0 } {
        let Sender::Http2(sender) = connect(target, mode).await else { unreachable!("HTTP/2 was asked for") };
        shared.push(sender);
    }
    let start = Instant::now();
    let period = Duration::from_secs(TASKS as u64) / rate as u32;
    together(TASKS, |number| {
        let (target, mode, path) = (target.clone(), mode.to_owned(), path.to_owned());
        let sender = shared.get(number % CONNECTIONS).cloned();
        async move {
            let mut sender = match sender {
                Some(sender) => Sender::Http2(sender),
                None => connect(&target, &mode).await,
            };
            work(&target, &mode, &mut sender, &path, start + period * number as u32 / TASKS as u32, period).await
        }
    })
    .await
}

async fn connect(target: &Target, mode: &str) -> Sender {
    if matches!(mode, "clear" | "again") {
        return http1(tls::dial(target).await.unwrap()).await;
    }
    let mut client = tls::client(target, false);
    client.alpn_protocols = vec![if mode == "h2" { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let stream = tls::connect(target, &TlsConnector::from(Arc::new(client))).await.unwrap();
    if mode != "h2" {
        return http1(stream).await;
    }
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Sender::Http2(sender)
}

async fn http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sender {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Sender::Http1(sender)
}

async fn work(target: &Target, mode: &str, sender: &mut Sender, path: &str, first: Instant, period: Duration) -> Seen {
    let mut seen = Seen::default();
    let mut due = first;
    while due < target.end {
        // A timer wakes up to a millisecond late: that is ours, not the server's.
        let late = Instant::now() > due;
        tokio::time::sleep_until(due.into()).await;
        let start = if late { due } else { Instant::now() };
        let mut answered = tokio::time::timeout(LIMIT, ask(sender, path)).await;
        if mode == "again" && matches!(answered, Ok(Err(_))) {
            *sender = connect(target, mode).await;
            answered = tokio::time::timeout(LIMIT, ask(sender, path)).await;
        }
        match answered {
            Ok(Ok(())) => seen.times.push(start.elapsed()),
            _ => {
                seen.errors += 1;
                return seen;
            }
        }
        due += period;
    }
    seen
}

/// One request, to the end of its answer; an answer without the status 200 is an error.
async fn ask(sender: &mut Sender, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let request = match sender {
        Sender::Http1(_) => Request::get(path).header("host", "localhost"),
        Sender::Http2(_) => Request::get(format!("https://localhost{path}")),
    };
    let request = request.header("accept", "application/json").body(Body::new())?;
    let mut answer = sender.send(request).await?;
    while let Some(frame) = answer.frame().await {
        frame?;
    }
    if answer.status() == 200 { Ok(()) } else { Err("another status than 200".into()) }
}
