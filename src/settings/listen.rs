//! Kong's listener syntax (`kong/operations.md` §2, Listeners): `ADDRESS:PORT [flag]…, …` or `off`. Pure: host names
//! are looked up by a function that the caller gives.
//!
//! Flags beyond those of Kong 2.8: `ipv6only` and `so_keepalive` (Kong 3, nginx), `client_ca` and `client_verify` (ours).

use super::{ClientVerify, Keepalive, Listen, units};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Finds a host name's address.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<IpAddr>;

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not of the form; Kong's message is about the whole value.
    Form,
    /// A host name without an address.
    Unknown(String),
    /// Flags, each well-formed, that make no sense together.
    Senseless(SocketAddr, &'static str),
    /// Two entries that cannot both be had.
    Clash(SocketAddr, SocketAddr),
}

/// The flags that listeners of HTTP take in Kong 2.8, as its message lists them.
const FLAGS: &str = "[ssl] [http2] [proxy_protocol] [deferred] [bind] [reuseport] [backlog=%d+]";
/// What Linux takes for `TCP_KEEPIDLE` and `TCP_KEEPINTVL`, in seconds.
const KEEPALIVE_SECONDS: RangeInclusive<u64> = 1..=32_767;
/// What Linux takes for `TCP_KEEPCNT`.
const KEEPALIVE_PROBES: RangeInclusive<u32> = 1..=127;

/// All entries; none if the first one is `off`.
///
/// # Errors
/// The first entry that is malformed or does not resolve, or clashes with one before it.
pub fn parse(text: &str, lookup: Lookup<'_>) -> Result<Vec<Listen>, Fault> {
    let mut entries = text.split(',').map(str::trim).peekable();
    if entries.peek() == Some(&"off") {
        return Ok(Vec::new());
    }
    let mut listens: Vec<Listen> = Vec::new();
    for entry in entries {
        let listen = parse_entry(entry, lookup)?;
        if let Some(other) = listens.iter().find(|other| clash(other, &listen)) {
            return Err(Fault::Clash(other.address, listen.address));
        }
        listens.push(listen);
    }
    Ok(listens)
}

fn parse_entry(entry: &str, lookup: Lookup<'_>) -> Result<Listen, Fault> {
    let mut words = entry.split_ascii_whitespace();
    let mut listen = Listen::plain(address(words.next().ok_or(Fault::Form)?, lookup)?);
    let mut verify = None;
    for word in words {
        flag(&mut listen, &mut verify, word).ok_or(Fault::Form)?;
    }
    listen.client_verify = verify.unwrap_or(listen.client_verify);
    match senseless(&listen, verify) {
        Some(why) => Err(Fault::Senseless(listen.address, why)),
        None => Ok(listen),
    }
}

fn flag(listen: &mut Listen, verify: &mut Option<ClientVerify>, word: &str) -> Option<()> {
    match word {
        "ssl" => listen.ssl = true,
        "http2" => listen.http2 = true,
        "proxy_protocol" => listen.proxy_protocol = true,
        "reuseport" => listen.reuseport = true,
        // How nginx binds and accepts; nothing that a client could see.
        "deferred" | "bind" => {}
        _ => return flag_with_value(listen, verify, word),
    }
    Some(())
}

fn flag_with_value(listen: &mut Listen, verify: &mut Option<ClientVerify>, word: &str) -> Option<()> {
    match word.split_once('=')? {
        ("backlog", length) => listen.backlog = Some(units::number(length)?),
        ("ipv6only", only) => listen.dual_stack = !on_or_off(only)?,
        ("so_keepalive", value) => listen.keepalive = keepalive(value)?,
        ("client_ca", path) if !path.is_empty() => listen.client_ca = Some(PathBuf::from(path)),
        ("client_verify", "on") => *verify = Some(ClientVerify::Required),
        ("client_verify", "optional") => *verify = Some(ClientVerify::Optional),
        _ => return None,
    }
    Some(())
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// `on`, `off`, or `[IDLE]:[INTERVAL]:[COUNT]`, of which one at least must be there.
fn keepalive(text: &str) -> Option<Option<Keepalive>> {
    if let Some(on) = on_or_off(text) {
        return Some(on.then(Keepalive::default));
    }
    let mut parts = text.split(':');
    let (idle, interval) = (seconds(parts.next()?)?, seconds(parts.next()?)?);
    let count = match parts.next()? {
        "" => None,
        digits => Some(units::number(digits).filter(|n| KEEPALIVE_PROBES.contains(n))?),
    };
    let keepalive = Keepalive { idle, interval, count };
    (parts.next().is_none() && keepalive != Keepalive::default()).then_some(Some(keepalive))
}

/// A time that the kernel takes; nothing is the system's.
fn seconds(text: &str) -> Option<Option<Duration>> {
    if text.is_empty() {
        return Some(None);
    }
    let time = units::time(text)?;
    (time.subsec_nanos() == 0 && KEEPALIVE_SECONDS.contains(&time.as_secs())).then_some(Some(time))
}

/// Why the flags of a listener cannot hold together.
fn senseless(listen: &Listen, verify: Option<ClientVerify>) -> Option<&'static str> {
    if listen.client_ca.is_some() && !listen.ssl {
        return Some("`client_ca` needs `ssl`");
    }
    if verify.is_some() && listen.client_ca.is_none() {
        return Some("`client_verify` needs `client_ca`");
    }
    (listen.dual_stack && listen.address.is_ipv4()).then_some("`ipv6only` needs an IPv6 address")
}

