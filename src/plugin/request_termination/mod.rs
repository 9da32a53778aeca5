//! `request-termination`: answers in the upstream's place (`kong/plugins.md` §13, recorded suite of that name).

mod echo;
mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::args::Args;
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{HeaderName, HeaderValue, Request, StatusCode};

/// The plugin.
#[derive(Debug)]
pub struct RequestTermination {
    trigger: Option<Trigger>,
    status: StatusCode,
    answer: Answer,
}

/// What to answer with.
#[derive(Debug)]
enum Answer {
    /// These bytes, of this type if any.
    Fixed(Option<HeaderValue>, Bytes),
    /// What the status alone gives.
    Bare,
    /// The request, with a message if there is one.
    Echo(Option<Box<str>>),
}

/// A header or an argument without which nothing happens.
#[derive(Debug)]
struct Trigger {
    /// The name as a header; Lua also finds `x-stop` by `x_stop`.
    headers: [HeaderName; 2],
    /// The name as an argument: letter case counts.
    argument: Box<str>,
}

// === impl RequestTermination ===

impl Plugin for RequestTermination {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.trigger.as_ref().is_some_and(|trigger| !trigger.is_in(req)) {
            return Flow::Continue;
        }
        match &self.answer {
            Answer::Fixed(kind, body) => Flow::Respond(reply::reply(self.status, kind.clone(), body.clone())),
            Answer::Bare => Flow::Respond(reply::exit_bare(self.status, &cx.asker(req))),
            Answer::Echo(_) => Flow::Wait,
        }
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            let Answer::Echo(message) = &self.answer else { return Flow::Continue };
            let body = match buffer::read(req.body_mut(), cx.body_buffer).await {
                Read::Whole(body) => Some(body),
                Read::TooLong | Read::Broken => None,
            };
            let text = echo::write(message.as_deref(), req, body.as_deref(), cx);
            Flow::Respond(reply::reply(self.status, Some(reply::JSON), text))
        })
    }
}

impl Define for RequestTermination {
    const NAME: &'static str = "request-termination";

    fn priority(_: Compat) -> i32 {
        2
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let number = config.int("status_code").and_then(|number| u16::try_from(number).ok());
        let status = number.and_then(|number| StatusCode::from_u16(number).ok());
        let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let trigger = config.str("trigger").and_then(Trigger::new);
        Some(Self { trigger, status, answer: Answer::read(config, status, cx)? })
    }
}

// === impl Answer ===

impl Answer {
    fn read(config: &Checked, status: StatusCode, cx: &mut Build<'_>) -> Option<Self> {
        let message = config.str("message").or_else(|| message(status));
        if config.bool("echo") {
            return Some(Self::Echo(message.map(Into::into)));
        }
        if let Some(body) = config.str("body") {
            let kind = content_type(config, cx)?;
            return Some(Self::Fixed(kind, Bytes::copy_from_slice(body.as_bytes())));
        }
        let fixed = |message| Self::Fixed(Some(reply::JSON), reply::message_json(message).into());
        Some(message.map_or(Self::Bare, fixed))
    }
}

/// Inside, `None` for no type; outside, for one that no header can hold.
fn content_type(config: &Checked, cx: &mut Build<'_>) -> Option<Option<HeaderValue>> {
    let Some(field) = config.get("content_type") else { return Some(None) };
    let value = field.as_str().and_then(|text| HeaderValue::from_str(text).ok());
    if value.is_none() {
        let message = "content_type holds a control character, which no header may";
        cx.reject_ours("bad-header-value", field.span, message);
    }
    value.map(Some)
}

/// The plugin's own words for some statuses.
fn message(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        401 => "Unauthorized",
        404 => "Not found",
        405 => "Method not allowed",
        500 => reply::UNEXPECTED,
        502 => "Bad Gateway",
        503 => "Service unavailable",
        _ => return None,
    })
}

// === impl Trigger ===

impl Trigger {
    fn new(name: &str) -> Option<Self> {
        let headers = [HeaderName::try_from(name).ok()?, HeaderName::try_from(name.replace('_', "-")).ok()?];
        Some(Self { headers, argument: name.into() })
    }

    fn is_in(&self, req: &Request<Body>) -> bool {
        self.headers.iter().any(|name| req.headers().contains_key(name)) || self.is_argument(req.uri().query())
    }

    fn is_argument(&self, query: Option<&str>) -> bool {
        query.is_some_and(|query| Args::parse(query.as_bytes()).get(self.argument.as_bytes()).is_some())
    }
}
