//! How a connection comes to its end without losing a request (RFC 9113 §6.8): the client is told that there will be no more
//! streams, and asked to confirm; those that it began before it heard of that are served.

use crate::http2::{Reason, write};
use crate::proxy::closing::Seat;
use crate::server::limits::MOMENT;
use crate::upstream::alarm::Alarm;
use std::task::Context;
use tokio::time::Instant;

/// What is to come back.
const WORD: [u8; 8] = *b"lastword";
/// All streams that there can be.
const ALL: u32 = i32::MAX as u32;

/// How far that is.
pub struct Leaving {
    seat: Seat,
    alarm: Alarm,
    step: Step,
    confirmed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nobody leaves.
    Stays,
    /// The client was told, and may not have heard it.
    Told(Instant),
    /// No stream is served that begins after this one.
    Last(u32),
    /// The client begins no more.
    ClientLeaves,
}

// === impl Leaving ===

impl Leaving {
    /// Of a connection that has this seat.
    #[must_use]
    pub fn new(seat: Seat) -> Self {
        Self { seat, alarm: Alarm::default(), step: Step::Stays, confirmed: false }
    }

    /// Looks whether the worker stops, and goes on with what follows from that; `last` is the last stream that was begun.
    pub fn poll(&mut self, last: u32, out: &mut Vec<u8>, cx: &mut Context<'_>) {
        match self.step {
            Step::Stays | Step::ClientLeaves if self.seat.poll(cx) => {
                write::goaway(out, ALL, Reason::NO_ERROR);
                write::ping(out, WORD);
                self.step = Step::Told(Instant::now());
                self.poll(last, out, cx);
            }
            Step::Told(since) if self.confirmed || self.alarm.poll_at(since + MOMENT, cx).is_ready() => {
                write::goaway(out, last, Reason::NO_ERROR);
                self.step = Step::Last(last);
            }
            _ => {}
        }
    }

    /// A PING came back.
    pub fn ponged(&mut self, word: [u8; 8]) {
        self.confirmed |= word == WORD && matches!(self.step, Step::Told(_));
    }

    /// The client says that it begins no more streams.
    pub fn client_leaves(&mut self) {
        if self.step == Step::Stays {
            self.step = Step::ClientLeaves;
        }
    }

    /// The last stream that may be named in a GOAWAY, when `last` is the last that was begun: never a later one than before.
    #[must_use]
    pub fn last(&self, last: u32) -> u32 {
        if let Step::Last(named) = self.step { named } else { last }
    }

    /// Whether this stream began too late.
    #[must_use]
    pub fn refuses(&self, id: u32) -> bool {
        matches!(self.step, Step::Last(last) if id > last)
    }

    /// Whether no stream begins any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.step, Step::Last(_) | Step::ClientLeaves)
    }
}