/// Whether both want the same address; the kernel would say so of another process. Port 0 is always another.
fn clash(a: &Listen, b: &Listen) -> bool {
    let (port, other) = (a.address.port(), b.address.port());
    let both = |six: &Listen, four: &Listen| {
        six.dual_stack && six.address.ip().is_unspecified() && four.address.ip() == IpAddr::from([0, 0, 0, 0])
    };
    port != 0 && port == other && (a.address == b.address || both(a, b) || both(b, a))
}

/// `IPv4:PORT`, `[IPv6]:PORT` or `NAME:PORT`.
fn address(text: &str, lookup: Lookup<'_>) -> Result<SocketAddr, Fault> {
    let (host, port) = text.rsplit_once(':').ok_or(Fault::Form)?;
    let port = units::number(port).ok_or(Fault::Form)?;
    if let Some(inner) = host.strip_prefix('[') {
        let ip: Ipv6Addr = inner.strip_suffix(']').and_then(|ip| ip.parse().ok()).ok_or(Fault::Form)?;
        return Ok(SocketAddr::from((ip, port)));
    }
    if host.is_empty() || host.contains([':', '/']) {
        return Err(Fault::Form);
    }
    let ip = host.parse().ok().or_else(|| lookup(host)).ok_or_else(|| Fault::Unknown(host.to_owned()))?;
    Ok(SocketAddr::new(ip, port))
}

// === impl Fault ===

