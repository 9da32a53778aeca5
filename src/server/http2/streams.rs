//! The streams of a connection, each in a place of its own.

use super::bells::Bells;
use super::stream::Stream;
use std::collections::VecDeque;

/// So many streams are remembered that ended before the client knew: what it still sends over them is no fault.
const REMEMBERED: usize = 64;

/// All that are open, and which of them have something to do.
pub struct Streams<F> {
    places: Vec<Stream<F>>,
    /// The stream in each place; 0 is none.
    ids: Vec<u32>,
    open: usize,
    most: usize,
    /// The last that the client began.
    last: u32,
    let_go: VecDeque<u32>,
    /// Which have something to do.
    pub bells: Bells,
}

/// What a stream is that a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// It is open, in this place.
    Open(usize),
    /// It was ended by this side, which the client may not have known.
    LetGo,
    /// It is over.
    Closed,
    /// It was never begun.
    Idle,
}

// === impl Streams ===

impl<F> Streams<F> {
    /// At most so many at a time.
    #[must_use]
    pub fn new(most: u32) -> Self {
        let most = most as usize;
        let (places, ids, let_go, bells) = (Vec::new(), Vec::new(), VecDeque::new(), Bells::new(most));
        Self { places, ids, open: 0, most, last: 0, let_go, bells }
    }

    /// Which one that is.
    #[must_use]
    pub fn which(&self, id: u32) -> Which {
        match self.ids.iter().position(|open| *open == id) {
            Some(at) => Which::Open(at),
            None if id > self.last || id.is_multiple_of(2) => Which::Idle,
            None if self.let_go.contains(&id) => Which::LetGo,
            None => Which::Closed,
        }
    }

    /// The one in a place.
    pub fn at(&mut self, at: usize) -> Option<&mut Stream<F>> {
        self.places.get_mut(at)
    }

    /// How many are open.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// How many places there are.
    #[must_use]
    pub const fn places(&self) -> usize {
        self.places.len()
    }

    /// The last that the client began.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// The client begins one.
    pub const fn begun(&mut self, id: u32) {
        self.last = id;
    }

    /// A place for one more, if there may be one more.
    pub fn free(&mut self) -> Option<usize> {
        if self.open >= self.most {
            return None;
        }
        let free = self.ids.iter().position(|id| *id == 0);
        Some(free.unwrap_or_else(|| {
            self.ids.push(0);
            self.places.push(Stream::new(self.bells.waker(self.places.len())));
            self.places.len() - 1
        }))
    }

    /// The stream in this place has begun.
    pub fn take(&mut self, at: usize) {
        if let (Some(id), Some(stream)) = (self.ids.get_mut(at), self.places.get(at)) {
            *id = stream.id;
            self.open += 1;
            self.bells.mark(at);
        }
    }

    /// The place is free again; it was cleared.
    pub fn give_up(&mut self, at: usize) {
        if let Some(id) = self.ids.get_mut(at)
            && std::mem::take(id) != 0
        {
            self.open -= 1;
        }
    }

    /// What the client still sends over this one is no fault.
    pub fn let_go(&mut self, id: u32) {
        if self.let_go.len() >= REMEMBERED {
            self.let_go.pop_front();
        }
        self.let_go.push_back(id);
    }

    /// All that are open, with their places.
    pub fn all(&mut self) -> impl Iterator<Item = (usize, &mut Stream<F>)> {
        self.places.iter_mut().enumerate().filter(|(_, stream)| stream.id != 0)
    }

    /// Those whose answers wait for the client have something to do.
    pub fn unblock(&mut self) {
        for (at, stream) in self.places.iter().enumerate() {
            if stream.blocked().is_some() {
                self.bells.mark(at);
            }
        }
    }

    /// Gives up what only the next requests will need, while nothing is open.
    pub fn rest(&mut self) {
        if self.open == 0 {
            (self.places, self.ids) = (Vec::new(), Vec::new());
        }
    }
}
