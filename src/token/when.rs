//! Times of tokens, in words and from words. Seconds since 1970 throughout.

use time::{Date, Duration, Month, OffsetDateTime};

const DAY: i64 = 86_400;

/// `2036-11-25 22:30 UTC`, or the bare number when no calendar has it.
#[must_use]
pub fn date(seconds: i64) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(seconds) else { return seconds.to_string() };
    format!("{} {:02}:{:02} UTC", day(seconds), at.hour(), at.minute())
}

/// `2036-11-25`, likewise.
#[must_use]
pub fn day(seconds: i64) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(seconds) else { return seconds.to_string() };
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// `in 10 years`, `3 days ago`, `now`: the greatest unit that fits.
#[must_use]
pub fn away(seconds: i64, now: i64) -> String {
    let gap = seconds.saturating_sub(now);
    let units = [("year", 31_556_952_u64), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    // A minute short of ten years is ten years to people.
    let near = gap.unsigned_abs().saturating_add(gap.unsigned_abs() / 1000);
    let Some((unit, count)) = units.iter().map(|(unit, size)| (unit, near / size)).find(|(_, count)| *count > 0) else {
        return "now".to_owned();
    };
    let plural = if count == 1 { "" } else { "s" };
    if gap < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

/// Reads when a token is to expire: `10y`, `52w`, `30d`, `12h`, `15m`, `90s` from now, a date (its first moment, UTC),
/// or `none`.
///
/// # Errors
/// What is wrong with it.
pub fn expiry(text: &str, now: i64) -> Result<Option<i64>, String> {
    let unknown = || format!("`{text}` is no time to expire: write 10y, 30d, 12h, a date such as 2030-01-31, or none");
    if text == "none" {
        return Ok(None);
    }
    let at = midnight(text).or_else(|| after(text, now)).ok_or_else(unknown)?;
    if at <= now { Err(format!("`{text}` is over already")) } else { Ok(Some(at)) }
}

/// `2030-01-31`.
fn midnight(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?);
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day.parse().ok()?).ok()?;
    parts.next().is_none().then(|| date.midnight().assume_utc().unix_timestamp())
}

/// A number and a unit. Years are the calendar's.
fn after(text: &str, now: i64) -> Option<i64> {
    let unit = text.chars().last()?;
    let count: u32 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let size = match unit {
        'y' => return years(count, now),
        'w' => 7 * DAY,
        'd' => DAY,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    let at = OffsetDateTime::from_unix_timestamp(now).ok()?;
    at.checked_add(Duration::seconds(size * i64::from(count))).map(OffsetDateTime::unix_timestamp)
}

/// The same day in a later year; 1 March where there is no 29 February.
fn years(count: u32, now: i64) -> Option<i64> {
    let at = OffsetDateTime::from_unix_timestamp(now).ok()?;
    let year = at.year().checked_add(i32::try_from(count).ok()?)?;
    let later = at.replace_year(year).ok().or_else(|| at.checked_add(Duration::DAY)?.replace_year(year).ok());
    later.map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 2024-02-29 12:00 UTC.
    const NOW: i64 = 1_709_208_000;

    #[test]
    fn times_in_words() {
        assert_eq!(date(NOW), "2024-02-29 12:00 UTC");
        assert_eq!(date(i64::MAX), i64::MAX.to_string());
        let said = |gap: i64| away(NOW + gap, NOW);
        assert_eq!([said(0), said(1), said(-119)], ["now", "in 1 second", "1 minute ago"]);
        assert_eq!([said(3 * DAY), said(-DAY), said(3652 * DAY - 30)], ["in 3 days", "1 day ago", "in 10 years"]);
        assert!(away(i64::MAX, i64::MIN).starts_with("in "));
    }

    #[test]
    fn words_to_times() {
        let at = |text: &str| date(expiry(text, NOW).unwrap().unwrap());
        assert_eq!(at("4y"), "2028-02-29 12:00 UTC");
        assert_eq!(at("10y"), "2034-03-01 12:00 UTC");
        assert_eq!(at("30d"), "2024-03-30 12:00 UTC");
        assert_eq!(
            [at("2w"), at("12h"), at("15m")],
            ["2024-03-14 12:00 UTC", "2024-03-01 00:00 UTC", "2024-02-29 12:15 UTC"]
        );
        assert_eq!(at("2030-01-31"), "2030-01-31 00:00 UTC");
        assert_eq!(expiry("none", NOW), Ok(None));
    }

    #[test]
    fn what_is_no_time() {
        for text in ["", "10", "10j", "y", "4294967295y", "2030-13-01", "2030-01-32", "2030-1-1-1", "é", "-1d"] {
            assert!(expiry(text, NOW).unwrap_err().contains("is no time to expire"), "{text}");
        }
        assert_eq!(expiry("2024-02-29", NOW).unwrap_err(), "`2024-02-29` is over already");
        assert_eq!(expiry("0d", NOW).unwrap_err(), "`0d` is over already");
    }
}
