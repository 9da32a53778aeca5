//! Listening sockets that a supervisor such as systemd opened and passed on (sd_listen_fds(3)): which listener each of
//! them is for.
//!
//! Not here: how they come into the process (`cli/systemd.rs`).

use super::listen::{self, ListenError};
use crate::settings::Listen;
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// A socket that was passed.
#[derive(Debug)]
pub struct Passed {
    name: String,
    bound: Bound,
    socket: TcpListener,
}

/// What a socket listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    address: SocketAddr,
    /// An IPv6 wildcard that takes IPv4 clients as well.
    dual_stack: bool,
}

/// A socket that cannot be used as the settings want it.
#[derive(Debug, PartialEq, Eq)]
pub enum PassedError {
    /// No listener asks for it. If it were closed, its clients would wait for ever: the supervisor still listens there.
    Unasked(String),
    /// It would serve two listeners that differ.
    Ambiguous(String, SocketAddr, SocketAddr),
    /// Two of them for one listener.
    Twice(String, String),
}

/// For each listener the socket that was passed for it; `None` means that it must be opened.
///
/// # Errors
/// A socket that is for no listener, or for listeners that differ; two for the same.
pub fn assign<'a>(passed: &'a [Passed], listens: &[Listen]) -> Result<Vec<Option<&'a Passed>>, PassedError> {
    passed.iter().try_for_each(|socket| has_a_use(socket, listens))?;
    listens.iter().map(|listen| the_one(passed, listen)).collect()
}

fn has_a_use(socket: &Passed, listens: &[Listen]) -> Result<(), PassedError> {
    let mut served = listens.iter().filter(|listen| socket.bound.serves(listen));
    let first = served.next().ok_or_else(|| PassedError::Unasked(socket.to_string()))?;
    match served.find(|other| !alike(first, other)) {
        Some(other) => Err(PassedError::Ambiguous(socket.to_string(), first.address, other.address)),
        None => Ok(()),
    }
}

fn the_one<'a>(passed: &'a [Passed], listen: &Listen) -> Result<Option<&'a Passed>, PassedError> {
    let mut fits = passed.iter().filter(|socket| socket.bound.serves(listen));
    match (fits.next(), fits.next()) {
        (Some(one), Some(other)) => Err(PassedError::Twice(one.to_string(), other.to_string())),
        (found, _) => Ok(found),
    }
}

/// Whether clients see no difference but the address.
fn alike(a: &Listen, b: &Listen) -> bool {
    let (address, dual_stack) = (b.address, b.dual_stack);
    Listen { address, dual_stack, ..a.clone() } == *b
}

/// A listener's socket once per worker: the same for all of them.
///
/// Against sockets of their own (`SO_REUSEPORT`) that costs something: a connection wakes every idle worker though only
/// one gets it, and the kernel spreads connections less evenly, so that at low load one worker may get most of them.
///
/// # Errors
/// If the system refuses to copy the socket, or an option.
pub fn share(passed: &Passed, listen: &Listen, workers: usize) -> Result<Vec<TcpListener>, ListenError> {
    let fail = |source| ListenError { address: listen.address, source };
    prepare(&passed.socket, listen).map_err(fail)?;
    (0..workers).map(|_| passed.socket.try_clone()).collect::<io::Result<_>>().map_err(fail)
}

/// What our own sockets have. The queue's length is the supervisor's, unless one was written.
fn prepare(socket: &TcpListener, listen: &Listen) -> io::Result<()> {
    let socket = SockRef::from(socket);
    listen::set_options(&socket, listen)?;
    match listen.backlog {
        Some(backlog) => socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX)),
        None => Ok(()),
    }
}

// === impl Passed ===

impl Passed {
    /// Looks at a socket that came under this name (may be empty).
    ///
    /// # Errors
    /// If it does not listen, but is a connection (`Accept=yes`).
    pub fn new(name: &str, socket: TcpListener) -> io::Result<Self> {
        let look = SockRef::from(&socket);
        if !look.is_listener()? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not listen (Accept= must be no)"));
        }
        let address = socket.local_addr()?;
        let dual_stack = address.is_ipv6() && address.ip().is_unspecified() && !look.only_v6()?;
        Ok(Self { name: name.to_owned(), bound: Bound { address, dual_stack }, socket })
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = match (self.bound.dual_stack, self.bound.address.ip().is_unspecified()) {
            (true, _) => ", IPv4 and IPv6",
            (false, true) if self.bound.address.is_ipv6() => ", IPv6 only",
            _ => "",
        };
        let name = if self.name.is_empty() { "without name" } else { &self.name };
        write!(f, "{} ({name}{families})", self.bound.address)
    }
}

// === impl Bound ===

