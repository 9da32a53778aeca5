#![allow(clippy::unwrap_used)]

use super::*;
use crate::observe::format::Escape;
use crate::settings::Target;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::super::writer::Message;

/// 23 November 2026, 13:00:00.123.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_438_800_123)
}

fn access(layout: Layout) -> (Access, Receiver<Message>) {
    let (sink, lines) = Sink::into(8);
    (Access::new(Some(sink), &AccessLog { to: Target::Stdout, layout }), lines)
}

fn of_format(text: &str, escape: Escape) -> Layout {
    Layout::Lines(Arc::new(Format::compile(text, escape).unwrap()))
}

fn met() -> Met {
    let handshake = Handshake { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", verified: false };
    Met { client: "127.0.0.1".parse().unwrap(), tls: true, handshake: Some(handshake) }
}

const fn end(status: u16) -> Outcome<'static> {
    Outcome { status, bytes: 5, whole: true, took: Duration::from_micros(12_345), secrets: &[], known: None }
}

/// What a request's line is.
fn line(layout: Layout, req: &http::Request<()>, end: &Outcome<'_>) -> String {
    let (access, lines) = access(layout);
    access.write(&access.entry(req, met()).unwrap(), end, now());
    access.flush();
    let Message::Lines(lines) = lines.recv().unwrap() else { panic!("lines") };
    String::from_utf8(lines).unwrap()
}

#[test]
fn a_combined_line_is_nginxs_without_secrets() {
    let req = http::Request::builder()
        .uri("/a\u{e9}?apikey=s3cret&x-pass=own")
        .header("user-agent", "x\"y")
        .header("referer", "http://u:p@h/?token=t")
        .body(())
        .unwrap();
    let (snapshot, mut cx) = known(Compat::Kong2);
    let secrets = ["x-pass".into()];
    let rest = "[23/Nov/2026:13:00:00 +0000] \"GET /a\\xC3\\xA9?apikey=REDACTED&x-pass=REDACTED HTTP/1.1\" 200 5 \
                \"http://REDACTED@h/?token=REDACTED\" \"x\\x22y\"\n";
    let end = Outcome { secrets: &secrets, ..end(200) };
    assert_eq!(line(Layout::Kong, &req, &end), format!("127.0.0.1 - - {rest}"));
    cx.user = Some("j\"ö rg".into());
    let end = Outcome { known: Some(knowing(&cx, &snapshot, &[])), ..end };
    assert_eq!(line(Layout::Kong, &req, &end), format!("127.0.0.1 - j\\x22\\xC3\\xB6 rg {rest}"));
}

#[test]
fn with_format_3_the_line_ends_with_the_requests_id() {
    let (snapshot, mut cx) = known(Compat::Kong3);
    cx.request_id = Some("abc".into());
    let end = Outcome { known: Some(knowing(&cx, &snapshot, &[])), ..end(200) };
    let req = http::Request::new(());
    assert!(line(Layout::Kong, &req, &end).ends_with("200 5 \"-\" \"-\" kong_request_id: \"abc\"\n"));
    let combined = Layout::Lines(Arc::new(Format::combined().clone()));
    assert!(line(combined, &req, &end).ends_with("200 5 \"-\" \"-\"\n"), "a format that is named is that format");
}

#[test]
fn an_object_has_what_is_known_and_nothing_else() {
    let req = http::Request::builder()
        .uri("/a?token=s3cret&b=%22")
        .version(Version::HTTP_2)
        .header("host", "GW.test:8443")
        .header("user-agent", HeaderValue::from_bytes(b"x\xff\"").unwrap())
        .body(())
        .unwrap();
    let bare = line(Layout::Json, &req, &end(404));
    let want = "{\"time\":\"2026-11-23T13:00:00.123Z\",\"client\":\"127.0.0.1\",\"method\":\"GET\",\"scheme\":\"https\",\
                \"host\":\"gw.test\",\"path\":\"/a?token=REDACTED&b=%22\",\"protocol\":\"HTTP/2.0\",\"status\":404,\
                \"bytes\":5,\"complete\":true,\"duration_ms\":12.345,\"tls\":\"TLSv1.3\",\"user_agent\":\"x\u{fffd}\\\"\"}\n";
    assert_eq!(bare, want);
    let (snapshot, mut cx) = known(Compat::Kong3);
    cx.request_id = Some("abc".into());
    cx.origin = crate::plugin::Origin::Upstream;
    cx.route = Some(crate::entity::RouteId(0));
    cx.service = Some(crate::entity::ServiceId(0));
    let peer = "10.0.0.2:3000".parse().unwrap();
    let start = std::time::Instant::now();
    let one = Try { peer, start, choice: Duration::ZERO, failed: None };
    let tries = [Try { failed: Some(http::StatusCode::BAD_GATEWAY), ..one.clone() }, one];
    let end = Outcome { known: Some(knowing(&cx, &snapshot, &tries)), ..end(200) };
    let told: serde_json::Value = serde_json::from_str(&line(Layout::Json, &req, &end)).unwrap();
    for (key, value) in [("upstream", "10.0.0.2:3000"), ("route", "r"), ("service", "s"), ("request_id", "abc")] {
        assert_eq!(told[key], value);
    }
    assert_eq!((&told["upstream_ms"], &told["attempts"]), (&3.0.into(), &2.into()));
    let own = of_format("$upstream_addr|$upstream_status|$upstream_response_time|$route", Escape::Default);
    assert_eq!(line(own, &req, &end), "10.0.0.2:3000, 10.0.0.2:3000|502, 200|0.000, 0.003|r\n");
}

