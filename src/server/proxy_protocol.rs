//! The PROXY protocol, versions 1 (text) and 2 (binary): who the client is, said by a balancer before the first byte.
//! The specification is HAProxy's `proxy-protocol.txt`; its sections are named below.
//!
//! Pure: bytes in, verdict out. Not here: reading from sockets, and whether the peer is believed (`trusted_ips`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most bytes of a header. A version 1 line has at most 107 (§2.1); a version 2 header may be longer for its TLVs, and
/// 4096 is what nginx allows.
pub const MAX_HEADER: usize = 4096;

const MAX_LINE: usize = 107;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const WORD: &[u8; 6] = b"PROXY ";

/// What the bytes at the start of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a header: read more. Never said of [`MAX_HEADER`] bytes or more.
    Incomplete,
    /// A whole header.
    Done(Header),
    /// No header: the connection must be closed (§2: a receiver must not guess).
    Invalid(Invalid),
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it takes; the client's own begin after them.
    pub len: usize,
    /// Client and the address it connected to. `None` for `UNKNOWN`, `LOCAL` (a health check of the balancer itself)
    /// and families other than TCP over IP: the socket's own addresses hold then.
    pub addresses: Option<Addresses>,
}

/// Both ends of the connection that the balancer accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// Where it connected to.
    pub destination: SocketAddr,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Neither version's first bytes.
    NoHeader,
    /// A version 1 line of more than 107 bytes.
    LineTooLong,
    /// A version 1 line that does not say what it must.
    BadLine,
    /// A version 2 header of an unknown version or command.
    BadVersion,
    /// A version 2 header too short for its family.
    TooShort,
    /// A version 2 header of more than [`MAX_HEADER`] bytes.
    TooLong,
}

/// Reads the header at the start of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    let outcome = match bytes.first() {
        None => return Parsed::Incomplete,
        Some(b'P') => version_1(bytes),
        Some(_) => version_2(bytes),
    };
    match outcome {
        Ok(Some(header)) => Parsed::Done(header),
        Ok(None) => Parsed::Incomplete,
        Err(reason) => Parsed::Invalid(reason),
    }
}

/// Whether `bytes` are, or may yet become, something that starts with `prefix`; `None` means more are needed.
fn starts(bytes: &[u8], prefix: &[u8]) -> Result<Option<()>, Invalid> {
    let known = bytes.len().min(prefix.len());
    if bytes[..known] != prefix[..known] {
        return Err(Invalid::NoHeader);
    }
    Ok((known == prefix.len()).then_some(()))
}

// === version 1 (§2.1) ===

fn version_1(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    if starts(bytes, WORD)?.is_none() {
        return Ok(None);
    }
    let window = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < MAX_LINE { Ok(None) } else { Err(Invalid::LineTooLong) };
    };
    let line = std::str::from_utf8(&bytes[WORD.len()..end]).map_err(|_| Invalid::BadLine)?;
    Ok(Some(Header { len: end + 2, addresses: line_addresses(line)? }))
}

fn line_addresses(line: &str) -> Result<Option<Addresses>, Invalid> {
    let mut words = line.split(' ');
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        return Ok(None); // whatever follows must be ignored
    }
    let mut next = || words.next().ok_or(Invalid::BadLine);
    let (source, destination) = (address(family, next()?)?, address(family, next()?)?);
    let (from, to) = (port(next()?)?, port(next()?)?);
    if words.next().is_some() {
        return Err(Invalid::BadLine);
    }
    Ok(Some(Addresses { source: SocketAddr::new(source, from), destination: SocketAddr::new(destination, to) }))
}

fn address(family: &str, word: &str) -> Result<IpAddr, Invalid> {
    match family {
        "TCP4" => word.parse::<Ipv4Addr>().map(IpAddr::V4).ok(),
        "TCP6" => word.parse::<Ipv6Addr>().map(IpAddr::V6).ok(),
        _ => None,
    }
    .ok_or(Invalid::BadLine)
}

