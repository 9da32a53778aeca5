//! Whom a plugin counts for.

use std::net::IpAddr;

/// One client: an IPv4 address, or the first half of an IPv6 address. The other half names a host within one network
/// (RFC 4291 §2.5.1), and a stranger may choose it anew for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    V4(u32),
    V6(u64),
}

// === impl Client ===

impl Client {
    /// The client at an address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            #[allow(clippy::cast_possible_truncation)]
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}
