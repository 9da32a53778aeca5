//! Values that Kong refuses of keys that change nothing here, in Kong's words (`kong/operations.md` §1, §2): a file of
//! settings that Kong does not take is not taken here either.

use super::reading::{Done, Edge, Fault, number, seconds, switch};
use super::units::list;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// What `dns_order` may name.
const RECORDS: [&str; 5] = ["LAST", "SRV", "A", "AAAA", "CNAME"];
/// How the groups begin that `ssl_dhparam` may name instead of a file (RFC 7919).
const GROUP: &str = "ffdhe";

/// Whether Kong would take the value.
pub(super) fn judge(key: &str, value: &str, edge: Edge<'_>) -> Done {
    match key {
        "role" => one_of(value, &["traditional", "control_plane", "data_plane"]),
        "worker_consistency" => one_of(value, &["strict", "eventual"]),
        "anonymous_reports" | "dns_no_sync" => switch(value, "boolean").map(drop),
        "worker_state_update_frequency" | "dns_cache_size" | "dns_not_found_ttl" | "dns_error_ttl" => {
            seconds(value).map(drop)
        }
        "lua_ssl_verify_depth" => number::<u32>(value).map(drop),
        "ssl_prefer_server_ciphers" => switch(value, "ngx_boolean").map(drop),
        "dns_order" => records(value),
        "dns_resolver" => resolvers(value),
        "dns_hostsfile" => there(value, edge, "dns_hostsfile: file does not exist".to_owned()),
        "ssl_dhparam" if value.starts_with(GROUP) => Ok(()),
        "ssl_dhparam" => there(value, edge, format!("ssl_dhparam: no such file at {value}")),
        _ => Ok(()),
    }
}

fn one_of(value: &str, all: &'static [&'static str]) -> Done {
    if all.contains(&value) { Ok(()) } else { Err(Fault::OneOf(all)) }
}

fn there(path: &str, edge: Edge<'_>, message: String) -> Done {
    if (edge.is_file)(Path::new(path)) { Ok(()) } else { Err(Fault::Message(message)) }
}

fn records(value: &str) -> Done {
    match list(value).find(|entry| !RECORDS.contains(&entry.to_ascii_uppercase().as_str())) {
        Some(entry) => Err(Fault::Message(format!("dns_order: invalid entry '{entry}'"))),
        None => Ok(()),
    }
}

fn resolvers(value: &str) -> Done {
    let is_address = |entry: &str| {
        let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
        entry.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok()
    };
    match list(value).find(|entry| !is_address(entry)) {
        Some(entry) => Err(Fault::Message(format!(
            "dns_resolver must be a comma separated list in the form of IPv4/6 or IPv4/6:port, got '{entry}'"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, value: &str) -> Option<String> {
        let edge = Edge { is_file: &|path| path == Path::new("/there"), ..Edge::NOTHING };
        judge(key, value, edge).err().map(|fault| fault.message(key, value))
    }

    #[test]
    fn what_kong_takes_is_taken() {
        for (key, value) in [
            ("role", "traditional"),
            ("worker_consistency", "eventual"),
            ("anonymous_reports", "off"),
            ("dns_cache_size", "10000"),
            ("dns_order", "LAST, A,cname"),
            ("dns_resolver", "127.0.0.11, 10.0.0.1:5353, [::1], [::1]:53, ::1"),
            ("dns_hostsfile", "/there"),
            ("ssl_dhparam", "ffdhe2048"),
            ("ssl_dhparam", "/there"),
            ("anything", "at all"),
        ] {
            assert_eq!(refused(key, value), None, "{key} = {value}");
        }
    }

    #[test]
    fn what_it_refuses_is_refused_in_its_words() {
        for (key, value, words) in [
            ("role", "x", "role has an invalid value: 'x' (traditional, control_plane, data_plane)"),
            ("anonymous_reports", "x", "anonymous_reports is not a boolean: 'x'"),
            ("dns_cache_size", "x", "dns_cache_size is not a number: 'x'"),
            ("dns_order", "A,MX", "dns_order: invalid entry 'MX'"),
            ("dns_hostsfile", "/x", "dns_hostsfile: file does not exist"),
            ("ssl_dhparam", "/x", "ssl_dhparam: no such file at /x"),
        ] {
            assert_eq!(refused(key, value).as_deref(), Some(words));
        }
        let resolver = refused("dns_resolver", "1.1.1.1,dns.test").unwrap_or_default();
        assert!(resolver.ends_with("in the form of IPv4/6 or IPv4/6:port, got 'dns.test'"), "{resolver}");
    }
}
