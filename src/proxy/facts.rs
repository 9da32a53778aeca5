//! What log records need of a request ([`Facts`]), noted where some plugin writes them. Pure.

use super::body::Progress;
use super::decide::Scene;
use super::request::forwarded_host;
use super::response::Latencies;
use crate::plugin::Origin;
use crate::plugin::record::{End, Facts};
use http::{Request, Response, StatusCode, header};
use std::time::Duration;

/// What is known when a request has come, before anything changes it.
pub(super) fn begin<B>(scene: Scene<'_>, req: &Request<B>) -> Facts {
    let length = req.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Facts {
        head: Facts::request_head(req.method(), req.uri(), req.headers()),
        body: length,
        tls: scene.connection.tls.as_ref().and_then(|tls| tls.handshake),
        ..Facts::new(forwarded_host(req.headers()), scene.snapshot.secrets.clone())
    }
}

/// What is known at the end of it all: bytes of the answer's body, the request's, and how long it took.
pub(super) fn ended(facts: &mut Facts, bytes: u64, upload: Option<&Progress>, total: Duration) {
    facts.body = facts.body.or(upload.map(|progress| progress.bytes.get()));
    if let Some(known) = &mut facts.end {
        let before = known.gateway + known.upstream.unwrap_or_default();
        (known.bytes, known.receive, known.total) = (bytes, total.saturating_sub(before), total);
    }
}

/// What is known when the answer's head goes out.
pub(super) fn answered<B: http_body::Body>(response: &Response<B>, origin: Origin, latencies: Latencies) -> End {
    let (mut headers, status) = (response.headers().clone(), response.status());
    let bare = status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let (false, Some(size)) =
        (bare || headers.contains_key(header::CONTENT_LENGTH), response.body().size_hint().exact())
    {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    End {
        status,
        headers,
        bytes: 0,
        gateway: latencies.gateway,
        upstream: (origin != Origin::Gateway).then_some(latencies.upstream),
        receive: Duration::ZERO,
        total: Duration::ZERO,
    }
}
