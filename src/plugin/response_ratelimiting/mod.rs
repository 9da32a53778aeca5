//! `response-ratelimiting`: so much of what upstreams charge for, by a header of their answers (`kong/plugins.md` §11,
//! recorded suite of that name).
//!
//! An answer is counted when its head is there; Kong counts when its last byte is gone.

mod costs;
mod named;
mod schema;
#[cfg(test)]
mod tests;

use super::rate::Counting;
use super::rate::counts::Used;
use super::rate::limit::figure;
use super::rate::period::Moment;
use super::rate::whom::{By, Whom};
use super::{Build, Ctx, Define, Flow, Origin, Plugin, Scope};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, Request, Response, StatusCode};
use named::Named;

/// The plugin.
#[derive(Debug)]
pub struct ResponseRateLimiting {
    named: Box<[Named]>,
    by: By,
    /// In which an upstream says what its answer costs.
    header: HeaderName,
    /// Whether nothing is asked of an upstream any more once something is used up.
    blocking: bool,
    hidden: bool,
    counting: Counting,
}

/// What was used when a request came.
#[derive(Clone, Debug)]
struct Seen {
    whom: Whom,
    moment: Moment,
    /// In the order of the names.
    used: Box<[Used]>,
}

// === impl ResponseRateLimiting ===

impl Plugin for ResponseRateLimiting {
    fn bound(&self, scope: &Scope) {
        self.counting.bind(scope, self.named.iter().map(|named| &*named.name));
    }

    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let seen = self.look(req, cx);
        let each = || self.named.iter().zip(&seen.used);
        if let Some((named, _)) = each().find(|(named, used)| self.blocking && named.is_used_up(used)) {
            let message = format!("API rate limit exceeded for '{}'", named.name);
            return Flow::Respond(reply::error(StatusCode::TOO_MANY_REQUESTS, Some(&message), &cx.asker(req)));
        }
        for (named, used) in each() {
            self.tell_before(named, named.least(used), req, cx);
        }
        if !cx.dry_run {
            cx.stash.insert(seen);
        }
        Flow::Continue
    }

    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        let Some(seen) = cx.stash.remove::<Seen>() else { return };
        let costs = self.costs(res, cx);
        if !self.hidden {
            let each = self.named.iter().zip(&seen.used).zip(&costs);
            each.for_each(|((named, used), cost)| named.tell(used, *cost, res.headers_mut()));
        }
        res.headers_mut().remove(&self.header);
        let mut each = self.named.iter().zip(&seen.used).zip(&costs);
        if each.any(|((named, used), cost)| *cost > 0.0 && named.least(used) <= 0.0) {
            return refuse(res);
        }
        self.count(&seen, &costs);
    }

    fn remark(&self) -> Option<String> {
        let limits: Vec<_> = self.named.iter().map(Named::described).collect();
        let (whom, header, limits) = (self.by.described(), &self.header, limits.join(", "));
        Some(format!("lets {whom} have {limits}, as `{header}` of answers says what they cost; beyond that 429"))
    }
}

impl ResponseRateLimiting {
    /// Who it is, and what was used. A request that is only thought of is somebody's who used nothing.
    fn look(&self, req: &Request<Body>, cx: &Ctx) -> Seen {
        let (whom, moment) = (self.by.whom(req, cx, &self.counting), Moment::of(cx.wall));
        let zone = |at| self.counting.bound().zone(at).filter(|_| !cx.dry_run);
        let used = |at| zone(at).map_or_else(Used::default, |zone| zone.used(whom, &moment));
        Seen { used: (0..self.named.len()).map(used).collect(), whom, moment }
    }

    /// Kong 2 tells the upstream what remains, Kong 3 the client.
    fn tell_before(&self, named: &Named, remains: f64, req: &mut Request<Body>, cx: &mut Ctx) {
        match cx.compat {
            Compat::Kong2 => _ = req.headers_mut().insert(&named.remaining, figure(remains)),
            Compat::Kong3 if self.hidden => {}
            Compat::Kong3 => _ = cx.answer_headers.insert(&named.remaining, figure(remains)),
        }
    }

    /// What an answer costs, in the order of the names. Of a name that is there twice the last counts.
    fn costs(&self, res: &Response<Body>, cx: &Ctx) -> Box<[f64]> {
        let mut costs = vec![0.0; self.named.len()].into_boxed_slice();
        let told = res.headers().get(&self.header).filter(|_| cx.origin == Origin::Upstream);
        let known = |name: &str| self.named.iter().position(|named| &*named.name == name);
        for (at, cost) in costs::read(told.and_then(|told| told.to_str().ok()).unwrap_or_default(), known) {
            costs[at] = cost;
        }
        costs
    }

    fn count(&self, seen: &Seen, costs: &[f64]) {
        for (at, cost) in costs.iter().enumerate().filter(|(_, cost)| **cost != 0.0) {
            if let Some(zone) = self.counting.bound().zone(at) {
                zone.add(seen.whom, &seen.moment, *cost);
            }
        }
    }
}

/// What the upstream answered is kept from the client, but for its headers.
fn refuse(res: &mut Response<Body>) {
    *res.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    *res.body_mut() = Body::Empty;
    res.headers_mut().remove(CONTENT_LENGTH);
    res.headers_mut().remove(TRANSFER_ENCODING);
}

impl Define for ResponseRateLimiting {
    const NAME: &'static str = "response-ratelimiting";

    fn priority(_: Compat) -> i32 {
        900
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            named: named::read(config)?,
            by: By::read(config)?,
            header: HeaderName::try_from(config.str("header_name").unwrap_or("x-kong-limit")).ok()?,
            blocking: config.bool("block_on_first_violation"),
            hidden: config.bool("hide_client_headers"),
            counting: Counting::new(Self::NAME, cx),
        })
    }
}
