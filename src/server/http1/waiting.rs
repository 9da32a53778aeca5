//! How long a client may take while nobody owes it an answer: to begin a request, and to finish its head.
//!
//! The first request and every head have `client_header_timeout`, in all, however the bytes drip; between requests a
//! connection may rest for `keepalive_timeout`. HTTP/2 has the same in `http2/leisure.rs`.

use crate::proxy::closing::{Ending, Seat};
use crate::server::limits::{Limits, MOMENT};
use crate::upstream::alarm::Alarm;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// How long a worker that has handed over waits for the next request of a client that keeps its connection: the answer
/// tells it to open another, so that it does not meet a connection that has just been closed.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// The clock of a connection between two answers.
pub struct Waiting {
    limits: Limits,
    seat: Seat,
    alarm: Alarm,
    /// When the wait for a head's first byte began, or for the rest of it; `None` is now.
    since: Option<Instant>,
    in_head: bool,
    /// When the worker was first seen to stop.
    stopping: Option<Instant>,
    /// Whether there was a request.
    asked: bool,
    /// Whether what is not needed was given up.
    pub lean: bool,
}

/// What a wait has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Nothing will come for a while: memory is better used by others.
    Lean,
    /// The connection was idle for long enough, or the worker stops.
    Over,
    /// A head takes too long.
    Slow,
}

// === impl Waiting ===

impl Waiting {
    /// A new connection.
    #[must_use]
    pub fn new(limits: Limits, seat: Seat) -> Self {
        let since = Some(Instant::now());
        Self { limits, seat, alarm: Alarm::default(), since, in_head: false, stopping: None, asked: false, lean: false }
    }

    /// A request came; the wait for the next begins when somebody asks.
    pub fn turn(&mut self) {
        (self.since, self.in_head, self.asked, self.lean) = (None, false, true, false);
    }

    /// Nothing came, with `begun` in the middle of a head; ready when there is something to be done about it.
    pub fn poll(&mut self, begun: bool, cx: &mut Context<'_>) -> Poll<Patience> {
        if begun && !self.in_head {
            (self.since, self.in_head) = (None, true);
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let patience = if begun || !self.asked { self.limits.head } else { self.limits.rest };
        let mut end = since + patience;
        if self.seat.poll(cx) {
            let handed_over = self.seat.ending() == Some(Ending::HandOver);
            if self.asked && !begun && !handed_over {
                return Poll::Ready(Patience::Over);
            }
            let rest = if handed_over { LAST_REQUEST } else { MOMENT };
            end = end.min(*self.stopping.get_or_insert_with(Instant::now) + rest);
        }
        self.poll_until(since, end, begun, cx)
    }

    fn poll_until(&mut self, since: Instant, end: Instant, begun: bool, cx: &mut Context<'_>) -> Poll<Patience> {
        let rests = !begun && !self.lean;
        let look = if rests { end.min(since + MOMENT) } else { end };
        std::task::ready!(self.alarm.poll_at(look, cx));
        Poll::Ready(match (look < end, begun) {
            (true, _) => Patience::Lean,
            (false, false) => Patience::Over,
            (false, true) => Patience::Slow,
        })
    }

    /// For what comes after HTTP.
    #[must_use]
    pub fn into_seat(self) -> Seat {
        self.seat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::closing::Closing;
    use std::future::poll_fn;
    use std::rc::Rc;

    fn waiting() -> (Waiting, Rc<Closing>) {
        let closing = Rc::new(Closing::default());
        let limits = Limits { head: Duration::from_secs(10), rest: Duration::from_secs(75) };
        (Waiting::new(limits, Seat::new(&closing)), closing)
    }

    /// How long it takes, and what comes of it; a connection that should be lean becomes so.
    async fn end(waiting: &mut Waiting, begun: bool) -> (u64, Patience) {
        let start = Instant::now();
        loop {
            match poll_fn(|cx| waiting.poll(begun, cx)).await {
                Patience::Lean => waiting.lean = true,
                end => return (start.elapsed().as_secs(), end),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_must_come_and_dripping_buys_no_time() {
        let (mut silent, _closing) = waiting();
        assert_eq!(end(&mut silent, false).await, (10, Patience::Over));
        let (mut slow, _closing) = waiting();
        for _ in 0..2 {
            let wait = tokio::time::timeout(Duration::from_secs(4), end(&mut slow, true)).await;
            assert!(wait.is_err());
        }
        assert_eq!(end(&mut slow, true).await, (2, Patience::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_it_may_rest_and_holds_nothing() {
        let (mut waiting, _closing) = waiting();
        waiting.turn();
        assert_eq!(poll_fn(|cx| waiting.poll(false, cx)).await, Patience::Lean);
        waiting.lean = true;
        assert_eq!(end(&mut waiting, false).await, (74, Patience::Over));
        waiting.turn();
        assert!(!waiting.lean);
        assert_eq!(end(&mut waiting, true).await, (10, Patience::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_stops_waits_a_moment_for_a_request_on_its_way() {
        use Ending::{HandOver, Stop};
        for (ending, asked, begun, time) in [
            (Stop, true, false, 0),
            (Stop, false, false, 1),
            (Stop, true, true, 1),
            (HandOver, true, false, 5),
            (HandOver, false, false, 5),
        ] {
            let (mut waiting, closing) = waiting();
            if asked {
                waiting.turn();
            }
            closing.close(ending);
            assert_eq!(end(&mut waiting, begun).await.0, time, "{ending:?} {asked} {begun}");
        }
    }
}
