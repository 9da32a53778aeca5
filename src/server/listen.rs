//! Listening sockets: one per worker and address, so that the kernel spreads connections and workers share nothing.
//!
//! Not here: accepting, TLS, and what is served.

use crate::settings::Listen;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Length of the accept queue where none was written (Kong's own default). The kernel caps it at `net.core.somaxconn`.
pub const BACKLOG: u32 = 16_384;

/// Why an address cannot be listened on.
#[derive(Debug)]
pub struct ListenError {
    /// The address as configured.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// Opens one listening socket per worker, all on the same address; at least one. Port 0 lets the kernel choose, and the
/// sockets then share what it chose (`local_addr` of any tells).
///
/// The sockets are non-blocking, and connections that they accept have `TCP_NODELAY` set already: the kernel hands it
/// down from the listening socket.
///
/// # Errors
/// If the system refuses, or another process listens there. `SO_REUSEPORT` alone would let two gateways of one user
/// share a port silently, each getting a part of the connections; so the address is first bound without it.
pub fn open(listen: &Listen, workers: usize) -> Result<Vec<TcpListener>, ListenError> {
    let fail = |source| ListenError { address: listen.address, source };
    let backlog = i32::try_from(listen.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX);
    claim(listen.address).map_err(fail)?;
    let first = bind(listen.address, backlog).map_err(fail)?;
    let address = first.local_addr().map_err(fail)?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(bind(address, backlog).map_err(fail)?);
    }
    Ok(sockets)
}

/// Fails if anything else listens on the address. Port 0 is always free: the kernel gives a port that nobody has.
fn claim(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 {
        return Ok(());
    }
    socket(address)?.bind(&SockAddr::from(address))
}

fn bind(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// `SO_REUSEADDR`: connections of a process that just ended linger, and must not keep its successor from starting.
/// `IPV6_V6ONLY`: `[::]:80` and `0.0.0.0:80` are two listeners, as for nginx.
fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

// === impl ListenError ===

impl ListenError {
    /// What to do about it, if that is known.
    fn remedy(&self) -> Option<String> {
        let port = self.address.port();
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => Some(format!(
                "ports below 1024 need the capability CAP_NET_BIND_SERVICE \
                 (`setcap cap_net_bind_service=+ep` on the program, or AmbientCapabilities= in its systemd unit), \
                 or a lower sysctl net.ipv4.ip_unprivileged_port_start; or choose a port above {}",
                port.max(1023)
            )),
            io::ErrorKind::AddrInUse => {
                Some(format!("another process listens there; `ss -ltnp 'sport = :{port}'` shows which"))
            }
            io::ErrorKind::AddrNotAvailable => {
                Some("no interface of this machine has this address; `ip address` lists them".to_owned())
            }
            _ if self.address.is_ipv6() && self.source.kind() == io::ErrorKind::Unsupported => {
                Some("this machine has no IPv6".to_owned())
            }
            _ => None,
        }
    }

    /// The system's word, in ours where it is one of the usual.
    fn reason(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::AddrInUse => "address already in use".to_owned(),
            io::ErrorKind::AddrNotAvailable => "address not available".to_owned(),
            _ => self.source.to_string(),
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.reason())?;
        self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::collections::HashSet;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    fn at(address: &str) -> Listen {
        Listen { backlog: Some(128), ..Listen::plain(address.parse().unwrap()) }
    }

    #[test]
    fn workers_share_one_port() {
        let sockets = open(&at("127.0.0.1:0"), 3).unwrap();
        let addresses: HashSet<SocketAddr> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
        assert_eq!(sockets.len(), 3);
        assert_eq!(addresses.len(), 1);
        assert_ne!(addresses.into_iter().next().unwrap().port(), 0);
    }

    #[test]
    fn a_second_gateway_is_refused() {
        let first = open(&at("127.0.0.1:0"), 2).unwrap();
        let listen = Listen { address: first[0].local_addr().unwrap(), ..at("127.0.0.1:0") };
        let error = open(&listen, 2).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot listen on {}: address already in use; another", listen.address)));
        drop(first);
        assert_eq!(open(&listen, 2).unwrap().len(), 2, "free again once the first has gone");
    }

    #[test]
    fn a_restart_is_not_kept_out_by_old_connections() {
        let first = open(&at("127.0.0.1:0"), 1).unwrap();
        let address = first[0].local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let server = accept(&first[0]);
        drop(server); // the side that closes first keeps TIME_WAIT
        drop(client);
        drop(first);
        open(&Listen { address, ..at("127.0.0.1:0") }, 2).unwrap();
    }

    #[test]
    fn connections_inherit_nodelay() {
        let sockets = open(&at("127.0.0.1:0"), 1).unwrap();
        let _client = TcpStream::connect(sockets[0].local_addr().unwrap()).unwrap();
        assert!(accept(&sockets[0]).nodelay().unwrap());
    }

    #[test]
    fn ipv6_leaves_ipv4_alone() {
        let Ok(six) = open(&at("[::]:0"), 1) else { return }; // a machine without IPv6
        let port = six[0].local_addr().unwrap().port();
        open(&at(&format!("0.0.0.0:{port}")), 1).unwrap();
    }

    #[test]
    fn a_foreign_address_says_so() {
        let text = open(&at("192.0.2.1:8000"), 1).unwrap_err().to_string();
        assert_eq!(
            text,
            "cannot listen on 192.0.2.1:8000: address not available; \
             no interface of this machine has this address; `ip address` lists them"
        );
    }

    #[test]
    fn a_low_port_says_what_to_do() {
        let error = ListenError {
            address: "0.0.0.0:80".parse().unwrap(),
            source: io::Error::from(io::ErrorKind::PermissionDenied),
        };
        let text = error.to_string();
        assert!(text.starts_with("cannot listen on 0.0.0.0:80: permission denied; ports below 1024 need"), "{text}");
    }

    fn accept(listener: &TcpListener) -> TcpStream {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            match listener.accept() {
                Ok((stream, _)) => return stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
