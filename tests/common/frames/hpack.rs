//! A reader of header blocks (RFC 7541): what the gateway's answers say, however they are coded. It takes no wrong coding.

use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

/// One connection's table of the fields that were kept.
pub(crate) struct Hpack {
    kept: VecDeque<Field>,
    /// Bytes that it may take now.
    most: usize,
    /// Bytes that the other side may let it take.
    limit: usize,
    /// The smallest limit that the other side has not taken note of yet.
    owed: Option<usize>,
}

/// A name and a value.
pub(crate) type Field = (String, String);

/// What a code of so many bits says.
static CODES: LazyLock<HashMap<(u8, u32), u8>> = LazyLock::new(codes);

/// What is left of a block.
struct Rest<'a>(&'a [u8]);

/// The table that everybody has (RFC 7541 appendix A), a field a line.
const STATIC: &str = "\
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate";

/// How many bits each byte takes in Huffman's code (RFC 7541 appendix B). Codes of one length follow one another in the
/// order of their bytes, so that lengths are all there is to know.
const BITS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26,
];

// === impl Hpack ===

impl Hpack {
    /// A reader whose table takes so many bytes: 4096 where nothing else was said (RFC 9113 §6.5.2).
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, limit: most, owed: None }
    }

    /// From now on, so many are allowed: SETTINGS_HEADER_TABLE_SIZE was acknowledged.
    pub(crate) fn limit(&mut self, limit: usize) {
        self.limit = limit;
        if limit < self.owed.unwrap_or(self.most) {
            self.owed = Some(limit);
        }
    }

    /// How many fields are kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The fields of a whole block. `None`: it breaks the rules.
    pub(crate) fn read(&mut self, block: &[u8]) -> Option<Vec<Field>> {
        let (mut rest, mut fields) = (Rest(block), Vec::new());
        while let Some(first) = rest.0.first().copied() {
            // A smaller limit must be taken note of before anything else is said (RFC 7541 §4.2).
            if self.owed.is_some() && first & 0xe0 != 0x20 {
                return None;
            }
            match first {
                0x80.. => fields.push(self.entry(rest.number(7)?)?),
                0x40.. => {
                    let field = self.literal(&mut rest, 6)?;
                    fields.push(field.clone());
                    self.keep(field);
                }
                // Only at the beginning (RFC 7541 §4.2).
                0x20.. if fields.is_empty() => self.resize(rest.number(5)?)?,
                0x20.. => return None,
                _ => fields.push(self.literal(&mut rest, 4)?),
            }
        }
        Some(fields)
    }

    fn literal(&self, rest: &mut Rest, bits: u32) -> Option<Field> {
        let name = match rest.number(bits)? {
            0 => rest.text()?,
            index => self.entry(index)?.0,
        };
        Some((name, rest.text()?))
    }

    fn entry(&self, index: usize) -> Option<Field> {
        let index = index.checked_sub(1)?;
        let kept = || self.kept.get(index - STATIC.lines().count()).cloned();
        let known = |line: &str| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        };
        STATIC.lines().nth(index).map(known).or_else(kept)
    }

    fn keep(&mut self, field: Field) {
        self.kept.push_front(field);
        self.shrink(self.most);
    }

    fn resize(&mut self, most: usize) -> Option<()> {
        let right = most <= self.owed.take().unwrap_or(self.limit);
        right.then(|| self.shrink(most))
    }

    fn shrink(&mut self, most: usize) {
        let size = |field: &Field| field.0.len() + field.1.len() + 32;
        self.most = most;
        while self.kept.iter().map(size).sum::<usize>() > most {
            self.kept.pop_back();
        }
    }
}

// === impl Rest ===

impl Rest<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An integer whose first byte has so many bits for it (RFC 7541 §5.1).
    fn number(&mut self, bits: u32) -> Option<usize> {
        let full = (1 << bits) - 1;
        let mut value = usize::from(self.byte()?) & full;
        if value < full {
            return Some(value);
        }
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value += usize::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }

    /// A string (RFC 7541 §5.2).
    fn text(&mut self) -> Option<String> {
        let coded = self.0.first()? & 128 != 0;
        let len = self.number(7)?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        let text = if coded { unfold(text)? } else { text.to_vec() };
        String::from_utf8(text).ok()
    }
}

/// What Huffman's code says.
fn unfold(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut code, mut len) = (Vec::new(), 0, 0);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| u32::from(byte >> at & 1))) {
        (code, len) = (code << 1 | bit, len + 1);
        if let Some(byte) = CODES.get(&(len, code)) {
            out.push(*byte);
            (code, len) = (0, 0);
        }
    }
    // Less than a byte of ones fills up the last one (RFC 7541 §5.2).
    (len < 8 && code == (1 << len) - 1).then_some(out)
}

fn codes() -> HashMap<(u8, u32), u8> {
    let (mut all, mut code) = (HashMap::new(), 0);
    for bits in 1..=30 {
        code <<= 1;
        for byte in (0..=255_u8).filter(|byte| BITS[usize::from(*byte)] == bits) {
            all.insert((bits, code), byte);
            code += 1;
        }
    }
    all
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // RFC 7541 appendix C.6: answers, in Huffman's code, in a table of 256 bytes.
    let first =
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3";
    let second = "4883640effc1c0bf";
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let mut hpack = Hpack::new(256);
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut want = vec![
        field(":status", "302"),
        field("cache-control", "private"),
        field("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        field("location", "https://www.example.com"),
    ];
    assert_eq!(hpack.read(&bytes(first)), Some(want.clone()));
    want[0].1 = "307".to_owned();
    assert_eq!(hpack.read(&bytes(second)), Some(want));
    assert_eq!(hpack.kept(), 4);
    assert_eq!(hpack.read(&[0x80]), None);
    assert_eq!(hpack.read(&[0xc2]), None);
}
