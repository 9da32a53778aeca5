//! Names to addresses, cached per worker. `kong/proxying.md` §8 has Kong's own cache.
//!
//! Not here: choosing among the addresses (`balance.rs`), and connecting.
//!
//! An address is believed for `dns_max_ttl`, whatever its record says (the system's resolver does not tell). In the
//! last fifth of that time a request that uses it also starts a look-up in the background, so busy names never wait.
//! Afterwards a request waits for a fresh answer, but only [`PATIENCE`] if old addresses are there: these serve on for
//! [`Limits::stale`] when name servers are slow or fail.

use crate::settings::Settings;
use foldhash::HashMap;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How long a request waits for a fresh answer while there is an old one.
pub const PATIENCE: Duration = Duration::from_millis(250);

/// How long a failure is believed (`dns_error_ttl`), and the least age at which an answer can be distrusted.
pub const FAILURE: Duration = Duration::from_secs(1);

/// Fixed addresses for a name (lower case) with a port, as `curl --resolve` has them.
pub type Overrides = std::collections::HashMap<(Box<str>, u16), SocketAddr>;

/// Finds all addresses of a name.
pub type Lookup = Box<dyn Fn(Box<str>) -> LocalBoxFuture<'static, io::Result<Vec<IpAddr>>>>;

/// One worker's resolver; a clone is the same one. It must be used within a `LocalSet` or `LocalRuntime`.
#[derive(Clone, Debug)]
pub struct Resolver(Rc<Inner>);

/// Where a name is: at least one address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Addresses {
    all: Rc<[SocketAddr]>,
    preferred: usize,
}

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `dns_max_ttl`.
    pub ttl: Duration,
    /// `dns_stale_ttl`: how long old addresses serve, beyond their time, when no fresh ones can be had.
    pub stale: Duration,
    /// `dns_timeout`.
    pub timeout: Duration,
}

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsError {
    /// The system's resolver failed or knows no address; its words.
    Failed(Rc<str>),
    /// There was no answer within `dns_timeout`.
    Timeout,
}

/// The changes that some worker told already, so that each is told once per process.
#[derive(Debug, Default)]
pub struct Told(Mutex<HashMap<Box<str>, Vec<IpAddr>>>);

struct Inner {
    fixed: HashMap<Box<str>, Vec<(u16, Addresses)>>,
    limits: Limits,
    lookup: Lookup,
    told: Arc<Told>,
    names: RefCell<HashMap<Box<str>, Entry>>,
}

/// What is known of a name. Names come from the configuration, so they are few.
#[derive(Debug, Default)]
struct Entry {
    found: Option<Found>,
    /// The last look-up, if it failed.
    failed: Option<(Instant, DnsError)>,
    /// The look-up under way: since when, and a channel that closes at its end.
    running: Option<(Instant, watch::Receiver<()>)>,
    distrusted: bool,
}

#[derive(Debug)]
struct Found {
    at: Instant,
    /// Sorted, IPv4 first.
    addresses: Vec<IpAddr>,
    by_port: Vec<(u16, Addresses)>,
}

/// What to do about a request for a name.
enum Verdict {
    Serve(Addresses),
    Refuse(DnsError),
    Wait(Wait),
}

struct Wait {
    end: watch::Receiver<()>,
    until: Instant,
    old: Option<Addresses>,
}

/// The look-up of the system (`getaddrinfo`: hosts file, search domains and all), on a thread that may block.
#[must_use]
pub fn system() -> Lookup {
    Box::new(|name| {
        async move { Ok(tokio::net::lookup_host((&*name, 0)).await?.map(|address| address.ip()).collect()) }
            .boxed_local()
    })
}

// === impl Limits ===

impl Limits {
    /// As settings name them.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let Settings { dns_max_ttl: ttl, dns_stale_ttl: stale, dns_timeout: timeout, .. } = *settings;
        Self { ttl, stale, timeout }
    }
}

// === impl Resolver ===

impl Resolver {
    /// A resolver that knows nothing yet but the fixed addresses.
    #[must_use]
    pub fn new(fixed: &Overrides, limits: Limits, told: Arc<Told>, lookup: Lookup) -> Self {
        let mut by_name: HashMap<Box<str>, Vec<(u16, Addresses)>> = HashMap::default();
        for ((name, port), address) in fixed {
            by_name.entry(name.clone()).or_default().push((*port, Addresses::from(*address)));
        }
        Self(Rc::new(Inner { fixed: by_name, limits, lookup, told, names: RefCell::default() }))
    }

