//! What log records need of a request ([`Facts`]), noted where some plugin writes them.

use super::body::Progress;
use super::decide::Scene;
use super::forward::between;
use super::request::forwarded_host;
use super::response::Latencies;
use crate::plugin::Origin;
use crate::plugin::record::{End, Facts};
use http::request::Parts;
use http::{Response, header};
use std::time::Duration;
use tokio::time::Instant;

/// What is known when a request has come, before anything changes it.
pub(super) fn begin(scene: Scene<'_>, parts: &Parts) -> Facts {
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Facts {
        host: forwarded_host(&parts.headers),
        head: Facts::request_head(&parts.method, &parts.uri, &parts.headers),
        body: length,
        tls: scene.connection.tls.as_ref().and_then(|tls| tls.handshake),
        secrets: scene.snapshot.secrets.clone(),
        upstream: None,
        tries: None,
        end: None,
    }
}

/// What is known at the end of it all: the request began, its answer's head went out, and all of it is out now.
pub(super) fn ended(facts: &mut Facts, bytes: u64, upload: Option<&Progress>, at: [Instant; 3]) {
    let [start, departed, now] = at;
    facts.body = facts.body.or(upload.map(|progress| progress.bytes.get()));
    if let Some(known) = &mut facts.end {
        known.bytes = bytes;
        (known.receive, known.total) = (between(departed, now), between(start, now));
    }
}

/// What is known when the answer's head goes out.
pub(super) fn answered<B: http_body::Body>(response: &Response<B>, origin: Origin, latencies: Latencies) -> End {
    let mut headers = response.headers().clone();
    if let Some(size) = response.body().size_hint().exact().filter(|_| !headers.contains_key(header::CONTENT_LENGTH)) {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    End {
        status: response.status(),
        headers,
        bytes: 0,
        gateway: latencies.gateway,
        upstream: (origin != Origin::Gateway).then_some(latencies.upstream),
        receive: Duration::ZERO,
        total: Duration::ZERO,
    }
}
