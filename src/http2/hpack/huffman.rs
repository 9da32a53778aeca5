//! The Huffman code of strings (RFC 7541 §5.2, appendix B), which is canonical: the lengths of its codes say all of it.

use super::Broken;

/// Bits of each symbol's code; the last symbol is EOS, which no string may hold.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, //
    30,
];
const LONGEST: usize = 30;
/// Codes of so many bits, which nearly all bytes of a field have, are found by one look.
const SHORT: usize = 8;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Row {
    /// The first and the last of them, the latter with all ones behind it; both begin at the uppermost bit.
    first: u32,
    last: u32,
    /// Symbols of shorter codes.
    before: usize,
}

/// By length.
const ROWS: [Row; LONGEST + 1] = rows();
/// Bytes by their codes: short ones first. EOS would be the last.
static SORTED: [u8; 256] = sorted();
/// What begins with so many bits: a byte and the bits of its code; no bits where a longer code begins.
static BEGINNINGS: [(u8, u8); 1 << SHORT] = beginnings();
/// Rows of the longer codes.
static LONG: [Row; LONGEST - SHORT] = long();

/// Bits that are taken from bytes, from the uppermost on.
struct Bits<'a> {
    /// The next ones; behind those that count are the same as will come, or ones when none will.
    window: u64,
    /// How many count.
    have: u32,
    rest: &'a [u8],
}

/// Decodes a whole string to the end of `out`, which grows by 8/5 of its length at most.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    out.reserve(bytes.len().saturating_mul(8) / 5);
    let mut bits = Bits { window: 0, have: 0, rest: bytes };
    loop {
        bits.refill();
        match bits.next() {
            Some((byte, length)) if length <= bits.have => {
                out.push(byte);
                bits.skip(length);
            }
            _ => return bits.end(),
        }
        while let Some(byte) = bits.next_short() {
            out.push(byte);
        }
    }
}

const fn rows() -> [Row; LONGEST + 1] {
    let mut rows = [Row { first: 0, last: 0, before: 0 }; LONGEST + 1];
    let (mut next, mut before, mut length) = (0_u64, 0, 1);
    while length <= LONGEST {
        let codes = count(length);
        let end = next + ((codes as u64) << (u32::BITS as usize - length));
        rows[length] = Row { first: next as u32, last: end.wrapping_sub(1) as u32, before };
        (next, before, length) = (end, before + codes, length + 1);
    }
    rows
}

const fn count(length: usize) -> usize {
    let (mut symbol, mut codes) = (0, 0);
    while symbol < LENGTHS.len() {
        codes += (LENGTHS[symbol] as usize == length) as usize;
        symbol += 1;
    }
    codes
}

const fn sorted() -> [u8; 256] {
    let (mut bytes, mut taken) = ([0; 256], [0; LONGEST + 1]);
    let mut byte = 0;
    while byte < bytes.len() {
        let length = LENGTHS[byte] as usize;
        bytes[ROWS[length].before + taken[length]] = byte as u8;
        taken[length] += 1;
        byte += 1;
    }
    bytes
}

const fn beginnings() -> [(u8, u8); 1 << SHORT] {
    let (mut found, mut at) = ([(0, 0); 1 << SHORT], 0);
    while at < found.len() {
        let mut length = 1;
        while length <= SHORT {
            let (row, word) = (ROWS[length], (at as u32) << (u32::BITS as usize - SHORT));
            if count(length) > 0 && row.first <= word && word <= row.last {
                let nth = (word - row.first) >> (u32::BITS as usize - length);
                found[at] = (SORTED[row.before + nth as usize], length as u8);
            }
            length += 1;
        }
        at += 1;
    }
    found
}

const fn long() -> [Row; LONGEST - SHORT] {
    let (mut long, mut at) = ([ROWS[LONGEST]; LONGEST - SHORT], 0);
    while at < long.len() {
        long[at] = ROWS[SHORT + 1 + at];
        at += 1;
    }
    long
}

// === impl Bits ===