    /// The addresses of a name in lower case. Does not allocate while they are fresh.
    ///
    /// # Errors
    /// If there are none, or not in time. A failure is told again at once for [`FAILURE`], then asked anew.
    pub async fn resolve(&self, name: &str, port: u16) -> Result<Addresses, DnsError> {
        if let Some(fixed) = self.0.fixed(name, port) {
            return Ok(fixed);
        }
        match self.judge(name, port, Instant::now()) {
            Verdict::Serve(addresses) => Ok(addresses),
            Verdict::Refuse(error) => Err(error),
            Verdict::Wait(wait) => self.wait(name, port, wait).await,
        }
    }

    /// Says that a connection to one of the name's addresses failed: the next request, or the next try of this one, gets
    /// a fresh answer. An answer younger than [`FAILURE`] stands, so that an upstream that is down does not make a
    /// look-up per request.
    pub fn distrust(&self, name: &str) {
        let now = Instant::now();
        let mut names = self.0.names.borrow_mut();
        let Some(entry) = names.get_mut(name) else { return };
        if entry.found.as_ref().is_some_and(|found| now - found.at >= FAILURE) {
            entry.distrusted = true;
            self.look_up(name, entry, now);
        }
    }

    /// Forgets names that are not to be kept. One that somebody may be waiting for stays.
    pub fn keep(&self, wanted: impl Fn(&str) -> bool) {
        self.0.names.borrow_mut().retain(|name, entry| wanted(name) || entry.running.is_some());
    }

    fn judge(&self, name: &str, port: u16, now: Instant) -> Verdict {
        let mut names = self.0.names.borrow_mut();
        if !names.contains_key(name) {
            names.insert(name.into(), Entry::default());
        }
        let Some(entry) = names.get_mut(name) else { return Verdict::Refuse(DnsError::Timeout) };
        let Limits { ttl, stale, timeout } = self.0.limits;
        let age = entry.age(now);
        if !entry.distrusted && age.is_some_and(|age| age < ttl) {
            if age.is_some_and(|age| age >= ttl / 5 * 4) {
                self.look_up(name, entry, now);
            }
            return entry.serve(port);
        }
        let old = if age.is_some_and(|age| age < ttl.saturating_add(stale)) { entry.view(port) } else { None };
        let Some((since, end)) = self.look_up(name, entry, now) else { return entry.settle(old) };
        let until = since + if old.is_some() { PATIENCE.min(timeout) } else { timeout };
        match (until <= now, old) {
            (true, Some(old)) => Verdict::Serve(old),
            (true, None) => Verdict::Refuse(DnsError::Timeout),
            (false, old) => Verdict::Wait(Wait { end, until, old }),
        }
    }

    /// Starts a look-up unless one runs: since when it runs, and its end. `None` if the last one failed just now. One
    /// that takes longer than anybody waits is not repeated, for each holds a thread.
    fn look_up(&self, name: &str, entry: &mut Entry, now: Instant) -> Option<(Instant, watch::Receiver<()>)> {
        if entry.failing(now) {
            return None;
        }
        if entry.running.as_ref().is_none_or(|(_, end)| end.has_changed().is_err()) {
            let (mark, end) = watch::channel(());
            entry.running = Some((now, end));
            let (resolver, name) = (self.clone(), Box::<str>::from(name));
            tokio::task::spawn_local(async move {
                let answer = (resolver.0.lookup)(name.clone()).await;
                resolver.0.note(&name, answer, Instant::now());
                drop(mark);
            });
        }
        entry.running.clone()
    }

    async fn wait(&self, name: &str, port: u16, mut wait: Wait) -> Result<Addresses, DnsError> {
        if timeout_at(wait.until, wait.end.changed()).await.is_err() {
            return wait.old.ok_or(DnsError::Timeout);
        }
        let mut names = self.0.names.borrow_mut();
        let Some(entry) = names.get_mut(name) else { return Err(DnsError::Timeout) };
        match &entry.failed {
            Some((_, error)) => wait.old.ok_or_else(|| error.clone()),
            None => entry.view(port).ok_or(DnsError::Timeout),
        }
    }
}

// === impl Inner ===

impl Inner {
    fn fixed(&self, name: &str, port: u16) -> Option<Addresses> {
        if self.fixed.is_empty() {
            return None;
        }
        self.fixed.get(name)?.iter().find(|(of, _)| *of == port).map(|(_, addresses)| addresses.clone())
    }

