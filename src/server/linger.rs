//! The end of a connection whose client may still be sending: the rest of a body that was refused before it was read, or of
//! a request that could not be parsed; over HTTP/2 also frames about what it reads. Why and how long: `proxy/leftover.rs`.

use crate::proxy::leftover::Patience;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at once.
const PIECE: usize = 16 * 1024;

/// Reads and forgets; ready when the client has hung up, or when it has taken too long.
pub fn poll_end<S: AsyncRead + Unpin>(patience: &mut Patience, socket: &mut S, cx: &mut Context<'_>) -> Poll<()> {
    let mut space = [0; PIECE];
    loop {
        let mut buf = ReadBuf::new(&mut space);
        let Poll::Ready(read) = Pin::new(&mut *socket).poll_read(cx, &mut buf) else { break };
        let count = buf.filled().len();
        if read.is_err() || count == 0 || !patience.took(count) {
            return Poll::Ready(());
        }
    }
    patience.poll_over(cx)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::time::Instant;

    const WHOLE: Duration = Duration::from_secs(10);
    const QUIET: Duration = Duration::from_secs(2);

    async fn end(mut socket: impl AsyncRead + Unpin) -> Duration {
        let start = Instant::now();
        let mut patience = Patience::begin();
        poll_fn(|cx| poll_end(&mut patience, &mut socket, cx)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_client() {
        let (ours, mut theirs) = tokio::io::duplex(100);
        let client = async move { theirs.write_all(&[0; 10_000]).await.unwrap() };
        let (time, ()) = tokio::join!(end(ours), client);
        assert!(time < Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_without_the_client() {
        let (ours, theirs) = tokio::io::duplex(100);
        assert_eq!(end(ours).await, QUIET);
        drop(theirs);
        let (ours, mut theirs) = tokio::io::duplex(100);
        let drip = async {
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1500)).await;
            }
        };
        let (time, ()) = tokio::join!(async { end(ours).await }, drip);
        assert!(time >= WHOLE && time < WHOLE + QUIET, "{time:?}");
        // However fast it sends, it is over.
        assert_eq!(end(tokio::io::repeat(0)).await, Duration::ZERO);
    }
}
