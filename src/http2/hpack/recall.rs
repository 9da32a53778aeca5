//! Which fields and names answers brought before, and where in the table they are: by hashes alone, whoever looks has to
//! compare.

/// Places for what has the same set: all that a look-up reads, whatever upstreams answer.
const WAYS: usize = 4;
/// A power of two. There are twice as many places as entries fit into a table of 4 KiB.
const SETS: usize = 64;

/// What hashes were met, and the number that each was given last. The places are few: what is met once gives way to what
/// is met next, but not what is held.
pub(super) struct Recall(Vec<Set>);

#[derive(Clone, Copy, Default)]
struct Set {
    /// Of each hash a part that its set does not say.
    tags: [u16; WAYS],
    /// 0 for what was met only.
    numbers: [u32; WAYS],
}

// === impl Recall ===

impl Recall {
    /// Allocates nothing before the first is met.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The number of a hash that was met; it may be another one's, too.
    pub(super) fn number(&self, hash: u64) -> Option<u32> {
        let set = self.0.get(place(hash))?;
        set.way(hash).and_then(|way| set.numbers.get(way).copied())
    }

    /// Whether it was met before; from now on it was. Of those whose number is `held`, none is forgotten for it.
    pub(super) fn meet(&mut self, hash: u64, held: impl Fn(u32) -> bool) -> bool {
        let met = self.number(hash).is_some();
        if !met {
            self.give(hash, 0, held);
        }
        met
    }

    /// Gives it a number, if there is a place for it.
    pub(super) fn give(&mut self, hash: u64, number: u32, held: impl Fn(u32) -> bool) {
        self.0.resize(SETS, Set::default());
        let Some(set) = self.0.get_mut(place(hash)) else { return };
        if let Some(way) = set.way(hash).or_else(|| set.free(hash, held))
            && let (Some(tag), Some(place)) = (set.tags.get_mut(way), set.numbers.get_mut(way))
        {
            (*tag, *place) = (tag_of(hash), number);
        }
    }
}

const fn place(hash: u64) -> usize {
    hash as usize % SETS
}

/// Never that of a place where nothing was yet.
const fn tag_of(hash: u64) -> u16 {
    (hash >> 48) as u16 | 1
}

// === impl Set ===

impl Set {
    fn way(&self, hash: u64) -> Option<usize> {
        let tag = tag_of(hash);
        self.tags.iter().position(|other| *other == tag)
    }

    /// One that may be taken, not always the first.
    fn free(&self, hash: u64, held: impl Fn(u32) -> bool) -> Option<usize> {
        let first = (hash >> 32) as usize;
        let mut ways = (0..WAYS).map(|step| first.wrapping_add(step) % WAYS);
        ways.find(|way| self.numbers.get(*way).is_some_and(|number| !held(*number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes of one set.
    fn hashes() -> impl Iterator<Item = u64> {
        (1_u64..).map(|tag| tag << 49 | tag << 32 | 5)
    }

    #[test]
    fn what_was_met_once_is_known() {
        let mut recall = Recall::new();
        for hash in hashes().take(WAYS) {
            assert_eq!(recall.number(hash), None);
            assert!(!recall.meet(hash, |_| false));
            assert!(recall.meet(hash, |_| false));
            assert_eq!(recall.number(hash), Some(0));
        }
    }

    #[test]
    fn what_is_held_is_not_forgotten_whatever_is_met() {
        let mut recall = Recall::new();
        let held = |number| number > 1;
        for (hash, number) in hashes().zip(1..=3) {
            recall.give(hash, number, held);
        }
        for hash in hashes().skip(3).take(1000) {
            assert!(!recall.meet(hash, held));
        }
        let numbers: Vec<_> = hashes().take(3).map(|hash| recall.number(hash)).collect();
        assert_eq!(numbers, [None, Some(2), Some(3)]);
    }

    #[test]
    fn a_full_set_takes_nothing_more() {
        let mut recall = Recall::new();
        for (hash, number) in hashes().zip(1..=10) {
            recall.give(hash, number, |number| number > 0);
        }
        let known: Vec<_> = hashes().take(10).filter_map(|hash| recall.number(hash)).collect();
        assert_eq!(known, [1, 2, 3, 4]);
        assert!(hashes().skip(WAYS).take(9).all(|hash| !recall.meet(hash, |number| number > 0)));
    }
}
