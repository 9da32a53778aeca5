//! How long a client may take while nobody owes it an answer: to begin a request, and to finish its head.
//!
//! This is HTTP/2's, where every frame and every header block counts as a head. The first request and every head have
//! `client_header_timeout`, in all, however the bytes drip; between requests a connection may rest for `keepalive_timeout`.

use crate::proxy::activity::Activity;
use crate::upstream::alarm::Alarm;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a head's first byte to its last, and from the connection's beginning to the first byte.
    pub head: Duration,
    /// Between requests.
    pub rest: Duration,
}

/// One connection's clock.
#[derive(Debug)]
pub struct Leisure {
    limits: Limits,
    activity: Activity,
    alarm: Alarm,
    /// Requests that had begun when `until` was set.
    seen: usize,
    /// When patience ends; `None` is worked out at the next wait.
    until: Option<Instant>,
    in_head: bool,
}

// === impl Leisure ===

impl Leisure {
    /// A new connection.
    #[must_use]
    pub fn new(limits: Limits, activity: Activity) -> Self {
        let until = Some(Instant::now() + limits.head);
        Self { limits, activity, alarm: Alarm::default(), seen: 0, until, in_head: false }
    }

    /// Bytes came; `within` says whether they leave a head unfinished: a frame may come at any time without.
    pub fn heard(&mut self, within: bool) {
        if self.activity.is_busy() {
            return;
        }
        self.turn_page();
        if !within {
            (self.until, self.in_head) = (None, false);
        } else if !self.in_head {
            (self.until, self.in_head) = (Some(Instant::now() + self.limits.head), true);
        }
    }

    /// Nothing came; ready when that has lasted too long.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rest = self.limits.rest;
        if self.activity.is_busy() {
            // Nobody else may wake the socket when the answer is done, so look again before long.
            let _ = self.alarm.poll_within(rest, cx);
            return Poll::Pending;
        }
        self.turn_page();
        let until = *self.until.get_or_insert_with(|| Instant::now() + rest);
        self.alarm.poll_at(until, cx)
    }

    /// A request that began since the last look took what was heard.
    fn turn_page(&mut self) {
        let begun = self.activity.begun();
        if begun != self.seen {
            (self.seen, self.until, self.in_head) = (begun, None, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const HEAD: u64 = 10;
    const REST: u64 = 75;

    fn leisure() -> (Leisure, Activity) {
        let limits = Limits { head: Duration::from_secs(HEAD), rest: Duration::from_secs(REST) };
        let activity = Activity::default();
        (Leisure::new(limits, activity.clone()), activity)
    }

    async fn over(leisure: &mut Leisure) -> u64 {
        let start = Instant::now();
        poll_fn(|cx| leisure.poll_over(cx)).await;
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_must_come_and_dripping_buys_no_time() {
        let (mut silent, _) = leisure();
        assert_eq!(over(&mut silent).await, HEAD);
        let (mut slow, _) = leisure();
        slow.heard(true);
        tokio::time::advance(Duration::from_secs(4)).await;
        slow.heard(true);
        assert_eq!(over(&mut slow).await, HEAD - 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_frame_is_no_head_but_half_of_one_is() {
        let (mut leisure, activity) = leisure();
        drop(activity.begin());
        leisure.heard(true);
        leisure.heard(false);
        assert_eq!(over(&mut leisure).await, REST);
        leisure.heard(true);
        assert_eq!(over(&mut leisure).await, HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_it_may_rest() {
        let (mut leisure, activity) = leisure();
        leisure.heard(true);
        drop(activity.begin());
        assert_eq!(over(&mut leisure).await, REST);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_hurried_while_an_answer_is_owed() {
        let (mut leisure, activity) = leisure();
        let busy = activity.begin();
        let waited = tokio::time::timeout(Duration::from_secs(500), over(&mut leisure)).await;
        assert!(waited.is_err());
        drop(busy);
        leisure.heard(false);
        assert_eq!(over(&mut leisure).await, REST);
    }
}
