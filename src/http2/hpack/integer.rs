//! Integers, and the bits before them that say what they are of (RFC 7541 §5.1, §6).

use super::{Broken, TRUNCATED};

/// How a representation begins: its mark in the upper bits of a byte, and how many are left for an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    mark: u8,
    bits: u32,
}

/// A field of a table (§6.1).
pub(super) const INDEXED: Prefix = Prefix { mark: 0x80, bits: 7 };
/// One that goes into the table (§6.2.1); its name's index.
pub(super) const INSERTED: Prefix = Prefix { mark: 0x40, bits: 6 };
/// One that does not (§6.2.2).
pub(super) const PASSING: Prefix = Prefix { mark: 0, bits: 4 };
/// One that nobody may put into a table (§6.2.3).
pub(super) const NEVER: Prefix = Prefix { mark: 0x10, bits: 4 };
/// The size of the table (§6.3).
pub(super) const RESIZED: Prefix = Prefix { mark: 0x20, bits: 5 };
/// The length of a string that is written as it is (§5.2).
pub(super) const PLAIN: Prefix = Prefix { mark: 0, bits: 7 };

/// Bits of each byte that follows a prefix.
const MORE: u32 = 7;
/// Bytes that may follow one: what is longer means more than any block holds, or is padded with zeros.
const FOLLOWING: u32 = 4;

/// Takes an integer, whatever the mark before it.
#[inline]
pub(super) fn read(rest: &mut &[u8], prefix: Prefix) -> Result<usize, Broken> {
    let value = usize::from(take(rest)?) & prefix.most();
    if value < prefix.most() { Ok(value) } else { read_longer(rest, value) }
}

fn read_longer(rest: &mut &[u8], mut value: usize) -> Result<usize, Broken> {
    for at in 0..FOLLOWING {
        let byte = take(rest)?;
        value += usize::from(byte & 0x7f) << (at * MORE);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Broken("an integer is too long"))
}

fn take(rest: &mut &[u8]) -> Result<u8, Broken> {
    let (byte, after) = rest.split_first().ok_or(TRUNCATED)?;
    *rest = after;
    Ok(*byte)
}

/// Writes one behind its mark.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, prefix: Prefix, value: usize) {
    match value.checked_sub(prefix.most()) {
        None => out.push(prefix.mark | low(value)),
        Some(left) => {
            out.push(prefix.mark | low(prefix.most()));
            write_longer(out, left);
        }
    }
}

fn write_longer(out: &mut Vec<u8>, mut left: usize) {
    while left >> MORE > 0 {
        out.push(0x80 | low(left));
        left >>= MORE;
    }
    out.push(low(left));
}

/// The bits that one byte more takes.
const fn low(value: usize) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

// === impl Prefix ===

impl Prefix {
    /// What says that bytes follow.
    const fn most(self) -> usize {
        (1 << self.bits) - 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ALL: [Prefix; 6] = [INDEXED, INSERTED, PASSING, NEVER, RESIZED, PLAIN];
    const FIVE: Prefix = Prefix { mark: 0, bits: 5 };
    const EIGHT: Prefix = Prefix { mark: 0, bits: 8 };

    fn written(prefix: Prefix, value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, prefix, value);
        out
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (prefix, value, bytes) in [(FIVE, 10, &[10][..]), (FIVE, 1337, &[31, 154, 10])] {
            assert_eq!(written(prefix, value), bytes);
            assert_eq!(read(&mut &bytes[..], prefix), Ok(value));
        }
        assert_eq!(read(&mut &[42][..], EIGHT), Ok(42));
    }

    #[test]
    fn what_is_endless_or_cut_off_is_none() {
        assert_eq!(read(&mut &[][..], FIVE), Err(TRUNCATED));
        assert_eq!(read(&mut &[31][..], FIVE), Err(TRUNCATED));
        assert_eq!(read(&mut &[31, 0x80, 0xff][..], FIVE), Err(TRUNCATED));
        assert_eq!(read(&mut &[31, 0x80, 0x80, 0x80, 0][..], FIVE), Ok(31));
        assert_eq!(read(&mut &[31, 0xff, 0xff, 0xff, 0x7f][..], FIVE), Ok(31 + (1 << 28) - 1));
        for endless in [[31, 0x80, 0x80, 0x80, 0x80, 0], [31, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(read(&mut &endless[..], FIVE), Err(Broken("an integer is too long")));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in prop_oneof![0_usize..300, 0_usize..1 << 28], after in any::<Vec<u8>>()) {
            for prefix in ALL {
                let bytes = [written(prefix, value), after.clone()].concat();
                prop_assert_eq!(bytes[0] & !low(prefix.most()), prefix.mark);
                let mut rest = &bytes[..];
                prop_assert_eq!(read(&mut rest, prefix), Ok(value));
                prop_assert_eq!(rest, &after[..]);
            }
        }
    }
}
