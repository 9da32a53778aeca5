//! Whom a request may ask: the service's one address, the addresses of its name, or the targets of its upstream.

use super::balance::{Ask, Balancer, Balancers, Rotation, Seat};
use super::dns::{Limits, Resolver, Told, system};
use crate::health::standing::Outcome;
use crate::settings::Settings;
use crate::snapshot::{Host, Service, Snapshot, Target, Upstream};
use futures_util::future::join_all;
use http::{HeaderValue, StatusCode};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Where upstreams are and whose turn it is, as one worker sees it.
#[derive(Debug)]
pub struct Directory {
    resolver: Resolver,
    balancers: RefCell<Balancers>,
    rotations: RefCell<HashMap<Box<str>, Rotation, foldhash::fast::RandomState>>,
    start: u64,
    lots: Lots,
}

/// Random numbers that need not be secret (xorshift, by Marsaglia).
#[derive(Debug)]
struct Lots(Cell<u64>);

/// Whose turn it is at each upstream of one snapshot, by [`UpstreamId`](crate::entity::UpstreamId). It belongs to the
/// snapshot: the next one has other numbers.
pub type Turns = Vec<Rc<RefCell<Balancer>>>;

/// Someone to ask.
#[derive(Debug)]
pub struct Peer {
    /// Where.
    pub address: SocketAddr,
    /// The Host it gets, unless the client's or a plugin's goes on.
    pub host: HeaderValue,
    /// Who it is among an upstream's targets.
    seat: Option<Rc<Seat>>,
    /// That it is asked, where this is counted.
    hold: Option<Hold>,
}

/// A request at a target, until its answer is over.
#[derive(Debug)]
pub struct Hold {
    seat: Rc<Seat>,
    /// Since when, where the time that answers take matters; `None` until there is one.
    since: Option<Instant>,
    answered: bool,
}

/// The peers of one request, in the order of their turn; those that failed it come last.
#[derive(Debug)]
pub struct Peers<'a> {
    directory: &'a Directory,
    snapshot: &'a Snapshot,
    turns: &'a Turns,
    service: &'a Service,
    hash: u32,
    tried: Vec<SocketAddr>,
    /// Who failed last.
    last: Option<Rc<Seat>>,
}

/// Why there is nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPeer {
    /// The service's name has no address.
    Unresolved,
    /// The upstream has no target that may be asked: with a weight, an address and its health.
    Empty,
}

// === impl Directory ===

impl Directory {
    /// One worker's view. `start` is where turns begin; `told` is shared by all workers.
    #[must_use]
    pub fn new(settings: &Settings, told: Arc<Told>, start: u64) -> Self {
        Self {
            resolver: Resolver::new(&settings.resolve, Limits::of(settings), told, system()),
            balancers: RefCell::default(),
            rotations: RefCell::default(),
            start,
            lots: Lots(Cell::new(RandomState::new().hash_one(start) | 1)),
        }
    }

    /// Takes up a snapshot's upstreams. Those that did not change keep their place in the turn; names that are not used
    /// any more are forgotten.
    pub fn adopt(&self, snapshot: &Snapshot) -> Turns {
        self.resolver.keep(|name| snapshot.names.contains(name));
        self.rotations.borrow_mut().retain(|name, _| snapshot.names.contains(name));
        self.balancers.borrow_mut().adopt(&snapshot.upstreams, self.start)
    }

    /// The peers of a request to a service. `hash` is that of what decides about it, where it matters.
    #[must_use]
    pub fn peers<'a>(&'a self, snapshot: &'a Snapshot, turns: &'a Turns, service: &'a Service, hash: u32) -> Peers<'a> {
        Peers { directory: self, snapshot, turns, service, hash, tried: Vec::new(), last: None }
    }

    async fn by_name(&self, name: &str, port: u16, tried: &[SocketAddr]) -> Result<SocketAddr, NoPeer> {
        let found = self.resolver.resolve(name, port).await;
        let addresses = found.map_err(|error| {
            tracing::warn!(name, %error, "the name does not resolve");
            NoPeer::Unresolved
        })?;
        let mut rotations = self.rotations.borrow_mut();
        if let Some(rotation) = rotations.get_mut(name) {
            return Ok(rotation.pick(&addresses, tried));
        }
        let start = usize::try_from(self.start).unwrap_or_default();
        Ok(rotations.entry(name.into()).or_insert(Rotation::new(start)).pick(&addresses, tried))
    }