/// Decimal digits only: the standard library's parser would also take a sign.
fn port(word: &str) -> Result<u16, Invalid> {
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::BadLine);
    }
    word.parse().map_err(|_| Invalid::BadLine)
}

// === version 2 (§2.2) ===

const FIXED: usize = 16;

fn version_2(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    if starts(bytes, SIGNATURE)?.is_none() {
        return Ok(None);
    }
    let Some(&[command, family, high, low]) = bytes.get(SIGNATURE.len()..FIXED) else { return Ok(None) };
    let len = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_HEADER {
        return Err(Invalid::TooLong);
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Invalid::BadVersion),
    };
    let Some(payload) = bytes.get(FIXED..len) else { return Ok(None) };
    let addresses = if local { None } else { payload_addresses(family, payload)? };
    Ok(Some(Header { len, addresses }))
}

/// Family in the upper half, transport in the lower: 0x11 is TCP over IPv4, 0x21 TCP over IPv6.
fn payload_addresses(family: u8, payload: &[u8]) -> Result<Option<Addresses>, Invalid> {
    match family {
        0x11 => pair::<4>(payload).map(Some),
        0x21 => pair::<16>(payload).map(Some),
        _ => Ok(None),
    }
}

/// Two addresses of `N` bytes, then two ports; TLVs after them are skipped.
fn pair<const N: usize>(payload: &[u8]) -> Result<Addresses, Invalid>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = payload.split_first_chunk::<N>().ok_or(Invalid::TooShort)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(Invalid::TooShort)?;
    let (&[a, b, c, d], _) = rest.split_first_chunk::<4>().ok_or(Invalid::TooShort)?;
    Ok(Addresses {
        source: SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes([a, b])),
        destination: SocketAddr::new(IpAddr::from(*destination), u16::from_be_bytes([c, d])),
    })
}

