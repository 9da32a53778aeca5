//! Whether an HTTP/2 connection's traffic is in proportion to the work it asks for. Pure.
//!
//! h2 limits what it must keep in memory: streams, header blocks, CONTINUATION frames, empty and tiny DATA frames, streams
//! that are reset before anybody looked at them, streams that it has to reset itself. It answers or swallows everything
//! else without end: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, frames of unknown types, and requests that are taken back
//! while their upstream works (CVE-2023-44487). Those are counted here, from frame heads alone (RFC 9113 §4.1), against
//! allowances that work and time fill up again, so that no ordinary client ever meets them.

use std::time::{Duration, Instant};

/// Every frame begins with a head of this size.
const HEAD: usize = 9;
/// A client's bytes begin with the preface, which is no frame (RFC 9113 §3.4).
const PREFACE: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Control frames that a client may send at once, and per second; more when there is work.
const CONTROL: (u32, u32) = (1000, 20);
/// Requests that a client may take back at once (or all that it may have under way, twice), and per second; one more for
/// each that it lets end.
const ABANDONED: (u32, u32) = (500, 50);
/// Bytes of a control frame that cost as much as another one.
const COSTLY: u32 = 1024;
/// Control frames that one frame of an answer makes up for: clients send two WINDOW_UPDATEs for it, some also a PING.
const PER_FRAME: u32 = 4;
/// Bytes of a body, either way, that make up for one more.
const PER_BYTES: u32 = 256;

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    kind: u8,
    flags: u8,
    len: u32,
}

/// Finds frame heads in a stream of bytes that comes in pieces of any size.
#[derive(Debug)]
pub struct Heads {
    head: [u8; HEAD],
    have: usize,
    /// Bytes to pass before the next head.
    skip: usize,
}

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
    incoming: Heads,
    outgoing: Heads,
    control: Allowance,
    abandoned: Allowance,
    /// Requests that had been taken back, and that had ended, at the last look.
    seen: (usize, usize),
    /// Whether a header block has begun and not ended.
    in_block: bool,
    /// Why it is over, once it is.
    flood: Option<&'static str>,
}

/// What a connection that is over reads in place of its client's bytes: frames that make h2 say GOAWAY with
/// ENHANCE_YOUR_CALM and hang up, which it does for a header block of endless empty CONTINUATION frames. hyper offers no
/// other way to make it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Farewell {
    at: usize,
}

// === impl Heads ===

impl Heads {
    fn after(skip: usize) -> Self {
        Self { head: [0; HEAD], have: 0, skip }
    }

    /// Takes bytes up to the next border: how many, and the frame whose head they complete.
    fn step(&mut self, bytes: &[u8]) -> (usize, Option<Frame>) {
        if self.skip > 0 {
            let taken = self.skip.min(bytes.len());
            self.skip -= taken;
            return (taken, None);
        }
        let taken = (HEAD - self.have).min(bytes.len());
        self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
        self.have += taken;
        if self.have < HEAD {
            return (taken, None);
        }
        let [a, b, c, kind, flags, ..] = self.head;
        let len = u32::from_be_bytes([0, a, b, c]);
        (self.have, self.skip) = (0, len as usize);
        (taken, Some(Frame { kind, flags, len }))
    }

    fn is_between(&self) -> bool {
        self.have == 0 && self.skip == 0
    }
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
    pub fn spend(&mut self, amount: u32, now: Instant) -> bool {
        if self.left < amount {
            self.grow(now);
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
        Self {
            incoming: Heads::after(PREFACE),
            outgoing: Heads::after(0),
            control: Allowance::new(CONTROL, now),
            abandoned: Allowance::new(abandoned, now),
            seen: (0, 0),
            in_block: false,
            flood: None,
        }
    }

    /// Counts what the client sent. `Some` when it is over: so many bytes may still pass, to the end of a frame.
    pub fn read(&mut self, bytes: &[u8], now: Instant) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.flood.is_some() && self.incoming.is_between() {
                return Some(at);
            }
            if at == bytes.len() {
                return None;
            }
            let (taken, frame) = self.incoming.step(&bytes[at..]);
            at += taken;
            if let Some(frame) = frame {
                self.take(frame, now);
            }
        }
    }

    fn take(&mut self, frame: Frame, now: Instant) {
        match frame.kind {
            DATA => self.control.earn(frame.len / PER_BYTES),
            HEADERS | CONTINUATION => self.in_block = frame.flags & END_HEADERS == 0,
            _ => {
                if !self.control.spend(1 + frame.len / COSTLY, now) {
                    self.flood = Some("control frames out of proportion");
                }
            }
        }
    }

    /// Counts what was sent to the client.
    pub fn wrote(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (taken, frame) = self.outgoing.step(bytes);
            bytes = &bytes[taken..];
            if let Some(frame) = frame.filter(|frame| matches!(frame.kind, DATA | HEADERS)) {
                self.control.earn(PER_FRAME + frame.len / PER_BYTES);
            }
        }
    }

    /// Counts the requests, all since the beginning, that the client took back, and that came to their end.
    pub fn ended(&mut self, abandoned: usize, served: usize, now: Instant) {
        if (abandoned, served) == self.seen {
            return;
        }
        let amount = |now: usize, before: usize| u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        let (before, before_served) = std::mem::replace(&mut self.seen, (abandoned, served));
        self.abandoned.earn(amount(served, before_served));
        if !self.abandoned.spend(amount(abandoned, before), now) {
            self.flood = Some("requests begun and taken back");
        }
    }

    /// Whether the client is in the middle of a frame or a header block.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.in_block || !self.incoming.is_between()
    }

    /// Why it is over.
    #[must_use]
    pub fn flood(&self) -> Option<&'static str> {
        self.flood
    }
}

// === impl Farewell ===

impl Farewell {
    /// HEADERS for stream 1 without END_HEADERS.
    const BEGIN: [u8; HEAD] = [0, 0, 0, HEADERS, 0, 0, 0, 0, 1];
    /// CONTINUATION of it, without END_HEADERS.
    const GO_ON: [u8; HEAD] = [0, 0, 0, CONTINUATION, 0, 0, 0, 0, 1];
    /// More frames than h2 takes for the largest header list.
    const END: usize = 1 << 20;

    /// The next bytes, at most so many and at least one; `None` when nobody seems to mind them.
    pub fn next(&mut self, most: usize) -> Option<&'static [u8]> {
        if self.at >= Self::END {
            return None;
        }
        let source = if self.at < HEAD { &Self::BEGIN } else { &Self::GO_ON };
        let from = self.at % HEAD;
        let to = (from + most).min(HEAD);
        self.at += to - from;
        Some(&source[from..to])
    }
}

#[cfg(test)]
#[path = "frame_meter_tests.rs"]
mod tests;
