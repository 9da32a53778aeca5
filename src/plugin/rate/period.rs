//! Periods of the calendar, in UTC, and which of them a moment is in.

use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// What requests are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugin) enum Period {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

/// From the shortest to the longest; a period's number is its place here.
pub(in crate::plugin) const PERIODS: [Period; 6] =
    [Period::Second, Period::Minute, Period::Hour, Period::Day, Period::Month, Period::Year];

/// A time by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugin) struct Moment {
    /// Seconds since 1970.
    pub now: u64,
    /// When each period began that this is in.
    pub starts: [u64; PERIODS.len()],
}

const DAY: u64 = 86_400;

// === impl Period ===

impl Period {
    /// As a field of `config`.
    pub(in crate::plugin) const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How long it is taken to be: 30 days for a month, 365 for a year.
    pub(in crate::plugin) const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => DAY,
            Self::Month => 30 * DAY,
            Self::Year => 365 * DAY,
        }
    }

    /// Its place in [`PERIODS`].
    pub(in crate::plugin) const fn index(self) -> usize {
        self as usize
    }
}

// === impl Moment ===

impl Moment {
    /// Where a time is in the calendar. Before 1970 is 1970.
    pub(in crate::plugin) fn of(wall: SystemTime) -> Self {
        let now = wall.duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs());
        let day = now - now % DAY;
        let (in_month, in_year) = date(now);
        let starts =
            [now, now - now % 60, now - now % 3600, day, day - DAY * (in_month - 1), day - DAY * (in_year - 1)];
        Self { now, starts }
    }

    /// Seconds until a period ends, at least one.
    pub(in crate::plugin) fn left_of(&self, period: Period) -> u64 {
        let past = self.now - self.starts[period.index()];
        period.seconds().saturating_sub(past).max(1)
    }
}

/// The day of the month and of the year, from 1. A time that no calendar holds has a month and a year of its own.
fn date(now: u64) -> (u64, u64) {
    let date = i64::try_from(now).ok().and_then(|now| OffsetDateTime::from_unix_timestamp(now).ok());
    date.map_or((1, 1), |date| (u64::from(date.day()), u64::from(date.ordinal())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn moment(seconds: u64) -> Moment {
        Moment::of(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999))
    }

    #[test]
    fn periods_begin_where_the_calendars_do() {
        // 2024-03-01 00:01:02, in a leap year.
        let march = moment(1_709_251_262);
        let day = 1_709_251_200;
        assert_eq!(march.starts, [day + 62, day + 60, day, day, day, 1_704_067_200]);
        // The last second before.
        let february = moment(day - 1);
        assert_eq!(february.starts[4..], [1_706_745_600, 1_704_067_200]);
        assert_eq!(moment(0).starts, [0; 6]);
        assert_eq!(Moment::of(UNIX_EPOCH - Duration::from_secs(1)), moment(0));
    }

    #[test]
    fn what_is_left_is_at_least_a_second() {
        let march = moment(1_709_251_262);
        let left = PERIODS.map(|period| march.left_of(period));
        assert_eq!(left, [1, 58, 3538, 86_338, 2_591_938, 31_536_000 - 60 * 86_400 - 62]);
        // The 31st day of a month that is taken to have 30, and the last of a leap year.
        let new_years_eve = moment(1_735_689_599);
        assert_eq!((new_years_eve.left_of(Period::Month), new_years_eve.left_of(Period::Year)), (1, 1));
    }

    #[test]
    fn no_time_makes_it_panic() {
        for seconds in [u64::MAX / 2000, 253_402_300_800, 253_402_300_799, 67_767_976_233_532_799] {
            let Some(wall) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else { continue };
            let moment = Moment::of(wall);
            assert!(PERIODS.iter().all(|period| moment.left_of(*period) >= 1));
        }
    }
}
