#![allow(clippy::unwrap_used)]

use super::*;
use crate::entity::Identity;
use crate::health::Checks;
use crate::health::checks::Limits;
use crate::health::standing::Outcome;
use crate::snapshot::{HashOn, Hashing};
use crate::upstream::dns::tests::addresses;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn address(number: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(number).unwrap())), 80)
}

/// Targets with one address each.
fn balancer(weights: &[u32], start: u64) -> Balancer {
    Balancer::new(&upstream("u", weights), start)
}

/// Targets whose addresses are not known.
fn unlearned(weights: &[u32]) -> Balancer {
    let mut balancer = balancer(weights, 0);
    (0..weights.len()).for_each(|target| balancer.forget(target));
    balancer
}

/// One of those that did not fail this request.
fn pick(balancer: &mut Balancer, tried: &[SocketAddr]) -> Option<Pick> {
    balancer.pick(&Ask { tried, hash: 0, lot: 0, now: None }).map(|seat| seat.pick)
}

fn picks(balancer: &mut Balancer, count: usize) -> Vec<usize> {
    (0..count).map(|_| pick(balancer, &[]).unwrap().target).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn the_turn_is_smooth() {
    assert_eq!(picks(&mut balancer(&[5, 1, 1], 0), 7), [0, 0, 1, 0, 2, 0, 0]);
    assert_eq!(picks(&mut balancer(&[100, 100], 0), 4), [0, 1, 0, 1]);
    assert_eq!(picks(&mut balancer(&[100, 100], 1), 4), [1, 0, 1, 0]);
    assert_eq!(picks(&mut balancer(&[100, 0], 0), 3), [0, 0, 0]);
}

#[test]
fn nobody() {
    assert_eq!(pick(&mut balancer(&[], 7), &[]), None);
    assert_eq!(pick(&mut balancer(&[0, 0], 7), &[]), None);
    assert_eq!(pick(&mut unlearned(&[1, 2]), &[]), None, "no addresses");
}

#[test]
fn a_retry_goes_elsewhere_until_all_failed() {
    let mut balancer = balancer(&[100, 1, 1], 0);
    let mut tried = Vec::new();
    for _ in 0..3 {
        let pick = pick(&mut balancer, &tried).unwrap();
        assert!(!tried.contains(&pick.address));
        tried.push(pick.address);
    }
    assert!(pick(&mut balancer, &tried).is_some(), "then any");
}

#[test]
fn a_name_stands_for_all_its_addresses() {
    let mut balancer = unlearned(&[10, 20]);
    let two = addresses(&["10.0.0.1", "10.0.0.2", "::1"], 80);
    balancer.learn(0, &two);
    balancer.learn(1, &Addresses::from(address(9)));
    let mut counts = std::collections::HashMap::new();
    for _ in 0..40 {
        *counts.entry(pick(&mut balancer, &[]).unwrap().address).or_insert(0) += 1;
    }
    assert_eq!(counts, [(address(1), 10), (address(2), 10), (address(9), 20)].into());
    let spare = pick(&mut balancer, &[address(1), address(2), address(9)]).unwrap();
    assert_eq!(spare.address.to_string(), "[::1]:80", "the other family is for when nobody else is left");
    balancer.forget(0);
    assert_eq!(picks(&mut balancer, 3), [1, 1, 1]);
    balancer.learn(7, &two);
    balancer.forget(7);
}

#[test]
fn a_known_answer_changes_nothing() {
    let mut balancer = balancer(&[3, 1], 0);
    let same = Addresses::from(address(5));
    balancer.learn(0, &same);
    let before = picks(&mut balancer, 1);
    balancer.learn(0, &same);
    assert_eq!([before, picks(&mut balancer, 3)].concat().iter().filter(|target| **target == 0).count(), 3);
}

/// Where one failure is enough.
fn board(threshold: f64) -> Arc<Board> {
    let passive = Limits { successes: 1, tcp_failures: 1, timeouts: 1, ..Limits::default() };
    let passive = Limits { healthy: [200].into_iter().collect(), ..passive };
    Arc::new(Board::new("u", Checks { passive, threshold, active: None }))
}

fn upstream(name: &str, weights: &[u32]) -> Upstream {
    let target = |(index, weight): (usize, &u32)| Target {
        id: Uuid::nil(),
        host: Host::Address(address(index).ip()),
        name: address(index).ip().to_string().into(),
        authorities: [true, false].map(|https| crate::snapshot::authority("t", 80, https)),
        port: 80,
        weight: *weight,
    };
    Upstream {
        identity: Identity { id: Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()), name: Some(name.into()) },
        host_header: None,
        targets: weights.iter().enumerate().map(target).collect(),
        algorithm: Algorithm::RoundRobin,
        board: board(0.0),
        checked_by: None,
    }
}

