//! Waiting for plugins that read a request's body, no longer than the client may be silent.

use crate::upstream::alarm::Alarm;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// Runs something that waits for the client's bytes. `None`: nothing came for this long.
///
/// Whatever wakes it counts as a sign of life. One that never waits costs nothing.
pub async fn patient<F: Future>(work: F, limit: Duration) -> Option<F::Output> {
    let (mut work, mut alarm, mut until) = (pin!(work), Alarm::default(), None);
    poll_fn(|cx| {
        let late = until.is_some_and(|moment| alarm.poll_at(moment, cx).is_ready());
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if late => Poll::Ready(None),
            Poll::Pending => {
                let moment = *until.insert(Instant::now() + limit);
                alarm.poll_at(moment, cx).map(|()| None)
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn every_sign_of_life_buys_time() {
        let lively = async {
            for _ in 0..10 {
                sleep(SECOND * 9 / 10).await;
            }
        };
        assert_eq!(patient(lively, SECOND).await, Some(()));
        let start = Instant::now();
        assert_eq!(patient(sleep(SECOND * 5), SECOND).await, None);
        assert_eq!(start.elapsed().as_secs(), 1);
        assert_eq!(patient(std::future::ready(7), SECOND).await, Some(7));
    }
}
