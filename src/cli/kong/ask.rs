//! Asks a gateway's listeners whether it answers.
//!
//! Those of the status and Admin API know `/livez`. A listener for clients is sent a request that the gateway answers by
//! itself, for it names no host, so that no upstream hears of it. Where nothing speaks plain HTTP/1, a connection must do.

use crate::settings::{Listen, Settings};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// For one listener.
const EACH: Duration = Duration::from_secs(2);
/// For all of them: whoever asks for health has limits as well.
const ALL: Duration = Duration::from_secs(4);
/// Most bytes of an answer that are looked at.
const MOST: u64 = 16 * 1024;

/// A listener, and how it can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// By `/livez`.
    Live(SocketAddr),
    /// By a request that names no host.
    Any(SocketAddr),
    /// By connecting.
    Connect(SocketAddr),
}

/// Whether one of the listeners answers.
pub(super) fn answers(settings: &Settings) -> bool {
    let end = Instant::now() + ALL;
    ways(settings).into_iter().any(|ask| ask.answers(end.saturating_duration_since(Instant::now()).min(EACH)))
}

/// In the order in which they are asked. One that is silent is not made up for by one that can merely be reached.
fn ways(settings: &Settings) -> Vec<Ask> {
    let plain = |listen: &&Listen| !listen.ssl && !listen.proxy_protocol && !listen.http2;
    let apis = || settings.status_listen.iter().chain(&settings.admin_listen);
    let live = apis().filter(plain).map(|listen| Ask::Live(near(listen.address)));
    let any = settings.proxy_listen.iter().filter(plain).map(|listen| Ask::Any(near(listen.address)));
    let asked: Vec<_> = live.chain(any).collect();
    if !asked.is_empty() {
        return asked;
    }
    settings.proxy_listen.iter().chain(apis()).map(|listen| Ask::Connect(near(listen.address))).collect()
}

/// A listener on all addresses is asked on this machine's own.
fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

// === impl Ask ===

impl Ask {
    fn answers(self, limit: Duration) -> bool {
        match self {
            Self::Live(address) => {
                let answer = ask(address, "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", limit);
                answer.is_some_and(|text| text.starts_with("HTTP/1.1 200 ") && text.contains("\"live\""))
            }
            Self::Any(address) => {
                let answer = ask(address, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", limit);
                answer.is_some_and(|text| text.starts_with("HTTP/1."))
            }
            Self::Connect(address) => connect(address, limit).is_some(),
        }
    }
}

/// No limit at all is none that the system takes.
fn connect(address: SocketAddr, limit: Duration) -> Option<TcpStream> {
    if limit.is_zero() { None } else { TcpStream::connect_timeout(&address, limit).ok() }
}

/// What comes back; what drips longer than the limit for a single read is cut off.
fn ask(address: SocketAddr, request: &str, limit: Duration) -> Option<String> {
    let mut stream = connect(address, limit)?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.set_write_timeout(Some(limit)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // An answer that has come is one, even if the connection then breaks.
    let _ = stream.take(MOST).read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(port: u16) -> Listen {
        Listen::plain(([0, 0, 0, 0], port).into())
    }

    fn here(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn who_is_asked_and_how() {
        let tls = |port| Listen { ssl: true, ..at(port) };
        let mut settings = Settings {
            proxy_listen: vec![tls(1), Listen { proxy_protocol: true, ..at(2) }, at(3)],
            admin_listen: vec![at(4), tls(5)],
            status_listen: vec![Listen::plain("[::]:6".parse().unwrap())],
            ..Settings::default()
        };
        let six = Ask::Live("[::1]:6".parse().unwrap());
        assert_eq!(ways(&settings), [six, Ask::Live(here(4)), Ask::Any(here(3))]);
        (settings.admin_listen, settings.status_listen) = (vec![tls(5)], Vec::new());
        assert_eq!(ways(&settings), [Ask::Any(here(3))]);
        settings.proxy_listen.pop();
        assert_eq!(ways(&settings), [1, 2, 5].map(|port| Ask::Connect(here(port))));
    }

    #[test]
    fn who_takes_connections_and_says_nothing_is_not_well() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(100);
        assert!(!Ask::Live(address).answers(limit) && !Ask::Any(address).answers(limit));
        assert!(Ask::Connect(address).answers(limit) && !Ask::Connect(address).answers(Duration::ZERO));
        drop(listener);
        assert!(!Ask::Connect(address).answers(limit));
    }
}
