//! How connections and streams end.

use super::*;

#[tokio::test(start_paused = true)]
async fn no_request_is_lost_when_the_worker_stops() {
    let talk = async |client: &mut Client| {
        client.send(asked(1, true, "GET", "/")).await;
        tokio::time::sleep(seconds(1)).await;
        client.closing.close(Ending::Stop);
        let (head, payload) = client.next_but(OWN).await.unwrap();
        assert_eq!((head.kind, &payload[..]), (Kind::GoAway, &b"\x7f\xff\xff\xff\0\0\0\0"[..]));
        let (_, word) = client.next_but(OWN).await.unwrap();
        // It was on its way.
        client.send(asked(3, true, "GET", "/")).await;
        client.send(frame(Kind::Ping, 1, 0, &word)).await;
        let (head, payload) = client.next_but(OWN).await.unwrap();
        assert_eq!((head.kind, &payload[..]), (Kind::GoAway, &b"\0\0\0\x03\0\0\0\0"[..]));
        client.send(asked(5, true, "GET", "/")).await;
        assert_eq!(client.answer(1).await.0, b"late");
        assert_eq!(client.answer(3).await.0, b"late");
        assert_eq!(client.end().await, None);
    };
    talked(late, talk).await;
}

#[tokio::test(start_paused = true)]
async fn goodbye_never_names_a_later_stream_than_before() {
    let talk = async |client: &mut Client| {
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
    talked(late, talk).await;
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
