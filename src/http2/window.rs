//! How much may be sent (RFC 9113 §5.2, §6.9). Pure.

/// Largest window (§6.9.1).
const MOST: i64 = i32::MAX as i64;

/// What this side may send, over a stream or over all of them together. SETTINGS can make it less than nothing (§6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(i64);

/// What a client may send, and what it is to be told that it may send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Bytes that may come.
    left: u32,
    /// Bytes that were taken, and that it was not told of.
    back: u32,
    whole: u32,
}

/// A window overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

// === impl Window ===

impl Window {
    /// One of this size.
    #[must_use]
    pub fn new(size: u32) -> Self {
        Self(i64::from(size))
    }

    /// How many bytes may be sent.
    #[must_use]
    pub fn room(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// So many were.
    pub fn sent(&mut self, bytes: usize) {
        self.0 -= i64::try_from(bytes).unwrap_or(MOST);
    }

    /// The client takes so many more, or fewer.
    ///
    /// # Errors
    /// When they are more than any window can be.
    pub fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        self.0 += by;
        if self.0 > MOST { Err(Overflow) } else { Ok(()) }
    }
}

// === impl Intake ===

impl Intake {
    /// Of this size.
    #[must_use]
    pub const fn new(size: u32) -> Self {
        Self { left: size, back: 0, whole: size }
    }

    /// So many bytes came.
    ///
    /// # Errors
    /// When they are more than may.
    pub fn came(&mut self, bytes: usize) -> Result<(), Overflow> {
        let left = u32::try_from(bytes).ok().and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or(Overflow)?;
        Ok(())
    }

    /// So many were taken on. `Some` is what the client is to be told now: small steps are put together.
    pub fn taken(&mut self, bytes: usize) -> Option<u32> {
        self.back = self.back.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.back < self.whole / 2 {
            return None;
        }
        let more = std::mem::take(&mut self.back);
        self.left = self.left.saturating_add(more);
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_nothing_is_nothing_until_it_is_made_up_for() {
        let mut window = Window::new(100);
        window.sent(60);
        assert_eq!(window.shift(-90), Ok(()));
        assert_eq!(window.room(), 0);
        assert_eq!(window.shift(51), Ok(()));
        assert_eq!(window.room(), 1);
        assert_eq!(window.shift(MOST - 1), Ok(()));
        assert_eq!(window.shift(1), Err(Overflow));
    }

    #[test]
    fn what_was_taken_is_told_by_halves_and_none_is_lost() {
        let mut intake = Intake::new(100);
        let (mut told, mut may) = (0, 100);
        for _ in 0..1000 {
            assert_eq!(intake.came(10), Ok(()));
            may -= 10;
            if let Some(more) = intake.taken(10) {
                assert!(more >= 50);
                (told, may) = (told + more, may + more);
            }
        }
        assert_eq!(told, 10_000);
        assert_eq!(intake.came(may as usize + 1), Err(Overflow));
        assert_eq!(intake.came(may as usize), Ok(()));
    }
}
