#![allow(clippy::unwrap_used)]
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

#[tokio::test(start_paused = true)]
async fn requests_run_side_by_side_and_bodies_arrive_however_they_are_cut() {
    let big = vec![b'x'; 300_000];
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client
            .send([asked(1, false, "POST", "/a"), asked(3, true, "GET", "/b"), asked(5, false, "POST", "/c")].concat())
            .await;
        assert_eq!(client.answer(3).await.0, b"/b:");
        for piece in big.chunks(10_000) {
            client.send([frame(Kind::Data, 0, 5, b"y"), frame(Kind::Data, 0, 1, piece)].concat()).await;
        }
        let window = frame(Kind::Window, 0, 0, &1_000_000_u32.to_be_bytes());
        let stream = frame(Kind::Window, 0, 1, &1_000_000_u32.to_be_bytes());
        client.send([window, stream, frame(Kind::Data, END_STREAM, 1, b"")].concat()).await;
        let (body, _) = client.answer(1).await;
        assert!(body == [b"/a:", &big[..]].concat(), "{}", body.len());
        client.send(head(5, true, &[("x-sum", "7")])).await;
        let (body, trailers) = client.answer(5).await;
        assert_eq!(
            (body, trailers),
            (format!("/c:{}", "y".repeat(30)).into_bytes(), vec![("x-sum".into(), "7".into())])
        );
        drop(client);
    };
    served(echo, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_its_windows() {
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        // SETTINGS: an initial window of 3.
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 3])).await;
        client.send(asked(1, true, "GET", "/12345678")).await;
        let mut got = Vec::new();
        for more in [0, 1, 2, 100] {
            if more > 0 {
                client.send(frame(Kind::Window, 0, 1, &u32::to_be_bytes(more))).await;
            }
            let (head, payload) = client.next_but(&[Kind::Settings, Kind::Window, Kind::Headers]).await.unwrap();
            got.push((head.kind, String::from_utf8(payload).unwrap(), head.flags));
        }
        let wanted = [("/12", 0), ("3", 0), ("45", 0), ("678:", END_STREAM)];
        assert_eq!(got, wanted.map(|(text, flags)| (Kind::Data, text.to_owned(), flags)));
        drop(client);
    };
    served(echo, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_opens_its_window_is_given_up_and_others_are_not() {
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
        client.send(asked(1, true, "GET", "/")).await;
        let start = Instant::now();
        let (head, payload) = client.next_but(&[Kind::Settings, Kind::Window, Kind::Headers]).await.unwrap();
        assert_eq!((head.kind, head.stream, payload[3]), (Kind::Reset, 1, 8));
        assert_eq!(start.elapsed().as_secs(), LIMITS.stall.as_secs());
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 9])).await;
        client.send(asked(3, true, "GET", "/again")).await;
        assert_eq!(client.answer(3).await.0, b"/again:");
        drop(client);
    };
    served(echo, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_is_waited_for_a_while_and_then_refused() {
    let deaf = async |_: Request<Body>, _: Option<Sent>| ok(Body::full("no"));
    for (rest, reset) in [(Some(END_STREAM), false), (Some(0), true), (None, true)] {
        let client = async |mut client: Client| {
            client.send(PREFACE).await;
            client.send(asked(1, false, "POST", "/")).await;
            assert_eq!(client.answer(1).await.0, b"no");
            let start = Instant::now();
            if let Some(flags) = rest {
                client.send(frame(Kind::Data, flags, 1, b"rest")).await;
            }
            tokio::time::sleep(seconds(2)).await;
            client.send(frame(Kind::Ping, 0, 0, b"12345678")).await;
            // What comes after that is no fault.
            client.send(frame(Kind::Data, 0, 1, b"late").repeat(usize::from(reset))).await;
            let (head, payload) = client.next_but(&[Kind::Settings, Kind::Window]).await.unwrap();
            let refused = (head.kind == Kind::Reset).then(|| (head.stream, payload[3]));
            assert_eq!(refused, reset.then_some((1, 0)), "{rest:?} {:?}", start.elapsed());
            client.send(asked(3, true, "GET", "/")).await;
            assert_eq!(client.answer(3).await.0, b"no");
            drop(client);
        };
        served(deaf, client).await.0.unwrap();
    }
}

/// Asks once, for an answer that begins so and ends as a fault of this side.
async fn breaks_after<F>(handler: impl Fn(Request<Body>, Option<Sent>) -> F, first: &[u8])
where
    F: Future<Output = Response<Outgoing>>,
{
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        let others = [Kind::Settings, Kind::Window, Kind::Headers];
        assert_eq!(client.next_but(&others).await.unwrap().1, first);
        let (head, payload) = client.next_but(&others).await.unwrap();
        assert_eq!((head.kind, payload[3]), (Kind::Reset, 2));
        drop(client);
    };
    served(handler, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_resets_its_stream_after_what_came() {
    let breaks = async |_: Request<Body>, _: Option<Sent>| {
        let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"half"))), Err("gone".into())];
        ok(Body::boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames))))
    };
    breaks_after(breaks, b"half").await;
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_though_its_client_does_not_read() {
    let begun = Cell::new(0);
    let large = async |_: Request<Body>, _: Option<Sent>| {
        begun.set(begun.get() + 1);
        ok(Body::full(vec![b'x'; 1 << 20]))
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        // Windows as large as they may be.
        let open = 0x7fff_0000_u32.to_be_bytes();
        client.send(frame(Kind::Settings, 0, 0, &[&[0, 4][..], &open].concat())).await;
        client.send(frame(Kind::Window, 0, 0, &open)).await;
        for stream in [1, 3, 5] {
            client.send(asked(stream, true, "GET", "/")).await;
            tokio::time::sleep(seconds(1)).await;
        }
        assert_eq!(begun.get(), 3);
        let (mut got, mut ended) = (0, 0);
        while ended < 3 {
            let (head, payload) = client.next_but(&[Kind::Settings, Kind::Window, Kind::Headers]).await.unwrap();
            got += payload.len();
            ended += u8::from(head.flags & END_STREAM != 0);
        }
        assert_eq!(got, 3 << 20);
        drop(client);
    };
    served(large, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_request_is_lost_when_the_worker_stops() {
    let slow = async |_: Request<Body>, _: Option<Sent>| {
        tokio::time::sleep(seconds(3)).await;
        ok(Body::full("late"))
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        tokio::time::sleep(seconds(1)).await;
        client.closing.close(Ending::Stop);
        let others = [Kind::Settings, Kind::Window];
        let (head, payload) = client.next_but(&others).await.unwrap();
        assert_eq!((head.kind, &payload[..]), (Kind::GoAway, &b"\x7f\xff\xff\xff\0\0\0\0"[..]));
        let (_, word) = client.next_but(&others).await.unwrap();
        // It was on its way.
        client.send(asked(3, true, "GET", "/")).await;
        client.send(frame(Kind::Ping, 1, 0, &word)).await;
        let (head, payload) = client.next_but(&others).await.unwrap();
        assert_eq!((head.kind, &payload[..]), (Kind::GoAway, &b"\0\0\0\x03\0\0\0\0"[..]));
        client.send(asked(5, true, "GET", "/")).await;
        assert_eq!(client.answer(1).await.0, b"late");
        assert_eq!(client.answer(3).await.0, b"late");
        assert_eq!(client.end().await, None);
    };
    served(slow, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_and_so_does_one_that_stops_or_says_nothing() {
    for (speaks, asks, stops, time) in [
        (false, false, false, 10),
        (true, false, false, 75),
        (true, true, false, 75),
        (true, true, true, 1),
        (true, false, true, 1),
    ] {
        let client = async |mut client: Client| {
            client.send(if speaks { PREFACE } else { b"" }).await;
            if asks {
                client.send(asked(1, true, "GET", "/")).await;
                client.answer(1).await;
            }
            if stops {
                client.closing.close(Ending::Stop);
            }
            let start = Instant::now();
            assert_eq!(client.end().await, Some(0));
            assert_eq!(start.elapsed().as_secs(), time, "{asks} {stops}");
        };
        served(echo, client).await.0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_back_is_dropped_with_all_it_holds() {
    let dropped = Cell::new(0);
    struct Guard<'a>(&'a Cell<usize>);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let forever = async |req: Request<Body>, _: Option<Sent>| {
        let _guard = Guard(&dropped);
        let ended = req.into_body().collect().await;
        assert!(ended.is_err());
        std::future::pending().await
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send([asked(1, false, "POST", "/"), asked(3, false, "POST", "/")].concat()).await;
        tokio::time::sleep(seconds(1)).await;
        client.send(frame(Kind::Reset, 0, 1, &[0, 0, 0, 8])).await;
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(dropped.get(), 1);
    };
    let (end, ()) = served(forever, client).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(dropped.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_rests_from_the_end_of_its_last_answer() {
    let activity = Activity::default();
    let slow = async |_: Request<Body>, _: Option<Sent>| {
        let busy = activity.begin();
        tokio::time::sleep(seconds(30)).await;
        Response::new(Outgoing::new(Body::full("late"), Some(busy)))
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        client.answer(1).await;
        let start = Instant::now();
        assert_eq!(client.end().await, Some(0));
        assert_eq!(start.elapsed().as_secs(), 75);
    };
    counted(activity.clone(), slow, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_take_its_time_though_it_was_answered() {
    let kept = RefCell::new(Vec::new());
    let keeps = async |req: Request<Body>, _: Option<Sent>| {
        kept.borrow_mut().push(req.into_body());
        ok(Body::full("early"))
    };
    let client = async |mut client: Client| {
        client.send([PREFACE, &asked(1, false, "POST", "/")].concat()).await;
        assert_eq!(client.answer(1).await.0, b"early");
        let piece = frame(Kind::Data, 0, 1, b"piece");
        let (begin, rest) = piece.split_at(HEAD + 2);
        client.send(begin).await;
        for _ in 0..100 {
            tokio::time::sleep(seconds(3)).await;
            client.send([rest, begin].concat()).await;
        }
        // A head may not.
        client.send([rest, &asked(3, true, "GET", "/")[..20]].concat()).await;
        let start = Instant::now();
        assert_eq!((client.end().await, start.elapsed()), (Some(0), seconds(10)));
    };
    served(keeps, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_not_read_is_not_whole_when_its_stream_ends() {
    let kept = RefCell::new(Vec::new());
    let keeps = async |req: Request<Body>, _: Option<Sent>| {
        kept.borrow_mut().push(req.into_body());
        std::future::pending().await
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        for (stream, end) in [(1, END_STREAM), (3, 0), (5, END_STREAM), (7, 0)] {
            client.send([asked(stream, false, "POST", "/"), frame(Kind::Data, end, stream, b"body")].concat()).await;
        }
        tokio::time::sleep(seconds(1)).await;
        client.send([1, 3].map(|stream| frame(Kind::Reset, 0, stream, &[0, 0, 0, 8])).concat()).await;
        tokio::time::sleep(seconds(1)).await;
        let taken_back: Vec<_> = kept.borrow_mut().drain(..2).collect();
        for body in taken_back {
            assert!(body.collect().await.is_err());
        }
    };
    assert!(served(keeps, client).await.0.is_err());
    // The other two were cut off by the end of the connection.
    for body in kept.into_inner() {
        let ended = tokio::time::timeout(seconds(1), body.collect()).await;
        assert!(ended.expect("it hangs").is_err());
    }
}

/// A connection's window at this side, as its client counts it, and how each stream of a path ends.
const ENDS: [(&str, &str); 8] = [
    ("/read", "ended"),
    ("/read", "reset"),
    ("/some", "reset"),
    ("/hang", "reset"),
    ("/hang", "broken"),
    ("/deny", "ended"),
    ("/deny", "reset"),
    ("/drop", "ended"),
];

#[tokio::test(start_paused = true)]
async fn however_streams_end_the_window_of_their_connection_comes_back() {
    const PIECE: usize = 10_000;
    let handler = async |req: Request<Body>, _: Option<Sent>| {
        let (parts, mut body) = req.into_parts();
        match parts.uri.path() {
            "/read" => drop(body.collect().await),
            "/some" => drop(body.frame().await),
            "/drop" => drop(body),
            "/deny" => return ok(Body::full("no")),
            _ => {
                std::future::pending::<()>().await;
                drop(body);
            }
        }
        if parts.uri.path() == "/some" { std::future::pending().await } else { ok(Body::Empty) }
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        let mut left = settings::WINDOW as usize;
        // Eight times as much as the window takes, by each.
        for round in 0..ENDS.len() * 80 {
            let stream = 2 * u32::try_from(round).unwrap() + 1;
            let (path, end) = ENDS[round % ENDS.len()];
            client.send(asked(stream, false, "POST", path)).await;
            for count in 0..10 {
                // One in three is padded.
                let padded = count % 3 == 0;
                let payload = if padded { [&[200; 1][..], &[0; PIECE]].concat() } else { vec![1; PIECE] };
                while left < payload.len() {
                    let (head, payload) = client.next().await.unwrap();
                    if head.kind == Kind::Window && head.stream == 0 {
                        left += u32::from_be_bytes(payload.try_into().unwrap()) as usize;
                    }
                }
                left -= payload.len();
                let flags = if padded { 8 } else { 0 } | u8::from(end == "ended" && count == 9);
                client.send(frame(Kind::Data, flags, stream, &payload)).await;
            }
            match end {
                "reset" => client.send(frame(Kind::Reset, 0, stream, &[0, 0, 0, 8])).await,
                "broken" => client.send(head(stream, true, &[(":path", "/")])).await,
                _ => {}
            }
        }
    };
    let ended = tokio::time::timeout(seconds(300), served(handler, client)).await;
    drop(ended.expect("it hangs"));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_while_an_answer_is_sent_is_given_back() {
    let pass = async |req: Request<Body>, _: Option<Sent>| ok(req.into_body());
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff])).await;
        client.send(frame(Kind::Window, 0, 0, &0x7000_0000_u32.to_be_bytes())).await;
        client.send(asked(1, false, "POST", "/")).await;
        let mut may = STREAM_WINDOW as usize;
        for _ in 0..200 {
            while may < 10_000 {
                let (head, payload) = client.next_but(&[Kind::Settings, Kind::Headers, Kind::Data]).await.unwrap();
                assert_eq!(head.kind, Kind::Window);
                let more = u32::from_be_bytes(payload.try_into().unwrap()) as usize;
                may += if head.stream == 1 { more } else { 0 };
            }
            may -= 10_000;
            client.send(frame(Kind::Data, 0, 1, &[b'x'; 10_000])).await;
        }
    };
    let ended = tokio::time::timeout(seconds(30), served(pass, client)).await;
    assert!(ended.expect("it hangs").0.is_err());
}

#[tokio::test(start_paused = true)]
async fn goodbye_never_names_a_later_stream_than_before() {
    let slow = async |_: Request<Body>, _: Option<Sent>| {
        tokio::time::sleep(seconds(3)).await;
        ok(Body::full("late"))
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        client.closing.close(Ending::Stop);
        tokio::time::sleep(seconds(2)).await;
        // None of these is served, and what belongs to them is no fault, however many they are.
        for stream in (3..301).step_by(2) {
            client.send(asked(stream, false, "POST", "/")).await;
        }
        client.send([frame(Kind::Data, 0, 3, b"x"), head(3, true, &[("x-sum", "7")])].concat()).await;
        let (mut last, mut answered) = (u32::MAX, false);
        while let Some((head, payload)) = client.next().await {
            assert_ne!(head.kind, Kind::Reset);
            if head.stream == 1 && !std::mem::replace(&mut answered, true) {
                // A fault, while the worker stops.
                client.send(frame(Kind::Data, 0, 0, b"x")).await;
            }
            if head.kind == Kind::GoAway {
                let named = u32::from_be_bytes(payload[..4].try_into().unwrap());
                assert!(named <= last, "{named} after {last}");
                last = named;
            }
        }
        assert_eq!((answered, last), (true, 1));
    };
    served(slow, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_turns_out_to_be_empty_ends_its_stream() {
    let empty = async |_: Request<Body>, _: Option<Sent>| {
        let frames = futures_util::stream::iter(Vec::<Result<http_body::Frame<Bytes>, crate::body::BodyError>>::new());
        let mut response = ok(Body::boxed(http_body_util::StreamBody::new(frames)));
        response.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(0));
        response
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        assert_eq!(client.answer(1).await.0, b"");
        drop(client);
    };
    served(empty, client).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_no_longer_than_was_said() {
    let long = async |_: Request<Body>, _: Option<Sent>| {
        let frames = [b"four", b"more"].map(|piece| Ok(http_body::Frame::data(Bytes::from_static(piece))));
        let mut response = ok(Body::boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames))));
        response.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(4));
        response
    };
    breaks_after(long, b"four").await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_is_told_as_an_error() {
    let odd = async |_: Request<Body>, _: Option<Sent>| {
        let mut response = ok(Body::full("x"));
        *response.status_mut() = StatusCode::CONTINUE;
        response
    };
    let client = async |mut client: Client| {
        client.send(PREFACE).await;
        client.send(asked(1, true, "GET", "/")).await;
        let (_, block) = client.next_but(&[Kind::Settings, Kind::Window]).await.unwrap();
        // 500 in the static table.
        assert_eq!(block[0], 0x8e);
        drop(client);
    };
    served(odd, client).await.0.unwrap();
}

/// Frames as an attacker may make them: nearly right.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        Just(asked(1, true, "GET", "/").split_off(HEAD)),
        Just(vec![0, 0, 0, 8]),
        Just(vec![b'x'; 5000]),
    ];
    let one = (0..11_u8, any::<u8>(), 0..8_u32, payload)
        .prop_map(|(kind, flags, stream, payload)| frame(kind.into(), flags & 0x2d, stream, &payload));
    let right = (0..8_u32, any::<bool>()).prop_map(|(stream, end)| asked(2 * stream + 1, end, "POST", "/x"));
    proptest::collection::vec(prop_oneof![one, right], 0..40).prop_map(|all| all.concat())
}

/// What happens in one of a few lanes, each of which has one stream after the other.
#[derive(Clone, Copy, Debug)]
enum Act {
    Piece(usize),
    End,
    Reset,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![8 => (1..4000_usize).prop_map(Act::Piece), 3 => Just(Act::End), 1 => Just(Act::Reset)];
    proptest::collection::vec((0..5_usize, act), 1..60)
}

/// Uploads side by side, of which some are taken back. Each is all of one byte, and so must its answer be.
async fn lanes(mut client: Client, acts: Vec<(usize, Act)>) {
    let byte = |stream: u32| u8::try_from(stream % 251).unwrap();
    let mut open: [Option<(u32, usize)>; 5] = [None; 5];
    let (mut last, mut whole, mut resets) = (1, BTreeMap::new(), 0);
    client.send([PREFACE, &frame(Kind::Window, 0, 0, &1_000_000_u32.to_be_bytes())].concat()).await;
    // Those that are open at the end are ended.
    let rest = (0..5).map(|lane| (lane, Act::End));
    for (lane, act) in acts.into_iter().chain(rest) {
        if open[lane].is_none() {
            last += 2;
            client.send(asked(last, false, "POST", "/")).await;
        }
        let (stream, size) = open[lane].take().unwrap_or((last, 0));
        match act {
            Act::Piece(more) => {
                client.send(frame(Kind::Data, 0, stream, &vec![byte(stream); more])).await;
                open[lane] = Some((stream, size + more));
            }
            // More at once would be a flood.
            Act::Reset if resets < 15 => {
                resets += 1;
                client.send(frame(Kind::Reset, 0, stream, &[0, 0, 0, 8])).await;
            }
            Act::End | Act::Reset => {
                client.send(frame(Kind::Data, END_STREAM, stream, b"")).await;
                whole.insert(stream, size);
            }
        }
    }
    let mut answers = BTreeMap::<u32, Vec<u8>>::new();
    let mut ended = 0;
    while ended < whole.len() {
        let (head, payload) = client.next_but(&[Kind::Settings, Kind::Window, Kind::Headers]).await.unwrap();
        assert_eq!(head.kind, Kind::Data);
        answers.entry(head.stream).or_default().extend(payload);
        ended += usize::from(head.flags & END_STREAM != 0);
        let more = u32::try_from(head.len.max(1)).unwrap().to_be_bytes();
        client.send(frame(Kind::Window, 0, 0, &more)).await;
    }
    let wanted = whole.into_iter().map(|(stream, size)| (stream, [&b"/:"[..], &vec![byte(stream); size]].concat()));
    assert!(answers == wanted.collect(), "bytes are lost, or another stream's");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_a_client_sends_the_connection_ends_when_it_does(bytes in frames(), cut in 1..5000_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let patient = async |req: Request<Body>, _: Option<Sent>| {
                let body = req.into_body().collect().await.map(|all| all.to_bytes()).unwrap_or_default();
                ok(Body::full(body))
            };
            let client = async |mut client: Client| {
                // What it is sent is read, and what it says about itself is right.
                client.send(PREFACE).await;
                for piece in bytes.chunks(cut) {
                    if client.far.write_all(piece).await.is_err() {
                        break;
                    }
                }
                let _ = client.far.shutdown().await;
                client.end().await
            };
            let ended = tokio::time::timeout(seconds(200), served(patient, client)).await;
            assert!(ended.is_ok(), "it hangs");
        });
    }

    #[test]
    fn streams_keep_their_bytes_to_themselves(acts in acts(), pause in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let handler = async |req: Request<Body>, sent: Option<Sent>| {
                if pause {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                echo(req, sent).await
            };
            let done = tokio::time::timeout(seconds(60), served(handler, |client| lanes(client, acts))).await;
            assert!(done.is_ok(), "it hangs");
        });
    }
}