#[test]
fn a_reload_keeps_the_turn_of_what_did_not_change() {
    let mut all = Balancers::default();
    let b = upstream("b", &[1, 1]);
    let first = all.adopt(&[upstream("a", &[1, 1]), b.clone()], 0);
    let a = upstream("a", &[1, 2]);
    let second = all.adopt(&[b, a.clone(), upstream("c", &[1])], 0);
    assert_eq!(picks(&mut first[0].borrow_mut(), 2), [0, 1], "addresses need not be learned");
    assert!(Rc::ptr_eq(&first[1], &second[0]));
    assert!(!Rc::ptr_eq(&first[0], &second[1]), "its weights changed");
    let third = all.adopt(&[a], 0);
    assert!(Rc::ptr_eq(&second[1], &third[0]));
    assert_eq!(Rc::strong_count(&second[0]), 2, "what is gone is let go: the two snapshots' own");
}

fn with(algorithm: Algorithm, weights: &[u32], threshold: f64) -> Balancer {
    let upstream = Upstream { algorithm, board: board(threshold), ..upstream("u", weights) };
    Balancer::new(&upstream, 0)
}

fn seat(balancer: &mut Balancer, hash: u32, lot: u64, now: Option<Instant>) -> Option<Rc<Seat>> {
    balancer.pick(&Ask { tried: &[], hash, lot, now })
}

#[test]
fn who_is_unhealthy_is_left_out_until_it_is_healthy_again() {
    let mut balancer = with(Algorithm::RoundRobin, &[1, 1], 0.0);
    let first = seat(&mut balancer, 0, 0, None).unwrap();
    first.report(Outcome::Broken);
    assert_eq!(picks(&mut balancer, 3), [1, 1, 1]);
    assert_eq!(
        pick(&mut balancer, &[address(1)]),
        Some(Pick { target: 1, address: address(1) }),
        "again rather than down"
    );
    first.report(Outcome::Status(200));
    assert_eq!(picks(&mut balancer, 4).iter().filter(|target| **target == 0).count(), 2);
    let both = [seat(&mut balancer, 0, 0, None).unwrap(), seat(&mut balancer, 0, 0, None).unwrap()];
    both.iter().for_each(|seat| seat.report(Outcome::Timeout));
    assert_eq!(pick(&mut balancer, &[]), None);
}

#[test]
fn below_the_threshold_nobody_serves() {
    for (threshold, served) in [(0.0, true), (24.9, true), (25.0, false), (60.0, false)] {
        let mut balancer = with(Algorithm::RoundRobin, &[3, 1], threshold);
        let heavy = seat(&mut balancer, 0, 0, None).unwrap();
        assert_eq!(heavy.pick.target, 0);
        heavy.report(Outcome::Broken);
        assert_eq!(pick(&mut balancer, &[]).is_some(), served, "{threshold}");
    }
    let mut balancer = with(Algorithm::RoundRobin, &[1, 1], 50.0);
    assert!(pick(&mut balancer, &[]).is_some());
    balancer.forget(0);
    assert_eq!(pick(&mut balancer, &[]), None, "a name without an address is not available");
}

#[test]
fn the_least_busy_by_weight() {
    let mut balancer = with(Algorithm::LeastConnections, &[1, 2], 0.0);
    let mut held = Vec::new();
    for _ in 0..6 {
        let seat = seat(&mut balancer, 0, 0, None).unwrap();
        seat.begin();
        held.push(seat);
    }
    let of = |target| held.iter().filter(|seat| seat.pick.target == target).count();
    assert_eq!((of(0), of(1)), (2, 4));
    held.iter().filter(|seat| seat.pick.target == 0).for_each(|seat| seat.end());
    assert_eq!(picks(&mut balancer, 2), [0, 0]);
}

