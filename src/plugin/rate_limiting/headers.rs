//! What clients are told of their limits (`kong/plugins.md` §10, recorded suite).

use crate::plugin::rate::counts::Used;
use crate::plugin::rate::limit::{Limit, figure};
use crate::plugin::rate::period::Moment;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// By a period's number: its limit, and what remains.
const OF_PERIODS: [(HeaderName, HeaderName); 6] = [
    (HeaderName::from_static("x-ratelimit-limit-second"), HeaderName::from_static("x-ratelimit-remaining-second")),
    (HeaderName::from_static("x-ratelimit-limit-minute"), HeaderName::from_static("x-ratelimit-remaining-minute")),
    (HeaderName::from_static("x-ratelimit-limit-hour"), HeaderName::from_static("x-ratelimit-remaining-hour")),
    (HeaderName::from_static("x-ratelimit-limit-day"), HeaderName::from_static("x-ratelimit-remaining-day")),
    (HeaderName::from_static("x-ratelimit-limit-month"), HeaderName::from_static("x-ratelimit-remaining-month")),
    (HeaderName::from_static("x-ratelimit-limit-year"), HeaderName::from_static("x-ratelimit-remaining-year")),
];

/// What remains of each limit after a request, or after it was refused: then only the limit that was `reached` hears of it.
fn remaining<'a>(
    limits: &'a [Limit],
    used: &'a Used,
    reached: Option<&'a Limit>,
) -> impl Iterator<Item = (&'a Limit, f64)> {
    limits.iter().map(move |limit| {
        let counts = reached.is_none_or(|reached| reached.period == limit.period);
        (limit, (limit.remains(used) - f64::from(u8::from(counts))).max(0.0))
    })
}

/// Says all of it. `used` is what was used before the request.
pub(super) fn tell(limits: &[Limit], used: &Used, reached: Option<&Limit>, moment: &Moment, headers: &mut HeaderMap) {
    let mut closest: Option<(&Limit, f64)> = None;
    for (limit, remains) in remaining(limits, used, reached) {
        let (most, rest) = &OF_PERIODS[limit.period.index()];
        headers.insert(most, limit.text.clone());
        headers.insert(rest, figure(remains));
        // The longer period on ties: it comes later.
        if closest.is_none_or(|(_, least)| remains <= least) {
            closest = Some((limit, remains));
        }
    }
    let Some((limit, remains)) = closest else { return };
    let reset = HeaderValue::from(moment.left_of(limit.period));
    headers.insert(LIMIT, limit.text.clone());
    headers.insert(REMAINING, figure(remains));
    if reached.is_some() {
        headers.insert(RETRY_AFTER, reset.clone());
    }
    headers.insert(RESET, reset);
}
