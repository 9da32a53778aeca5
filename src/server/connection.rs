//! One client connection, from its first byte to its last: PROXY header, TLS, and the version of HTTP it speaks.

use super::handshake::{DoorTls, Met};
use super::http1::connection::{Connection as Http1, Refuse};
use super::http1::request;
use super::http1::waiting::Waiting;
use super::http1::wire::Wire;
use super::http2::connection as http2;
use super::http2::leisure::Leisure;
use super::http2::reading::PREFACE;
use super::limits::{Limits, MOMENT};
use super::plain;
use super::proxy_protocol::{self, Parsed};
use super::socket::Socket;
use crate::entity::Compat;
use crate::plugin::Origin;
use crate::proxy::client::{Connection, Tls};
use crate::proxy::closing::{Closing, Seat};
use crate::proxy::response::{Closing as Last, Latencies, close};
use crate::proxy::worker::Worker;
use crate::reply::{Asker, proxy_error};
use crate::settings::{Listen, Settings};
use bytes::Bytes;
use futures_util::FutureExt;
use http::StatusCode;
use http_body_util::BodyExt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Most streams of one connection, whatever is configured: each has its bit from the connection's beginning.
const STREAMS: u32 = 1 << 16;
/// How long to wait before looking again at a connection whose first bytes are too few to tell.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A listener, as connections see it.
#[derive(Clone)]
pub struct Door {
    /// What was configured.
    pub listen: Listen,
    /// `Some` for a TLS listener.
    pub tls: Option<DoorTls>,
    /// Makes answers to requests that cannot be understood.
    pub refuse: Refuse,
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The other end.
    pub peer: SocketAddr,
    /// The listener's, which may stand for all addresses of the machine.
    pub local: SocketAddr,
}

/// Serves a connection until it ends; whatever goes wrong concerns nobody else. It has its seat at once: a worker that
/// stops before the first look at it would take it for gone.
pub fn serve(worker: Rc<Worker>, door: Rc<Door>, socket: TcpStream, ends: Ends) -> impl Future<Output = ()> {
    let seat = Seat::new(&worker.closing);
    async move {
        if let Err(error) = accept(&worker, &door, socket, ends, seat).await {
            tracing::debug!(peer = %ends.peer, %error, "a client connection ended with an error");
        }
    }
}

async fn accept(worker: &Rc<Worker>, door: &Door, mut socket: TcpStream, ends: Ends, mut seat: Seat) -> io::Result<()> {
    let settings = &worker.settings;
    let limit = settings.client_header_timeout;
    let _guest = worker.traffic.guest();
    let named = match door.listen.proxy_protocol {
        true => early(limit, &mut seat, Box::pin(read_proxy_header(&mut socket))).await?,
        false => None,
    };
    let (local, serial) = (own_address(&socket, ends.local), worker.serials.connection());
    let connection = |tls| {
        let met = Connection::new(ends.peer, local, tls, settings).named(named, settings);
        met.numbered(serial).counted(&worker.traffic)
    };
    let Some(tls) = &door.tls else {
        let http2 = door.listen.http2 || early(limit, &mut seat, is_http2(&socket)).await?;
        return speak(worker, door, connection(None), socket, http2, seat).await;
    };
    let greeting = Box::pin(greet(tls, socket, ends.local));
    let Some(met) = early(limit, &mut seat, greeting).await? else { return Ok(()) };
    let http2 = met.stream.get_ref().1.alpn_protocol() == Some(b"h2");
    speak(worker, door, connection(Some(known(&met))), met.stream, http2, seat).await
}

/// This end of a connection: the listener's address, or which of all addresses the client took.
fn own_address(socket: &TcpStream, listener: SocketAddr) -> SocketAddr {
    match listener.ip().is_unspecified() {
        true => socket.local_addr().unwrap_or(listener),
        false => listener,
    }
}

/// A handshake; `None` with a client that speaks no TLS and was told so.
async fn greet(tls: &DoorTls, socket: TcpStream, local: SocketAddr) -> io::Result<Option<Met>> {
    if plain::is_http(&socket).await? {
        return plain::refuse(socket, local, SystemTime::now()).await.map(|()| None);
    }
    tls.accept(socket).await.map(Some)
}

/// What requests may have to know of a handshake.
fn known(met: &Met) -> Tls {
    let sni = met.stream.get_ref().1.server_name().map(Into::into);
    Tls { sni, handshake: met.handshake(), auth: met.auth.clone(), client_cert: met.client_cert() }
}

/// Work before a connection's first request, within a limit. A worker that stops waits for it no longer than a moment:
/// whoever is in the middle of a handshake may end it, whoever only keeps a connection open holds nothing up.
async fn early<T>(limit: Duration, seat: &mut Seat, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let (mut work, mut end, mut hurried) = (pin!(work), pin!(tokio::time::sleep(limit)), false);
    poll_fn(|cx| {
        let done = work.as_mut().poll(cx);
        if done.is_ready() {
            return done;
        }
        if !hurried && seat.poll(cx) {
            hurried = true;
            let soon = end.deadline().min(Instant::now() + MOMENT);
            end.as_mut().reset(soon);
        }
        end.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    })
    .await
}

