//! What a client says that it can do (RFC 9113 §6.5). Pure.

use super::{Fault, Judged, Reason};

/// Bytes of the table that header blocks refer to.
pub const HEADER_TABLE_SIZE: u16 = 1;
/// Whether the server may push.
pub const ENABLE_PUSH: u16 = 2;
/// Streams at a time.
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
/// Bytes of a body that may be sent over a new stream at once.
pub const INITIAL_WINDOW_SIZE: u16 = 4;
/// Largest payload of a frame.
pub const MAX_FRAME_SIZE: u16 = 5;
/// Bytes of a head.
pub const MAX_HEADER_LIST_SIZE: u16 = 6;

/// A window at first (§6.9.2).
pub const WINDOW: u32 = 65_535;

/// What is kept here of a client's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// How much may be sent over a new stream.
    pub window: u32,
}

// === impl Theirs ===

impl Default for Theirs {
    fn default() -> Self {
        Self { window: WINDOW }
    }
}

impl Theirs {
    /// Takes in a frame's payload, whose size is right. `table` hears of every size of the table that blocks may refer to: the
    /// smallest matters, too (RFC 7541 §4.2).
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn take(&mut self, payload: &[u8], mut table: impl FnMut(u32)) -> Judged<()> {
        for entry in payload.as_chunks::<6>().0 {
            let [a, b, value @ ..] = *entry;
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([a, b]) {
                HEADER_TABLE_SIZE => table(value),
                ENABLE_PUSH if value > 1 => return Err(Fault::protocol("ENABLE_PUSH is neither 0 nor 1")),
                INITIAL_WINDOW_SIZE if value > i32::MAX as u32 => {
                    return Err(Fault::Connection(Reason::FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large"));
                }
                INITIAL_WINDOW_SIZE => self.window = value,
                MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
                    return Err(Fault::protocol("MAX_FRAME_SIZE is out of range"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(entries: &[(u16, u32)]) -> (Judged<()>, Theirs, Vec<u32>) {
        let payload: Vec<u8> =
            entries.iter().flat_map(|(what, value)| [&what.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
        let (mut theirs, mut tables) = (Theirs::default(), Vec::new());
        let judged = theirs.take(&payload, |table| tables.push(table));
        (judged, theirs, tables)
    }

    #[test]
    fn the_last_word_counts_but_every_table_is_told() {
        let (judged, theirs, tables) =
            taken(&[(4, 5), (1, 0), (0x99, 7), (1, 100), (4, 6), (2, 1), (5, 16_384), (3, 0)]);
        assert_eq!((judged, theirs, tables), (Ok(()), Theirs { window: 6 }, vec![0, 100]));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for (what, value, reason) in [(2, 2, 1), (4, 1 << 31, 3), (5, 16_383, 1), (5, 1 << 24, 1)] {
            let Err(Fault::Connection(Reason(code), _)) = taken(&[(what, value)]).0 else { panic!("{what} {value}") };
            assert_eq!(code, reason, "{what} {value}");
        }
    }
}
