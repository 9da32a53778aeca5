//! How HTTP/2 connections end: by either side, at rest and at work (RFC 9113 §6.8).

use crate::common::frames::{
    DATA, END_STREAM, End, Frames, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, REFUSED_STREAM, RST_STREAM, frame,
    get, is_late, post, settings, window,
};
use crate::common::{Gateway, LIMIT, Upstream};
use crate::http2_cases::{start, upstream};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// An upstream that answers each request when it is told to.
fn waiting() -> (Upstream, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (go_on, may_go) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let may_go = Mutex::new(may_go);
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        tell.send(()).map_err(std::io::Error::other)?;
        may_go.lock().unwrap().recv_timeout(LIMIT).map_err(std::io::Error::other)?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    (upstream, go_on, told)
}

/// Everything up to the end, which must come: the errors of GOAWAY frames, and the last streams that they name.
fn farewells(client: &mut Frames) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    loop {
        match client.next() {
            Ok(frame) if frame.kind == GOAWAY => all.push((frame.number(4), frame.number(0))),
            Ok(_) => {}
            Err(error) => {
                assert!(!is_late(&error), "the connection stays open");
                return all;
            }
        }
    }
}

#[test]
fn a_client_that_says_goodbye_gets_what_is_under_way() {
    let (upstream, go_on, told) = waiting();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([get(1, "/"), get(3, "/")].concat()).unwrap();
    (0..2).for_each(|_| told.recv_timeout(LIMIT).unwrap());
    client.send(frame(GOAWAY, 0, 0, &[&[0; 8][..], b"some words"].concat())).unwrap();
    (0..2).for_each(|_| go_on.send(()).unwrap());
    let answers = client.answers([1, 3]);
    assert!(answers.iter().all(|answer| answer.is_whole() && answer.body == b"ok"), "{answers:?}");
    assert!(farewells(&mut client).iter().all(|(why, _)| *why == NO_ERROR));
}

#[test]
fn a_client_that_says_goodbye_for_an_unknown_reason_gets_what_is_under_way() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([get(1, "/size/10"), frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0xde, 0xad])].concat()).unwrap();
    // Whether it is an error that ends all at once is not said; a half answer would be wrong.
    let answer = client.answer(1);
    assert!(matches!(answer.end, Some(End::Closed)) || answer.is_whole() && answer.body.len() == 10, "{answer:?}");
}

#[test]
fn a_gateway_that_stops_ends_what_is_under_way_and_begins_nothing() {
    let (upstream, go_on, told) = waiting();
    let mut gateway = start(&upstream);
    let (mut client, mut idle) = (Frames::open(&gateway), Frames::open(&gateway));
    client.send([get(1, "/"), post(3, "/", &[("content-length", "4")])].concat()).unwrap();
    (0..2).for_each(|_| told.recv_timeout(LIMIT).unwrap());
    idle.pause();
    gateway.signal("TERM");
    let goodbye = client.next_of(|frame| frame.kind == GOAWAY);
    assert_eq!((goodbye.stream, goodbye.number(4)), (0, NO_ERROR));
    // No stream that it works on is left out.
    assert!(goodbye.number(0) >= 3, "{goodbye:?}");
    // It goes on to take what belongs to those.
    client.send(frame(DATA, END_STREAM, 3, b"body")).unwrap();
    (0..2).for_each(|_| go_on.send(()).unwrap());
    let answers = client.answers([1, 3]);
    assert!(answers.iter().all(|answer| answer.is_whole() && answer.body == b"ok"), "{answers:?}");
    let last = farewells(&mut client);
    assert!(last.iter().all(|(why, last)| *why == NO_ERROR && *last >= 3), "{last:?}");
    assert!(farewells(&mut idle).iter().all(|(why, _)| *why == NO_ERROR));
    assert!(gateway.ends_within(LIMIT).is_some_and(|status| status.success()));
}

