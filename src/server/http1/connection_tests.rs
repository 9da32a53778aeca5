#![allow(clippy::unwrap_used)]
use super::super::request::Limits;
use super::*;
use crate::http1::names::Shared;
use crate::proxy::activity::Activity;
use crate::proxy::closing::{Closing, Seat};
use crate::server::limits;
use http_body_util::BodyExt;
use std::cell::Cell;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const LIMITS: Limits = Limits { size: 8 * 1024, fields: 100 };

fn second(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// An answer with a length, and something else in its head.
fn ok(body: Body) -> Response<Outgoing> {
    Response::new(Outgoing::new(body, Some(Activity::default().begin())))
}

/// Serves one end of a pipe; the client has the other.
async fn served<F, C>(
    handler: impl Fn(Request<Body>) -> F,
    client: impl FnOnce(DuplexStream) -> C,
) -> (io::Result<()>, C::Output)
where
    F: Future<Output = Response<Outgoing>>,
    C: Future,
{
    let (near, far) = tokio::io::duplex(64 * 1024);
    let closing = Rc::new(Closing::default());
    let waiting = Waiting::new(limits::Limits { head: second(10), rest: second(75) }, Seat::new(&closing));
    let refuse: Refuse = Arc::new(|status| Bytes::from(format!("our words for {status}")));
    let connection = Connection::new(
        Wire::new(near, second(5), Rc::default()),
        waiting,
        Heads::new(LIMITS, Shared::default()),
        refuse,
        handler,
    );
    tokio::join!(connection.serve(), client(far))
}

/// Sends all of this, and reads to the end.
async fn told<F: Future<Output = Response<Outgoing>>>(
    handler: impl Fn(Request<Body>) -> F,
    text: impl AsRef<[u8]>,
) -> String {
    let client = async |mut far: DuplexStream| {
        far.write_all(text.as_ref()).await.unwrap();
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.unwrap();
        answer
    };
    served(handler, client).await.1
}

/// Answers with the target and what was sent.
async fn echo(req: Request<Body>) -> Response<Outgoing> {
    let (parts, body) = req.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    ok(Body::full([parts.uri.path().as_bytes(), b":", &body].concat()))
}

/// Answers without a look at the body.
async fn deaf(_: Request<Body>) -> Response<Outgoing> {
    ok(Body::full("no"))
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn last(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test(start_paused = true)]
async fn requests_are_answered_in_turn() {
    let text = "POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc\r\nPOST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n\
                0\r\n\r\nGET /c HTTP/1.1\r\nconnection: close\r\n\r\nGET /d HTTP/1.1\r\n\r\n";
    assert_eq!(told(echo, text).await, answer("/a:abc") + &answer("/b:x") + &last("/c:"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_wants_is_thrown_away_if_it_is_there() {
    for body in
        ["content-length: 3\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nx: y\r\n\r\n"]
    {
        let text = format!("POST / HTTP/1.1\r\n{body}GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert_eq!(told(deaf, text).await, answer("no") + &last("no"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_wants_ends_the_connection_if_it_is_not() {
    for body in [
        "content-length: 9\r\n\r\nabc",
        "content-length: 9\r\nexpect: 100-continue\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nx",
    ] {
        let start = tokio::time::Instant::now();
        assert_eq!(told(deaf, format!("POST / HTTP/1.1\r\n{body}")).await, last("no"));
        assert!(start.elapsed() < second(3), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_to_be_asked_is_asked_by_whoever_reads() {
    let text = "POST / HTTP/1.1\r\ncontent-length: 1\r\nexpect: 100-continue\r\nconnection: close\r\n\r\nx";
    assert_eq!(told(echo, text).await, format!("HTTP/1.1 100 Continue\r\n\r\n{}", last("/:x")));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_understood_is_answered_and_the_client_heard_out() {
    assert_eq!(told(echo, "GET / HTTP/1.1\r\na b\r\n\r\n").await, "our words for 400");
    assert_eq!(told(echo, format!("GET / HTTP/1.1\r\na: {}", "b".repeat(9000))).await, "our words for 431");
    assert_eq!(told(echo, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
    assert_eq!(told(echo, "GET / HTTP/1.1\r\n\r\nnonsense\r\n\r\n").await, answer("/:") + "our words for 400");
}

#[tokio::test(start_paused = true)]
async fn an_interim_answer_is_no_answer() {
    let handler = async |_| {
        let mut response = ok(Body::Empty);
        *response.status_mut() = StatusCode::EARLY_HINTS;
        response
    };
    let answer = told(handler, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_rested_goes_on() {
    let client = async |mut far: DuplexStream| {
        let mut all = Vec::new();
        for _ in 0..3 {
            far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            let mut one = vec![0; answer("/:").len()];
            far.read_exact(&mut one).await.unwrap();
            all.push(String::from_utf8(one).unwrap());
            tokio::time::sleep(second(20)).await;
        }
        let start = tokio::time::Instant::now();
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(start.elapsed().as_secs(), 55);
        all
    };
    let (ended, answers) = served(echo, client).await;
    assert!(ended.is_ok() && answers.iter().all(|one| *one == answer("/:")), "{ended:?} {answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_takes_its_request_back() {
    struct Gone<'a>(&'a Cell<bool>);
    impl Drop for Gone<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let gone = Cell::new(false);
    let handler = |_| async {
        let _gone = Gone(&gone);
        std::future::pending().await
    };
    let client = async |mut far: DuplexStream| {
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        tokio::time::sleep(second(1)).await;
        assert!(!gone.get());
    };
    let (ended, ()) = served(handler, client).await;
    assert!(ended.is_err() && gone.get());
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_read_on_after_the_answer() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keep = Rc::clone(&kept);
    let handler = move |req: Request<Body>| {
        let keep = Rc::clone(&keep);
        async move {
            if req.method() == http::Method::POST {
                keep.borrow_mut().push(req.into_body());
            }
            ok(Body::full("ok"))
        }
    };
    let client = async |mut far: DuplexStream| {
        far.write_all(b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nab").await.unwrap();
        far.read_exact(&mut vec![0; answer("ok").len()]).await.unwrap();
        far.write_all(b"cdGET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
        let body = kept.borrow_mut().pop().unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcd");
        let mut rest = String::new();
        far.read_to_string(&mut rest).await.unwrap();
        rest
    };
    assert_eq!(served(handler, client).await.1, last("ok"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_that_nobody_asked_for() {
    let handler = |req: Request<Body>| async move {
        tokio::time::sleep(second(9)).await;
        drop(req);
        ok(Body::Empty)
    };
    let client = async |mut far: DuplexStream| {
        far.write_all(b"POST / HTTP/1.1\r\ncontent-length: 999999999\r\n\r\n").await.unwrap();
        let mut sent = 0;
        let pump = async {
            while let Ok(count) = far.write(&[b'x'; 1000]).await {
                sent += count;
            }
        };
        let _ = tokio::time::timeout(second(5), pump).await;
        sent
    };
    // What the pipe holds, and one read.
    assert!(served(handler, client).await.1 <= (64 + 8) * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let handler = async |_| ok(Body::full(vec![b'x'; 1 << 20]));
    let client = async |mut far: DuplexStream| {
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        tokio::time::sleep(second(60)).await;
    };
    let (ended, ()) = served(handler, client).await;
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
}
