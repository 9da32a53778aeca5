//! Header blocks of answers (RFC 7541 §3, §6).
//!
//! A field goes into the table when an answer brings it for the second time, so that what is of one answer only pushes
//! nothing out. What a table must never hold is written so that nobody else puts it into one either.

use super::integer::{self, INDEXED, INSERTED, NEVER, PASSING, Prefix, RESIZED};
use super::known::{Key, Known};
use super::{TABLE, statics, string};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::fmt;

/// Digits of a number that is short enough to be written out again and again.
const DIGITS: usize = 8;

/// One direction of a connection. It allocates nothing before the first field.
pub struct Encoder {
    known: Known,
    /// The smallest size of the table since the last block, if it was changed.
    smallest: Option<usize>,
}

// === impl Encoder ===

impl Encoder {
    /// With a table of `TABLE` bytes, as clients expect it (RFC 9113 §6.5.2).
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Known::new(), smallest: None }
    }

    /// Takes over what a client allows: its `SETTINGS_HEADER_TABLE_SIZE`, of which `TABLE` bytes are used at most. The next
    /// block tells it so.
    pub fn resize(&mut self, most: u32) {
        let most = usize::try_from(most).map_or(TABLE, |most| most.min(TABLE));
        if most != self.known.most() {
            self.smallest = Some(self.smallest.map_or(most, |smallest| smallest.min(most)));
            self.known.resize(most);
        }
    }

    /// Begins a block: says the sizes that the table had since the last one, the smallest and the last (§4.2).
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        let Some(smallest) = self.smallest.take() else { return };
        integer::write(out, RESIZED, smallest);
        if smallest < self.known.most() {
            integer::write(out, RESIZED, self.known.most());
        }
    }

    /// Writes `:status`.
    pub fn status(&mut self, out: &mut Vec<u8>, status: StatusCode) {
        match statics::of_status(status) {
            Some(index) => integer::write(out, INDEXED, index),
            None => {
                integer::write(out, PASSING, statics::STATUS);
                string::write(out, status.as_str().as_bytes());
            }
        }
    }

    /// Writes a field.
    pub fn field(&mut self, out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
        if value.is_sensitive() || *name == header::SET_COOKIE {
            return literal(out, NEVER, self.known.name(name), name, value);
        }
        match self.known.next(name, value) {
            Some(index) => integer::write(out, INDEXED, index),
            None => self.look_up(out, name, value),
        }
    }

    fn look_up(&mut self, out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
        if !self.known.fits(name, value) {
            return literal(out, PASSING, self.known.name(name), name, value);
        }
        let key = (!is_short_number(value)).then(|| Key::of_field(name, value));
        match key.and_then(|key| self.known.field(key, name, value)) {
            Some(index) => integer::write(out, INDEXED, index),
            None => self.unknown(out, name, value, key),
        }
    }

    /// Writes what is not in the table, and inserts it if it came before; or if its name did, and has no index yet. Without
    /// a key it is nothing to find again.
    fn unknown(&mut self, out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue, key: Option<Key>) {
        let index = self.known.name(name);
        let again = key.is_some_and(|key| self.known.meet(key));
        if again || index.is_none() && self.known.meet(Key::of_name(name)) {
            literal(out, INSERTED, index, name, value);
            self.known.insert(name, value, key);
        } else {
            literal(out, PASSING, index, name, value);
        }
    }
}

/// Writes a field's value, and its name unless that has an index.
fn literal(out: &mut Vec<u8>, prefix: Prefix, index: Option<usize>, name: &HeaderName, value: &HeaderValue) {
    integer::write(out, prefix, index.unwrap_or(0));
    if index.is_none() {
        string::write(out, name.as_str().as_bytes());
    }
    string::write(out, value.as_bytes());
}

/// Lengths, counts and latencies change with every answer, and hardly take more than an index would.
fn is_short_number(value: &HeaderValue) -> bool {
    value.len() <= DIGITS && value.as_bytes().iter().all(u8::is_ascii_digit)
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("most", &self.known.most()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