#[test]
fn a_request_that_comes_after_goodbye_is_answered_or_refused() {
    let (upstream, go_on, told) = waiting();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(get(1, "/")).unwrap();
    told.recv_timeout(LIMIT).unwrap();
    gateway.signal("TERM");
    let first = client.next_of(|frame| frame.kind == GOAWAY);
    // It may have been under way when GOAWAY was sent: the last stream that is named says whether it counts.
    client.send(get(3, "/")).unwrap();
    (0..2).for_each(|_| go_on.send(()).unwrap());
    let mut last = first.number(0);
    let (mut one, mut three) = (None, None);
    loop {
        let frame = match client.next() {
            Ok(frame) => frame,
            Err(error) if is_late(&error) => panic!("the connection stays open"),
            Err(_) => break,
        };
        match (frame.kind, frame.stream) {
            (GOAWAY, _) => {
                assert!(frame.number(4) == NO_ERROR && frame.number(0) <= last, "{frame:?}");
                last = frame.number(0);
            }
            (_, 1) => one = one.or(frame.status()),
            (HEADERS | RST_STREAM, 3) => three = three.or(Some(frame)),
            _ => {}
        }
    }
    assert_eq!(one, Some(200));
    // To refuse it is right in any case (§8.7).
    let refused = three.as_ref().is_some_and(|frame| frame.kind == RST_STREAM && frame.number(0) == REFUSED_STREAM);
    let answered = three.as_ref().is_some_and(|frame| frame.status() == Some(200));
    assert!(refused || answered == (last >= 3), "{three:?}, but the last stream is {last}");
}

#[test]
fn a_connection_at_rest_is_ended_with_goodbye() {
    let upstream = upstream();
    let gateway = Gateway::to(&upstream).set("KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT", "1s").start();
    let mut client = Frames::open(&gateway);
    client.send(get(1, "/")).unwrap();
    assert_eq!(client.answer(1).status(), 200);
    let farewells = farewells(&mut client);
    assert!(
        !farewells.is_empty() && farewells.iter().all(|(why, last)| *why == NO_ERROR && *last >= 1),
        "{farewells:?}"
    );
}

#[test]
fn an_error_names_the_last_stream_that_was_worked_on() {
    let upstream = upstream();
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send(get(7, "/size/3")).unwrap();
    assert_eq!(client.answer(7).body.len(), 3);
    client.send(frame(DATA, 0, 0, b"x")).unwrap();
    let farewells = farewells(&mut client);
    assert_eq!(farewells.last(), Some(&(1, 7)));
}

#[test]
fn a_client_that_goes_takes_its_requests_along() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        tell.send("begun").map_err(std::io::Error::other)?;
        peer.rest()?;
        tell.send("ended").map_err(std::io::Error::other)
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([get(1, "/"), post(3, "/", &[])].concat()).unwrap();
    assert_eq!([(); 2].map(|()| told.recv_timeout(LIMIT)), [Ok("begun"); 2]);
    drop(client);
    assert_eq!([(); 2].map(|()| told.recv_timeout(LIMIT)), [Ok("ended"); 2]);
}

#[test]
fn a_client_that_goes_amid_an_upload_takes_it_along_though_it_was_answered() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |peer, _| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        // It goes on to take what comes.
        peer.rest()?;
        tell.send("ended").map_err(std::io::Error::other)
    });
    let gateway = start(&upstream);
    let mut client = Frames::open(&gateway);
    client.send([post(1, "/", &[]), frame(DATA, 0, 1, b"some")].concat()).unwrap();
    let answer = client.answer(1);
    assert!(answer.is_whole() && answer.body == b"ok", "{answer:?}");
    drop(client);
    assert_eq!(told.recv_timeout(LIMIT), Ok("ended"));
}

#[test]
fn a_client_that_reads_slowly_gets_all_of_its_answer_from_a_gateway_that_stops() {
    const SIZE: u32 = 1_500_000;
    let upstream = upstream();
    let mut gateway = start(&upstream);
    let mut client = Frames::greeting(&gateway, &settings(&[(INITIAL_WINDOW_SIZE, 2 * SIZE)]));
    client.send([window(0, 2 * SIZE), get(1, &format!("/size/{SIZE}"))].concat()).unwrap();
    client.next_of(|frame| frame.kind == HEADERS);
    gateway.signal("TERM");
    // By then all is on its way. Nobody says more, not even GOAWAY, when it has arrived.
    std::thread::sleep(Duration::from_millis(1500));
    let mut size = 0;
    while size < SIZE as usize {
        let frame = client.next().unwrap_or_else(|error| panic!("it is cut off at {size}: {error}"));
        size += if frame.kind == DATA { frame.data().len() } else { 0 };
        client.give_back(&frame);
    }
    assert_eq!(size, SIZE as usize);
    drop(client);
    assert!(gateway.ends_within(LIMIT).is_some_and(|status| status.success()));
}
