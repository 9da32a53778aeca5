//! What a client still sends when it has its answer already: a refused upload, say.
//!
//! It is thrown away, within limits, rather than cut off. Over HTTP/1 a socket that is closed with bytes unread resets the
//! connection, and the reset may overtake the answer (RFC 9112 §9.6); over HTTP/2 a stream that is reset makes some clients
//! forget the answer, though they must not (RFC 9113 §8.1). nginx does the same (`lingering_close`).

use crate::upstream::alarm::Alarm;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::time::Instant;

/// Longest time in all.
const WHOLE: Duration = Duration::from_secs(10);
/// Longest time without a byte.
const QUIET: Duration = Duration::from_secs(2);
/// The same over HTTP/2, where only a stream waits: a client that has given up sending may wait for its end.
const QUIET_STREAM: Duration = Duration::from_millis(500);
/// How long an answer of the gateway's own waits for a body that nobody wants. It is mostly there at once, and some clients
/// (curl before 8) lose their place when the answer ends before they have sent it.
const GRACE: Duration = Duration::from_millis(100);
/// Most bytes.
const MOST: u64 = 256 << 20;
/// Most bytes of somebody who went too far.
const FAREWELL: u64 = 1 << 20;

/// How much more of it is taken.
#[derive(Debug)]
pub struct Patience {
    until: Instant,
    heard: Instant,
    quiet: Duration,
    left: u64,
    alarm: Alarm,
}

/// Where one learns that a client has sent all, or is not listened to any more.
#[derive(Debug)]
pub struct Sent(Receiver<()>);

/// What is dropped when a client has sent all, or is not listened to any more, and where one learns of that.
#[must_use]
pub fn sent() -> (Sender<()>, Sent) {
    let (gone, sent) = channel();
    (gone, Sent(sent))
}

// === impl Sent ===

impl Sent {
    /// Waits for that, a moment at most.
    pub async fn soon(self) {
        let _ = tokio::time::timeout(GRACE, self.0).await;
    }
}

// === impl Patience ===

impl Patience {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        let now = Instant::now();
        Self { until: now + WHOLE, heard: now, quiet: QUIET, left: MOST, alarm: Alarm::default() }
    }

    /// For a client that went too far: what it had sent by then, so that it hears why.
    #[must_use]
    pub fn with_offender() -> Self {
        let whole = Self::begin();
        Self { until: whole.heard + GRACE, quiet: GRACE, left: FAREWELL, ..whole }
    }

    /// For a stream of HTTP/2.
    #[must_use]
    pub fn of_stream() -> Self {
        Self { quiet: QUIET_STREAM, ..Self::begin() }
    }

    /// So many bytes came; whether more may.
    pub fn took(&mut self, count: usize) -> bool {
        self.heard = Instant::now();
        self.left = self.left.saturating_sub(count as u64);
        self.left > 0 && self.heard < self.until
    }

    /// Ready when the wait for the next has been too long.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll_at(self.until.min(self.heard + self.quiet), cx)
    }
}
