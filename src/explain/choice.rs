//! How one of an upstream's targets is chosen, in words. Pure.

use crate::snapshot::{Algorithm, HashOn, Hashing, Host, Service, Snapshot, Target, Upstream};
use crate::upstream::balance::{Ask, Balancer};

/// `None` where there is no choice. `hash` is that of what decides about the request, if it is known.
pub(super) fn of(snapshot: &Snapshot, service: &Service, hash: Option<u32>) -> Option<String> {
    let Host::Upstream(id) = service.host else { return None };
    let upstream = snapshot.upstream(id);
    let several = upstream.targets.iter().filter(|target| target.weight > 0).nth(1).is_some();
    let checked = if upstream.board.checks().are_on() { ", while it is healthy" } else { "" };
    several.then(|| format!("{}{checked}", way(upstream, hash)))
}

fn way(upstream: &Upstream, hash: Option<u32>) -> String {
    match &upstream.algorithm {
        Algorithm::RoundRobin => "in turn, by weight".to_owned(),
        Algorithm::LeastConnections => "the one with the fewest requests under way, by weight".to_owned(),
        Algorithm::Latency => "of two the one that answered faster lately".to_owned(),
        Algorithm::Hashing(hashing) => {
            let chosen = hash.and_then(|hash| hashed(upstream, hash));
            let chosen = chosen.map(|target| format!("{}, ", target.label())).unwrap_or_default();
            format!("{chosen}by the hash of {}", inputs(hashing))
        }
    }
}

/// Who it is, if it is a hash that decides and all targets are addresses.
pub(super) fn target<'a>(snapshot: &'a Snapshot, service: &Service, hash: Option<u32>) -> Option<&'a Target> {
    let Host::Upstream(id) = service.host else { return None };
    hashed(snapshot.upstream(id), hash?)
}

fn hashed(upstream: &Upstream, hash: u32) -> Option<&Target> {
    let known = upstream.targets.iter().all(|target| matches!(target.host, Host::Address(_)));
    if !known || !matches!(upstream.algorithm, Algorithm::Hashing(_)) {
        return None;
    }
    let ask = Ask { tried: &[], hash, lot: 0, now: None };
    upstream.targets.get(Balancer::new(upstream, 0).pick(&ask)?.pick.target)
}

fn inputs(hashing: &Hashing) -> String {
    let Hashing { on, fallback, .. } = hashing;
    match fallback {
        HashOn::Nothing => input(on),
        fallback => format!("{}, or else of {}", input(on), input(fallback)),
    }
}

fn input(on: &HashOn) -> String {
    match on {
        HashOn::Nothing => "nothing".to_owned(),
        HashOn::Consumer => "the consumer".to_owned(),
        HashOn::Ip => "the client's address".to_owned(),
        HashOn::Header(name) => format!("the header {name}"),
        HashOn::Cookie(name, _) => format!("the cookie {name}, which who lacks it gets"),
        HashOn::Path => "the path".to_owned(),
        HashOn::Query(name) => format!("the argument {name}"),
        HashOn::Capture(name) => format!("the group {name} of the path"),
    }
}
