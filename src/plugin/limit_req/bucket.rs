//! nginx's leaky bucket (`ngx_http_limit_req_module`), number for number: rates and excess in thousandths of a request,
//! time in whole milliseconds, everything rounded down.
//!
//! A bucket leaks at the rate; each request that passes adds one, but the first, which finds no bucket yet. One that
//! would fill it beyond `burst` is refused, and leaves it as it is.

/// How many requests a second, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(u64);

/// How full one client's bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Thousandths of a request.
    excess: u64,
    /// When it was that full, in milliseconds.
    at: u64,
    /// Whether the last request was refused.
    refused: bool,
}

/// A request that was too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// How full the bucket would be, in thousandths of a request.
    pub(super) excess: u64,
    /// After how many seconds a request would pass, if none came before.
    pub(super) wait: u64,
    /// Whether it is the first after one that passed.
    pub(super) first: bool,
}

/// One request, in the unit of a bucket.
pub(super) const ONE: u64 = 1000;

// === impl Rate ===

impl std::fmt::Display for Rate {
    /// By the second if that is a whole number, else by the minute.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % ONE {
            0 => write!(f, "{}r/s", self.0 / ONE),
            _ => write!(f, "{}r/m", (self.0 * 60 + ONE / 2) / ONE),
        }
    }
}

impl Rate {
    /// Reads `10r/s` or `30r/m`. What is left of a thousandth is dropped: `100r/m` are 1.666 a second.
    ///
    /// # Errors
    /// That the text is no rate.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let per_second = text.strip_suffix("r/s").map(|count| (count, 1));
        let parts = per_second.or_else(|| text.strip_suffix("r/m").map(|count| (count, 60)));
        let number = parts.and_then(|(count, seconds)| Some((whole(count)?, seconds)));
        let Some((count, seconds)) = number else {
            return Err(format!("`{text}` is no rate; write `10r/s` or `30r/m`"));
        };
        Ok(Self(count * ONE / seconds))
    }

    /// What leaks in this time.
    fn leaks(self, milliseconds: u64) -> u64 {
        self.0.saturating_mul(milliseconds) / 1000
    }

    /// The time in which this much leaks, in milliseconds.
    fn time_for(self, excess: u64) -> u64 {
        excess.saturating_mul(1000).div_ceil(self.0)
    }
}

/// A number above 0, in digits alone.
fn whole(text: &str) -> Option<u64> {
    let number: u32 = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())??;
    (number > 0).then_some(number.into())
}

// === impl Bucket ===

impl Bucket {
    /// The bucket of a client's first request, which passes.
    pub(super) const fn new(now: u64) -> Self {
        Self { excess: 0, at: now, refused: false }
    }

