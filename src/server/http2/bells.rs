//! Which streams of a connection have something to do: a bit for each. One task serves them all, and whoever wakes a stream
//! wakes that task, and tells it by the bit where to look.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};

/// Bits of a word.
const WORD: usize = u64::BITS as usize;

/// One connection's bells. Those that rang while nobody looked are heard in the next round.
#[derive(Debug)]
pub struct Bells {
    panel: Arc<Panel>,
    /// What is still to be looked at in this round.
    round: Vec<u64>,
}

/// Shared with whoever may ring, on whatever thread.
#[derive(Debug)]
struct Panel {
    rang: Box<[AtomicU64]>,
    task: AtomicWaker,
}

/// The bell of one place.
#[derive(Debug)]
struct Bell {
    panel: Arc<Panel>,
    at: usize,
}

// === impl Bells ===

impl Bells {
    /// For so many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let rang = (0..places.div_ceil(WORD)).map(|_| AtomicU64::new(0)).collect();
        Self { panel: Arc::new(Panel { rang, task: AtomicWaker::new() }), round: Vec::new() }
    }

    /// What rings the bell of a place.
    #[must_use]
    pub fn waker(&self, at: usize) -> Waker {
        Arc::new(Bell { panel: Arc::clone(&self.panel), at }).into()
    }

    /// The task looks by itself now, and is not to be woken for what rings until the round begins.
    pub fn hush(&self) {
        drop(self.panel.task.take());
    }

    /// A round begins, of this task, which is woken when a bell rings from now on. `places` are in use.
    pub fn begin(&mut self, places: usize, cx: &Context<'_>) {
        self.panel.task.register(cx.waker());
        self.round.resize(places.div_ceil(WORD), 0);
        for (round, rang) in self.round.iter_mut().zip(&self.panel.rang) {
            // Most have not rung, and to read is cheaper.
            if rang.load(Ordering::Relaxed) != 0 {
                *round |= rang.swap(0, Ordering::Acquire);
            }
        }
    }

    /// This place has something to do in this round.
    pub fn mark(&mut self, at: usize) {
        if self.round.len() <= at / WORD {
            self.round.resize(at / WORD + 1, 0);
        }
        self.round[at / WORD] |= 1 << (at % WORD);
    }

    /// The next place that has something to do in this round, from `from` on and then from the beginning: nobody waits for
    /// others that always have.
    pub fn next(&mut self, from: usize) -> Option<usize> {
        let words = self.round.len();
        let first = from / WORD;
        for step in 0..=words {
            let word = (first + step) % words.max(1);
            let mask = if step == 0 { !0 << (from % WORD) } else { !0 };
            let found = self.round.get(word)? & mask;
            if found != 0 {
                let bit = found.trailing_zeros() as usize;
                self.round[word] &= !(1 << bit);
                return Some(word * WORD + bit);
            }
        }
        None
    }
}

// === impl Bell ===

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(word) = self.panel.rang.get(self.at / WORD) {
            word.fetch_or(1 << (self.at % WORD), Ordering::Release);
        }
        self.panel.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn round(bells: &mut Bells, from: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = from;
        while let Some(next) = bells.next(at) {
            found.push(next);
            at = next + 1;
        }
        found
    }

    #[test]
    fn a_bell_that_rings_wakes_the_task_and_is_heard_in_the_next_round() {
        let task = Arc::new(Counted::default());
        let waker = Waker::from(task.clone());
        let (mut bells, cx) = (Bells::new(200), Context::from_waker(&waker));
        bells.begin(200, &cx);
        for at in [199, 3, 64, 3] {
            bells.waker(at).wake_by_ref();
        }
        assert!(round(&mut bells, 0).is_empty());
        assert!(task.0.load(Ordering::Relaxed) > 0);
        bells.begin(200, &cx);
        assert_eq!(round(&mut bells, 0), [3, 64, 199]);
        bells.begin(200, &cx);
        assert!(round(&mut bells, 0).is_empty());
    }

    #[test]
    fn turns_go_round() {
        let (mut bells, cx) = (Bells::new(200), Context::from_waker(Waker::noop()));
        bells.begin(200, &cx);
        for from in [0, 3, 4, 64, 130, 199, 200, 1000] {
            for at in [3, 64, 199] {
                bells.mark(at);
            }
            let first: Vec<_> = [3, 64, 199].into_iter().filter(|at| *at >= from && from < 200).collect();
            let found = round(&mut bells, from);
            assert_eq!(found.len(), 3, "{from}");
            assert!(found.starts_with(&first), "{from}: {found:?}");
        }
    }

    #[test]
    fn whoever_always_has_something_to_do_keeps_nobody_waiting() {
        let (mut bells, cx) = (Bells::new(4), Context::from_waker(Waker::noop()));
        bells.begin(4, &cx);
        (0..4).for_each(|at| bells.mark(at));
        let (mut turns, mut at) = (Vec::new(), 0);
        for _ in 0..8 {
            let next = bells.next(at).unwrap_or(9);
            bells.mark(next);
            turns.push(next);
            at = next + 1;
        }
        assert_eq!(turns, [0, 1, 2, 3, 0, 1, 2, 3]);
    }
}
