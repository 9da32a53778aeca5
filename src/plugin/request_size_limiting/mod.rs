//! `request-size-limiting`: how large a request's body may be (`kong/plugins.md` §14, recorded suite of that name).
//!
//! A body that says its length is judged by that. One that does not is measured: by Kong 2.8 only if it fits the buffer,
//! so that a longer one passes whatever the limit (recorded); here in format 3.0 while it streams, whatever its length.

#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use futures_util::future::LocalBoxFuture;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode};
use http_body::Body as HttpBody;

/// The plugin.
#[derive(Debug)]
pub struct RequestSizeLimiting {
    /// Bytes. Kong takes negative numbers, too.
    limit: i64,
    needs_length: bool,
}

static CONFIG: Record = Record {
    fields: &[
        Field::integer("allowed_payload_size").default(Default::Int(128)),
        Field::string("size_unit").default(Default::Str("megabytes")).required().rules(&[Rule::OneOf(UNITS)]),
        Field::boolean("require_content_length").default(Default::Bool(false)).required(),
    ],
    checks: &[],
};

const UNITS: &[&str] = &["megabytes", "kilobytes", "bytes"];

// === impl RequestSizeLimiting ===

impl Plugin for RequestSizeLimiting {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if let Some(length) = length(req.headers()) {
            return self.judge(length, req, cx);
        }
        if self.needs_length && req.headers().get(TRANSFER_ENCODING).is_none_or(|coding| coding != "chunked") {
            let message = "A valid Content-Length header is required";
            return Flow::Respond(reply::error(StatusCode::LENGTH_REQUIRED, Some(message), &cx.asker(req)));
        }
        if req.body().is_end_stream() {
            return Flow::Continue;
        }
        if cx.compat == Compat::Kong2 {
            return Flow::Wait;
        }
        cx.body_limit = Some(u64::try_from(self.limit).unwrap_or_default());
        Flow::Continue
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            match buffer::read(req.body_mut(), cx.body_buffer).await {
                Read::Whole(body) => self.judge(body.len() as u64, req, cx),
                Read::TooLong | Read::Broken => Flow::Continue,
            }
        })
    }
}

impl RequestSizeLimiting {
    fn judge(&self, length: u64, req: &Request<Body>, cx: &Ctx) -> Flow {
        if i128::from(length) <= i128::from(self.limit) {
            return Flow::Continue;
        }
        let asks = req.headers().get(EXPECT).is_some_and(|text| {
            text.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue")
        });
        let status = if asks { StatusCode::EXPECTATION_FAILED } else { StatusCode::PAYLOAD_TOO_LARGE };
        Flow::Respond(reply::error(status, Some(reply::SIZE_LIMIT), &cx.asker(req)))
    }
}

impl Define for RequestSizeLimiting {
    const NAME: &'static str = "request-size-limiting";

    fn priority(_: Compat) -> i32 {
        951
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, _: &mut Build<'_>) -> Option<Self> {
        let unit = match config.str("size_unit") {
            Some("bytes") => 1,
            Some("kilobytes") => 1 << 10,
            _ => 1 << 20,
        };
        let limit = config.int("allowed_payload_size").unwrap_or(128).saturating_mul(unit);
        Some(Self { limit, needs_length: config.bool("require_content_length") })
    }
}

/// What a request says of its length. That it is a number was seen before.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
