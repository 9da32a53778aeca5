//! One of the things that an upstream charges for.

use crate::config::value::Checked;
use crate::plugin::rate::counts::Used;
use crate::plugin::rate::limit::{self, Limit, figure};
use http::{HeaderMap, HeaderName};

/// A name, and how much of it there is.
#[derive(Debug)]
pub(super) struct Named {
    pub name: Box<str>,
    /// What the upstream is told in: how much remains.
    pub remaining: HeaderName,
    limits: Box<[Tellable]>,
}

/// A limit, and what clients are told of it in.
#[derive(Debug)]
struct Tellable {
    limit: Limit,
    most: HeaderName,
    remaining: HeaderName,
}

/// All of `limits`.
pub(super) fn read(config: &Checked) -> Option<Box<[Named]>> {
    config.pairs("limits").iter().map(|(name, limits)| Named::read(name, limits)).collect()
}

// === impl Named ===

impl Named {
    fn read(name: &str, limits: &Checked) -> Option<Self> {
        let limits = limit::read(limits).into_iter().map(|limit| Tellable::new(name, limit));
        let remaining = HeaderName::try_from(format!("x-ratelimit-remaining-{name}")).ok()?;
        Some(Self { name: name.into(), remaining, limits: limits.collect::<Option<_>>()? })
    }

    /// What remains of the limit that is closest. Less than nothing where more was charged than there was.
    pub(super) fn least(&self, used: &Used) -> f64 {
        self.limits.iter().map(|limit| limit.limit.remains(used)).fold(f64::INFINITY, f64::min)
    }

    /// Whether a limit is used up to the last. Kong does not look at one that was exceeded.
    pub(super) fn is_used_up(&self, used: &Used) -> bool {
        self.limits.iter().any(|limit| limit.limit.remains(used) == 0.0)
    }

    /// Tells a client what remains after a cost.
    pub(super) fn tell(&self, used: &Used, cost: f64, headers: &mut HeaderMap) {
        for Tellable { limit, most, remaining } in &self.limits {
            headers.insert(most, limit.text.clone());
            headers.insert(remaining, figure((limit.remains(used) - cost).max(0.0)));
        }
    }

    /// For [`Plugin::remark`](crate::plugin::Plugin::remark): `` 3 an hour of `video` ``.
    pub(super) fn described(&self) -> String {
        let limits: Vec<_> = self.limits.iter().map(|limit| limit.limit.clone()).collect();
        format!("{} of `{}`", limit::described(&limits), self.name)
    }
}

// === impl Tellable ===

impl Tellable {
    fn new(name: &str, limit: Limit) -> Option<Self> {
        let header = |what| HeaderName::try_from(format!("x-ratelimit-{what}-{name}-{}", limit.period.name())).ok();
        Some(Self { most: header("limit")?, remaining: header("remaining")?, limit })
    }
}
