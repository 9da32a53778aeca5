//! Long work that lets others go first. A core that is asked for by two lets each go on for a millisecond or more before
//! the other gets its turn, whatever their priorities are; so a request that arrives in the meantime waits as long.
//! Who works for hundreds of milliseconds says every now and then that the others may go first.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// Longest time between two turns of the others.
const TURN: Duration = Duration::from_micros(100);
/// The clock is read at one call of so many.
const CALLS: u32 = 4;
/// For how long all others go first. The kernel takes each time for a whole turn, so that on a core that is always asked
/// for the work would hardly get on; after that its priority counts.
const POLITE: Duration = Duration::from_secs(1);

/// When a thread stepped back.
#[derive(Clone, Copy, Debug)]
struct Pace {
    begun: Instant,
    last: Instant,
    calls: u32,
}

thread_local! {
    /// That of the thread, if it lets others go first.
    static PACE: Cell<Option<Pace>> = const { Cell::new(None) };
}

/// Lets others go first for as long as this thread lives; see [`breathe`].
pub fn politely() {
    PACE.set(Some(Pace::begin(Instant::now())));
}

/// Called again and again within long work, best some 20 µs apart; a sort of thousands of things takes longer, and is let be.
pub fn breathe() {
    let Some(mut pace) = PACE.get() else { return };
    if pace.is_over(Instant::now) {
        thread::yield_now();
        pace.last = Instant::now();
    }
    PACE.set(Some(pace));
}

/// Frees thousands of things, which takes long, too.
pub fn free<T>(all: Vec<T>) {
    all.into_iter().for_each(|one| {
        drop(one);
        breathe();
    });
}

// === impl Pace ===

impl Pace {
    fn begin(now: Instant) -> Self {
        Self { begun: now, last: now, calls: 0 }
    }

    /// Whether it is the turn of others.
    fn is_over(&mut self, now: impl FnOnce() -> Instant) -> bool {
        self.calls += 1;
        if !self.calls.is_multiple_of(CALLS) {
            return false;
        }
        let now = now();
        now.duration_since(self.last) >= TURN && now.duration_since(self.begun) < POLITE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_get_their_turn_and_not_for_ever() {
        let start = Instant::now();
        let mut pace = Pace::begin(start);
        let over = |pace: &mut Pace, after| (0..CALLS).any(|_| pace.is_over(|| start + after));
        assert!(!over(&mut pace, TURN / 2), "too early");
        assert!(over(&mut pace, TURN));
        pace.last = start + TURN;
        assert!(!over(&mut pace, TURN), "it has just been");
        assert!(over(&mut pace, 2 * TURN));
        assert!(!over(&mut pace, POLITE), "it has been polite for long enough");
    }
}
