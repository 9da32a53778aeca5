//! Requests' bodies: read, unread, and taken back.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_is_waited_for_a_while_and_then_refused() {
    let deaf = async |_: Request<Body>, _: Option<Sent>| ok(Body::full("no"));
    for (rest, reset) in [(Some(END_STREAM), false), (Some(0), true), (None, true)] {
        let talk = async |client: &mut Client| {
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
            let (head, payload) = client.next_but(OWN).await.unwrap();
            let refused = (head.kind == Kind::Reset).then(|| (head.stream, payload[3]));
            assert_eq!(refused, reset.then_some((1, 0)), "{rest:?} {:?}", start.elapsed());
            client.send(asked(3, true, "GET", "/")).await;
            assert_eq!(client.answer(3).await.0, b"no");
        };
        talked(deaf, talk).await;
    }
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