impl Bound {
    /// Whether clients of this listener arrive here: it has the same address, and takes IPv4 where that is wanted.
    fn serves(self, listen: &Listen) -> bool {
        let (own, wanted) = (self.address, listen.address);
        if own.port() != wanted.port() {
            return false;
        }
        let same = own.ip().to_canonical() == wanted.ip().to_canonical() && (self.dual_stack || !listen.dual_stack);
        same || (self.dual_stack && wanted.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

// === impl PassedError ===

impl fmt::Display for PassedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked(socket) => write!(
                f,
                "the supervisor passed a socket on {socket}, which proxy_listen does not ask for: add the address \
                 there, or take it out of the socket unit"
            ),
            Self::Ambiguous(socket, a, b) => write!(
                f,
                "the supervisor passed a socket on {socket} for both {a} and {b}, whose flags differ: pass one for each \
                 (BindIPv6Only=ipv6-only)"
            ),
            Self::Twice(one, other) => {
                write!(f, "the supervisor passed two sockets for one listener: {one} and {other}")
            }
        }
    }
}

impl std::error::Error for PassedError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use socket2::{Domain, Socket, Type};

    fn at(address: &str) -> Listen {
        Listen::plain(address.parse().unwrap())
    }

    /// As if bound there; the socket itself is another.
    fn passed(address: &str, dual_stack: bool) -> Passed {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        Passed { name: "web.socket".to_owned(), bound: Bound { address: address.parse().unwrap(), dual_stack }, socket }
    }

    fn taken(passed: &[Passed], listens: &[Listen]) -> Vec<Option<String>> {
        let all = assign(passed, listens).unwrap();
        all.into_iter().map(|socket| Some(socket?.bound.address.to_string())).collect()
    }

    #[test]
    fn a_listener_gets_the_socket_of_its_address() {
        let sockets = [passed("0.0.0.0:443", false), passed("127.0.0.1:80", false), passed("[::]:443", false)];
        let listens = [at("127.0.0.1:80"), at("[::]:443"), at("0.0.0.0:443"), at("127.0.0.1:81")];
        let got = taken(&sockets, &listens);
        let want = [Some("127.0.0.1:80"), Some("[::]:443"), Some("0.0.0.0:443"), None];
        assert_eq!(got, want.map(|a| a.map(str::to_owned)));
    }

    #[test]
    fn one_socket_may_take_both_families() {
        let both = [passed("[::]:443", true)];
        let want = Some("[::]:443".to_owned());
        assert_eq!(taken(&both, &[at("0.0.0.0:443"), at("[::]:443")]), [want.clone(), want.clone()]);
        assert_eq!(taken(&both, &[at("0.0.0.0:443")])[0], want);
        assert_eq!(taken(&both, &[Listen { dual_stack: true, ..at("[::]:443") }]), [want]);
    }

    #[test]
    fn what_nobody_asks_for_is_refused() {
        for listen in ["0.0.0.0:81", "127.0.0.1:80", "[::]:80"] {
            let error = assign(&[passed("0.0.0.0:80", false)], &[at(listen)]).unwrap_err().to_string();
            let start =
                "the supervisor passed a socket on 0.0.0.0:80 (web.socket), which proxy_listen does not ask for:";
            assert!(error.starts_with(start), "{error}");
        }
        let wanted = Listen { dual_stack: true, ..at("[::]:80") };
        let error = assign(&[passed("[::]:80", false)], &[wanted]).unwrap_err().to_string();
        assert!(error.contains("[::]:80 (web.socket, IPv6 only), which"), "{error}");
    }

    #[test]
    fn what_is_unclear_is_refused() {
        let listens = [Listen { ssl: true, ..at("[::]:443") }, at("0.0.0.0:443")];
        let error = assign(&[passed("[::]:443", true)], &listens).unwrap_err().to_string();
        let want = "[::]:443 (web.socket, IPv4 and IPv6) for both [::]:443 and 0.0.0.0:443, whose flags differ";
        assert!(error.contains(want), "{error}");
        let twice = [passed("0.0.0.0:80", false), passed("0.0.0.0:80", false)];
        assert!(matches!(assign(&twice, &[at("0.0.0.0:80")]), Err(PassedError::Twice(..))));
    }

    #[test]
    fn workers_share_it_and_it_has_our_options() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let passed = Passed::new("", socket).unwrap();
        assert_eq!(passed.to_string(), format!("{address} (without name)"));
        let listen = Listen { address, backlog: Some(7), ..at("127.0.0.1:0") };
        assert!(assign(&[], std::slice::from_ref(&listen)).unwrap()[0].is_none());
        let shared = share(&passed, &listen, 3).unwrap();
        assert_eq!(shared.iter().filter(|s| s.local_addr().unwrap() == address).count(), 3);
        assert!(SockRef::from(&shared[2]).nonblocking().unwrap() && SockRef::from(&shared[2]).tcp_nodelay().unwrap());
    }

    #[test]
    fn its_families_are_seen() {
        let Ok(six) = Socket::new(Domain::IPV6, Type::STREAM, None) else { return }; // a machine without IPv6
        six.set_only_v6(false).unwrap();
        six.bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        assert!(Passed::new("", six.try_clone().unwrap().into()).is_err(), "it does not listen yet");
        six.listen(1).unwrap();
        assert!(Passed::new("", six.into()).unwrap().bound.dual_stack);
    }
}
