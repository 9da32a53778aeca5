//! `cors`: which origins' scripts may read an answer (`kong/plugins.md` §2, recorded suite `cors`).
//!
//! Answers a preflight itself, before any authentication, and marks every other answer, also refusals. What an `Origin`
//! is compared with is in [`origin`].

mod origin;
mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::number;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use origin::{Origins, Verdict};

/// The plugin. Header values are made once, here.
#[derive(Debug)]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    preflight_continue: bool,
    private_network: bool,
    exposed: Option<HeaderValue>,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

/// Left for the `response` phase: a preflight's answer is complete, or the upstream's business.
#[derive(Clone)]
struct Preflight;

static KEEPS: [HeaderName; 1] = [ORIGIN];
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

// === impl Cors ===

impl Plugin for Cors {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if !is_preflight(req) {
            return Flow::Continue;
        }
        cx.stash.insert(Preflight);
        if self.preflight_continue { Flow::Continue } else { Flow::Respond(self.preflight(req.headers())) }
    }

    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        if cx.stash.get::<Preflight>().is_some() {
            return;
        }
        let headers = res.headers_mut();
        self.allow_origin(cx.kept.get(&ORIGIN), headers);
        if let Some(exposed) = &self.exposed {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    fn keeps(&self) -> &[HeaderName] {
        if self.origins.need_origin() || self.credentials { &KEEPS } else { &[] }
    }
}

impl Cors {
    fn preflight(&self, asked: &HeaderMap) -> Response<Body> {
        let mut res = Response::new(Body::Empty);
        let headers = res.headers_mut();
        self.allow_origin(asked.get(ORIGIN), headers);
        if let Some(value) = self.headers.as_ref().or_else(|| asked.get(ACCESS_CONTROL_REQUEST_HEADERS)) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, value.clone());
        }
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        if let Some(value) = &self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, value.clone());
        }
        if self.private_network && asked.get(REQUEST_PRIVATE_NETWORK) == Some(&TRUE) {
            headers.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        res
    }

    /// Sets `Access-Control-Allow-Origin` and `-Credentials`, and adds to `Vary` what they depend on.
    fn allow_origin(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let verdict = self.origins.judge(origin);
        if self.origins.vary() {
            headers.append(VARY, VARY_ORIGIN);
        }
        match verdict {
            Verdict::Any => return self.allow_any(origin, headers),
            Verdict::Allowed(value) => _ = headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value),
            Verdict::Refused => _ = headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN),
        }
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
    }

    /// `*`, which browsers take for no answer where credentials are sent: they get their origin back.
    fn allow_any(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let Some(origin) = origin.filter(|_| self.credentials) else {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            return;
        };
        headers.append(VARY, VARY_ORIGIN);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    }
}

fn is_preflight(req: &Request<Body>) -> bool {
    let headers = req.headers();
    req.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Define for Cors {
    const NAME: &'static str = "cors";
    const CONSUMER_SCOPE: bool = false;

    fn priority(_: Compat) -> i32 {
        2000
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let exposed = list(config, "exposed_headers", cx);
        let headers = list(config, "headers", cx);
        let methods = list(config, "methods", cx);
        let number = config.get("max_age").and_then(Checked::as_num);
        Some(Self {
            origins: Origins::read(config.strs("origins"), cx.compat),
            credentials: config.bool("credentials"),
            preflight_continue: config.bool("preflight_continue"),
            private_network: config.bool("private_network"),
            exposed: exposed?,
            methods: methods?.unwrap_or(HeaderValue::from_static(schema::METHODS)),
            headers: headers?,
            max_age: number.and_then(|n| HeaderValue::try_from(number::lua(n)).ok()),
        })
    }
}

/// A list as one header value; inside, `None` for an empty list. Outside, `None` when no header may hold it.
fn list(config: &Checked, field: &'static str, cx: &mut Build<'_>) -> Option<Option<HeaderValue>> {
    let names: Vec<_> = config.strs(field).collect();
    if names.is_empty() {
        return Some(None);
    }
    let value = HeaderValue::try_from(names.join(",")).ok();
    if value.is_none() {
        let span = config.get(field).map_or(config.span, |list| list.span);
        let message = format!("{field} holds a control character, which no header may");
        cx.reject_ours("bad-header-value", span, message);
    }
    value.map(Some)
}
