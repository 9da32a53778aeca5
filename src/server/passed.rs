//! Listening sockets that came into the process: which listener each of them is for. A supervisor such as systemd passes
//! them on (sd_listen_fds(3)), or the gateway whose place this one takes.
//!
//! Not here: how they come into the process (`cli/systemd.rs`, `handover.rs`).

use super::listen::{self, ListenError};
use crate::settings::Listen;
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// Who opened a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// A supervisor. It has the socket, too, and goes on listening whatever this process does.
    Supervisor,
    /// A gateway, for one of its workers (`SO_REUSEPORT`).
    Gateway,
}

/// A socket that was passed.
#[derive(Debug)]
pub struct Passed {
    opener: Opener,
    name: String,
    bound: Bound,
    socket: TcpListener,
}

/// The sockets of one listener.
#[derive(Debug)]
pub struct Sockets {
    /// One for each worker, or more: each must be accepted from, since clients wait in its own queue.
    pub for_workers: Vec<TcpListener>,
    /// Each socket once, for whoever takes this process's place.
    pub to_hand_on: Vec<Passed>,
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

/// For each listener the sockets that were passed for it; none means that they must be opened. A supervisor passes one,
/// a gateway as many as it had workers.
///
/// # Errors
/// A supervisor's socket that is for no listener, or for listeners that differ; two of them for the same.
pub fn assign<'a>(passed: &'a [Passed], listens: &[Listen]) -> Result<Vec<Vec<&'a Passed>>, PassedError> {
    let supervised: Vec<&Passed> = passed.iter().filter(|socket| socket.opener == Opener::Supervisor).collect();
    supervised.iter().try_for_each(|socket| has_a_use(socket, listens))?;
    let one = |listen| match the_one(&supervised, listen)? {
        Some(socket) => Ok(vec![socket]),
        None => Ok(inherited(passed, listen)),
    };
    listens.iter().map(one).collect()
}

/// What a gateway had for this very listener. What it had for others is closed: nobody asks for it any more.
pub fn inherited<'a>(passed: &'a [Passed], listen: &Listen) -> Vec<&'a Passed> {
    passed.iter().filter(|socket| socket.opener == Opener::Gateway && socket.bound.is_of(listen)).collect()
}

/// Whether a gateway that is still there holds the port: what it has there is no other program's.
pub fn holds_port(passed: &[Passed], listen: &Listen) -> bool {
    let port = listen.address.port();
    passed.iter().any(|socket| socket.opener == Opener::Gateway && socket.bound.address.port() == port)
}

fn has_a_use(socket: &Passed, listens: &[Listen]) -> Result<(), PassedError> {
    let mut served = listens.iter().filter(|listen| socket.bound.serves(listen));
    let first = served.next().ok_or_else(|| PassedError::Unasked(socket.to_string()))?;
    match served.find(|other| !alike(first, other)) {
        Some(other) => Err(PassedError::Ambiguous(socket.to_string(), first.address, other.address)),
        None => Ok(()),
    }
}

fn the_one<'a>(passed: &[&'a Passed], listen: &Listen) -> Result<Option<&'a Passed>, PassedError> {
    let mut fits = passed.iter().copied().filter(|socket| socket.bound.serves(listen));
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

/// The sockets of a listener for which none was passed.
///
/// # Errors
/// If the system refuses.
pub fn open(listen: &Listen, workers: usize) -> Result<Sockets, ListenError> {
    Sockets::of_workers(listen::open(listen, workers)?)
        .map_err(|source| ListenError { address: listen.address, source })
}

