//! The fields in our table, and how those of an answer are found there.

use super::recall::Recall;
use super::table::{Entry, OVERHEAD, Table};
use super::{TABLE, statics};
use foldhash::fast::FixedState;
use http::{HeaderName, HeaderValue};
use std::hash::{BuildHasher, Hash};

/// No field takes more than this part of the table.
const PART: usize = 4;

/// What is in the table.
pub(super) struct Known {
    table: Table<Held>,
    recall: Recall,
    /// Numbers of the field that was found or inserted last, and of the one that came after it before: an answer brings
    /// what the one before it brought, in the same order, so that hardly anything has to be looked up.
    last: u32,
    next: u32,
}

struct Held {
    name: HeaderName,
    /// A copy: the value itself would keep all of its answer's head.
    value: Box<[u8]>,
    /// The number of what came after it.
    next: u32,
}

/// What a field is looked up by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

// === impl Key ===

impl Key {
    /// That of a name.
    pub(super) fn of_name(name: &HeaderName) -> Self {
        Self::of(name)
    }

    /// That of a field.
    pub(super) fn of_field(name: &HeaderName, value: &HeaderValue) -> Self {
        Self::of((name, value))
    }

    /// Whoever chooses what has the hash of another has it written out, which costs bytes, not time.
    fn of(what: impl Hash) -> Self {
        Self(FixedState::default().hash_one(what))
    }
}

// === impl Known ===

impl Known {
    pub(super) const fn new() -> Self {
        Self { table: Table::new(TABLE), recall: Recall::new(), last: 0, next: 0 }
    }

    /// Bytes of the table.
    pub(super) const fn most(&self) -> usize {
        self.table.most()
    }

    pub(super) fn resize(&mut self, most: usize) {
        self.table.resize(most);
    }

    /// Whether a field may be inserted: it is not so large that much else would have to go.
    pub(super) fn fits(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        name.as_str().len() + value.len() + OVERHEAD <= self.table.most() / PART
    }

    /// The index of a field that comes after another one as before.
    pub(super) fn next(&mut self, name: &HeaderName, value: &HeaderValue) -> Option<usize> {
        self.next_if(|held| held.is(name, value))
    }

    fn next_if(&mut self, is_meant: impl FnOnce(&Held) -> bool) -> Option<usize> {
        let at = self.table.position(self.next)?;
        let held = self.table.get(at).filter(|held| is_meant(held))?;
        (self.last, self.next) = (self.next, held.next);
        Some(index(at))
    }

    /// The index of a field.
    pub(super) fn field(&mut self, key: Key, name: &HeaderName, value: &HeaderValue) -> Option<usize> {
        self.found(key, |held| held.is(name, value))
    }

    fn found(&mut self, key: Key, is_meant: impl FnOnce(&Held) -> bool) -> Option<usize> {
        let number = self.recall.number(key.0)?;
        let at = self.table.position(number)?;
        self.table.get(at).filter(|held| is_meant(held))?;
        self.follow(number);
        Some(index(at))
    }

    /// The index of a name.
    pub(super) fn name(&mut self, name: &HeaderName) -> Option<usize> {
        let usual = statics::of_name(name).or_else(|| self.next_if(|held| held.name == *name));
        usual.or_else(|| self.found(Key::of_name(name), |held| held.name == *name))
    }

    /// Whether something was met before; from now on it was.
    pub(super) fn meet(&mut self, key: Key) -> bool {
        self.recall.meet(key.0, |number| self.table.position(number).is_some())
    }

    /// Inserts a field that fits; with a key it can be found as a whole, without only by its name.
    pub(super) fn insert(&mut self, name: &HeaderName, value: &HeaderValue, key: Option<Key>) {
        let number = self.table.insert(Held { name: name.clone(), value: value.as_bytes().into(), next: 0 });
        let named = statics::of_name(name).is_none().then(|| Key::of_name(name));
        for key in key.into_iter().chain(named) {
            self.recall.give(key.0, number, |number| self.table.position(number).is_some());
        }
        self.follow(number);
    }

    /// Notes that a field came after the last one.
    fn follow(&mut self, number: u32) {
        if let Some(last) = self.held(self.last) {
            last.next = number;
        }
        self.last = number;
        self.next = self.held(number).map_or(0, |held| held.next);
    }

    fn held(&mut self, number: u32) -> Option<&mut Held> {
        let at = self.table.position(number)?;
        self.table.get_mut(at)
    }
}

/// Of the one at this place in the table.
const fn index(at: usize) -> usize {
    statics::LAST + 1 + at
}

// === impl Held ===

impl Held {
    fn is(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        self.name == *name && *self.value == *value.as_bytes()
    }
}

impl Entry for Held {
    fn size(&self) -> usize {
        self.name.as_str().len() + self.value.len() + OVERHEAD
    }
}
