//! Lines of the log that come again and again, as when an upstream is down under load: the first is told at once, then
//! one in each window, with the number of those that were held back. Knows no clock, no text and no output.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Different lines that are told apart at a time; what goes beyond shares one turn.
const MOST: usize = 1024;
/// What stands for all lines beyond these.
const OTHERS: u64 = 0;

/// What was told lately.
#[derive(Debug)]
pub struct Repeats {
    window: Duration,
    told: HashMap<u64, Told>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    held: u64,
}

// === impl Repeats ===

impl Repeats {
    /// One line of a kind in each window.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self { window, told: HashMap::new() }
    }

    /// Whether a line of this kind is to be told now: then the number of those held back since the last one, else
    /// `None`.
    pub fn admit(&mut self, kind: u64, now: Instant) -> Option<u64> {
        let kind = if self.has_place(kind, now) { kind } else { OTHERS };
        let Some(told) = self.told.get_mut(&kind) else {
            self.told.insert(kind, Told { at: now, held: 0 });
            return Some(0);
        };
        if now.saturating_duration_since(told.at) < self.window {
            told.held += 1;
            return None;
        }
        told.at = now;
        Some(std::mem::take(&mut told.held))
    }

    /// Whether the kind is known, or there is room for another; room is made by forgetting what is past.
    fn has_place(&mut self, kind: u64, now: Instant) -> bool {
        if self.told.len() >= MOST && !self.told.contains_key(&kind) {
            let window = self.window;
            self.told.retain(|_, told| now.saturating_duration_since(told.at) < window);
        }
        self.told.len() < MOST || self.told.contains_key(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn the_first_at_once_then_one_in_a_window_with_the_number_held_back() {
        let (mut repeats, start) = (Repeats::new(WINDOW), Instant::now());
        assert_eq!(repeats.admit(1, start), Some(0));
        assert_eq!(repeats.admit(1, start), None);
        assert_eq!(repeats.admit(1, start + WINDOW / 2), None);
        assert_eq!(repeats.admit(2, start + WINDOW / 2), Some(0), "another kind has a turn of its own");
        assert_eq!(repeats.admit(1, start + WINDOW), Some(2));
        assert_eq!(repeats.admit(1, start + WINDOW), None);
        assert_eq!(repeats.admit(1, start + 3 * WINDOW), Some(1));
    }

    #[test]
    fn ever_new_kinds_neither_grow_it_nor_flood() {
        let (mut repeats, start) = (Repeats::new(WINDOW), Instant::now());
        let told = (1..10_000).filter(|kind| repeats.admit(*kind, start).is_some()).count();
        assert_eq!(told, MOST + 1, "all that are told apart, and one for the others");
        assert_eq!(repeats.told.len(), MOST + 1);
        assert_eq!(repeats.admit(20_000, start + WINDOW), Some(0), "room again");
        assert_eq!(repeats.told.len(), 1);
    }
}