/// The sockets of a listener for which some were passed. A supervisor's is the same for all workers. Of a gateway's, each
/// is served on; workers beyond their number get further ones, where the port may be bound again, or share.
///
/// Sharing costs something against sockets of their own (`SO_REUSEPORT`): a connection wakes every idle worker though only
/// one gets it, and the kernel spreads connections less evenly, so that at low load one worker may get most of them.
///
/// # Errors
/// If the system refuses to copy a socket, or an option.
pub fn take_over(passed: &[&Passed], listen: &Listen, workers: usize) -> Result<Sockets, ListenError> {
    let fail = |source| ListenError { address: listen.address, source };
    let more = workers.saturating_sub(passed.len());
    let alone = passed.iter().all(|socket| socket.opener == Opener::Gateway);
    let fresh = if alone { listen::more(listen, more).unwrap_or_default() } else { Vec::new() };
    let shared = passed.iter().cycle().take(more - fresh.len());
    let copies = passed.iter().chain(shared).map(|passed| passed.socket.try_clone());
    let copies: Vec<_> = copies.collect::<io::Result<_>>().map_err(fail)?;
    passed.iter().try_for_each(|passed| prepare(&passed.socket, listen)).map_err(fail)?;
    let mut sockets = Sockets::of_workers(fresh).map_err(fail)?;
    sockets.for_workers.extend(copies);
    let again = passed.iter().map(|passed| passed.again()).collect::<io::Result<Vec<_>>>().map_err(fail)?;
    sockets.to_hand_on.extend(again);
    Ok(sockets)
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

// === impl Sockets ===

impl Sockets {
    fn of_workers(sockets: Vec<TcpListener>) -> io::Result<Self> {
        let again = sockets.iter().map(|socket| Passed::new(Opener::Gateway, "", socket.try_clone()?));
        Ok(Self { to_hand_on: again.collect::<io::Result<_>>()?, for_workers: sockets })
    }
}

// === impl Passed ===

impl Passed {
    /// Looks at a socket that came under this name (may be empty).
    ///
    /// # Errors
    /// If it does not listen, but is a connection (`Accept=yes`).
    pub fn new(opener: Opener, name: &str, socket: TcpListener) -> io::Result<Self> {
        let look = SockRef::from(&socket);
        if !look.is_listener()? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not listen (Accept= must be no)"));
        }
        let address = socket.local_addr()?;
        let dual_stack = address.is_ipv6() && address.ip().is_unspecified() && !look.only_v6()?;
        Ok(Self { opener, name: name.to_owned(), bound: Bound { address, dual_stack }, socket })
    }

    /// Who opened it.
    #[must_use]
    pub fn opener(&self) -> Opener {
        self.opener
    }

    /// The socket itself.
    #[must_use]
    pub fn socket(&self) -> &TcpListener {
        &self.socket
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self { opener: self.opener, name: self.name.clone(), bound: self.bound, socket: self.socket.try_clone()? })
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

    /// Whether it was opened for such a listener.
    fn is_of(self, listen: &Listen) -> bool {
        let dual_stack = listen.dual_stack && listen.address.ip().is_unspecified();
        self == Self { address: listen.address, dual_stack }
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
        let bound = Bound { address: address.parse().unwrap(), dual_stack };
        Passed { opener: Opener::Supervisor, name: "web.socket".to_owned(), bound, socket }
    }

    /// As if a gateway had it.
    fn had(address: &str) -> Passed {
        Passed { opener: Opener::Gateway, ..passed(address, false) }
    }

    fn taken(passed: &[Passed], listens: &[Listen]) -> Vec<Option<String>> {
        let all = assign(passed, listens).unwrap();
        all.into_iter().map(|sockets| Some(sockets.first()?.bound.address.to_string())).collect()
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
        let passed = Passed::new(Opener::Supervisor, "", socket).unwrap();
        assert_eq!(passed.to_string(), format!("{address} (without name)"));
        let listen = Listen { address, backlog: Some(7), ..at("127.0.0.1:0") };
        assert!(assign(&[], std::slice::from_ref(&listen)).unwrap()[0].is_empty());
        let sockets = take_over(&[&passed], &listen, 3).unwrap();
        assert_eq!((sockets.to_hand_on.len(), sockets.to_hand_on[0].opener), (1, Opener::Supervisor));
        let shared = sockets.for_workers;
        assert_eq!(shared.iter().filter(|s| s.local_addr().unwrap() == address).count(), 3);
        assert!(SockRef::from(&shared[2]).nonblocking().unwrap() && SockRef::from(&shared[2]).tcp_nodelay().unwrap());
    }

    #[test]
    fn its_families_are_seen() {
        let Ok(six) = Socket::new(Domain::IPV6, Type::STREAM, None) else { return }; // a machine without IPv6
        six.set_only_v6(false).unwrap();
        six.bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let new = |socket: Socket| Passed::new(Opener::Supervisor, "", socket.into());
        assert!(new(six.try_clone().unwrap()).is_err(), "it does not listen yet");
        six.listen(1).unwrap();
        assert!(new(six).unwrap().bound.dual_stack);
    }

    #[test]
    fn what_a_gateway_had_goes_to_the_very_same_listener_or_is_closed() {
        let sockets = [had("0.0.0.0:80"), had("0.0.0.0:80"), had("127.0.0.1:81")];
        let listens = [at("0.0.0.0:80"), at("[::]:80"), at("0.0.0.0:81")];
        let got: Vec<usize> = assign(&sockets, &listens).unwrap().iter().map(Vec::len).collect();
        assert_eq!(got, [2, 0, 0]);
        assert!(holds_port(&sockets, &at("0.0.0.0:81")) && !holds_port(&sockets, &at("0.0.0.0:82")));
        let both = Listen { dual_stack: true, ..at("[::]:80") };
        assert!(inherited(&[had("[::]:80")], &both).is_empty(), "it would refuse IPv4");
    }

    #[test]
    fn any_number_of_workers_serves_every_socket_that_a_gateway_had() {
        let first = open(&at("127.0.0.1:0"), 3).unwrap();
        let had: Vec<&Passed> = first.to_hand_on.iter().collect();
        let listen = Listen { address: had[0].bound.address, ..at("127.0.0.1:0") };
        for (workers, served, handed_on) in [(1, 3, 3), (3, 3, 3), (5, 5, 5)] {
            let sockets = take_over(&had, &listen, workers).unwrap();
            assert_eq!((sockets.for_workers.len(), sockets.to_hand_on.len()), (served, handed_on), "{workers}");
            assert!(sockets.for_workers.iter().all(|socket| socket.local_addr().unwrap() == listen.address));
        }
    }
}
