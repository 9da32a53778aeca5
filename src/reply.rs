//! Answers that the gateway makes itself, in Kong's words (`kong/proxying.md` §9).

use crate::body::Body;
use http::{Response, StatusCode, header};

/// Kong's `kong.response.exit(status, {message = …})`: compact JSON, whatever `Accept` says (§9c).
#[must_use]
pub fn exit(status: StatusCode, message: &str) -> Response<Body> {
    let text = serde_json::json!({ "message": message }).to_string();
    let mut res = Response::new(Body::full(text));
    *res.status_mut() = status;
    res.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json; charset=utf-8"));
    res
}
