//! Who of several serves the next request (`kong/proxying.md` §5). Pure: no names are looked up here, and no connection
//! is made.

pub mod ring;
mod rotation;
mod seat;

use super::dns::Addresses;
use crate::health::Board;
use crate::snapshot::{Algorithm, Host, Target, Upstream};
use ring::{Part, Ring};
pub use rotation::Rotation;
use seat::Pace;
pub use seat::Seat;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Most picks that a start may lie ahead.
const FARTHEST: u64 = 256;

/// One upstream's targets, as one worker sees them.
///
/// In turn by weight, over a whole turn each address gets exactly its share, as from Kong's wheel. Kong shuffles its
/// wheel; here the turn is smooth, as nginx's: each pick gives every address its weight in credit, takes the richest, and
/// charges it what all were given. So a light target's requests are spread evenly among a heavy one's.
#[derive(Debug)]
pub struct Balancer {
    way: Way,
    /// How far ahead to begin; 0 once begun.
    start: u64,
    targets: Vec<Known>,
    peers: Vec<Peer>,
    /// Whether targets learned something that `peers` do not show.
    stale: bool,
    board: Arc<Board>,
}

/// What a pick depends on.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Addresses that this request tried in vain.
    pub tried: &'a [SocketAddr],
    /// The hash of what decides about it; see [`ring::hash`].
    pub hash: u32,
    /// Something random.
    pub lot: u64,
    /// The time, where [`Balancer::is_timed`].
    pub now: Option<Instant>,
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

/// A balancer, and what it was made from.
#[derive(Debug)]
struct Kept {
    targets: Box<[Target]>,
    algorithm: Algorithm,
    balancer: Rc<RefCell<Balancer>>,
}

/// How one is chosen of those that may be.
#[derive(Debug)]
enum Way {
    Turn,
    Fewest,
    Fastest,
    Hashed { slots: usize, ring: Ring },
}

#[derive(Debug)]
struct Known {
    /// The host as written.
    name: Box<str>,
    /// Host and port.
    label: Box<str>,
    weight: u32,
    addresses: Option<Addresses>,
}

#[derive(Debug)]
struct Peer {
    seat: Rc<Seat>,
    weight: i64,
    credit: i64,
    /// Serves only when no preferred address is left.
    spare: bool,
}

// === impl Balancer ===

impl Balancer {
    /// For an upstream; targets that are names still need their addresses. `start` says where in the turn to begin:
    /// workers and processes that all begin with the first target would together give it too much.
    #[must_use]
    pub fn new(upstream: &Upstream, start: u64) -> Self {
        let targets = upstream.targets.iter().map(Known::new).collect();
        let (way, board) = (Way::new(&upstream.algorithm), Arc::clone(&upstream.board));
        let mut balancer = Self { way, start, targets, peers: Vec::new(), stale: false, board };
        for (index, target) in upstream.targets.iter().enumerate() {
            if let Host::Address(ip) = target.host {
                balancer.learn(index, &Addresses::from(SocketAddr::new(ip, target.port)));
            }
        }
        balancer
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

    /// Whether requests under way are counted, so that whoever picks must tell when one ends.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(self.way, Way::Fewest | Way::Fastest)
    }

