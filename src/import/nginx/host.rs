//! What the gateway takes for a host: the same rule wherever one is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A name or an IPv4 address, without a port.
pub(super) fn is_host(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let label = |label: &str| !label.is_empty() && !label.ends_with('-');
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.bytes().all(good) && text.split('.').all(label)
}

/// The same, or an IPv6 address in brackets.
pub(super) fn is_upstream_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.map_or_else(|| is_host(text), |inner| inner.parse::<Ipv6Addr>().is_ok())
}

/// Whether it is an address, and no name.
pub(super) fn is_address(text: &str) -> bool {
    text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// Host and port of `HOST`, `HOST:PORT` or `[IPv6]:PORT`; `None` where the port is no number.
pub(super) fn split(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in ["a", "a.b-c", "a_b", "10.0.0.1", "1a.2"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", ".", "a..b", "a-", "301", "1.2.3", "a b", "é", "[::1]"] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(is_upstream_host("[::1]") && !is_upstream_host("[x]") && is_address("[::1]") && is_address("1.2.3.4"));
        assert_eq!(split("a:80"), Some(("a", Some(80))));
        assert_eq!(split("[::1]"), Some(("[::1]", None)));
        assert_eq!(split("a:b"), None);
    }
}