#[test]
fn the_faster_of_two() {
    let mut balancer = with(Algorithm::Latency, &[1, 1], 0.0);
    let now = Instant::now();
    let all = [seat(&mut balancer, 0, 0, Some(now)).unwrap(), seat(&mut balancer, 0, 1, Some(now)).unwrap()];
    for seat in &all {
        let time = if seat.pick.target == 0 { Duration::from_millis(500) } else { Duration::from_millis(5) };
        seat.took(time, now);
    }
    let fast = |balancer: &mut Balancer, lot| seat(balancer, 0, lot, Some(now)).unwrap().pick.target;
    assert_eq!([fast(&mut balancer, 0), fast(&mut balancer, 1)], [1, 1]);
    all.iter().find(|seat| seat.pick.target == 1).unwrap().report(Outcome::Broken);
    assert_eq!(fast(&mut balancer, 1), 0, "the slow one, if it is the only one");
}

#[test]
fn a_hash_has_one_target_and_another_while_it_is_down() {
    let hashing = Hashing { on: HashOn::Ip, fallback: HashOn::Nothing, slots: 1000 };
    let mut balancer = with(Algorithm::Hashing(hashing), &[1, 1, 1], 0.0);
    let first = seat(&mut balancer, 77, 0, None).unwrap();
    assert!((0..9).all(|lot| seat(&mut balancer, 77, lot, None).unwrap().pick == first.pick));
    let other = balancer.pick(&Ask { tried: &[first.pick.address], hash: 77, lot: 0, now: None }).unwrap();
    assert_ne!(other.pick, first.pick, "a retry goes elsewhere");
    first.report(Outcome::Broken);
    assert_eq!(seat(&mut balancer, 77, 0, None).unwrap().pick, other.pick);
    first.report(Outcome::Status(200));
    assert_eq!(seat(&mut balancer, 77, 0, None).unwrap().pick, first.pick, "and back");
}

#[test]
fn rotation() {
    let found = addresses(&["10.0.0.1", "10.0.0.2", "::1"], 80);
    let mut rotation = Rotation::default();
    let mut next = |tried: &[SocketAddr]| rotation.pick(&found, tried).to_string();
    assert_eq!([next(&[]), next(&[]), next(&[])], ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"]);
    assert_eq!(next(&[address(2)]), "10.0.0.1:80");
    assert_eq!(next(&[address(1), address(2)]), "[::1]:80");
    let all: Vec<SocketAddr> = found.all().to_vec();
    assert_eq!(next(&all), "10.0.0.2:80");
    let mut far = Rotation::new(usize::MAX);
    assert_eq!([far.pick(&found, &[]), far.pick(&found, &[])], [address(2), address(1)], "it wraps");
}

proptest! {
    #[test]
    fn shares_are_exact_over_a_whole_turn(weights in proptest::collection::vec(0_u32..40, 1..8), start in any::<u64>()) {
        let mut balancer = balancer(&weights, start);
        let divisor = weights.iter().copied().fold(0, gcd);
        prop_assume!(divisor > 0);
        let turn: u32 = weights.iter().sum::<u32>() / divisor;
        for _ in 0..2 {
            let picked = picks(&mut balancer, turn as usize);
            for (target, weight) in weights.iter().enumerate() {
                let share = picked.iter().filter(|pick| **pick == target).count();
                prop_assert_eq!(share, (weight / divisor) as usize, "target {} of {:?}", target, weights);
            }
        }
    }

    #[test]
    fn whatever_was_tried_somebody_serves(
        weights in proptest::collection::vec(0_u32..9, 1..6),
        requests in proptest::collection::vec(proptest::collection::vec(0_usize..6, 0..6), 0..50),
    ) {
        let mut balancer = balancer(&weights, 3);
        let heavy: Vec<usize> = (0..weights.len()).filter(|target| weights[*target] > 0).collect();
        for tried in requests {
            let addresses: Vec<SocketAddr> = tried.iter().map(|target| address(*target)).collect();
            match pick(&mut balancer, &addresses) {
                None => prop_assert!(heavy.is_empty()),
                Some(pick) => {
                    prop_assert!(heavy.contains(&pick.target));
                    let left = heavy.iter().any(|target| !tried.contains(target));
                    prop_assert!(!left || !tried.contains(&pick.target));
                }
            }
        }
    }
}
