//! Dates of requests, read as nginx reads them: the three forms of RFC 9110 §5.6.7, without a look at the day of the week
//! or at a time zone, which is always taken to be UTC.

use time::{Date, Month, Time};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970; `None` if it is no date.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut fields = text.split([' ', ',', '-', ':']).filter(|field| !field.is_empty()).skip(1);
    let mut next = || fields.next();
    let fields = [next()?, next()?, next()?, next()?, next()?, next()?];
    let [day, month, year, hour, minute, second] = match fields {
        // Sun Nov  6 08:49:37 1994
        [month, day, hour, minute, second, year] if MONTHS.contains(&month) => [day, month, year, hour, minute, second],
        // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT
        other => other,
    };
    let month = Month::try_from(u8::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1).ok()?;
    let date = Date::from_calendar_date(full_year(year)?, month, number(day)?).ok()?;
    let time = Time::from_hms(number(hour)?, number(minute)?, number(second)?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

/// Two digits are of the years from 1970 to 2069.
fn full_year(text: &str) -> Option<i32> {
    let year: i32 = i32::from(digits(text)?);
    match text.len() {
        4 => Some(year),
        2 if year < 70 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

fn number(text: &str) -> Option<u8> {
    digits(text).and_then(|number| u8::try_from(number).ok())
}

/// No sign, as numbers elsewhere may have one.
fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_forms_of_http_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 6 Nov 1994 08:49:37 -0000",
            "Sun, 06 Nov 1994 08:49:37",
        ] {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
        assert_eq!(parse("Thu, 22 Jun 2017 17:15:21 GMT"), Some(1_498_151_721));
        assert_eq!(parse("Thu, 01-Jan-70 00:00:00 GMT"), Some(0));
        assert_eq!(parse("Tue, 01-Jan-69 00:00:00 GMT"), Some(3_124_224_000));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "now",
            "1498151721",
            "2017-06-22T17:15:21Z",
            "Thu, 31 Jun 2017 17:15:21 GMT",
            "Thu, 22 jun 2017 17:15:21 GMT",
            "Thu, 22 Jun 2017 24:15:21 GMT",
            "Thu, 22 Jun 2017 17:15",
            "Thu, 22 Jun 017 17:15:21 GMT",
            "Thu, +2 Jun 2017 17:15:21 GMT",
            "Thu, 22 Jun 99999999 17:15:21 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