    /// Whether the time that answers take matters.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        matches!(self.way, Way::Fastest)
    }

    /// One that is healthy and not among those which this request tried in vain; when all were, one of them.
    /// `None` if there is nobody: no target, no address, no weight, nobody healthy, or too few
    /// (`kong/proxying.md` §6).
    pub fn pick(&mut self, ask: &Ask<'_>) -> Option<Rc<Seat>> {
        if self.stale {
            self.rebuild();
        }
        if self.start != 0 && !self.peers.is_empty() {
            self.skip();
        }
        if !self.suffices() {
            return None;
        }
        let up = |peer: &Peer| peer.seat.is_up();
        let fresh = |peer: &Peer| up(peer) && !ask.tried.contains(&peer.seat.pick.address);
        self.choose(ask, |peer| !peer.spare && fresh(peer))
            .or_else(|| self.choose(ask, |peer| peer.spare && fresh(peer)))
            .or_else(|| self.choose(ask, |peer| !peer.spare && up(peer)))
    }

    /// Whether more than the threshold's share of the weight is healthy. A name without an address is not.
    #[allow(clippy::cast_precision_loss)]
    fn suffices(&self) -> bool {
        let threshold = self.board.checks().threshold;
        if threshold <= 0.0 {
            return true;
        }
        let preferred = || self.peers.iter().filter(|peer| !peer.spare);
        let lost = self.targets.iter().filter(|known| known.addresses.is_none()).map(|known| i64::from(known.weight));
        let total = preferred().map(|peer| peer.weight).sum::<i64>() + lost.sum::<i64>();
        let available: i64 = preferred().filter(|peer| peer.seat.is_up()).map(|peer| peer.weight).sum();
        available as f64 * 100.0 > threshold * total as f64
    }

    fn choose(&mut self, ask: &Ask<'_>, eligible: impl Fn(&Peer) -> bool) -> Option<Rc<Seat>> {
        match &self.way {
            Way::Turn => self.richest(eligible),
            Way::Fewest => {
                let load = |peer: &Peer| (i64::from(peer.seat.busy()) + 1, peer.weight);
                let all = self.peers.iter().filter(|peer| eligible(peer)).map(load);
                let (busy, weight) = all.min_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)))?;
                self.richest(|peer| eligible(peer) && load(peer).0 * weight == busy * peer.weight)
            }
            Way::Fastest => self.faster(ask, eligible),
            Way::Hashed { ring, .. } => {
                let fits = |index: usize| self.peers.get(index).is_some_and(&eligible);
                let found = ring.walk(ask.hash, fits).or_else(|| self.peers.iter().position(&eligible))?;
                self.peers.get(found).map(|peer| Rc::clone(&peer.seat))
            }
        }
    }

    fn richest(&mut self, eligible: impl Fn(&Peer) -> bool) -> Option<Rc<Seat>> {
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
        Some(Rc::clone(&peer.seat))
    }

    /// The better of two that the lot falls on: all that are slow get a request now and then, and nobody gets all.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn faster(&self, ask: &Ask<'_>, eligible: impl Fn(&Peer) -> bool) -> Option<Rc<Seat>> {
        let count = self.peers.iter().filter(|peer| eligible(peer)).count();
        let first = (ask.lot as usize).checked_rem(count)?;
        let second = (first + 1 + ((ask.lot >> 32) as usize).checked_rem(count - 1).unwrap_or_default()) % count;
        let drawn = |at: usize| self.peers.iter().filter(|peer| eligible(peer)).nth(at);
        let score = |peer: &Peer| ask.now.map_or(0.0, |now| peer.seat.pace().faded(now)) / peer.weight as f64;
        let (one, other) = (drawn(first)?, drawn(second)?);
        Some(Rc::clone(if score(other) < score(one) { &other.seat } else { &one.seat }))
    }

    /// Who stays keeps the place in the turn.
    fn rebuild(&mut self) {
        self.stale = false;
        let before: HashMap<Pick, Peer> = self.peers.drain(..).map(|peer| (peer.seat.pick, peer)).collect();
        let usual = Pace::among(before.values().map(|peer| peer.seat.pace()));
        for (target, known) in self.targets.iter().enumerate().filter(|(_, known)| known.weight > 0) {
            let Some(addresses) = &known.addresses else { continue };
            for (at, address) in addresses.all().iter().enumerate() {
                let pick = Pick { target, address: *address };
                let spare = at >= addresses.preferred().len();
                // Nobody checks the spare ones, so nobody would find them well again.
                let member = || self.board.member(&known.label, *address).filter(|_| !spare);
                let stays = before.get(&pick);
                let seat =
                    stays.map_or_else(|| Rc::new(Seat::new(pick, member(), usual)), |peer| Rc::clone(&peer.seat));
                let credit = stays.map_or(0, |peer| peer.credit);
                self.peers.push(Peer { seat, weight: i64::from(known.weight), credit, spare });
            }
        }
        self.spread();
    }

    /// Gives the ring's points to those who are there.
    fn spread(&mut self) {
        let Way::Hashed { slots, ring } = &mut self.way else { return };
        let part = |(index, peer): (usize, &Peer)| {
            let Pick { target, address } = peer.seat.pick;
            (!peer.spare).then(|| Part { name: &self.targets[target].name, address, weight: peer.weight, index })
        };
        let parts = self.peers.iter().enumerate().filter_map(part).collect();
        *ring = Ring::new(*slots, self.targets.len(), parts);
    }

    /// Goes to the start, once, when the addresses are known.
    fn skip(&mut self) {
        let turn: u64 = self.peers.iter().map(|peer| peer.weight.unsigned_abs()).sum();
        for _ in 0..std::mem::take(&mut self.start).checked_rem(turn.min(FARTHEST)).unwrap_or(0) {
            self.richest(|peer| !peer.spare);
        }
    }
}

impl Way {
    fn new(algorithm: &Algorithm) -> Self {
        match algorithm {
            Algorithm::RoundRobin => Self::Turn,
            Algorithm::LeastConnections => Self::Fewest,
            Algorithm::Latency => Self::Fastest,
            Algorithm::Hashing(hashing) => Self::Hashed { slots: hashing.slots as usize, ring: Ring::default() },
        }
    }
}

impl Known {
    fn new(target: &Target) -> Self {
        Self { name: target.name.clone(), label: target.label().into(), weight: target.weight, addresses: None }
    }
}

// === impl Balancers ===

impl Balancers {
    /// The balancers for a new snapshot, by [`UpstreamId`](crate::entity::UpstreamId). They know the targets that are
    /// addresses already; only names are left to [`Balancer::learn`]. An upstream that did not change keeps its own, with
    /// its place in the turn; those that are gone are dropped.
    pub fn adopt(&mut self, upstreams: &[Upstream], start: u64) -> Vec<Rc<RefCell<Balancer>>> {
        let mut before = std::mem::take(&mut self.0);
        let mut adopt = |upstream: &Upstream| {
            let kept = before.remove(&upstream.identity.id).filter(|kept| kept.serves(upstream));
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
        Self {
            targets: upstream.targets.clone(),
            algorithm: upstream.algorithm.clone(),
            balancer: Rc::new(RefCell::new(Balancer::new(upstream, start))),
        }
    }

    fn serves(&self, upstream: &Upstream) -> bool {
        let same_board = Arc::ptr_eq(&self.balancer.borrow().board, &upstream.board);
        same_board && self.algorithm == upstream.algorithm && self.targets == upstream.targets
    }
}

#[cfg(test)]
mod tests;
