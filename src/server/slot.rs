//! Room for the one request that is under way: large, so it is made once, used again, and given up while nobody asks.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Where a request's future is while it runs.
pub struct Slot<F>(Option<Pin<Box<Option<F>>>>);

// === impl Slot ===

impl<F: Future> Slot<F> {
    /// A future takes its place. Made here, it is written into it; made before, all of its room would be copied.
    #[inline]
    pub fn put(&mut self, make: impl FnOnce() -> F) {
        self.0.get_or_insert_with(|| Box::pin(None)).set(Some(make()));
    }

    /// Runs it. Its place is empty when it has ended.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(place) = &mut self.0 else { return Poll::Pending };
        let Some(future) = place.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = future.poll(cx);
        if polled.is_ready() {
            place.set(None);
        }
        polled
    }
}

impl<F> Slot<F> {
    /// Ends it, wherever it is.
    pub fn clear(&mut self) {
        if let Some(place) = &mut self.0 {
            place.set(None);
        }
    }

    /// Gives up the room.
    pub fn free(&mut self) {
        self.0 = None;
    }
}

impl<F> Default for Slot<F> {
    fn default() -> Self {
        Self(None)
    }
}
