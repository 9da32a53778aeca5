//! Hosts as Kong takes them apart, in entities and plugins alike (`kong/tools/utils.lua`, `kong/db/schema/typedefs.lua`).

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host as Kong takes it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort<'a> {
    /// What it is.
    pub kind: HostKind,
    /// Without port and brackets.
    pub host: &'a str,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// An IPv4 address.
    V4,
    /// An IPv6 address.
    V6,
    /// A name.
    Name,
}

/// Takes `host`, `host:port`, an address, `[address]:port` apart.
///
/// # Errors
/// `invalid hostname: …`, `invalid port number`, `invalid ipv4 address: …` or `invalid ipv6 address: …`.
pub(crate) fn host_port(text: &str) -> Result<HostPort<'_>, String> {
    let colons = text.bytes().filter(|b| *b == b':').count();
    if colons > 1 {
        return v6(text);
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if !host.is_empty() && host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        host.parse::<Ipv4Addr>().map_err(|_| format!("invalid ipv4 address: {text}"))?;
        return Ok(HostPort { kind: HostKind::V4, host, port: port.map(port_number).transpose()? });
    }
    let digits = port.filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let port = digits.map(port_number).transpose()?;
    let host = if digits.is_some() { host } else { text };
    if is_hostname(host) {
        Ok(HostPort { kind: HostKind::Name, host, port })
    } else {
        Err(format!("invalid hostname: {text}"))
    }
}

fn v6(text: &str) -> Result<HostPort<'_>, String> {
    let bad = || format!("invalid ipv6 address: {text}");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(bad)?,
        None => (text, ""),
    };
    host.parse::<Ipv6Addr>().map_err(|_| bad())?;
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port_number(port)?),
        None if port.is_empty() => None,
        None => return Err(bad()),
    };
    Ok(HostPort { kind: HostKind::V6, host, port })
}

fn port_number(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "invalid port number".to_owned())
}

/// Letters, digits, `-`, `.` and `_`; no label empty or with a hyphen at its end.
pub(crate) fn is_hostname(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    text.bytes().all(good) && text.split('.').all(|label| !label.is_empty() && !label.ends_with('-'))
}

/// A route's host: one label may be a `*`, and there may be a port.
///
/// # Errors
/// Kong's words.
pub(crate) fn host_pattern(text: &str) -> Result<(), String> {
    let stars = text.bytes().filter(|b| *b == b'*').count();
    if stars > 1 {
        return Err("invalid wildcard: must have at most one wildcard".to_owned());
    }
    let without_port = text.rsplit_once(':').map_or(text, |(host, _)| host);
    if stars == 1 && !text.starts_with("*.") && !without_port.ends_with(".*") {
        return Err("invalid wildcard: must be placed at leftmost or rightmost label".to_owned());
    }
    let tame = if stars == 0 { Cow::Borrowed(text) } else { Cow::Owned(text.replace('*', "abc")) };
    host_port(&tame).map(|_| ()).map_err(|error| error.replace(&*tame, text))
}