    /// Takes an answer in.
    fn note(&self, name: &str, answer: io::Result<Vec<IpAddr>>, now: Instant) {
        let answer = answer.map_err(|error| error.to_string()).map(sorted);
        let answer = answer.and_then(|found| if found.is_empty() { Err("no address".to_owned()) } else { Ok(found) });
        let mut names = self.names.borrow_mut();
        let Some(entry) = names.get_mut(name) else { return };
        entry.running = None;
        match answer {
            Err(reason) => entry.failed = Some((now, DnsError::Failed(reason.into()))),
            Ok(addresses) => {
                if let Some(old) = entry.found.as_ref().filter(|found| found.addresses != addresses) {
                    self.told.tell(name, &old.addresses, &addresses);
                }
                entry.renew(addresses, now);
            }
        }
    }
}

/// IPv4 first, and each once. Name servers turn their records from answer to answer; sorted, equal answers are equal.
fn sorted(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("limits", &self.limits).field("names", &self.names).finish_non_exhaustive()
    }
}

// === impl Entry ===

impl Entry {
    fn age(&self, now: Instant) -> Option<Duration> {
        self.found.as_ref().map(|found| now - found.at)
    }

    fn failing(&self, now: Instant) -> bool {
        self.failed.as_ref().is_some_and(|(at, _)| now - *at < FAILURE)
    }

    fn view(&mut self, port: u16) -> Option<Addresses> {
        self.found.as_mut().map(|found| found.at_port(port))
    }

    fn serve(&mut self, port: u16) -> Verdict {
        self.view(port).map_or(Verdict::Refuse(DnsError::Timeout), Verdict::Serve)
    }

    /// After a look-up that failed.
    fn settle(&self, old: Option<Addresses>) -> Verdict {
        let error = self.failed.as_ref().map_or(DnsError::Timeout, |(_, error)| error.clone());
        old.map_or(Verdict::Refuse(error), Verdict::Serve)
    }

    /// Equal addresses stay the same allocation: who keeps them sees at once that nothing changed.
    fn renew(&mut self, addresses: Vec<IpAddr>, now: Instant) {
        (self.failed, self.distrusted) = (None, false);
        match &mut self.found {
            Some(found) if found.addresses == addresses => found.at = now,
            found => *found = Some(Found { at: now, addresses, by_port: Vec::new() }),
        }
    }
}

impl Found {
    fn at_port(&mut self, port: u16) -> Addresses {
        if let Some((_, addresses)) = self.by_port.iter().find(|(of, _)| *of == port) {
            return addresses.clone();
        }
        let addresses = Addresses::new(&self.addresses, port);
        self.by_port.push((port, addresses.clone()));
        addresses
    }
}

// === impl Addresses ===

impl Addresses {
    /// `sorted` has IPv4 first.
    fn new(sorted: &[IpAddr], port: u16) -> Self {
        let all: Rc<[SocketAddr]> = sorted.iter().map(|address| SocketAddr::new(*address, port)).collect();
        let four = all.iter().filter(|address| address.is_ipv4()).count();
        Self { preferred: if four == 0 { all.len() } else { four }, all }
    }

    /// All of them, the preferred ones first.
    #[must_use]
    pub fn all(&self) -> &[SocketAddr] {
        &self.all
    }

    /// Those to share requests: the IPv4 ones if there are any, for Kong asks for no others. The rest are for when none
    /// of these answers (`localhost` is often listened on by one family only).
    #[must_use]
    pub fn preferred(&self) -> &[SocketAddr] {
        &self.all[..self.preferred]
    }

    /// Whether this is the very same answer.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.all, &other.all)
    }
}

impl From<SocketAddr> for Addresses {
    fn from(address: SocketAddr) -> Self {
        Self { all: Rc::new([address]), preferred: 1 }
    }
}

// === impl Told ===

impl Told {
    fn tell(&self, name: &str, old: &[IpAddr], new: &[IpAddr]) {
        if self.is_news(name, new) {
            tracing::info!("address of `{name}` changed from {} to {}", list(old), list(new));
        }
    }

    fn is_news(&self, name: &str, new: &[IpAddr]) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.insert(name.into(), new.to_vec());
        before.is_none_or(|before| before != new)
    }
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

// === impl DnsError ===

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::Timeout => f.write_str("the name servers do not answer in time"),
        }
    }
}

impl std::error::Error for DnsError {}

#[cfg(test)]
#[path = "dns_tests.rs"]
pub(crate) mod tests;
