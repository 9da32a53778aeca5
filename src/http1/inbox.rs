//! Bytes that were read and not understood yet. Connections of a worker lend each other the room for them: one that waits
//! holds none, be it a client between two requests or an upstream that has not answered yet. Pure.

use bytes::BytesMut;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Most buffers that wait for the next reader.
const MOST: usize = 64;
/// Larger room is for one head or body, and not lent.
const LENT: usize = 16 * 1024;

/// What one connection read. Without `Debug`: secrets are among it.
pub struct Inbox {
    buf: BytesMut,
    /// Whether it has grown for something large.
    large: bool,
    rooms: Rc<Rooms>,
}

/// A worker's buffers that nobody has.
#[derive(Debug, Default)]
pub struct Rooms(RefCell<Vec<BytesMut>>);

// === impl Inbox ===

impl Inbox {
    /// An empty one.
    #[must_use]
    pub fn new(rooms: Rc<Rooms>) -> Self {
        Self { buf: BytesMut::new(), large: false, rooms }
    }

    /// Makes `room`, unless there is some that suffices: `least` bytes.
    pub fn make_room(&mut self, least: usize, room: usize) {
        if self.buf.capacity() == 0 {
            self.buf = self.rooms.take();
        }
        if self.buf.capacity() - self.buf.len() < least {
            self.buf.reserve(room);
            self.large |= room.max(self.buf.len()) > LENT;
        }
    }

    /// Nothing has come: the room is for others, if nothing is in it.
    pub fn rest(&mut self) {
        if !self.buf.is_empty() {
            return;
        }
        let buf = std::mem::take(&mut self.buf);
        if !std::mem::take(&mut self.large) {
            self.rooms.put(buf);
        }
    }
}

impl Deref for Inbox {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.buf
    }
}

impl DerefMut for Inbox {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.buf
    }
}

// === impl Rooms ===

impl Rooms {
    fn take(&self) -> BytesMut {
        self.0.borrow_mut().pop().unwrap_or_default()
    }

    fn put(&self, buf: BytesMut) {
        let mut waiting = self.0.borrow_mut();
        if buf.capacity() > 0 && waiting.len() < MOST {
            waiting.push(buf);
        }
    }

    /// Frees half of them: those that are never asked for are gone soon.
    pub fn halve(&self) {
        let mut waiting = self.0.borrow_mut();
        let half = waiting.len() / 2;
        waiting.truncate(half);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(rooms: &Rooms) -> usize {
        rooms.0.borrow().len()
    }

    #[test]
    fn who_rests_lends_its_room() {
        let rooms = Rc::new(Rooms::default());
        let (mut one, mut other) = (Inbox::new(rooms.clone()), Inbox::new(rooms.clone()));
        one.make_room(10, 100);
        one.extend_from_slice(b"ab");
        one.rest();
        assert_eq!((&one[..], waiting(&rooms)), (&b"ab"[..], 0), "there is something in it");
        one.clear();
        one.rest();
        assert_eq!((one.capacity(), waiting(&rooms)), (0, 1));
        other.make_room(10, 20);
        assert_eq!((other.capacity(), waiting(&rooms)), (100, 0));
        other.make_room(100, 200);
        assert_eq!(other.capacity(), 100, "there is enough");
    }

    #[test]
    fn large_room_is_not_lent() {
        let rooms = Rc::new(Rooms::default());
        let mut inbox = Inbox::new(rooms.clone());
        for (room, lent) in [(LENT + 1, 0), (LENT, 1)] {
            inbox.make_room(room, room);
            inbox.rest();
            assert_eq!((inbox.capacity(), waiting(&rooms)), (0, lent));
        }
    }

    #[test]
    fn room_for_a_large_head_is_not_lent_though_little_of_it_is_left() {
        let rooms = Rc::new(Rooms::default());
        for (pieces, lent) in [(10, 0), (3, 1)] {
            let mut inbox = Inbox::new(rooms.clone());
            for _ in 0..pieces {
                inbox.make_room(LENT, LENT);
                inbox.extend_from_slice(&[b'x'; 4 * 1024]);
            }
            drop(inbox.split());
            inbox.rest();
            assert_eq!(waiting(&rooms), lent, "{pieces}");
        }
    }

    #[test]
    fn few_wait_and_not_for_ever() {
        let rooms = Rc::new(Rooms::default());
        let mut inboxes: Vec<_> = (0..MOST + 2).map(|_| Inbox::new(rooms.clone())).collect();
        inboxes.iter_mut().for_each(|inbox| inbox.make_room(1, 1));
        inboxes.iter_mut().for_each(Inbox::rest);
        assert_eq!(waiting(&rooms), MOST);
        for left in [MOST / 2, MOST / 4] {
            rooms.halve();
            assert_eq!(waiting(&rooms), left);
        }
        (0..MOST).for_each(|_| rooms.halve());
        assert_eq!(waiting(&rooms), 0);
    }
}
