//! Times as logs write them, made once a second.

use super::figures::{number, thousandths};
use std::time::SystemTime;

/// The last second, in several forms.
#[derive(Debug, Default)]
pub(in crate::observe) struct Clock {
    seconds: u64,
    millis: u32,
    /// `23/Nov/2026:13:00:00 +0000`.
    pub(in crate::observe) local: String,
    /// `2026-11-23T13:00:00`.
    date: String,
}

// === impl Clock ===

impl Clock {
    pub(in crate::observe) fn set(&mut self, now: SystemTime) {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.millis = since.subsec_millis();
        if self.seconds == since.as_secs() && !self.local.is_empty() {
            return;
        }
        // "Mon, 23 Nov 2026 13:00:00 GMT"
        let text = httpdate::fmt_http_date(now);
        let parts: Vec<&str> = text.split([' ', ',']).filter(|part| !part.is_empty()).collect();
        if let [_, day, month, year, time, _] = parts[..] {
            self.seconds = since.as_secs();
            self.local = format!("{day}/{month}/{year}:{time} +0000");
            self.date = format!("{year}-{:02}-{day}T{time}", month_number(month));
        }
    }

    /// `2026-11-23T13:00:00+00:00`.
    pub(in crate::observe) fn iso(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(b"+00:00");
    }

    /// `2026-11-23T13:00:00.123Z` (RFC 3339).
    pub(in crate::observe) fn rfc(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.date.as_bytes());
        thousandths(out, self.millis);
        out.push(b'Z');
    }

    /// `1795438800.123`.
    pub(in crate::observe) fn epoch(&self, out: &mut Vec<u8>) {
        number(out, self.seconds);
        thousandths(out, self.millis);
    }
}

/// A month's number.
fn month_number(month: &str) -> usize {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    MONTHS.find(month).map_or(0, |at| at / 3 + 1)
}
