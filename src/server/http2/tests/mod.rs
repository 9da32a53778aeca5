//! A connection between a handler and a client that says frames.
#![allow(clippy::unwrap_used)]

mod answers;
mod any;
mod ends;
mod uploads;

use super::*;
use crate::http1::names::Shared;
use crate::http2::frame::{END_HEADERS, END_STREAM, HEAD, Head, Kind};
use crate::http2::hpack::{Decoder, Field};
use crate::proxy::closing::{Closing, Ending};
use crate::server::limits;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use http_body_util::BodyExt;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use tokio::io::{AsyncWriteExt, DuplexStream};

const LIMITS: Limits = Limits { streams: 100, head: 8 * 1024, stall: Duration::from_secs(5) };
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What a connection says of itself, and the same with heads.
const OWN: &[Kind] = &[Kind::Settings, Kind::Window];
const BUT_BODIES: &[Kind] = &[Kind::Settings, Kind::Window, Kind::Headers];

/// The client's end of a connection.
struct Client {
    far: DuplexStream,
    decoder: Decoder,
    closing: Rc<Closing>,
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn ok(body: Body) -> Response<Outgoing> {
    Response::new(Outgoing::new(body, Some(Activity::default().begin())))
}

/// Serves one end of a pipe; the client has the other.
async fn served<F, C>(
    handler: impl Fn(Request<Body>, Option<Sent>) -> F,
    client: impl FnOnce(Client) -> C,
) -> (io::Result<()>, C::Output)
where
    F: Future<Output = Response<Outgoing>>,
    C: Future,
{
    counted(Activity::default(), handler, client).await
}

/// The same, whose requests are counted there.
async fn counted<F, C>(
    activity: Activity,
    handler: impl Fn(Request<Body>, Option<Sent>) -> F,
    client: impl FnOnce(Client) -> C,
) -> (io::Result<()>, C::Output)
where
    F: Future<Output = Response<Outgoing>>,
    C: Future,
{
    let (near, far) = tokio::io::duplex(256 * 1024);
    let closing = Rc::new(Closing::default());
    let times = limits::Limits { head: seconds(10), rest: seconds(75) };
    let leisure = Leisure::new(times, activity.clone());
    let seat = Seat::new(&closing);
    let (names, rooms) = (Shared::default(), Rc::default());
    let connection = Connection::new(near, Setup { limits: LIMITS, names, rooms, leisure, activity, seat }, handler);
    apart(connection.serve(), client(Client { far, decoder: Decoder::new(4096), closing })).await
}

/// A client that has said the preface, says this, and hangs up when all is answered.
async fn talked<F>(handler: impl Fn(Request<Body>, Option<Sent>) -> F, talk: impl AsyncFnOnce(&mut Client))
where
    F: Future<Output = Response<Outgoing>>,
{
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        talk(&mut client).await;
    };
    served(handler, client).await.0.unwrap();
}

/// Runs both, each only when it is woken itself: in one task, whatever one does would wake the other.
async fn apart<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (None, None);
    let mut both = FuturesUnordered::<Pin<Box<dyn Future<Output = ()> + '_>>>::new();
    both.push(Box::pin(async { a = Some(one.await) }));
    both.push(Box::pin(async { b = Some(other.await) }));
    while both.next().await.is_some() {}
    drop(both);
    (a.unwrap(), b.unwrap())
}

/// Answers with the target and what was sent, and with trailers if there were some.
async fn echo(req: Request<Body>, _: Option<Sent>) -> Response<Outgoing> {
    let (parts, body) = req.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned();
    let text = [parts.uri.path().as_bytes(), b":", &body.to_bytes()].concat();
    let body = Body::full(text);
    ok(match trailers {
        None => body,
        Some(trailers) => Body::boxed(body.with_trailers(std::future::ready(Some(Ok(trailers))))),
    })
}

/// Answers after three seconds.
async fn late(_: Request<Body>, _: Option<Sent>) -> Response<Outgoing> {
    tokio::time::sleep(seconds(3)).await;
    ok(Body::full("late"))
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&write::head(payload.len(), kind, flags, stream)[..], payload].concat()
}

/// HEADERS with literals that nobody keeps.
fn head(stream: u32, end: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(Kind::Headers, END_HEADERS | if end { END_STREAM } else { 0 }, stream, &block)
}

fn asked(stream: u32, end: bool, method: &str, path: &str) -> Vec<u8> {
    head(stream, end, &[(":method", method), (":scheme", "http"), (":authority", "a.test"), (":path", path)])
}

// === impl Client ===

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.far.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next frame; `None` at the end.
    async fn next(&mut self) -> Option<(Head, Vec<u8>)> {
        let mut bytes = [0; HEAD];
        self.far.read_exact(&mut bytes).await.ok()?;
        let head = Head::read(&bytes).unwrap();
        let mut payload = vec![0; head.len];
        self.far.read_exact(&mut payload).await.unwrap();
        Some((head, payload))
    }

    /// The next frame that is none of these.
    async fn next_but(&mut self, others: &[Kind]) -> Option<(Head, Vec<u8>)> {
        loop {
            match self.next().await {
                Some((head, _)) if others.contains(&head.kind) => {}
                other => return other,
            }
        }
    }

    /// The fields of a block.
    fn fields(&mut self, block: &[u8]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let names = Shared::default();
        let take = |field, _| {
            if let Field::Plain(name, value) = field {
                found.push((name.to_string(), value.to_str().unwrap().to_owned()));
            }
            Ok::<_, Fault>(())
        };
        self.decoder.decode(block, &mut names.borrow_mut(), take).unwrap();
        found
    }

    /// What an answer says: its body, and its trailers.
    async fn answer(&mut self, stream: u32) -> (Vec<u8>, Vec<(String, String)>) {
        let (mut body, mut fields) = (Vec::new(), Vec::new());
        loop {
            let (head, payload) = self.next().await.expect("the answer ends early");
            match head.kind {
                Kind::Headers => fields = self.fields(&payload),
                Kind::Data if head.stream == stream => body.extend_from_slice(&payload),
                Kind::Reset | Kind::GoAway => panic!("{head:?} {payload:?}"),
                _ => {}
            }
            if head.stream == stream && head.flags & END_STREAM != 0 {
                return (body, fields);
            }
        }
    }

    /// What ends the connection: the code of its last GOAWAY, if there was one.
    async fn end(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some((head, payload)) = self.next().await {
            if head.kind == Kind::GoAway {
                code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        code
    }
}
