//! How long a client may refuse to read (`send_timeout`).

use crate::upstream::alarm::Alarm;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// A limit on the time between two writes.
#[derive(Debug)]
pub struct Stall {
    limit: Duration,
    /// When the wait for the next write began.
    since: Option<Instant>,
    alarm: Alarm,
}

// === impl Stall ===

impl Stall {
    /// With the longest time between two writes.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit, since: None, alarm: Alarm::default() }
    }

    /// Whether a write waits for the client.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The client took something.
    pub const fn over(&mut self) {
        self.since = None;
    }

    /// Turns a write that waits into an error when it has waited too long.
    ///
    /// # Errors
    /// The write's, and `TimedOut`.
    pub fn limit<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.over();
            return polled;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        ready!(self.alarm.poll_at(since + self.limit, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}