    /// Takes a request, if it does not fill the bucket beyond `burst` (in thousandths).
    ///
    /// # Errors
    /// When it does.
    pub(super) fn take(&mut self, rate: Rate, burst: u64, now: u64) -> Result<(), Refusal> {
        let past = now.saturating_sub(self.at);
        let full = self.excess + ONE;
        let excess = full.saturating_sub(rate.leaks(past));
        if excess > burst {
            let wait = rate.time_for(full - burst).saturating_sub(past).div_ceil(1000);
            return Err(Refusal { excess, wait, first: !std::mem::replace(&mut self.refused, true) });
        }
        *self = Self { excess, at: now.max(self.at), refused: false };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Which requests pass that come after these pauses, in milliseconds.
    fn passed(rate: Rate, burst: u64, pauses: &[u64]) -> Vec<bool> {
        let (mut bucket, mut now) = (None::<Bucket>, 1_000_000);
        let mut one = |pause| {
            now += pause;
            match &mut bucket {
                Some(bucket) => bucket.take(rate, burst * ONE, now).is_ok(),
                none => none.replace(Bucket::new(now)).is_none(),
            }
        };
        pauses.iter().map(|pause| one(*pause)).collect()
    }

    /// The module's formula, in the signed numbers that it is written in.
    fn model(rate: i64, burst: i64, pauses: &[u64]) -> Vec<bool> {
        let (mut excess, mut since) = (None::<i64>, 0);
        let mut one = |pause: u64| {
            since += i64::try_from(pause).unwrap();
            let next = excess.map_or(0, |excess| (excess - rate * since / 1000 + 1000).max(0));
            let passes = next <= burst * 1000;
            if passes {
                (excess, since) = (Some(next), 0);
            }
            passes
        };
        pauses.iter().map(|pause| one(*pause)).collect()
    }

    #[test]
    fn rates_are_whole_thousandths_of_a_second() {
        for (text, rate) in [("1r/s", 1000), ("30r/m", 500), ("100r/m", 1666), ("1r/m", 16), ("4294967295r/s", 4_294_967_295_000)] {
            assert_eq!(Rate::parse(text), Ok(Rate(rate)), "{text}");
        }
        for text in ["", "30", "r/s", "0r/m", "-1r/s", "+1r/s", "1.5r/s", "30r/h", "30 r/m", "30R/M", "4294967296r/s"] {
            let message = format!("`{text}` is no rate; write `10r/s` or `30r/m`");
            assert_eq!(Rate::parse(text), Err(message));
        }
    }

    #[test]
    fn a_burst_passes_at_once_and_comes_back_with_time() {
        let rate = Rate::parse("30r/m").unwrap();
        let pauses = [0, 0, 0, 0, 1999, 1, 0, 4000, 0, 0, 60_000, 0, 0, 0];
        let expected = [
            true, true, true, false, false, true, false, true, true, false, true, true, true, false,
        ];
        assert_eq!(passed(rate, 2, &pauses), expected);
        assert_eq!(passed(rate, 0, &[0, 0, 1999, 1, 2000]), [true, false, false, true, true]);
    }

    #[test]
    fn a_refusal_says_how_long_and_whether_it_is_news() {
        let (rate, mut bucket) = (Rate::parse("30r/m").unwrap(), Bucket::new(0));
        let refusal = |excess, wait, first| Err(Refusal { excess, wait, first });
        assert_eq!(bucket.take(rate, 0, 0), refusal(1000, 2, true));
        assert_eq!(bucket.take(rate, 0, 0), refusal(1000, 2, false));
        assert_eq!(bucket.take(rate, 0, 1500), refusal(250, 1, false));
        assert_eq!(bucket.take(rate, 0, 2000), Ok(()));
        assert_eq!(bucket.take(rate, 0, 2000), refusal(1000, 2, true));
    }

    #[test]
    fn a_clock_that_goes_back_and_a_bucket_that_rests_for_ever_do_no_harm() {
        let rate = Rate::parse("4294967295r/s").unwrap();
        let mut bucket = Bucket::new(5);
        assert!(bucket.take(rate, 0, 3).is_err());
        assert!(bucket.take(rate, ONE, 3).is_ok());
        assert_eq!(bucket.at, 5, "the leak of two milliseconds is not given twice");
        assert!(bucket.take(rate, 0, u64::MAX).is_ok());
    }

    prop_compose! {
        fn limits()(count in 1_u32..2000, minutes: bool, burst in 0_u64..30) -> (Rate, u64) {
            let unit = if minutes { "r/m" } else { "r/s" };
            (Rate::parse(&format!("{count}{unit}")).unwrap(), burst)
        }
    }

    proptest! {
        #[test]
        fn passes_what_the_formula_passes(
            (rate, burst) in limits(),
            pauses in vec(prop_oneof![0_u64..3, 0_u64..200, 0_u64..100_000], 1..200),
        ) {
            let model = model(i64::try_from(rate.0).unwrap(), i64::try_from(burst).unwrap(), &pauses);
            prop_assert_eq!(passed(rate, burst, &pauses), model);
        }

        #[test]
        fn in_no_time_more_pass_than_the_rate_and_the_burst_allow(
            (rate, burst) in limits(),
            pauses in vec(0_u64..50, 1..300),
        ) {
            let passed = passed(rate, burst, &pauses);
            for from in 0..pauses.len() {
                let (mut time, mut count) = (0, 0);
                for at in from..pauses.len() {
                    time += if at == from { 0 } else { pauses[at] };
                    count += u64::from(passed[at]);
                    prop_assert!(count * ONE <= (burst + 1) * ONE + rate.leaks(time) , "{count} in {time} ms");
                }
            }
        }

        #[test]
        fn nobody_is_refused_who_keeps_to_the_rate((rate, burst) in limits(), more in vec(0_u64..1000, 1..100)) {
            let pauses: Vec<_> = more.iter().map(|more| rate.time_for(ONE) + more).collect();
            prop_assert!(passed(rate, burst, &pauses).iter().all(|passed| *passed));
        }

        #[test]
        fn whoever_waits_as_told_passes((rate, burst) in limits(), pauses in vec(0_u64..20, 1..100)) {
            let (mut bucket, mut now) = (Bucket::new(0), 0);
            for pause in pauses {
                now += pause;
                let Err(refusal) = bucket.take(rate, burst * ONE, now) else { continue };
                prop_assert!(refusal.wait >= 1);
                let then = |seconds: u64| bucket.clone().take(rate, burst * ONE, now + seconds * 1000);
                prop_assert!(then(refusal.wait).is_ok());
                prop_assert!(then(refusal.wait - 1).is_err());
            }
        }
    }
}
