//! The word that a worker stops, to every connection it serves. A flag and the tasks to wake: nothing is locked, and a
//! connection pays for it once, not at every wake-up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// Why a worker stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The process is to end: what has no end of its own, such as a tunnel, does not hold it up.
    Stop,
    /// Another process has its place: nobody waits for this one.
    HandOver,
}

/// A worker's intention to stop.
#[derive(Debug, Default)]
pub struct Closing {
    closing: Cell<Option<Ending>>,
    waiting: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<usize>>,
    open: Cell<usize>,
}

/// A connection's place in the list of those to wake.
#[derive(Debug)]
pub struct Seat {
    closing: Rc<Closing>,
    at: Option<usize>,
}

// === impl Closing ===

impl Closing {
    /// Tells every connection.
    pub fn close(&self, ending: Ending) {
        self.closing.set(Some(ending));
        for waker in self.waiting.borrow_mut().iter_mut().filter_map(Option::take) {
            waker.wake();
        }
    }

    /// Whether it was told.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.get().is_some()
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.get()
    }

    fn sit(&self, waker: Waker) -> usize {
        let mut waiting = self.waiting.borrow_mut();
        if let Some(at) = self.free.borrow_mut().pop() {
            waiting[at] = Some(waker);
            return at;
        }
        waiting.push(Some(waker));
        waiting.len() - 1
    }
}

// === impl Seat ===

impl Seat {
    /// A new connection.
    #[must_use]
    pub fn new(closing: &Rc<Closing>) -> Self {
        closing.open.set(closing.open.get() + 1);
        Self { closing: closing.clone(), at: None }
    }

    /// Whether the worker stops; if not, the task is woken when it does.
    pub fn poll(&mut self, cx: &Context<'_>) -> bool {
        if !self.closing.is_closing() && self.at.is_none() {
            self.at = Some(self.closing.sit(cx.waker().clone()));
        }
        self.closing.is_closing()
    }

    /// The same, for what has no end of its own: while another process serves already, it may go on.
    pub fn poll_stop(&mut self, cx: &Context<'_>) -> bool {
        self.poll(cx) && self.ending() == Some(Ending::Stop)
    }

    /// Why the worker stops, if it does.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.closing.closing.get()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.closing.open.set(self.closing.open.get() - 1);
        if let Some(at) = self.at {
            self.closing.waiting.borrow_mut()[at] = None;
            self.closing.free.borrow_mut().push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_and_used_again() {
        let closing = Rc::new(Closing::default());
        let cx = Context::from_waker(Waker::noop());
        let mut first = Seat::new(&closing);
        assert!(!first.poll(&cx));
        drop(first);
        let mut second = Seat::new(&closing);
        assert!(!second.poll(&cx));
        assert_eq!((closing.open(), closing.waiting.borrow().len()), (1, 1));
        closing.close(Ending::HandOver);
        assert!(second.poll(&cx) && !second.poll_stop(&cx));
        closing.close(Ending::Stop);
        assert!(second.poll_stop(&cx));
    }
}
