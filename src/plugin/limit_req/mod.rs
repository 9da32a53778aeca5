//! `limit-req`: how many requests a client may send, by nginx's leaky bucket (`bucket.rs`).
//!
//! This gateway's own. What exceeds the rate passes at once up to `burst`, as with nginx's `nodelay`, and is refused
//! beyond it in the words of Kong's rate limits.

mod bucket;
mod schema;
#[cfg(test)]
mod tests;
mod zone;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::report::{Diagnostic, Span, Step};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use bucket::{ONE, Rate, Refusal};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, StatusCode};
use std::collections::HashMap;
use std::sync::Arc;
use zone::Zone;

/// The plugin.
#[derive(Debug)]
pub struct LimitReq {
    zone: Arc<Zone>,
    /// What the log calls it.
    name: Box<str>,
    /// Thousandths of a request.
    burst: u64,
    status: StatusCode,
}

/// The zones of a configuration.
#[derive(Clone, Debug, Default)]
struct Zones {
    /// Those that have a name, and where the rate of each was written first.
    named: HashMap<Box<str>, (Arc<Zone>, Span)>,
    /// Those of single instances, by where these stand.
    own: HashMap<Box<str>, Arc<Zone>>,
}

const MESSAGE: &str = "API rate limit exceeded";

// === impl LimitReq ===

impl Plugin for LimitReq {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if cx.dry_run {
            return Flow::Continue;
        }
        let Err(refusal) = self.zone.take(cx.client, self.burst, cx.now) else { return Flow::Continue };
        self.tell(refusal, cx);
        let mut res = reply::error(self.status, Some(MESSAGE), &cx.asker(req));
        res.headers_mut().insert(RETRY_AFTER, HeaderValue::from(refusal.wait));
        Flow::Respond(res)
    }

    fn remark(&self) -> Option<String> {
        let (rate, burst, status) = (self.zone.rate(), self.burst / ONE, self.status.as_u16());
        Some(format!("lets each client address send {rate}, and {burst} more in a burst; beyond that {status}"))
    }
}

impl LimitReq {
    /// One line for each time that a client goes too far. There are never more than requests that pass, so that a flood
    /// of requests is no flood of lines.
    fn tell(&self, refusal: Refusal, cx: &Ctx) {
        if refusal.first {
            let excess = format_args!("{}.{:03}", refusal.excess / ONE, refusal.excess % ONE).to_string();
            tracing::info!(client = %cx.client, zone = %self.name, %excess, "limiting requests");
        }
    }
}

impl Define for LimitReq {
    const NAME: &'static str = "limit-req";
    /// It runs before anybody could be known.
    const CONSUMER_SCOPE: bool = false;
    const EXTENSION: bool = true;

    /// Before all authentication, as nginx limits before it authenticates, and after cors.
    fn priority(_: Compat) -> i32 {
        1500
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let rate = config.get("rate")?;
        let zone = zone(config, Rate::parse(rate.as_str()?).ok()?, rate.span, cx)?;
        let name = config.str("zone").map_or_else(|| place(cx.path), Into::into);
        let burst = config.int("burst").and_then(|burst| u64::try_from(burst).ok()).unwrap_or_default() * ONE;
        let status = config.int("status").and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Some(Self { zone, name, burst, status: status.unwrap_or(StatusCode::TOO_MANY_REQUESTS) })
    }
}

/// The zone of this name, or one of its own. One of the same rate in the configuration before goes on counting.
fn zone(config: &Checked, rate: Rate, place: Span, cx: &mut Build<'_>) -> Option<Arc<Zone>> {
    let (name, before) = (config.str("zone"), cx.before.get::<Zones>());
    let known = before.and_then(|zones| match name {
        Some(name) => zones.named.get(name).map(|(zone, _)| zone),
        None => zones.own.get(&*(cx.standing)()),
    });
    let make = || known.filter(|zone| zone.rate() == rate).map_or_else(|| Arc::new(Zone::new(rate)), Arc::clone);
    let zones = cx.shared.get_or_insert_default::<Zones>();
    let Some(name) = name else {
        let zone = make();
        zones.own.insert((cx.standing)().into(), Arc::clone(&zone));
        return Some(zone);
    };
    let (zone, first) = zones.named.entry(name.into()).or_insert_with(|| (make(), place));
    if zone.rate() == rate {
        return Some(Arc::clone(zone));
    }
    let found = Diagnostic::error("conflict", place, format!("zone `{name}` has two rates"));
    cx.report.push(found.also(*first, "another is written here").help("instances of one zone share their counts"));
    None
}

/// Where an instance without a name stands: `services[0].plugins[1]`.
fn place(config: &[Step]) -> Box<str> {
    let mut text = String::new();
    for step in &config[..config.len().saturating_sub(1)] {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Entry(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text.into()
}
