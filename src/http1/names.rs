//! Names of fields as neighbours spell them, and what they mean: nearly all heads bring names that others brought. Pure.
//!
//! To read a name anew costs more than twice as much, and an allocation where it is none of the usual ones. A worker has one
//! table, of a fixed size, with one place for each name by its hash: no peer can make it grow, or a look-up long. Whoever
//! invents names pushes out those of others, which are then read again.

use http::HeaderName;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// A worker's table, in the hands of its connections.
pub type Shared = Rc<RefCell<Names>>;

/// A power of two.
const PLACES: usize = 256;
/// Longest name that is kept; hardly any is longer.
const LONGEST: usize = SPELLED - 1;
const SPELLED: usize = 32;
/// That of Fibonacci hashing: 2^64 divided by the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Names that were read.
pub struct Names(Box<[Option<Known>]>);

/// A name, and how it was spelled.
#[derive(Clone)]
struct Known {
    spelled: Spelled,
    name: HeaderName,
}

/// A name's bytes, then zeros, then how many bytes it has: no two names are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Spelled([u8; SPELLED]);

// === impl Names ===

impl Names {
    /// What a name means; `None` if it is none.
    pub fn read(&mut self, bytes: &[u8]) -> Option<HeaderName> {
        let Some(spelled) = Spelled::of(bytes) else { return HeaderName::from_bytes(bytes).ok() };
        let place = self.0.get_mut(spelled.place())?;
        match place {
            Some(known) if known.spelled == spelled => Some(known.name.clone()),
            _ => learn(place, spelled, bytes),
        }
    }
}

#[cold]
fn learn(place: &mut Option<Known>, spelled: Spelled, bytes: &[u8]) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(bytes).ok()?;
    *place = Some(Known { spelled, name: name.clone() });
    Some(name)
}

impl Default for Names {
    fn default() -> Self {
        Self(vec![None; PLACES].into())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

// === impl Spelled ===

impl Spelled {
    /// `None` for what is too long.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut all = [0; SPELLED];
        all.get_mut(..LONGEST)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
        all[LONGEST] = u8::try_from(bytes.len()).ok()?;
        Some(Self(all))
    }

    /// Where it is kept.
    fn place(self) -> usize {
        let (words, _) = self.0.as_chunks::<8>();
        let mix = |hash: u64, word: &[u8; 8]| (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(MIXER);
        (words.iter().fold(0, mix) >> (u64::BITS - PLACES.ilog2())) as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn kept(names: &Names) -> usize {
        names.0.iter().flatten().count()
    }

    #[test]
    fn a_name_means_the_same_however_often_and_however_it_is_spelled() {
        let mut names = Names::default();
        for spelled in ["Host", "HOST", "host", "X-Own", "x-own", "X-OWN"].repeat(3) {
            assert_eq!(names.read(spelled.as_bytes()).unwrap(), *spelled.to_lowercase(), "{spelled}");
        }
        assert_eq!(kept(&names), 6);
    }

    #[test]
    fn what_is_no_name_is_none_and_is_not_kept() {
        let mut names = Names::default();
        assert_eq!(names.read(b"host").unwrap(), "host");
        for wrong in [&b""[..], b"host\0", b"host ", b"ho:st", b"\xe4", &[0; LONGEST], &[0; SPELLED], b"host\0\0\0\0"] {
            assert_eq!(names.read(wrong), None, "{wrong:?}");
        }
        assert_eq!(kept(&names), 1);
    }

    #[test]
    fn long_names_are_read_and_not_kept() {
        let mut names = Names::default();
        for (size, count) in [(LONGEST, 1), (SPELLED, 1), (5_000, 1)] {
            let name = "a".repeat(size);
            assert_eq!(names.read(name.as_bytes()).unwrap(), *name);
            assert_eq!(kept(&names), count, "{size}");
        }
    }

    #[test]
    fn a_stranger_cannot_make_it_grow_and_what_was_pushed_out_is_read_again() {
        let mut names = Names::default();
        let name = |number: usize| format!("X-{number}");
        for number in (0..50 * PLACES).chain(0..50 * PLACES) {
            assert_eq!(names.read(name(number).as_bytes()).unwrap(), *name(number).to_lowercase());
        }
        assert_eq!(kept(&names), PLACES);
    }

    proptest! {
        #[test]
        fn it_says_what_the_library_says(lines in prop::collection::vec("[ -~]{0,3}|[a-zA-Z-]{1,33}|\\PC{1,4}", 1..40)) {
            let mut names = Names::default();
            for line in lines.iter().chain(&lines) {
                prop_assert_eq!(names.read(line.as_bytes()), HeaderName::from_bytes(line.as_bytes()).ok());
            }
        }
    }
}
