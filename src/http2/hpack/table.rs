//! A dynamic table (RFC 7541 §2.3.2, §4), of what its entries are understood as.

use std::collections::VecDeque;

/// What a table may hold.
pub(super) trait Entry {
    /// Bytes that it counts: of its name, of its value, and `OVERHEAD`.
    fn size(&self) -> usize;
}

/// What every entry counts beside its bytes (RFC 7541 §4.1), and every field (RFC 9113 §6.5.2).
pub(super) const OVERHEAD: usize = 32;

/// The newest entry is the first.
pub(super) struct Table<T> {
    entries: VecDeque<T>,
    /// Bytes of all entries, as they are counted, and at most.
    size: usize,
    most: usize,
    /// Entries that there have been: the newest one's number.
    count: u32,
}

// === impl Table ===

impl<T: Entry> Table<T> {
    /// Allocates nothing before the first entry.
    pub(super) const fn new(most: usize) -> Self {
        Self { entries: VecDeque::new(), size: 0, most, count: 0 }
    }

    /// Bytes at most.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// An entry.
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.entries.get(at)
    }

    /// The same, to change what does not count.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.entries.get_mut(at)
    }

    /// Where the entry of that number is, unless it is gone. The first was number 1.
    pub(super) fn position(&self, number: u32) -> Option<usize> {
        let at = self.count.wrapping_sub(number) as usize;
        (at < self.entries.len()).then_some(at)
    }

    /// Makes room, and inserts what is not larger than all of the table (§4.4). The newest entry's number.
    pub(super) fn insert(&mut self, entry: T) -> u32 {
        let size = entry.size();
        self.evict(self.most.saturating_sub(size));
        if size <= self.most {
            self.entries.push_front(entry);
            self.size += size;
            self.count = self.count.wrapping_add(1);
        }
        self.count
    }

    /// Changes how much it may hold (§4.3).
    pub(super) fn resize(&mut self, most: usize) {
        self.most = most;
        self.evict(most);
    }

    fn evict(&mut self, most: usize) {
        while self.size > most {
            let Some(entry) = self.entries.pop_back() else { return };
            self.size -= entry.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entry for (&'static str, usize) {
        fn size(&self) -> usize {
            self.1
        }
    }

    fn held(table: &Table<(&'static str, usize)>) -> Vec<&'static str> {
        (0..).map_while(|at| table.get(at)).map(|entry| entry.0).collect()
    }

    fn filled() -> Table<(&'static str, usize)> {
        let mut table = Table::new(100);
        for entry in [("a", 40), ("b", 30), ("c", 30)] {
            table.insert(entry);
        }
        table
    }

    #[test]
    fn the_oldest_give_way() {
        let mut table = filled();
        assert_eq!(held(&table), ["c", "b", "a"]);
        table.insert(("d", 41));
        assert_eq!(held(&table), ["d", "c"]);
        assert_eq!(table.size, 71);
    }

    #[test]
    fn what_is_larger_than_the_table_empties_it() {
        let mut table = filled();
        table.insert(("d", 101));
        assert_eq!((held(&table), table.size), (vec![], 0));
        table.insert(("e", 100));
        assert_eq!(held(&table), ["e"]);
    }

    #[test]
    fn less_room_evicts_and_more_does_not() {
        let mut table = filled();
        for (most, left) in [(99, &["c", "b"][..]), (60, &["c", "b"]), (59, &["c"]), (100, &["c"]), (0, &[])] {
            table.resize(most);
            assert_eq!(held(&table), left, "{most}");
        }
        table.insert(("d", 32));
        assert_eq!(held(&table), [""; 0]);
    }

    #[test]
    fn numbers_find_entries_as_long_as_they_are_there() {
        let mut table = filled();
        assert_eq!([0, 1, 2, 3, 4].map(|number| table.position(number)), [None, Some(2), Some(1), Some(0), None]);
        assert_eq!(table.insert(("d", 70)), 4);
        assert_eq!([1, 2, 3, 4, 5].map(|number| table.position(number)), [None, None, Some(1), Some(0), None]);
    }
}