impl Fault {
    /// The message; for a wrong form, Kong's.
    #[must_use]
    pub fn message(&self, key: &str) -> String {
        match self {
            Self::Form => {
                format!("{key} must be of form: [off] | <ip>:<port> {FLAGS}, [... next entry ...]")
            }
            Self::Unknown(host) => format!("{key}: the host name '{host}' has no address"),
            Self::Senseless(address, why) => format!("{key}: {address}: {why}"),
            Self::Clash(a, b) if a == b => format!("{key}: {a} is listed twice"),
            Self::Clash(a, b) => {
                format!("{key}: {a} and {b} are the same with `ipv6only=off`, which takes IPv4 as well; leave one out")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lookup(name: &str) -> Option<IpAddr> {
        (name == "localhost").then(|| IpAddr::from([127, 0, 0, 1]))
    }

    fn at(address: &str) -> Listen {
        Listen::plain(address.parse().unwrap())
    }

    #[test]
    fn kongs_own_default() {
        let text = "0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384";
        let clear = Listen { reuseport: true, backlog: Some(16384), ..at("0.0.0.0:8000") };
        let tls = Listen { reuseport: true, backlog: Some(16384), http2: true, ssl: true, ..at("0.0.0.0:8443") };
        assert_eq!(parse(text, &lookup).unwrap(), [clear, tls]);
    }

    #[test]
    fn addresses() {
        let text = "[::]:80 deferred bind,[2001:db8::1]:443 ssl proxy_protocol,localhost:0";
        let second = Listen { ssl: true, proxy_protocol: true, ..at("[2001:db8::1]:443") };
        assert_eq!(parse(text, &lookup).unwrap(), [at("[::]:80"), second, at("127.0.0.1:0")]);
    }

    fn one(flags: &str) -> Result<Listen, Fault> {
        parse(&format!("[::1]:443 {flags}"), &lookup).map(|mut all| all.remove(0))
    }

    #[test]
    fn client_certificates() {
        let asked = one("ssl client_ca=/etc/ca.pem").unwrap();
        assert_eq!((asked.client_ca, asked.client_verify), (Some("/etc/ca.pem".into()), ClientVerify::Required));
        assert_eq!(one("client_verify=on ssl client_ca=/ca").unwrap().client_verify, ClientVerify::Required);
        let optional = one("client_verify=optional client_ca=/ca=1 ssl").unwrap();
        assert_eq!((optional.client_ca, optional.client_verify), (Some("/ca=1".into()), ClientVerify::Optional));
        let why = |flags: &str| one(flags).unwrap_err().message("proxy_listen");
        assert_eq!(why("client_ca=/ca"), "proxy_listen: [::1]:443: `client_ca` needs `ssl`");
        assert_eq!(why("ssl client_verify=on"), "proxy_listen: [::1]:443: `client_verify` needs `client_ca`");
    }

    #[test]
    fn keepalive_of_tcp() {
        let times = |idle: Option<u64>, interval: Option<u64>, count| {
            let seconds = |s: Option<u64>| s.map(Duration::from_secs);
            Some(Keepalive { idle: seconds(idle), interval: seconds(interval), count })
        };
        assert_eq!(one("").unwrap().keepalive, None);
        assert_eq!(one("so_keepalive=off").unwrap().keepalive, None);
        assert_eq!(one("so_keepalive=on").unwrap().keepalive, times(None, None, None));
        assert_eq!(one("so_keepalive=30m::10").unwrap().keepalive, times(Some(1800), None, Some(10)));
        assert_eq!(one("so_keepalive=:5:").unwrap().keepalive, times(None, Some(5), None));
        for bad in ["", "1", "::", "1:2", "1:2:3:4", "0::", "500ms::", "32768::", "::128", "::0", "x::", "On"] {
            assert_eq!(one(&format!("so_keepalive={bad}")), Err(Fault::Form), "{bad}");
        }
    }

    #[test]
    fn both_families() {
        let apart = parse("0.0.0.0:443 ssl, [::]:443 ssl ipv6only=on", &lookup).unwrap();
        assert_eq!([apart[0].dual_stack, apart[1].dual_stack], [false, false]);
        assert!(parse("[::]:443 ipv6only=off, 127.0.0.1:443", &lookup).unwrap()[0].dual_stack);
        let why = |text: &str| parse(text, &lookup).unwrap_err().message("proxy_listen");
        let same = "are the same with `ipv6only=off`, which takes IPv4 as well; leave one out";
        assert_eq!(why("[::]:443 ipv6only=off, 0.0.0.0:443"), format!("proxy_listen: [::]:443 and 0.0.0.0:443 {same}"));
        assert_eq!(why("0.0.0.0:1, [::]:1 ipv6only=off"), format!("proxy_listen: 0.0.0.0:1 and [::]:1 {same}"));
        assert_eq!(why("0.0.0.0:1 ipv6only=off"), "proxy_listen: 0.0.0.0:1: `ipv6only` needs an IPv6 address");
        assert_eq!(why("[::]:1, [::]:1 ssl"), "proxy_listen: [::]:1 is listed twice");
        assert_eq!(parse("127.0.0.1:0, 127.0.0.1:0", &lookup).unwrap().len(), 2);
    }

    #[test]
    fn off_wins_only_in_front() {
        assert_eq!(parse("off, 127.0.0.1:1", &lookup), Ok(Vec::new()));
        assert_eq!(parse("127.0.0.1:1, off", &lookup), Err(Fault::Form));
    }

    #[test]
    fn malformed() {
        for text in [
            "",
            "8000",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:70000",
            "127.0.0.1:80 tls",
            "::1:80",
            "[::1:80",
            "[::1]80",
            "127.0.0.1:80 backlog=",
            "127.0.0.1:80 backlog=-1",
            "127.0.0.1:80,",
            "127.0.0.1:80 ssl=",
            "127.0.0.1:80 ipv6only=",
            "127.0.0.1:80 ssl client_ca=",
            "127.0.0.1:80 ssl client_ca=/ca client_verify=off",
            "127.0.0.1:80 fastopen=5",
            ":80",
        ] {
            assert_eq!(parse(text, &lookup), Err(Fault::Form), "{text}");
        }
        assert_eq!(parse("nowhere:80", &lookup), Err(Fault::Unknown("nowhere".to_owned())));
    }

    #[test]
    fn kongs_words() {
        assert_eq!(
            Fault::Form.message("proxy_listen"),
            "proxy_listen must be of form: [off] | <ip>:<port> [ssl] [http2] [proxy_protocol] [deferred] [bind] \
             [reuseport] [backlog=%d+], [... next entry ...]"
        );
    }
}
