//! The networks from which Cloudflare's proxies connect to origins: what `cloudflare` in `trusted_ips` stands for.
//!
//! Source: <https://www.cloudflare.com/ips-v4> and <https://www.cloudflare.com/ips-v6>, as of February 2026. The list is
//! fixed: a network that is published later must be written beside the name.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

const V4: [Ipv4Net; 15] = [
    v4([173, 245, 48, 0], 20),
    v4([103, 21, 244, 0], 22),
    v4([103, 22, 200, 0], 22),
    v4([103, 31, 4, 0], 22),
    v4([141, 101, 64, 0], 18),
    v4([108, 162, 192, 0], 18),
    v4([190, 93, 240, 0], 20),
    v4([188, 114, 96, 0], 20),
    v4([197, 234, 240, 0], 22),
    v4([198, 41, 128, 0], 17),
    v4([162, 158, 0, 0], 15),
    v4([104, 16, 0, 0], 13),
    v4([104, 24, 0, 0], 14),
    v4([172, 64, 0, 0], 13),
    v4([131, 0, 72, 0], 22),
];

const V6: [Ipv6Net; 7] = [
    v6(0x2400, 0xcb00, 32),
    v6(0x2606, 0x4700, 32),
    v6(0x2803, 0xf800, 32),
    v6(0x2405, 0xb500, 32),
    v6(0x2405, 0x8100, 32),
    v6(0x2a06, 0x98c0, 29),
    v6(0x2c0f, 0xf248, 32),
];

/// All of them, in the published order.
pub fn networks() -> impl Iterator<Item = IpNet> {
    V4.into_iter().map(IpNet::V4).chain(V6.into_iter().map(IpNet::V6))
}

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

/// By the first two groups; the others are zero.
const fn v6(a: u16, b: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_list() {
        let all: Vec<_> = networks().map(|net| net.to_string()).collect();
        let published = "173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18 \
                         190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 \
                         104.24.0.0/14 172.64.0.0/13 131.0.72.0/22 2400:cb00::/32 2606:4700::/32 2803:f800::/32 \
                         2405:b500::/32 2405:8100::/32 2a06:98c0::/29 2c0f:f248::/32";
        assert_eq!(all.join(" "), published);
    }

    #[test]
    fn each_starts_where_it_says() {
        assert!(networks().all(|net| net.trunc() == net));
    }
}
