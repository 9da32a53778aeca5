//! `rate-limiting`: so many requests in a second, minute, hour, day, month or year of the calendar
//! (`kong/plugins.md` §10, recorded suites of that name).
//!
//! Counts are this process's, whatever `policy` says. Unlike Kong, which reads them before and counts after, a request is
//! looked at and counted in one step, so that none slips through at the same time as another.

mod headers;
mod schema;
#[cfg(test)]
mod tests;

use super::rate::Counting;
use super::rate::limit::{self, Limit};
use super::rate::period::Moment;
use super::rate::whom::By;
use super::{Build, Ctx, Define, Flow, Plugin, Scope};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use http::{HeaderMap, Request, Response, StatusCode};

/// The plugin.
#[derive(Debug)]
pub struct RateLimiting {
    limits: Box<[Limit]>,
    by: By,
    hidden: bool,
    status: StatusCode,
    message: Box<str>,
    counting: Counting,
}

const MESSAGE: &str = "API rate limit exceeded";

// === impl RateLimiting ===

impl Plugin for RateLimiting {
    fn bound(&self, scope: &Scope) {
        self.counting.bind(scope, std::iter::once(""));
    }

    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let Some(zone) = self.counting.bound().zone(0).filter(|_| !cx.dry_run) else { return Flow::Continue };
        let whom = self.by.whom(req, cx, &self.counting);
        let moment = Moment::of(cx.wall);
        let (used, reached) = match zone.take(whom, &moment, &self.limits) {
            Ok(used) => (used, None),
            Err((used, reached)) => (used, Some(reached)),
        };
        let mut told = HeaderMap::new();
        if !self.hidden {
            headers::tell(&self.limits, &used, reached, &moment, &mut told);
        }
        if reached.is_some() {
            return Flow::Respond(self.refusal(told, req, cx));
        }
        cx.answer_headers.extend(told);
        Flow::Continue
    }

    fn remark(&self) -> Option<String> {
        let (whom, limits, status) = (self.by.described(), limit::described(&self.limits), self.status.as_u16());
        Some(format!("lets {whom} send {limits}; beyond that {status}"))
    }
}

impl RateLimiting {
    fn refusal(&self, told: HeaderMap, req: &Request<Body>, cx: &Ctx) -> Response<Body> {
        let mut res = reply::error(self.status, Some(&self.message), &cx.asker(req));
        res.headers_mut().extend(told);
        res
    }
}

impl Define for RateLimiting {
    const NAME: &'static str = "rate-limiting";

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 901,
            Compat::Kong3 => 910,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            limits: limit::read(config),
            by: By::read(config)?,
            hidden: config.bool("hide_client_headers"),
            status: status(config).unwrap_or(StatusCode::TOO_MANY_REQUESTS),
            message: config.str("error_message").unwrap_or(MESSAGE).into(),
            counting: Counting::new(Self::NAME, cx),
        })
    }
}

/// `error_code`. A fraction means nothing in it.
fn status(config: &Checked) -> Option<StatusCode> {
    let code = config.get("error_code")?.as_num()?;
    // Between 400 and 599.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    StatusCode::from_u16(code as u16).ok()
}
