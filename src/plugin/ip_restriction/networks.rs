//! A set of networks in which an address is found by halving.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// Networks that do not overlap, in order. IPv4 addresses that are written as IPv6 are IPv4 addresses.
#[derive(Debug)]
pub(super) struct Networks {
    v4: Box<[Ipv4Net]>,
    v6: Box<[Ipv6Net]>,
}

// === impl Networks ===

impl Networks {
    /// Reads addresses and networks that [`network`] takes.
    pub(super) fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in texts.filter_map(network) {
            match net {
                IpNet::V4(net) => v4.push(net),
                IpNet::V6(net) => v6.push(net),
            }
        }
        Self { v4: Ipv4Net::aggregate(&v4).into(), v6: Ipv6Net::aggregate(&v6).into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The network that an address is in.
    pub(super) fn find(&self, address: IpAddr) -> Option<IpNet> {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let before = self.v4.partition_point(|net| net.network() <= address);
                let net = *self.v4.get(before.checked_sub(1)?)?;
                net.contains(&address).then_some(net.into())
            }
            IpAddr::V6(address) => {
                let before = self.v6.partition_point(|net| net.network() <= address);
                let net = *self.v6.get(before.checked_sub(1)?)?;
                net.contains(&address).then_some(net.into())
            }
        }
    }
}

/// An address, or a network by its prefix length; what stands behind the prefix does not count.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let net: IpNet = text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))?;
    Some(unmapped(net.trunc()))
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn unmapped(net: IpNet) -> IpNet {
    let v4 = || {
        let IpAddr::V4(address) = net.addr().to_canonical() else { return None };
        Ipv4Net::new(address, net.prefix_len().checked_sub(96)?).ok()
    };
    match net {
        IpNet::V6(_) => v4().map_or(net, IpNet::V4),
        IpNet::V4(_) => net,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], address: &str) -> Option<String> {
        let networks = Networks::read(texts.iter().copied());
        networks.find(address.parse().ok()?).map(|net| net.to_string())
    }

    #[test]
    fn an_address_is_found_in_its_network() {
        let texts = ["10.0.0.0/8", "192.0.2.7", "10.1.0.0/16", "172.16.5.9/12", "2001:db8::/32", "::1"];
        for (address, expected) in [
            ("10.1.2.3", Some("10.0.0.0/8")),
            ("10.255.255.255", Some("10.0.0.0/8")),
            ("9.255.255.255", None),
            ("11.0.0.0", None),
            ("192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2.8", None),
            ("172.31.0.1", Some("172.16.0.0/12")),
            ("2001:db8:ffff::1", Some("2001:db8::/32")),
            ("2001:db9::", None),
            ("::1", Some("::1/128")),
            ("0.0.0.0", None),
        ] {
            assert_eq!(found(&texts, address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn mapped_addresses_are_ipv4_addresses() {
        assert_eq!(found(&["10.0.0.0/8"], "::ffff:10.1.2.3").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(found(&["::ffff:10.0.0.0/104"], "10.1.2.3").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(found(&["::ffff:192.0.2.1"], "192.0.2.1").as_deref(), Some("192.0.2.1/32"));
        assert_eq!(found(&["::/0"], "10.1.2.3"), None);
        assert_eq!(found(&["0.0.0.0/0"], "2001:db8::1"), None);
    }

    #[test]
    fn what_is_no_network_is_none() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "::/129", "10.0.0.1 ", "unix:", "-1/8", "1.2.3.4/"] {
            assert_eq!(network(text), None, "{text}");
        }
    }

    proptest::proptest! {
        /// The same as asking every network in turn.
        #[test]
        fn halving_finds_what_looking_at_each_finds(
            nets in proptest::collection::vec((proptest::num::u32::ANY, 0_u8..=32), 0..20),
            address in proptest::num::u32::ANY,
            near in proptest::option::of(0_usize..20),
        ) {
            let nets: Vec<_> = nets.into_iter().map(|(ip, len)| Ipv4Net::new(ip.into(), len).unwrap_or_default()).collect();
            let near = near.and_then(|at| nets.get(at)).map(|net| net.addr());
            let address = near.unwrap_or(address.into());
            let texts: Vec<_> = nets.iter().map(ToString::to_string).collect();
            let networks = Networks::read(texts.iter().map(String::as_str));
            let each = nets.iter().any(|net| net.contains(&address));
            proptest::prop_assert_eq!(networks.find(address.into()).is_some(), each);
        }
    }
}