#[test]
fn values_are_escaped_as_the_format_says() {
    let req = http::Request::builder().uri("/a?b=c&b=d").header("x-a", "1\"\\\t").body(()).unwrap();
    let text = "$http_x_a|$http_none|$arg_b|$request_uri$is_args";
    let said = |escape| line(of_format(text, escape), &req, &end(200));
    assert_eq!(said(Escape::Default), "1\\x22\\x5C\\x09|-|c|/a?b=c&b=d?\n");
    assert_eq!(said(Escape::Json), "1\\\"\\\\\\t||c|/a?b=c&b=d?\n");
    assert_eq!(said(Escape::None), "1\"\\\t||c|/a?b=c&b=d?\n");
}

#[test]
fn what_brings_a_secret_is_masked_in_any_format() {
    let req = http::Request::builder()
        .uri("/a?token=s3cret")
        .header("authorization", "Bearer s3cret")
        .header("cookie", "a=b; sid=s3cret")
        .header("x-pass", "s3cret")
        .body(())
        .unwrap();
    let secrets = ["x-pass".into(), "sid".into()];
    let text = "$http_authorization $http_cookie $cookie_sid $cookie_a $http_x_pass $arg_token $args $request";
    let said = line(of_format(text, Escape::Default), &req, &Outcome { secrets: &secrets, ..end(200) });
    let want =
        "REDACTED a=b; sid=REDACTED REDACTED b REDACTED REDACTED token=REDACTED GET /a?token=REDACTED HTTP/1.1\n";
    assert_eq!(said, want);
}

#[test]
fn every_variable_says_something_or_nothing() {
    let (snapshot, cx) = known(Compat::Kong2);
    let end = Outcome { known: Some(knowing(&cx, &snapshot, &[])), ..end(200) };
    for (variable, names, _) in crate::observe::format::variable::PLAIN {
        let said =
            line(of_format(&format!("{variable:?}=${}", names[0]), Escape::Default), &http::Request::new(()), &end);
        assert!(said.len() > format!("{variable:?}=\n").len(), "{said}");
    }
    let all = "$remote_addr $scheme $https $http2 $ssl_protocol $ssl_client_verify $time_iso8601 $msec $request_time \
               $request_completion $server_name";
    assert_eq!(
        line(of_format(all, Escape::Default), &http::Request::new(()), &end),
        "127.0.0.1 https on - TLSv1.3 NONE 2026-11-23T13:00:00+00:00 1795438800.123 0.012 OK kong\n"
    );
}

#[test]
fn a_log_that_nobody_takes_holds_up_nothing_and_lines_are_counted() {
    let (sink, _lines) = Sink::into(0);
    let access = Access::new(Some(sink), &AccessLog::STDOUT);
    let entry = access.entry(&http::Request::new(()), met()).unwrap();
    (0..3).for_each(|_| access.write(&entry, &end(200), now()));
    access.flush();
    assert_eq!((access.take_dropped(), access.take_dropped()), (3, 0));
}

#[test]
fn where_there_is_no_log_nothing_is_noted() {
    let access = Access::new(None, &AccessLog { to: Target::Off, layout: Layout::Json });
    assert!(access.entry(&http::Request::new(()), met()).is_none());
    assert_eq!(access.needs(), Needs::default());
}

/// A configuration with a route and a service, and the context of a request.
fn known(compat: Compat) -> (Snapshot, Ctx) {
    let version = if compat == Compat::Kong3 { "3.0" } else { "2.1" };
    let text = format!(
        "_format_version: '{version}'\nservices: [{{name: s, url: 'http://a', routes: [{{name: r, paths: [/]}}]}}]\n"
    );
    let source = crate::config::report::Source { name: "kong.yml".into(), text: text.into() };
    let settings = crate::settings::Settings::default();
    let (snapshot, report) = crate::config::load(&source, crate::world::World::EMPTY, &settings);
    let cx = Ctx::new(compat, met().client, true, std::time::Instant::now(), now());
    (snapshot.unwrap_or_else(|| panic!("{:?}", report.found)), cx)
}

fn knowing<'a>(cx: &'a Ctx, snapshot: &'a Snapshot, tries: &'a [Try]) -> Known<'a> {
    Known { cx, snapshot, tries, upstream: Some(Duration::from_millis(3)), sizes: None }
}
