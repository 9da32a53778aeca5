//! The ticker: an endless stream of server-sent events, one per second.

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::interval;

/// The stream of events; the first comes at once.
pub(super) fn ticks() -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    let clock = interval(Duration::from_secs(1));
    stream::unfold((clock, 1_u64), |(mut clock, count)| async move {
        clock.tick().await;
        Some((Ok(Frame::data(event(count))), (clock, count + 1)))
    })
}

fn event(count: u64) -> Bytes {
    format!("id: {count}\nevent: tick\ndata: {{\"tick\":{count}}}\n\n").into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::StreamExt;

    #[tokio::test(flavor = "current_thread")]
    async fn ticks_are_counted() {
        let all: Vec<_> = ticks().take(2).collect().await;
        let text: Vec<_> = all.into_iter().map(|frame| frame.unwrap().into_data().unwrap()).collect();
        assert_eq!(text, [event(1), event(2)]);
        assert_eq!(event(7), "id: 7\nevent: tick\ndata: {\"tick\":7}\n\n");
    }
}
