//! Who of several serves the next request. Pure: no names are looked up here, and no connection is made.
//!
//! Not here: health, and algorithms that need more than weights.

use super::dns::Addresses;
use crate::snapshot::{Host, Target, Upstream};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use uuid::Uuid;

/// Most picks that a start may lie ahead.
const FARTHEST: u64 = 256;

/// One upstream's round-robin by weight, as one worker sees it.
///
/// Over a whole turn each address gets exactly its share, as from Kong's wheel (`kong/proxying.md` §5). Kong shuffles
/// its wheel; here the turn is smooth, as nginx's: each pick gives every address its weight in credit, takes the
/// richest, and charges it what all were given. So a light target's requests are spread evenly among a heavy one's.
#[derive(Debug)]
pub struct Balancer {
    /// How far ahead to begin; 0 once begun.
    start: u64,
    targets: Vec<Known>,
    peers: Vec<Peer>,
    /// Whether targets learned something that `peers` do not show.
    stale: bool,
}

/// An address of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pick {
    /// Which target it belongs to, an index of [`Upstream::targets`].
    pub target: usize,
    /// Where.
    pub address: SocketAddr,
}

/// The balancers of one worker.
#[derive(Debug, Default)]
pub struct Balancers(HashMap<Uuid, Kept>);

/// Round-robin over the addresses of a service that is a plain name. One per service and worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation(usize);

/// A balancer, and what it was made from.
#[derive(Debug)]
struct Kept {
    targets: Box<[Target]>,
    balancer: Rc<RefCell<Balancer>>,
}

#[derive(Debug)]
struct Known {
    weight: u32,
    addresses: Option<Addresses>,
}

#[derive(Debug)]
struct Peer {
    pick: Pick,
    weight: i64,
    credit: i64,
    /// Serves only when no preferred address is left.
    spare: bool,
}

// === impl Balancer ===

impl Balancer {
    /// For targets of these weights; each still needs its addresses. `start` says where in the turn to begin: workers
    /// and processes that all begin with the first target would together give it too much.
    #[must_use]
    pub fn new(weights: impl IntoIterator<Item = u32>, start: u64) -> Self {
        let targets = weights.into_iter().map(|weight| Known { weight, addresses: None }).collect();
        Self { start, targets, peers: Vec::new(), stale: false }
    }

    /// Takes in a target's addresses; cheap if they are the same as before. A name stands for all its addresses, each
    /// with the target's weight.
    pub fn learn(&mut self, target: usize, addresses: &Addresses) {
        let Some(known) = self.targets.get_mut(target) else { return };
        if !known.addresses.as_ref().is_some_and(|known| known.is(addresses)) {
            known.addresses = Some(addresses.clone());
            self.stale = true;
        }
    }

    /// Leaves a target out, for its name has no address.
    pub fn forget(&mut self, target: usize) {
        let known = self.targets.get_mut(target);
        self.stale |= known.and_then(|known| known.addresses.take()).is_some();
    }

    /// The next in turn that is not among those which this request tried in vain; when all were, the next in turn.
    /// `None` if there is nobody: no target, no address, or no weight.
    pub fn pick(&mut self, tried: &[SocketAddr]) -> Option<Pick> {
        if self.stale {
            self.rebuild();
        }
        if self.start != 0 && !self.peers.is_empty() {
            self.skip();
        }
        let fresh = |peer: &Peer| !tried.contains(&peer.pick.address);
        self.richest(|peer| !peer.spare && fresh(peer))
            .or_else(|| self.richest(|peer| peer.spare && fresh(peer)))
            .or_else(|| self.richest(|peer| !peer.spare))
    }

    fn richest(&mut self, eligible: impl Fn(&Peer) -> bool) -> Option<Pick> {
        let (mut best, mut given): (Option<(usize, i64)>, i64) = (None, 0);
        for (index, peer) in self.peers.iter_mut().enumerate().filter(|(_, peer)| eligible(peer)) {
            peer.credit += peer.weight;
            given += peer.weight;
            if best.is_none_or(|(_, credit)| peer.credit > credit) {
                best = Some((index, peer.credit));
            }
        }
        let peer = self.peers.get_mut(best?.0)?;
        peer.credit -= given;
        Some(peer.pick)
    }

    /// Who stays keeps the place in the turn.
    fn rebuild(&mut self) {
        self.stale = false;
        let before: HashMap<Pick, i64> = self.peers.drain(..).map(|peer| (peer.pick, peer.credit)).collect();
        for (target, known) in self.targets.iter().enumerate().filter(|(_, known)| known.weight > 0) {
            let Some(addresses) = &known.addresses else { continue };
            for (at, address) in addresses.all().iter().enumerate() {
                let pick = Pick { target, address: *address };
                let credit = before.get(&pick).copied().unwrap_or(0);
                let spare = at >= addresses.preferred().len();
                self.peers.push(Peer { pick, weight: i64::from(known.weight), credit, spare });
            }
        }
    }

    /// Goes to the start, once, when the addresses are known.
    fn skip(&mut self) {
        let turn: u64 = self.peers.iter().map(|peer| peer.weight.unsigned_abs()).sum();
        for _ in 0..std::mem::take(&mut self.start).checked_rem(turn.min(FARTHEST)).unwrap_or(0) {
            self.richest(|peer| !peer.spare);
        }
    }
}

// === impl Balancers ===

impl Balancers {
    /// The balancers for a new snapshot, by [`UpstreamId`](crate::entity::UpstreamId). They know the targets that are
    /// addresses already; only names are left to [`Balancer::learn`]. An upstream whose targets did not
    /// change keeps its own, with its place in the turn; those that are gone are dropped.
    pub fn adopt(&mut self, upstreams: &[Upstream], start: u64) -> Vec<Rc<RefCell<Balancer>>> {
        let mut before = std::mem::take(&mut self.0);
        let mut adopt = |upstream: &Upstream| {
            let kept = before.remove(&upstream.identity.id).filter(|kept| kept.targets == upstream.targets);
            let kept = kept.unwrap_or_else(|| Kept::new(upstream, start));
            let balancer = Rc::clone(&kept.balancer);
            self.0.insert(upstream.identity.id, kept);
            balancer
        };
        upstreams.iter().map(&mut adopt).collect()
    }
}

impl Kept {
    fn new(upstream: &Upstream, start: u64) -> Self {
        let mut balancer = Balancer::new(upstream.targets.iter().map(|target| target.weight), start);
        for (index, target) in upstream.targets.iter().enumerate() {
            if let Host::Address(ip) = target.host {
                balancer.learn(index, &Addresses::from(SocketAddr::new(ip, target.port)));
            }
        }
        Self { targets: upstream.targets.clone(), balancer: Rc::new(RefCell::new(balancer)) }
    }
}

// === impl Rotation ===

impl Rotation {
    /// Begins at any place.
    #[must_use]
    pub fn new(start: usize) -> Self {
        Self(start)
    }

    /// The next address that this request did not try in vain; one that is not preferred only when no other is left;
    /// and when all were tried, the next in turn.
    pub fn pick(&mut self, addresses: &Addresses, tried: &[SocketAddr]) -> SocketAddr {
        let turn = self.0;
        self.0 = turn.wrapping_add(1);
        let preferred = addresses.preferred();
        let (before, after) = preferred.split_at(turn % preferred.len());
        let spare = &addresses.all()[preferred.len()..];
        let untried = |address: &&SocketAddr| !tried.contains(address);
        *after.iter().chain(before).chain(spare).find(untried).unwrap_or(&after[0])
    }
}

#[cfg(test)]
#[path = "balance_tests.rs"]
mod tests;
