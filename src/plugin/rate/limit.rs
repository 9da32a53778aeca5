//! How many are allowed in a period.

use super::counts::Used;
use super::period::{PERIODS, Period};
use crate::config::value::Checked;
use crate::number;
use http::HeaderValue;

/// So many in a period. Kong takes fractions, too.
#[derive(Clone, Debug)]
pub(in crate::plugin) struct Limit {
    /// Which.
    pub period: Period,
    /// So many.
    most: f64,
    /// The same, for a header.
    pub text: HeaderValue,
}

/// The limits of a mapping with a field for each period, the shortest first.
pub(in crate::plugin) fn read(config: &Checked) -> Box<[Limit]> {
    let limit = |period: Period| Some(Limit::new(period, config.get(period.name())?.as_num()?));
    PERIODS.into_iter().filter_map(limit).collect()
}

/// A number for a header, as Lua writes it.
pub(in crate::plugin) fn figure(number: f64) -> HeaderValue {
    HeaderValue::try_from(number::lua(number)).unwrap_or(HeaderValue::from_static("0"))
}

/// What they allow, for people: `5 a minute and 100 an hour`.
pub(in crate::plugin) fn described(limits: &[Limit]) -> String {
    let words: Vec<_> = limits.iter().map(Limit::described).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

// === impl Limit ===

impl Limit {
    fn new(period: Period, most: f64) -> Self {
        Self { period, most, text: figure(most) }
    }

    /// How many of it remain. Less than nothing where more was used than it allows.
    pub(in crate::plugin) fn remains(&self, used: &Used) -> f64 {
        self.most - used[self.period.index()]
    }

    fn described(&self) -> String {
        let article = if self.period == Period::Hour { "an" } else { "a" };
        format!("{} {article} {}", number::lua(self.most), self.period.name())
    }
}
