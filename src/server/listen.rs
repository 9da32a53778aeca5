//! Listening sockets: one per worker and address, so that the kernel spreads connections and workers share nothing.
//!
//! Not here: sockets that a supervisor opened (`passed.rs`), accepting, TLS, and what is served.

use crate::settings::{Keepalive, Listen};
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Length of the accept queue where none was written (Kong's own default). The kernel caps it at `net.core.somaxconn`.
pub const BACKLOG: u32 = 16_384;

/// Linux's number, on every architecture that Rust runs on but MIPS and SPARC.
const EAFNOSUPPORT: i32 = 97;

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
/// Connections that they accept have `TCP_NODELAY` and the keepalive set already: the kernel hands both down from the
/// listening socket.
///
/// # Errors
/// If the system refuses. Whether another process listens there, [`claim`] tells.
pub fn open(listen: &Listen, workers: usize) -> Result<Vec<TcpListener>, ListenError> {
    let fail = |source| ListenError { address: listen.address, source };
    let backlog = backlog(listen);
    let first = bind(listen, listen.address, backlog).map_err(fail)?;
    let address = first.local_addr().map_err(fail)?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(bind(listen, address, backlog).map_err(fail)?);
    }
    Ok(sockets)
}

/// Further sockets beside those that there are already on this address.
///
/// # Errors
/// If the system refuses, such as a process that may not bind low ports (any more).
pub fn more(listen: &Listen, count: usize) -> io::Result<Vec<TcpListener>> {
    (0..count).map(|_| bind(listen, listen.address, backlog(listen))).collect()
}

/// Fails if another process listens on the address. `SO_REUSEPORT` alone would let two gateways of one user share a port
/// silently, each getting a part of the connections; so every address is bound once without it, before the first is
/// opened: `127.0.0.1:80` beside `0.0.0.0:80` is no clash with ourselves. Port 0 is always free.
///
/// # Errors
/// If the system refuses.
pub fn claim(listen: &Listen) -> Result<(), ListenError> {
    let bind = || socket(listen)?.bind(&SockAddr::from(listen.address));
    if listen.address.port() == 0 {
        return Ok(());
    }
    bind().map_err(|source| ListenError { address: listen.address, source })
}

fn backlog(listen: &Listen) -> i32 {
    i32::try_from(listen.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX)
}

fn bind(listen: &Listen, address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = socket(listen)?;
    socket.set_reuse_port(true)?;
    set_options(&socket, listen)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// `SO_REUSEADDR`: connections of a process that just ended linger, and must not keep its successor from starting.
/// `IPV6_V6ONLY`: `[::]:80` and `0.0.0.0:80` are two listeners, as for nginx.
fn socket(listen: &Listen) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(listen.address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if listen.address.is_ipv6() {
        socket.set_only_v6(!listen.dual_stack)?;
    }
    Ok(socket)
}

/// What holds for every listening socket, whoever opened it.
pub(super) fn set_options(socket: &Socket, listen: &Listen) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    listen.keepalive.map_or(Ok(()), |keepalive| socket.set_tcp_keepalive(&kernel_form(keepalive)))
}

fn kernel_form(keepalive: Keepalive) -> TcpKeepalive {
    let mut form = TcpKeepalive::new();
    if let Some(idle) = keepalive.idle {
        form = form.with_time(idle);
    }
    if let Some(interval) = keepalive.interval {
        form = form.with_interval(interval);
    }
    if let Some(count) = keepalive.count {
        form = form.with_retries(count);
    }
    form
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
                 a systemd socket unit, or a lower sysctl net.ipv4.ip_unprivileged_port_start; or choose a port above {}",
                port.max(1023)
            )),
            io::ErrorKind::AddrInUse => {
                Some(format!("another process listens there; `ss -ltnp 'sport = :{port}'` shows which"))
            }
            io::ErrorKind::AddrNotAvailable => {
                Some("no interface of this machine has this address; `ip address` lists them".to_owned())
            }
            _ if self.lacks_ipv6() => Some("leave the address out, or switch it on".to_owned()),
            _ => None,
        }
    }

    /// `EAFNOSUPPORT`: the kernel, or a sandbox, has no such family.
    fn lacks_ipv6(&self) -> bool {
        self.address.is_ipv6() && self.source.raw_os_error() == Some(EAFNOSUPPORT)
    }

    /// The system's word, in ours where it is one of the usual.
    fn reason(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::AddrInUse => "address already in use".to_owned(),
            io::ErrorKind::AddrNotAvailable => "address not available".to_owned(),
            _ if self.lacks_ipv6() => "IPv6 is not available here".to_owned(),
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
        let error = claim(&listen).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot listen on {}: address already in use; another", listen.address)));
        drop(first);
        claim(&listen).expect("free again once the first has gone");
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
        claim(&Listen { address, ..at("127.0.0.1:0") }).unwrap();
    }

    #[test]
    fn connections_inherit_nodelay() {
        let sockets = open(&at("127.0.0.1:0"), 1).unwrap();
        let _client = TcpStream::connect(sockets[0].local_addr().unwrap()).unwrap();
        assert!(accept(&sockets[0]).nodelay().unwrap());
    }

    #[test]
    fn connections_inherit_keepalive() {
        let keepalive = Keepalive { idle: Some(Duration::from_secs(77)), interval: None, count: Some(3) };
        for (keepalive, on) in [(None, false), (Some(Keepalive::default()), true), (Some(keepalive), true)] {
            let sockets = open(&Listen { keepalive, ..at("127.0.0.1:0") }, 1).unwrap();
            let _client = TcpStream::connect(sockets[0].local_addr().unwrap()).unwrap();
            let served = Socket::from(accept(&sockets[0]));
            assert_eq!(served.keepalive().unwrap(), on);
            if let Some(Keepalive { idle: Some(idle), count: Some(count), .. }) = keepalive {
                assert_eq!(
                    (served.tcp_keepalive_time().unwrap(), served.tcp_keepalive_retries().unwrap()),
                    (idle, count)
                );
            }
        }
    }

    #[test]
    fn ipv6_leaves_ipv4_alone_unless_told() {
        let Ok(six) = open(&at("[::]:0"), 1) else { return }; // a machine without IPv6
        let port = six[0].local_addr().unwrap().port();
        claim(&at(&format!("0.0.0.0:{port}"))).unwrap();
        let both = open(&Listen { dual_stack: true, ..at("[::]:0") }, 1).unwrap();
        let port = both[0].local_addr().unwrap().port();
        assert_eq!(claim(&at(&format!("0.0.0.0:{port}"))).unwrap_err().source.kind(), io::ErrorKind::AddrInUse);
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        accept(&both[0]);
    }

    #[test]
    fn a_machine_without_ipv6_says_so() {
        // EAFNOSUPPORT: the kernel has none. EADDRNOTAVAIL: it has, but no address.
        let none = |errno| {
            let source = io::Error::from_raw_os_error(errno);
            ListenError { address: "[::1]:443".parse().unwrap(), source }.to_string()
        };
        assert_eq!(
            none(97),
            "cannot listen on [::1]:443: IPv6 is not available here; leave the address out, or switch it on"
        );
        assert!(none(99).ends_with("; no interface of this machine has this address; `ip address` lists them"));
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
