//! `--resolve HOST:PORT:ADDRESS[:PORT]`: an address that stands in for what DNS says, as curl's option of that name.

use super::units;
use std::net::{IpAddr, SocketAddr};

/// Host (lower case) and port as a service names them, and where that is.
pub type Override = ((Box<str>, u16), SocketAddr);

/// Reads one. Without a second port, the first one is used. IPv6 addresses stand in brackets.
///
/// # Errors
/// A sentence that shows the right form.
pub fn parse(text: &str) -> Result<Override, String> {
    split(text).ok_or_else(|| {
        format!("'{text}' is not of the form HOST:PORT:ADDRESS[:PORT], such as rest:3000:127.0.0.1:8080")
    })
}

fn split(text: &str) -> Option<Override> {
    let (host, rest) = text.split_once(':').filter(|(host, _)| !host.is_empty())?;
    let (port, target) = rest.split_once(':')?;
    let port = units::number(port)?;
    let address = target.parse().ok().or_else(|| Some(SocketAddr::new(bare(target)?, port)))?;
    Some(((host.to_ascii_lowercase().into(), port), address))
}

fn bare(target: &str) -> Option<IpAddr> {
    let inner = target.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(target);
    inner.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn forms() {
        for (text, host, port, address) in [
            ("rest:3000:127.0.0.1:8080", "rest", 3000, "127.0.0.1:8080"),
            ("Rest:3000:127.0.0.1", "rest", 3000, "127.0.0.1:3000"),
            ("rest:80:[::1]", "rest", 80, "[::1]:80"),
            ("rest:80:[::1]:81", "rest", 80, "[::1]:81"),
        ] {
            assert_eq!(parse(text).unwrap(), ((host.into(), port), address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn malformed() {
        for text in ["", "rest", "rest:80", "rest:80:", ":80:127.0.0.1", "rest:x:127.0.0.1", "rest:80:example.test"] {
            assert!(parse(text).unwrap_err().contains("HOST:PORT:ADDRESS[:PORT]"), "{text}");
        }
    }
}
