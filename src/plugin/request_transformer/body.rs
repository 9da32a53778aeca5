//! Changes the body, by its `Content-Type` (`kong/plugins.md` §3, "Body"). Bodies of another kind go on as they are.

use super::changes::{Changes, InBody};
use super::template::{Env, Seen};
use super::{Crash, form, json, multipart};
use crate::body::Body;
use crate::plugin::Ctx;
use http::{HeaderMap, HeaderValue, Request, header};

/// A kind of body that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Multipart,
    Form,
}

/// In the order in which they are looked for.
const KINDS: [(&str, Kind); 3] = [
    ("application/json", Kind::Json),
    ("multipart/form-data", Kind::Multipart),
    ("application/x-www-form-urlencoded", Kind::Form),
];

/// The kind that the `Content-Type` holds somewhere, in whatever letter case.
pub(super) fn kind(headers: &HeaderMap) -> Option<Kind> {
    let sent = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let holds = |name: &str| sent.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name.as_bytes()));
    KINDS.iter().find(|(name, _)| holds(name)).map(|(_, kind)| *kind)
}

/// Whether the body must be read.
pub(super) fn is_changed(changes: &Changes<InBody>, headers: &HeaderMap) -> bool {
    !changes.is_empty() && kind(headers).is_some()
}

/// Changes what was read of the body and puts it in its place, with the right length.
pub(super) fn change(
    changes: &Changes<InBody>,
    read: &[u8],
    req: &mut Request<Body>,
    cx: &Ctx,
    seen: &Seen,
) -> Result<(), Crash> {
    let Some(kind) = kind(req.headers()).filter(|_| !changes.is_empty()) else { return Ok(()) };
    let env = &Env::new(req, cx, seen);
    let changed = match kind {
        Kind::Json => json::change(changes, read, env, cx.compat)?.map(String::into_bytes),
        Kind::Form => form::change(changes, read, env, cx.compat)?.map(String::into_bytes),
        Kind::Multipart => multipart::change(changes, read, req.headers().get(header::CONTENT_TYPE), env)?,
    };
    if let Some(bytes) = changed {
        req.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        *req.body_mut() = Body::full(bytes);
    }
    Ok(())
}
