//! The wall clock, looked at ten times a second: in between it goes as the monotonic clock does, which requests read anyway.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

/// After this time it is looked at again; for so long a clock that was set shows the old time.
const LOOK: Duration = Duration::from_millis(100);

/// One worker's wall clock.
#[derive(Debug)]
pub struct Wall(Cell<(Instant, SystemTime)>);

// === impl Wall ===

impl Wall {
    /// What it shows at this moment, which has just been read.
    #[must_use]
    pub fn at(&self, now: Instant) -> SystemTime {
        let (looked, shown) = self.0.get();
        let since = now.saturating_duration_since(looked);
        if let Some(moment) = shown.checked_add(since).filter(|_| since < LOOK) {
            return moment;
        }
        self.0.set((now, SystemTime::now()));
        self.0.get().1
    }
}

impl Default for Wall {
    fn default() -> Self {
        Self(Cell::new((Instant::now(), SystemTime::now())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_between_two_looks_and_is_right_after_each() {
        let wall = Wall::default();
        let (looked, shown) = wall.0.get();
        let later = LOOK - Duration::from_millis(1);
        assert_eq!(wall.at(looked + later), shown + later);
        let before = SystemTime::now();
        let moment = wall.at(looked + LOOK);
        assert!(before <= moment && moment <= SystemTime::now());
        assert_eq!(wall.at(looked + LOOK + later), moment + later);
    }
}
