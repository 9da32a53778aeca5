//! A request for the tests of log plugins.
#![allow(clippy::unwrap_used)]

use super::{End, Facts, Handshake, Try};
use crate::entity::{Compat, RouteId};
use crate::plugin::testing::{context, request};
use crate::plugin::{Ctx, Head, Origin, Received};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);

fn facts(cx: &Ctx) -> Facts {
    let failed = Try {
        peer: "10.0.0.1:80".parse().unwrap(),
        start: cx.now + SECOND,
        choice: Duration::from_millis(2),
        failed: Some(StatusCode::BAD_GATEWAY),
    };
    let mut headers = HeaderMap::new();
    headers.append("set-cookie", HeaderValue::from_static("a=1"));
    headers.append("set-cookie", HeaderValue::from_static("sid=2; Path=/"));
    headers.insert("date", HeaderValue::from_static("today"));
    let end = End {
        status: StatusCode::OK,
        headers,
        bytes: 7,
        gateway: Duration::from_millis(3),
        upstream: Some(Duration::from_millis(20)),
        receive: Duration::from_millis(100),
        total: Duration::from_millis(123),
    };
    Facts {
        head: 40,
        body: Some(2),
        tls: Some(Handshake { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", verified: false }),
        upstream: Some("/up?x-pass=1&b=2".parse().unwrap()),
        tries: Some(vec![failed.clone(), Try { failed: None, ..failed }]),
        end: Some(end),
        ..Facts::new(HeaderValue::from_static("h"), ["x-pass".into(), "sid".into()].into())
    }
}

/// A request that was answered by the upstream, and its head.
pub(crate) fn exchange(compat: Compat) -> (Ctx, Head) {
    let mut cx = context(compat);
    cx.route = Some(RouteId(0));
    cx.origin = Origin::Upstream;
    cx.tls = true;
    cx.peer.port = 8443;
    cx.wall = SystemTime::UNIX_EPOCH + 1000 * SECOND;
    cx.request_id = Some("r1".into());
    cx.received = Some(Box::new(Received { status: StatusCode::CREATED, headers: HeaderMap::new() }));
    cx.facts = Some(Box::new(facts(&cx)));
    let headers = [
        ("authorization", "Bearer s3cret"),
        ("x-pass", "s3cret"),
        ("cookie", "a=1; SID=s3cret"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("referer", "http://h/?token=s3cret"),
    ];
    (cx, Head::of(&request("GET", "/a?x-pass=s3cret&b=1&b=2&c", &headers, "")))
}
