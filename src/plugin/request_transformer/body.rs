//! Changes the body, by its `Content-Type` (`kong/plugins.md` §3, "Body"). Bodies of another kind go on as they are.

use super::changes::{Changes, InBody};
use super::template::{Env, Seen};
use super::{Crash, form, json, multipart};
use crate::body::Body;
use crate::plugin::Ctx;
use crate::plugin::payload::{self, Kind, kind};
use http::{HeaderMap, Request, header};

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
        payload::put(bytes, req);
    }
    Ok(())
}
