//! Answers, side by side and each within its windows.

use super::*;

#[tokio::test(start_paused = true)]
async fn requests_run_side_by_side_and_bodies_arrive_however_they_are_cut() {
    let big = vec![b'x'; 300_000];
    let talk = async |client: &mut Client| {
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
    };
    talked(echo, talk).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_its_windows() {
    let talk = async |client: &mut Client| {
        // SETTINGS: an initial window of 3.
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 3])).await;
        client.send(asked(1, true, "GET", "/12345678")).await;
        let mut got = Vec::new();
        for more in [0, 1, 2, 100] {
            if more > 0 {
                client.send(frame(Kind::Window, 0, 1, &u32::to_be_bytes(more))).await;
            }
            let (head, payload) = client.next_but(BUT_BODIES).await.unwrap();
            got.push((head.kind, String::from_utf8(payload).unwrap(), head.flags));
        }
        let wanted = [("/12", 0), ("3", 0), ("45", 0), ("678:", END_STREAM)];
        assert_eq!(got, wanted.map(|(text, flags)| (Kind::Data, text.to_owned(), flags)));
    };
    talked(echo, talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_opens_its_window_is_given_up_and_others_are_not() {
    let talk = async |client: &mut Client| {
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
        client.send(asked(1, true, "GET", "/")).await;
        let start = Instant::now();
        let (head, payload) = client.next_but(BUT_BODIES).await.unwrap();
        assert_eq!((head.kind, head.stream, payload[3]), (Kind::Reset, 1, 8));
        assert_eq!(start.elapsed().as_secs(), LIMITS.stall.as_secs());
        client.send(frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 9])).await;
        client.send(asked(3, true, "GET", "/again")).await;
        assert_eq!(client.answer(3).await.0, b"/again:");
    };
    talked(echo, talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_though_its_client_does_not_read() {
    let begun = Cell::new(0);
    let large = async |_: Request<Body>, _: Option<Sent>| {
        begun.set(begun.get() + 1);
        ok(Body::full(vec![b'x'; 1 << 20]))
    };
    let talk = async |client: &mut Client| {
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
            let (head, payload) = client.next_but(BUT_BODIES).await.unwrap();
            got += payload.len();
            ended += u8::from(head.flags & END_STREAM != 0);
        }
        assert_eq!(got, 3 << 20);
    };
    talked(large, talk).await;
}

/// Asks once, for an answer that begins so and ends as a fault of this side.
async fn breaks_after<F>(handler: impl Fn(Request<Body>, Option<Sent>) -> F, first: &[u8])
where
    F: Future<Output = Response<Outgoing>>,
{
    let talk = async |client: &mut Client| {
        client.send(asked(1, true, "GET", "/")).await;
        assert_eq!(client.next_but(BUT_BODIES).await.unwrap().1, first);
        let (head, payload) = client.next_but(BUT_BODIES).await.unwrap();
        assert_eq!((head.kind, payload[3]), (Kind::Reset, 2));
    };
    talked(handler, talk).await;
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
async fn a_body_that_turns_out_to_be_empty_ends_its_stream() {
    let empty = async |_: Request<Body>, _: Option<Sent>| {
        let frames = futures_util::stream::iter(Vec::<Result<http_body::Frame<Bytes>, crate::body::BodyError>>::new());
        let mut response = ok(Body::boxed(http_body_util::StreamBody::new(frames)));
        response.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(0));
        response
    };
    let talk = async |client: &mut Client| {
        client.send(asked(1, true, "GET", "/")).await;
        assert_eq!(client.answer(1).await.0, b"");
    };
    talked(empty, talk).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_is_told_as_an_error() {
    let odd = async |_: Request<Body>, _: Option<Sent>| {
        let mut response = ok(Body::full("x"));
        *response.status_mut() = StatusCode::CONTINUE;
        response
    };
    let talk = async |client: &mut Client| {
        client.send(asked(1, true, "GET", "/")).await;
        let (_, block) = client.next_but(OWN).await.unwrap();
        // 500 in the static table.
        assert_eq!(block[0], 0x8e);
    };
    talked(odd, talk).await;
}
