//! How long a client may take while nobody owes it an answer: to begin a request, and to finish its head. While one is owed,
//! whether it is there at all.
//!
//! Every frame counts as a head, but for those of a body, and so does every header block. What comes first and every head
//! have `client_header_timeout`, in all, however the bytes drip; between requests a connection may rest for
//! `keepalive_timeout`, and whoever says nothing for so long during an answer is asked.

use crate::proxy::activity::Activity;
use crate::server::limits::{Limits, MOMENT};
use crate::upstream::alarm::Alarm;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

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
    /// Whether what is not needed was given up.
    lean: bool,
    /// During an answer: when to look again, whether something was heard, and whether the client was asked.
    look: Option<Instant>,
    heard: bool,
    asked: bool,
}

/// What a wait has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Nothing will come for a while: memory is better used by others.
    Lean,
    /// The client should be asked whether it is there.
    Ask,
    /// It has taken too long.
    Over,
}

// === impl Leisure ===

impl Leisure {
    /// A new connection.
    #[must_use]
    pub fn new(limits: Limits, activity: Activity) -> Self {
        let (until, alarm) = (Some(Instant::now() + limits.head), Alarm::default());
        let (seen, in_head, lean) = (0, false, true);
        Self { limits, activity, alarm, seen, until, in_head, lean, look: None, heard: false, asked: false }
    }

    /// Bytes came; `within` says whether they leave a head unfinished, or a frame that is no piece of a body.
    pub fn heard(&mut self, within: bool) {
        self.heard = true;
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

    /// Nothing came; ready when there is something to be done about it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Patience> {
        if self.activity.is_busy() { self.poll_there(cx) } else { self.poll_over(cx) }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Patience> {
        self.turn_page();
        let rest = self.limits.rest;
        let until = *self.until.get_or_insert_with(|| Instant::now() + rest);
        let lean = until.checked_sub(rest).map(|since| since + MOMENT).filter(|lean| !self.lean && *lean < until);
        ready!(self.alarm.poll_at(lean.unwrap_or(until), cx));
        self.lean = true;
        Poll::Ready(if lean.is_some() { Patience::Lean } else { Patience::Over })
    }

    /// Looks from time to time whether the client has said anything. It costs a clock each time, and none in between.
    fn poll_there(&mut self, cx: &mut Context<'_>) -> Poll<Patience> {
        let patience = if self.asked { self.limits.head } else { self.limits.rest };
        let look = *self.look.get_or_insert_with(|| Instant::now() + patience);
        ready!(self.alarm.poll_at(look, cx));
        self.look = None;
        if std::mem::take(&mut self.heard) {
            self.asked = false;
            return self.poll_there(cx);
        }
        let asked = std::mem::replace(&mut self.asked, true);
        Poll::Ready(if asked { Patience::Over } else { Patience::Ask })
    }

    /// A request that began since the last look took what was heard.
    fn turn_page(&mut self) {
        let begun = self.activity.begun();
        if begun != self.seen {
            (self.seen, self.until, self.in_head, self.lean) = (begun, None, false, false);
            (self.look, self.asked) = (None, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    const HEAD: u64 = 10;
    const REST: u64 = 75;

    fn leisure() -> (Leisure, Activity) {
        let limits = Limits { head: Duration::from_secs(HEAD), rest: Duration::from_secs(REST) };
        let activity = Activity::default();
        (Leisure::new(limits, activity.clone()), activity)
    }

    async fn next(leisure: &mut Leisure) -> Patience {
        poll_fn(|cx| leisure.poll(cx)).await
    }

    /// Seconds until it is over for a client that owes us something.
    async fn over(leisure: &mut Leisure) -> u64 {
        let start = Instant::now();
        while next(leisure).await != Patience::Over {}
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
    async fn whoever_rests_becomes_lean_once() {
        let (mut leisure, activity) = leisure();
        for _ in 0..2 {
            drop(activity.begin());
            assert_eq!(next(&mut leisure).await, Patience::Lean);
            let rest = tokio::time::timeout(Duration::from_secs(REST - 2), next(&mut leisure)).await;
            assert!(rest.is_err());
        }
        assert_eq!(next(&mut leisure).await, Patience::Over);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_hurried_while_an_answer_is_owed_but_asked_whether_they_are_there() {
        let (mut leisure, activity) = leisure();
        let busy = activity.begin();
        for _ in 0..10 {
            while next(&mut leisure).await != Patience::Ask {}
            leisure.heard(false);
        }
        drop(busy);
        leisure.heard(false);
        assert_eq!(over(&mut leisure).await, REST);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_say_that_it_is_there_is_not() {
        let (mut leisure, activity) = leisure();
        let _busy = activity.begin();
        assert_eq!(next(&mut leisure).await, Patience::Ask);
        assert_eq!(over(&mut leisure).await, HEAD);
    }
}