impl Bits<'_> {
    /// Afterwards the longest code is there, unless it is the end.
    fn refill(&mut self) {
        if self.have > LONGEST as u32 {
            return;
        }
        match self.rest.split_first_chunk() {
            Some((chunk, _)) => self.take(u64::from_be_bytes(*chunk)),
            None => self.take_last(),
        }
    }

    /// As many whole bytes of these as there is room for.
    fn take(&mut self, word: u64) {
        self.window |= word >> self.have;
        let bytes = (u64::BITS - 1 - self.have) / 8;
        self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
        self.have += bytes * 8;
    }

    fn take_last(&mut self) {
        while let Some((byte, rest)) = self.rest.split_first().filter(|_| self.have < u64::BITS - 8) {
            self.window |= u64::from(*byte) << (u64::BITS - 8 - self.have);
            self.have += 8;
            self.rest = rest;
        }
        if self.rest.is_empty() {
            self.window |= u64::MAX >> self.have;
        }
    }

    /// Takes the next byte if its code is short, and there.
    fn next_short(&mut self) -> Option<u8> {
        let (byte, length) = self.beginning();
        let there = length > 0 && length <= self.have;
        there.then(|| {
            self.skip(length);
            byte
        })
    }

    /// The byte that comes next, and the bits of its code, whether so many count or not; `None` is EOS.
    fn next(&self) -> Option<(u8, u32)> {
        let (byte, length) = self.beginning();
        if length > 0 { Some((byte, length)) } else { self.next_long() }
    }

    fn beginning(&self) -> (u8, u32) {
        let (byte, length) = BEGINNINGS[usize::from(self.window.to_be_bytes()[0])];
        (byte, u32::from(length))
    }

    fn next_long(&self) -> Option<(u8, u32)> {
        let word = (self.window >> 32) as u32;
        let (row, length) = LONG.iter().zip(SHORT as u32 + 1..).find(|(row, _)| word <= row.last)?;
        let at = row.before + (word.wrapping_sub(row.first) >> (u32::BITS - length)) as usize;
        SORTED.get(at).map(|byte| (*byte, length))
    }

    fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.have -= bits;
    }

    /// What is left must be the beginning of EOS, and less than a byte.
    fn end(&self) -> Result<(), Broken> {
        let ones = self.window.leading_ones() >= self.have;
        if ones && self.have < 8 { Ok(()) } else { Err(Broken("a string in Huffman's code does not end as it should")) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// A symbol's code, and its bits.
    fn code(symbol: usize) -> (u32, usize) {
        let length = usize::from(LENGTHS[symbol]);
        let earlier = LENGTHS[..symbol].iter().filter(|other| usize::from(**other) == length).count();
        ((ROWS[length].first >> (32 - length)) + u32::try_from(earlier).unwrap(), length)
    }

    /// With ones at its end, as EOS begins.
    fn encoded(symbols: impl IntoIterator<Item = usize>) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        for (code, length) in symbols.into_iter().map(code) {
            bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
        }
        bits.resize(bits.len().next_multiple_of(8), true);
        bits.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit))).collect()
    }

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"kept ".to_vec();
        decode(bytes, &mut out).ok()?;
        Some(out.strip_prefix(b"kept ").unwrap().to_vec())
    }

    fn bytes(text: &[u8]) -> impl Iterator<Item = usize> {
        text.iter().map(|byte| usize::from(*byte))
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        let codes = [
            (b'0', 0, 5),
            (b't', 0x9, 5),
            (b' ', 0x14, 6),
            (b'y', 0x7a, 7),
            (b'Z', 0xfd, 8),
            (b'!', 0x3f8, 10),
            (b'{', 0x7ffe, 15),
            (b'\\', 0x7fff0, 19),
            (0, 0x1ff8, 13),
            (0xff, 0x3ff_ffee, 26),
            (b'\n', 0x3fff_fffc, 30),
        ];
        for (byte, value, length) in codes {
            assert_eq!(code(usize::from(byte)), (value, length), "{byte}");
        }
        assert_eq!(code(256), (0x3fff_ffff, 30));
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let examples: [(&str, &[u8]); 4] = [
            ("www.example.com", &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]),
            ("no-cache", &[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]),
            ("302", &[0x64, 0x02]),
            ("private", &[0xae, 0xc3, 0x77, 0x1a, 0x4b]),
        ];
        for (text, coded) in examples {
            assert_eq!(decoded(coded).unwrap(), text.as_bytes());
            assert_eq!(encoded(bytes(text.as_bytes())), coded);
        }
    }

    #[test]
    fn every_byte_is_read_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for before in 0..10 {
                let text = [&vec![b'0'; before], &[byte; 3][..], b"a"].concat();
                assert_eq!(decoded(&encoded(bytes(&text))).unwrap(), text, "{byte} after {before}");
            }
        }
    }

    #[test]
    fn only_the_beginning_of_eos_may_be_left() {
        assert_eq!(decoded(b""), Some(vec![]));
        assert_eq!(decoded(&[0b0000_0111]), Some(b"0".to_vec()));
        // Not ones; a whole byte of them; more of them.
        for wrong in [&[0b0000_0110][..], &[0b0000_0000], &[0b0000_0111, 0xff], &[0xff], &[0xff; 3], &[0xff; 9]] {
            assert_eq!(decoded(wrong), None, "{wrong:?}");
        }
        // Seven ones are padding, eight are not.
        let seven = bytes(b"y00000").chain([]);
        assert!(decoded(&encoded(seven)).is_some());
    }

    #[test]
    fn eos_is_refused_wherever_it_stands() {
        for before in 0..20 {
            let text = vec![usize::from(b'0'); before];
            for after in [&[][..], &[usize::from(b'a'); 9]] {
                assert_eq!(decoded(&encoded([&text, &[256][..], after].concat())), None, "{before}");
            }
        }
    }

    #[test]
    fn codes_that_are_cut_off_are_refused() {
        for byte in (0..=u8::MAX).filter(|byte| LENGTHS[usize::from(*byte)] > 15) {
            let mut coded = encoded([usize::from(byte)]);
            coded.pop();
            assert_eq!(decoded(&coded), None, "{byte}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in prop_oneof![any::<Vec<u8>>(), "[ -~]{0,200}".prop_map(Into::into)]) {
            prop_assert_eq!(decoded(&encoded(bytes(&text))), Some(text));
        }

        #[test]
        fn whatever_is_decoded_is_encoded_so(coded in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            if decode(&coded, &mut out).is_ok() {
                prop_assert_eq!(&encoded(bytes(&out)), &coded);
            }
            prop_assert!(out.len() <= coded.len() * 8 / 5);
        }
    }
}
