//! Kong's listener syntax (`kong/operations.md` §2, Listeners): `ADDRESS:PORT [flag]…, …` or `off`. Pure: host names
//! are looked up by a function that the caller gives.

use super::{Listen, units};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Finds a host name's address.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<IpAddr>;

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not of the form; Kong's message is about the whole value.
    Form,
    /// A host name without an address.
    Unknown(String),
}

/// The flags that listeners of HTTP take.
const FLAGS: &str = "[ssl] [http2] [proxy_protocol] [deferred] [bind] [reuseport] [backlog=%d+]";

/// All entries; none if the first one is `off`.
///
/// # Errors
/// The first entry that is malformed or does not resolve.
pub fn parse(text: &str, lookup: Lookup<'_>) -> Result<Vec<Listen>, Fault> {
    let mut entries = text.split(',').map(str::trim).peekable();
    if entries.peek() == Some(&"off") {
        return Ok(Vec::new());
    }
    entries.map(|entry| parse_entry(entry, lookup)).collect()
}

fn parse_entry(entry: &str, lookup: Lookup<'_>) -> Result<Listen, Fault> {
    let mut words = entry.split_ascii_whitespace();
    let mut listen = Listen::plain(address(words.next().ok_or(Fault::Form)?, lookup)?);
    for word in words {
        flag(&mut listen, word).ok_or(Fault::Form)?;
    }
    Ok(listen)
}

fn flag(listen: &mut Listen, word: &str) -> Option<()> {
    match word {
        "ssl" => listen.ssl = true,
        "http2" => listen.http2 = true,
        "proxy_protocol" => listen.proxy_protocol = true,
        "reuseport" => listen.reuseport = true,
        // How nginx binds and accepts; nothing that a client could see.
        "deferred" | "bind" => {}
        _ => listen.backlog = Some(units::number(word.strip_prefix("backlog=")?)?),
    }
    Some(())
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
