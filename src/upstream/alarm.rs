//! A timer that costs next to nothing while it does not ring, for waits that nearly always end long before their limit.
//!
//! It stays with a connection over many requests and is moved only when it rings: then it looks whether the limit that
//! holds by now is reached, and if not, waits for that. So a request that is answered in time registers no timer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A reusable timer.
#[derive(Debug, Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

// === impl Alarm ===

impl Alarm {
    /// Ready when the moment has come. Ask again with any moment, earlier or later; the last one holds.
    pub fn poll_at(&mut self, moment: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(moment)));
        if sleep.deadline() > moment {
            sleep.as_mut().reset(moment);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if moment <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(moment);
        }
        Poll::Pending
    }

    /// Wakes the task at some moment not later than after this time; earlier if it was set to ring earlier. Asks no clock
    /// while it is set.
    pub fn poll_within(&mut self, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + time)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        sleep.as_mut().reset(Instant::now() + time);
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn wait(alarm: &mut Alarm, moment: Instant) {
        poll_fn(|cx| alarm.poll_at(moment, cx)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn rings_at_the_last_moment_it_was_told_whatever_came_before() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut alarm = Alarm::default();
        let early = tokio::time::timeout(second / 2, wait(&mut alarm, start + second)).await;
        assert!(early.is_err());
        wait(&mut alarm, start + 5 * second).await;
        assert_eq!(start.elapsed().as_secs(), 5);
        let late = tokio::time::timeout(second, wait(&mut alarm, start + 100 * second)).await;
        assert!(late.is_err());
        wait(&mut alarm, start + 8 * second).await;
        assert_eq!(start.elapsed().as_secs(), 8);
    }
}
