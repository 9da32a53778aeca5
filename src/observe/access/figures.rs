//! Numbers, times and addresses as text. What every line has is written without the machinery of `fmt`, which costs more than
//! the rest of a line.

use http::Version;
use std::fmt::Display;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A whole number.
pub(super) fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Seconds, with three digits behind the point.
pub(super) fn seconds(out: &mut Vec<u8>, time: Duration) {
    number(out, time.as_secs());
    thousandths(out, time.subsec_millis());
}

/// Milliseconds, with three digits behind the point.
pub(super) fn millis(out: &mut Vec<u8>, time: Duration) {
    number(out, time.as_secs().saturating_mul(1000).saturating_add(time.subsec_millis().into()));
    thousandths(out, time.subsec_micros() % 1000);
}

/// A point, and three digits.
pub(super) fn thousandths(out: &mut Vec<u8>, many: u32) {
    let digit = |unit: u32| b'0' + (many / unit % 10) as u8;
    out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
}

/// An address, as `Display` has it.
pub(super) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            octet(out, first);
            for each in rest {
                out.push(b'.');
                octet(out, each);
            }
        }
        IpAddr::V6(address) => shown(out, address),
    }
}

fn octet(out: &mut Vec<u8>, octet: u8) {
    if octet >= 100 {
        out.push(b'0' + octet / 100);
    }
    if octet >= 10 {
        out.push(b'0' + octet / 10 % 10);
    }
    out.push(b'0' + octet % 10);
}

/// An address and its port.
pub(super) fn peer(out: &mut Vec<u8>, peer: SocketAddr) {
    match peer {
        SocketAddr::V4(peer) => {
            address(out, (*peer.ip()).into());
            out.push(b':');
            number(out, peer.port());
        }
        SocketAddr::V6(peer) => shown(out, peer),
    }
}

/// What few lines have.
pub(super) fn shown(out: &mut Vec<u8>, value: impl Display) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

/// `HTTP/1.1`, as `Debug` has it.
pub(super) const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn times_have_three_digits_behind_the_point() {
        for (micros, secs, thousands) in
            [(0, "0.000", "0.000"), (1_042_007, "1.042", "1042.007"), (99_900, "0.099", "99.900")]
        {
            let time = Duration::from_micros(micros);
            assert_eq!(written(|out| seconds(out, time)), secs);
            assert_eq!(written(|out| millis(out, time)), thousands);
        }
    }

    #[test]
    fn addresses_and_versions_are_as_the_standard_library_writes_them() {
        for text in ["0.0.0.0", "127.0.0.1", "255.10.9.100", "::1", "2001:db8::1:0:0:1"] {
            let shown = text.parse().map(|ip| written(|out| address(out, ip)));
            assert_eq!(shown.as_deref(), Ok(text));
        }
        for text in ["10.0.0.2:3000", "[::1]:80"] {
            let shown = text.parse().map(|ip| written(|out| peer(out, ip)));
            assert_eq!(shown.as_deref(), Ok(text));
        }
        for one in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3] {
            assert_eq!(version(one), format!("{one:?}"));
        }
    }
}
