//! `response-transformer`: changes an answer on its way to the client, whoever made it (`kong/plugins.md` §4, recorded
//! suite of that name).
//!
//! Headers first, then the top-level members of a JSON body. Kong 2.8 hangs up where it cannot change a body that calls
//! itself JSON; here it goes on as it is, as in 3.9, and the log says so.

mod headers;
mod members;
mod schema;
#[cfg(test)]
mod tests;

use super::whole::{self, MOST};
use super::{Build, Ctx, Define, Plugin};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use bytes::Bytes;
use headers::Headers;
use http::{HeaderMap, Response, header};
use http_body::Body as HttpBody;
use members::Members;
use std::sync::Arc;

/// The plugin.
#[derive(Debug)]
pub struct ResponseTransformer {
    headers: Headers,
    /// `None` when JSON is left alone.
    members: Option<Arc<Members>>,
}

// === impl ResponseTransformer ===

impl Plugin for ResponseTransformer {
    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        self.headers.change(res.headers_mut());
        if let Some(members) = self.members.as_ref().filter(|_| is_json(res.headers(), cx.compat)) {
            change_body(members, res);
        }
    }

    fn remark(&self) -> Option<String> {
        let members = self.members.as_ref().and_then(|members| members.described());
        let parts = [self.headers.described(), members.map(|said| format!("in a JSON body {said}"))];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Define for ResponseTransformer {
    const NAME: &'static str = "response-transformer";

    fn priority(_: Compat) -> i32 {
        800
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let members = Members::read(config).map(Arc::new);
        Some(Self { headers: Headers::read(config, cx)?, members })
    }
}

/// Kong 2 looks for `application/json` anywhere in the type, Kong 3 for a media type of that name among them.
fn is_json(headers: &HeaderMap, compat: Compat) -> bool {
    const JSON: &[u8] = b"application/json";
    let Some(value) = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()) else { return false };
    match compat {
        Compat::Kong2 => value.windows(JSON.len()).any(|part| part.eq_ignore_ascii_case(JSON)),
        Compat::Kong3 => value.split(|b| *b == b',').any(|kind| essence(kind).eq_ignore_ascii_case(JSON)),
    }
}

/// A media type without its parameters.
fn essence(kind: &[u8]) -> &[u8] {
    kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii()
}

/// The length of what comes is not known yet, so the body goes out without one. One that is packed, or known to be too
/// long, stays as it is.
fn change_body(members: &Arc<Members>, res: &mut Response<Body>) {
    let packed = res.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    let length = res.body().size_hint().lower();
    if packed || length > MOST as u64 {
        tracing::warn!(packed, length, "response-transformer leaves a JSON body as it is");
        return;
    }
    res.headers_mut().remove(header::CONTENT_LENGTH);
    if res.body().is_end_stream() {
        return;
    }
    let (body, members) = (std::mem::take(res.body_mut()), members.clone());
    *res.body_mut() = whole::changed(body, MOST, move |bytes| changed(&members, bytes));
}

fn changed(members: &Members, bytes: Bytes) -> Bytes {
    match members.change(&bytes) {
        Ok(text) => text.into(),
        Err(reason) => {
            tracing::warn!(reason, "response-transformer leaves a JSON body as it is");
            bytes
        }
    }
}

/// What is done to which names: `removes a, b, adds c`. `None` of nothing.
fn listed(parts: [(&str, Vec<&str>); 5]) -> Option<String> {
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> = parts.map(|(verb, names)| format!("{verb} {}", names.join(", "))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