    /// Names are looked up side by side, so that several that do not resolve cost one time limit, not one each.
    async fn learn(&self, turn: &RefCell<Balancer>, upstream: &Upstream) {
        let learn = |(at, target): (usize, &'_ Target)| {
            let name = name_of(target).map(ToOwned::to_owned);
            let port = target.port;
            async move {
                let Some(name) = name else { return };
                match self.resolver.resolve(&name, port).await {
                    Ok(addresses) => turn.borrow_mut().learn(at, &addresses),
                    Err(_) => turn.borrow_mut().forget(at),
                }
            }
        };
        join_all(upstream.targets.iter().enumerate().map(learn)).await;
    }
}

/// The name to look up, if it is one.
fn name_of(target: &Target) -> Option<&str> {
    match &target.host {
        Host::Name(name) => Some(name),
        Host::Address(_) | Host::Upstream(_) => None,
    }
}

// === impl Peers ===

impl Peers<'_> {
    /// The next to ask.
    ///
    /// # Errors
    /// When there is nobody.
    pub async fn next(&self) -> Result<Peer, NoPeer> {
        let (service, directory) = (self.service, self.directory);
        let own = |address| Peer { address, host: service.authority.clone(), seat: None, hold: None };
        match &service.host {
            Host::Address(ip) => Ok(own(SocketAddr::new(*ip, service.port))),
            Host::Name(name) => directory.by_name(name, service.port, &self.tried).await.map(own),
            Host::Upstream(id) => {
                let upstream = self.snapshot.upstream(*id);
                let turn = self.turns.get(id.index()).ok_or(NoPeer::Empty)?;
                if upstream.targets.iter().any(|target| name_of(target).is_some()) {
                    Box::pin(directory.learn(turn, upstream)).await;
                }
                self.by_turn(&mut turn.borrow_mut(), upstream).ok_or(NoPeer::Empty)
            }
        }
    }

    fn by_turn(&self, turn: &mut Balancer, upstream: &Upstream) -> Option<Peer> {
        let now = turn.is_timed().then(Instant::now);
        let ask = Ask { tried: &self.tried, hash: self.hash, lot: self.directory.lots.draw(), now };
        let seat = turn.pick(&ask)?;
        let hold = turn.counts().then(|| Hold::new(Rc::clone(&seat), now));
        let host = upstream.targets.get(seat.pick.target)?.authorities[usize::from(self.service.tls.is_some())].clone();
        Some(Peer { address: seat.pick.address, host, seat: Some(seat), hold })
    }

    /// This one failed, by keeping us waiting or otherwise: others come before it, and its name is looked up again.
    pub fn failed(&mut self, peer: Peer, waited: bool) {
        self.tried.push(peer.address);
        match &self.service.host {
            Host::Address(_) => {}
            Host::Name(name) => self.directory.resolver.distrust(name),
            Host::Upstream(id) => {
                let targets = self.snapshot.upstream(*id).targets.iter();
                targets.filter_map(name_of).for_each(|name| self.directory.resolver.distrust(name));
            }
        }
        if let Some(seat) = peer.seat {
            seat.report(if waited { Outcome::Timeout } else { Outcome::Broken });
            self.last = Some(seat);
        }
    }

    /// Nobody answered, and the client is told so with this status. Kong counts a 502 as the last one's answer.
    pub fn gave_up(&self, status: StatusCode) {
        if let Some(seat) = self.last.as_ref().filter(|_| status == StatusCode::BAD_GATEWAY) {
            seat.report(Outcome::Status(status.as_u16()));
        }
    }
}

// === impl Peer ===

impl Peer {
    /// It answered with this status; Kong takes a 504 for a wait that took too long. What to keep until the answer is
    /// over, where that is counted.
    pub fn answered(self, status: StatusCode) -> Option<Hold> {
        if let Some(seat) = &self.seat {
            let waited = status == StatusCode::GATEWAY_TIMEOUT;
            seat.report(if waited { Outcome::Timeout } else { Outcome::Status(status.as_u16()) });
        }
        let mut hold = self.hold?;
        hold.answered = true;
        Some(hold)
    }
}

// === impl Hold ===

impl Hold {
    fn new(seat: Rc<Seat>, since: Option<Instant>) -> Self {
        seat.begin();
        Self { seat, since, answered: false }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.seat.end();
        if let Some(since) = self.since.filter(|_| self.answered) {
            let now = Instant::now();
            self.seat.took(now.saturating_duration_since(since), now);
        }
    }
}

// === impl Lots ===

impl Lots {
    fn draw(&self) -> u64 {
        let mut lot = self.0.get();
        lot ^= lot << 13;
        lot ^= lot >> 7;
        lot ^= lot << 17;
        self.0.set(lot);
        lot
    }
}