// === impl Invalid ===

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHeader => "the connection does not begin with a PROXY protocol header",
            Self::LineTooLong => "the PROXY line is longer than 107 bytes",
            Self::BadLine => "the PROXY line is malformed",
            Self::BadVersion => "the PROXY header has an unknown version or command",
            Self::TooShort => "the PROXY header is too short for its addresses",
            Self::TooLong => "the PROXY header is longer than 4096 bytes",
        })
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn done(len: usize, source: &str, destination: &str) -> Parsed {
        let addresses = Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() };
        Parsed::Done(Header { len, addresses: Some(addresses) })
    }

    fn binary(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &len, payload].concat()
    }

    #[test]
    fn text() {
        let four = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n";
        assert_eq!(parse(four), done(45, "192.0.2.7:56324", "198.51.100.1:443"));
        let six = b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n";
        assert_eq!(parse(six), done(six.len(), "[2001:db8::7]:1", "[2001:db8::1]:65535"));
        let unknown = Parsed::Done(Header { len: 15, addresses: None });
        assert_eq!(parse(b"PROXY UNKNOWN\r\nx"), unknown);
        assert!(matches!(parse(b"PROXY UNKNOWN a b c\r\n"), Parsed::Done(Header { len: 21, addresses: None })));
    }

    #[test]
    fn text_that_is_wrong() {
        for line in [
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 70000 443\r\n",
            "PROXY TCP4 ::1 198.51.100.1 1 2\r\n",
            "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
            "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
            "PROXY \r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Parsed::Invalid(Invalid::BadLine), "{line:?}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Parsed::Invalid(Invalid::NoHeader));
        assert_eq!(parse(b"POST / HTTP/1.1\r\n"), Parsed::Invalid(Invalid::NoHeader));
        assert_eq!(parse(b"\x16\x03\x01"), Parsed::Invalid(Invalid::NoHeader));
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(107));
        assert_eq!(parse(long.as_bytes()), Parsed::Invalid(Invalid::LineTooLong));
    }

    #[test]
    fn binary_headers() {
        let four = binary(0x21, 0x11, &[192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 4, 1, 0xbb]);
        assert_eq!(parse(&four), done(28, "192.0.2.7:56324", "198.51.100.1:443"));
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1], &[0, 1, 0, 2], b"\x04\0\x01x"].concat();
        assert_eq!(parse(&binary(0x21, 0x21, &six)), done(56, "[2001:db8::7]:1", "[::1]:2"));
        let local = binary(0x20, 0x00, b"");
        assert_eq!(parse(&local), Parsed::Done(Header { len: 16, addresses: None }));
        let unix = binary(0x21, 0x31, &[0; 216]);
        assert_eq!(parse(&unix), Parsed::Done(Header { len: 232, addresses: None }));
    }

    #[test]
    fn binary_headers_that_are_wrong() {
        assert_eq!(parse(&binary(0x11, 0x11, &[0; 12])), Parsed::Invalid(Invalid::BadVersion));
        assert_eq!(parse(&binary(0x22, 0x11, &[0; 12])), Parsed::Invalid(Invalid::BadVersion));
        assert_eq!(parse(&binary(0x21, 0x11, &[0; 11])), Parsed::Invalid(Invalid::TooShort));
        assert_eq!(parse(&binary(0x21, 0x21, &[0; 35])), Parsed::Invalid(Invalid::TooShort));
        assert_eq!(parse(&binary(0x21, 0x11, &[0; 4081])), Parsed::Invalid(Invalid::TooLong));
    }

    #[test]
    fn every_beginning_of_a_header_is_incomplete() {
        let text = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n".to_vec();
        for whole in [text, binary(0x21, 0x11, &[9; 20]), binary(0x20, 0, b"tlv")] {
            for cut in 0..whole.len() {
                assert_eq!(parse(&whole[..cut]), Parsed::Incomplete, "{cut} of {whole:?}");
            }
            assert!(matches!(parse(&whole), Parsed::Done(header) if header.len == whole.len()));
        }
    }

    fn beginnings() -> impl Strategy<Value = Vec<u8>> {
        let start = prop_oneof![
            Just(Vec::new()),
            Just(SIGNATURE.to_vec()),
            Just([&SIGNATURE[..], &[0x21, 0x11]].concat()),
            Just([&SIGNATURE[..], &[0x21, 0x21, 0]].concat()),
            Just(b"PROXY TCP4 ".to_vec()),
            Just(b"PROXY TCP6 ::1 ".to_vec()),
        ];
        (start, proptest::collection::vec(any::<u8>(), 0..5000)).prop_map(|(start, rest)| [start, rest].concat())
    }

    proptest! {
        #[test]
        fn any_bytes_get_a_bounded_verdict(bytes in beginnings()) {
            match parse(&bytes) {
                Parsed::Incomplete => prop_assert!(bytes.len() < MAX_HEADER),
                Parsed::Done(header) => prop_assert!(header.len <= bytes.len() && header.len <= MAX_HEADER),
                Parsed::Invalid(_) => {}
            }
        }

        #[test]
        fn what_a_balancer_writes_is_read(a in any::<[u8; 4]>(), b in any::<[u8; 4]>(), p in any::<u16>(), q in any::<u16>()) {
            let (source, destination) = (SocketAddr::from((a, p)), SocketAddr::from((b, q)));
            let text = format!("PROXY TCP4 {} {} {p} {q}\r\n", source.ip(), destination.ip());
            let payload = [&a[..], &b, &p.to_be_bytes(), &q.to_be_bytes()].concat();
            let addresses = Some(Addresses { source, destination });
            prop_assert_eq!(parse(text.as_bytes()), Parsed::Done(Header { len: text.len(), addresses }));
            prop_assert_eq!(parse(&binary(0x21, 0x11, &payload)), Parsed::Done(Header { len: 28, addresses }));
        }
    }
}
