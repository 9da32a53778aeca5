//! Whether an HTTP/2 connection's traffic is in proportion to the work it asks for. Pure.
//!
//! Frames that ask for no work, and requests that are taken back (CVE-2023-44487), are counted against allowances that work
//! and time fill up again, so that no ordinary client ever meets them. What has no place in ordinary traffic at all has
//! small fixed limits.

use crate::http2::{Fault, Judged};
use std::time::{Duration, Instant};

/// Control frames that a client may send at once, and per second; more when there is work.
const CONTROL: (u32, u32) = (1000, 20);
/// Requests that a client may take back at once (or all that it may have under way, twice), and per second; one more for
/// each that it lets end.
const ABANDONED: (u32, u32) = (500, 50);
/// Bytes of a control frame that cost as much as another one.
const COSTLY: usize = 1024;
/// Control frames that one frame of an answer makes up for: clients send two WINDOW_UPDATEs for it, some also a PING.
const PER_FRAME: u32 = 4;
/// Bytes of a body, either way, that make up for one more.
const PER_BYTES: usize = 256;
/// Empty frames within bodies, in all.
const EMPTY: u32 = 100;
/// Requests that are taken back before anybody looked at them, of those that come at once.
const UNSEEN: u32 = 20;
/// Streams that end because the client broke the protocol, in all (CVE-2025-8671).
const BROKEN: u32 = 1024;

/// Something that may be used up faster than it grows again, for a while.
#[derive(Debug)]
pub struct Allowance {
    left: u32,
    most: u32,
    per_second: u32,
    since: Instant,
}

/// One connection's account.
#[derive(Debug)]
pub struct Meter {
    control: Allowance,
    abandoned: Allowance,
    /// Requests that had been taken back, and that had ended, at the last look.
    seen: (usize, usize),
    empty: u32,
    unseen: u32,
    broken: u32,
}

// === impl Allowance ===

impl Allowance {
    /// A full one.
    #[must_use]
    pub fn new((most, per_second): (u32, u32), now: Instant) -> Self {
        Self { left: most, most, per_second, since: now }
    }

    /// Gives some back, never more than there was.
    pub fn earn(&mut self, amount: u32) {
        self.left = self.left.saturating_add(amount).min(self.most);
    }

    /// Takes some; false when there is not enough. The clock's part is only worked out when the rest is short.
    pub fn spend(&mut self, amount: u32, now: impl FnOnce() -> Instant) -> bool {
        if self.left < amount {
            self.grow(now());
        }
        let enough = self.left >= amount;
        self.left = self.left.saturating_sub(amount);
        enough
    }

    fn grow(&mut self, now: Instant) {
        let step = Duration::from_secs(1) / self.per_second.max(1);
        let steps = now.saturating_duration_since(self.since).as_nanos() / step.as_nanos().max(1);
        // The rest of a step is kept, so that asking often loses nothing.
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.since = self.since.checked_add(step.saturating_mul(steps)).unwrap_or(now);
        self.earn(steps);
    }
}

// === impl Meter ===

impl Meter {
    /// A connection that begins now, and may have so many streams.
    #[must_use]
    pub fn new(streams: u32, now: Instant) -> Self {
        let (least, per_second) = ABANDONED;
        let abandoned = (streams.saturating_mul(2).max(least), per_second);
        let (control, abandoned) = (Allowance::new(CONTROL, now), Allowance::new(abandoned, now));
        Self { control, abandoned, seen: (0, 0), empty: 0, unseen: 0, broken: 0 }
    }

    /// The client sent a frame that asks for no work, with a payload of so many bytes.
    ///
    /// # Errors
    /// As all of these: when that is out of proportion.
    pub fn control(&mut self, len: usize, now: impl FnOnce() -> Instant) -> Judged<()> {
        let amount = 1 + amount(len / COSTLY);
        within(self.control.spend(amount, now), "control frames out of proportion")
    }

    /// It sent so many bytes of a body in one frame.
    ///
    /// # Errors
    /// See [`control`](Self::control).
    pub fn data(&mut self, len: usize, end: bool) -> Judged<()> {
        self.control.earn(amount(len / PER_BYTES));
        self.empty += u32::from(len == 0 && !end);
        within(self.empty <= EMPTY, "empty DATA")
    }

    /// It was sent a frame of an answer, with so many bytes of its body.
    pub fn answered(&mut self, len: usize) {
        self.control.earn(PER_FRAME + amount(len / PER_BYTES));
    }

    /// It took a request back before anybody looked at it.
    ///
    /// # Errors
    /// See [`control`](Self::control).
    pub fn unseen(&mut self) -> Judged<()> {
        self.unseen += 1;
        within(self.unseen <= UNSEEN, "requests taken back at once")
    }

    /// Somebody has looked at all that came.
    pub fn looked(&mut self) {
        self.unseen = 0;
    }

    /// It broke the protocol within a stream.
    ///
    /// # Errors
    /// See [`control`](Self::control).
    pub fn broke(&mut self) -> Judged<()> {
        self.broken += 1;
        within(self.broken <= BROKEN, "streams that break the protocol")
    }

    /// Counts the requests, all since the beginning, that the client took back, and that came to their end.
    ///
    /// # Errors
    /// See [`control`](Self::control).
    pub fn ended(&mut self, (abandoned, served): (usize, usize), now: impl FnOnce() -> Instant) -> Judged<()> {
        let (before, before_served) = std::mem::replace(&mut self.seen, (abandoned, served));
        self.abandoned.earn(amount(served.saturating_sub(before_served)));
        let gone = amount(abandoned.saturating_sub(before));
        within(gone == 0 || self.abandoned.spend(gone, now), "requests begun and taken back")
    }
}

fn amount(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn within(is: bool, why: &'static str) -> Judged<()> {
    if is { Ok(()) } else { Err(Fault::calm(why)) }
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
