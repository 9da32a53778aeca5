//! Whom a request may ask: the service's one address, the addresses of its name, or the targets of its upstream.

use super::balance::{Balancer, Balancers, Pick, Rotation};
use super::dns::{Limits, Resolver, Told, system};
use crate::settings::Settings;
use crate::snapshot::{Host, Service, Snapshot, Target, Upstream};
use futures_util::future::join_all;
use http::HeaderValue;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Where upstreams are and whose turn it is, as one worker sees it.
#[derive(Debug)]
pub struct Directory {
    resolver: Resolver,
    balancers: RefCell<Balancers>,
    rotations: RefCell<HashMap<Box<str>, Rotation, foldhash::fast::RandomState>>,
    start: u64,
}

/// Whose turn it is at each upstream of one snapshot, by [`UpstreamId`](crate::entity::UpstreamId). It belongs to the
/// snapshot: the next one has other numbers.
pub type Turns = Vec<Rc<RefCell<Balancer>>>;

/// Someone to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where.
    pub address: SocketAddr,
    /// The Host it gets, unless the client's or a plugin's goes on.
    pub host: HeaderValue,
}

/// The peers of one request, in the order of their turn; those that failed it come last.
#[derive(Debug)]
pub struct Peers<'a> {
    directory: &'a Directory,
    snapshot: &'a Snapshot,
    turns: &'a Turns,
    service: &'a Service,
    tried: Vec<SocketAddr>,
}

/// Why there is nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPeer {
    /// The service's name has no address.
    Unresolved,
    /// The upstream has no target, none with a weight, or none with an address.
    Empty,
}

// === impl Directory ===

impl Directory {
    /// One worker's view. `start` is where turns begin; `told` is shared by all workers.
    #[must_use]
    pub fn new(settings: &Settings, told: Arc<Told>, start: u64) -> Self {
        let Settings { dns_max_ttl: ttl, dns_stale_ttl: stale, dns_timeout: timeout, .. } = *settings;
        let limits = Limits { ttl, stale, timeout };
        Self {
            resolver: Resolver::new(&settings.resolve, limits, told, system()),
            balancers: RefCell::default(),
            rotations: RefCell::default(),
            start,
        }
    }

    /// Takes up a snapshot's upstreams. Those that did not change keep their place in the turn; names that are not used
    /// any more are forgotten.
    pub fn adopt(&self, snapshot: &Snapshot) -> Turns {
        let names: HashSet<&str> = snapshot.names().collect();
        self.resolver.keep(|name| names.contains(name));
        self.rotations.borrow_mut().retain(|name, _| names.contains(&**name));
        self.balancers.borrow_mut().adopt(&snapshot.upstreams, self.start)
    }

    /// The peers of a request to a service.
    #[must_use]
    pub fn peers<'a>(&'a self, snapshot: &'a Snapshot, turns: &'a Turns, service: &'a Service) -> Peers<'a> {
        Peers { directory: self, snapshot, turns, service, tried: Vec::new() }
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
    async fn by_turn(&self, turn: &RefCell<Balancer>, upstream: &Upstream, tried: &[SocketAddr]) -> Option<Pick> {
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
        turn.borrow_mut().pick(tried)
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
        let own = |address| Peer { address, host: service.authority.clone() };
        match &service.host {
            Host::Address(ip) => Ok(own(SocketAddr::new(*ip, service.port))),
            Host::Name(name) => directory.by_name(name, service.port, &self.tried).await.map(own),
            Host::Upstream(id) => {
                let upstream = self.snapshot.upstream(*id);
                let turn = self.turns.get(id.index()).ok_or(NoPeer::Empty)?;
                let pick = Box::pin(directory.by_turn(turn, upstream, &self.tried)).await.ok_or(NoPeer::Empty)?;
                let host = upstream.targets[pick.target].authorities[usize::from(service.tls.is_some())].clone();
                Ok(Peer { address: pick.address, host })
            }
        }
    }

    /// This one failed: others come before it, and its name is looked up again.
    pub fn failed(&mut self, peer: &Peer) {
        self.tried.push(peer.address);
        match &self.service.host {
            Host::Address(_) => {}
            Host::Name(name) => self.directory.resolver.distrust(name),
            Host::Upstream(id) => {
                let targets = self.snapshot.upstream(*id).targets.iter();
                targets.filter_map(name_of).for_each(|name| self.directory.resolver.distrust(name));
            }
        }
    }
}
