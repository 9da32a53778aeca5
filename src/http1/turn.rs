//! Writing after the others have read.
//!
//! A write into a socket wakes whoever waits at its other end, which costs this side more than the write itself. Where a
//! worker answers many connections, one that first reads from all that are ready, and then writes to all of them, wakes a
//! neighbour once for several.

use std::future::poll_fn;
use std::task::Poll;

/// Lets all tasks that are ready have their turn first. With nobody else ready, that is at once: no system call comes
/// between.
pub async fn turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[tokio::test]
    async fn everybody_reads_before_anybody_writes() {
        let told = RefCell::new(Vec::new());
        let exchange = || async {
            told.borrow_mut().push("reads");
            turn().await;
            told.borrow_mut().push("writes");
        };
        tokio::join!(exchange(), exchange());
        assert_eq!(told.into_inner(), ["reads", "reads", "writes", "writes"]);
    }
}