/// Reads the header that a balancer puts in front, and no byte more: the client that it names, if it does.
pub(crate) async fn read_proxy_header(socket: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut buffer = [0; proxy_protocol::MAX_HEADER];
    loop {
        let len = socket.peek(&mut buffer).await?;
        match proxy_protocol::parse(&buffer[..len]) {
            Parsed::Done(header) => {
                socket.read_exact(&mut buffer[..header.len]).await?;
                return Ok(header.addresses.map(|addresses| addresses.source));
            }
            Parsed::Incomplete if len > 0 => tokio::time::sleep(LOOK_AGAIN).await,
            Parsed::Incomplete => return Err(io::ErrorKind::UnexpectedEof.into()),
            Parsed::Invalid(why) => return Err(io::Error::new(io::ErrorKind::InvalidData, why.to_string())),
        }
    }
}

/// Whether a cleartext client speaks HTTP/2 by prior knowledge: its first bytes say so.
async fn is_http2(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let len = socket.peek(&mut first).await?;
        if len == 0 || !PREFACE.starts_with(&first[..len]) {
            return Ok(false);
        }
        if len == PREFACE.len() {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// HTTP, to the end of the connection. Boxed by kind: a connection is to hold no room for what others need.
fn speak<S>(
    worker: &Rc<Worker>,
    door: &Door,
    connection: Connection,
    socket: S,
    http2: bool,
    seat: Seat,
) -> Pin<Box<dyn Future<Output = io::Result<()>>>>
where
    S: Socket + 'static,
{
    let (worker, connection) = (Rc::clone(worker), Rc::new(connection));
    if http2 { speak_2(worker, connection, socket, seat) } else { speak_1(worker, connection, socket, seat, door) }
}

fn limits(settings: &Settings) -> Limits {
    Limits { head: settings.client_header_timeout, rest: settings.keepalive_timeout }
}

fn speak_1<S>(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    socket: S,
    seat: Seat,
    door: &Door,
) -> Pin<Box<dyn Future<Output = io::Result<()>>>>
where
    S: Socket + 'static,
{
    let settings = Arc::clone(&worker.settings);
    // Whether a head is too large by nginx's rules, `inspect` decides, in Kong's words.
    let size = settings.header_total.saturating_add(settings.header_line);
    let limit = request::Limits { size, fields: settings.header_count };
    let heads = request::Heads::new(limit, Rc::clone(&worker.names));
    let wire = Wire::new(socket, settings.send_timeout, Rc::clone(&worker.rooms));
    let waiting = Waiting::new(limits(&settings), seat);
    let handler = move |req| crate::proxy::handle(Rc::clone(&worker), Rc::clone(&connection), req, None);
    Box::pin(Http1::new(wire, waiting, heads, Arc::clone(&door.refuse), handler).serve())
}

fn speak_2<S>(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    socket: S,
    seat: Seat,
) -> Pin<Box<dyn Future<Output = io::Result<()>>>>
where
    S: Socket + 'static,
{
    let settings = Arc::clone(&worker.settings);
    let activity = connection.activity.clone();
    let setup = http2::Setup {
        limits: http2::Limits {
            streams: settings.http2_max_concurrent_streams.min(STREAMS),
            head: header_list(&settings),
            stall: settings.send_timeout,
        },
        names: Rc::clone(&worker.names),
        rooms: Rc::clone(&worker.rooms),
        leisure: Leisure::new(limits(&settings), activity.clone()),
        activity,
        seat,
    };
    let handler = move |req, sent| crate::proxy::handle(Rc::clone(&worker), Rc::clone(&connection), req, sent);
    Box::pin(http2::Connection::new(socket, setup, handler).serve())
}

/// HTTP/2 counts 32 bytes more for each field (RFC 9113 §6.5.2). Whether a head is too large by nginx's rules, `inspect`
/// decides, in Kong's words; what is much larger than that is not read.
fn header_list(settings: &Settings) -> usize {
    settings.header_total.saturating_mul(2).saturating_add(settings.header_count.saturating_mul(32))
}

/// The answers to requests that cannot be understood. Nothing is known of such a request, so they are all alike.
#[must_use]
pub fn refusals(settings: &Arc<Settings>) -> Refuse {
    let settings = settings.clone();
    Arc::new(move |status| {
        let status = if status == 414 { StatusCode::URI_TOO_LONG } else { StatusCode::BAD_REQUEST };
        refusal(status, &settings, SystemTime::now())
    })
}

fn refusal(status: StatusCode, settings: &Settings, now: SystemTime) -> Bytes {
    let asker = Asker {
        headers: None,
        http2: false,
        default_type: settings.error_default_type,
        compat: Compat::Kong2,
        request_id: None,
    };
    let mut res = proxy_error(status, &asker);
    let (tokens, latencies) = (settings.headers, Latencies::default());
    close(&mut res, &Last { tokens, compat: Compat::Kong2, origin: Origin::Gateway, latencies, request_id: None });
    let (parts, body) = res.into_parts();
    let body = body.collect().now_or_never().and_then(Result::ok).unwrap_or_default();
    let body = body.to_bytes();
    let (date, length) = (httpdate::fmt_http_date(now), body.len());
    let head = format!("HTTP/1.1 {status}\r\ndate: {date}\r\nconnection: close\r\ncontent-length: {length}\r\n");
    let mut text = head.into_bytes();
    for (name, value) in &parts.headers {
        text.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&body);
    text.into()
}

/// How long a worker that stops waits for its connections.
pub async fn drained(closing: &Rc<Closing>, limit: Duration) -> bool {
    let wait = async {
        while closing.open() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(limit, wait).await.is_ok()
}
