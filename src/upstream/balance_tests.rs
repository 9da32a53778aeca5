#![allow(clippy::unwrap_used)]

use super::*;
use crate::entity::Identity;
use crate::upstream::dns::tests::addresses;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn address(number: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(number).unwrap())), 80)
}

/// Targets with one address each.
fn balancer(weights: &[u32], start: u64) -> Balancer {
    let mut balancer = Balancer::new(weights.iter().copied(), start);
    for target in 0..weights.len() {
        balancer.learn(target, &Addresses::from(address(target)));
    }
    balancer
}

fn picks(balancer: &mut Balancer, count: usize) -> Vec<usize> {
    (0..count).map(|_| balancer.pick(&[]).unwrap().target).collect()
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
    assert_eq!(balancer(&[], 7).pick(&[]), None);
    assert_eq!(balancer(&[0, 0], 7).pick(&[]), None);
    assert_eq!(Balancer::new([1, 2], 7).pick(&[]), None, "no addresses");
}

#[test]
fn a_retry_goes_elsewhere_until_all_failed() {
    let mut balancer = balancer(&[100, 1, 1], 0);
    let mut tried = Vec::new();
    for _ in 0..3 {
        let pick = balancer.pick(&tried).unwrap();
        assert!(!tried.contains(&pick.address));
        tried.push(pick.address);
    }
    assert!(balancer.pick(&tried).is_some(), "then any");
}

#[test]
fn a_name_stands_for_all_its_addresses() {
    let mut balancer = Balancer::new([10, 20], 0);
    let two = addresses(&["10.0.0.1", "10.0.0.2", "::1"], 80);
    balancer.learn(0, &two);
    balancer.learn(1, &Addresses::from(address(9)));
    let mut counts = std::collections::HashMap::new();
    for _ in 0..40 {
        *counts.entry(balancer.pick(&[]).unwrap().address).or_insert(0) += 1;
    }
    assert_eq!(counts, [(address(1), 10), (address(2), 10), (address(9), 20)].into());
    let spare = balancer.pick(&[address(1), address(2), address(9)]).unwrap();
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

fn upstream(name: &str, weights: &[u32]) -> Upstream {
    let target = |(index, weight): (usize, &u32)| Target {
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
    }
}

#[test]
fn a_reload_keeps_the_turn_of_what_did_not_change() {
    let mut all = Balancers::default();
    let first = all.adopt(&[upstream("a", &[1, 1]), upstream("b", &[1, 1])], 0);
    let second = all.adopt(&[upstream("b", &[1, 1]), upstream("a", &[1, 2]), upstream("c", &[1])], 0);
    assert_eq!(picks(&mut first[0].borrow_mut(), 2), [0, 1], "addresses need not be learned");
    assert!(Rc::ptr_eq(&first[1], &second[0]));
    assert!(!Rc::ptr_eq(&first[0], &second[1]), "its weights changed");
    let third = all.adopt(&[upstream("a", &[1, 2])], 0);
    assert!(Rc::ptr_eq(&second[1], &third[0]));
    assert_eq!(Rc::strong_count(&second[0]), 2, "what is gone is let go: the two snapshots' own");
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
            match balancer.pick(&addresses) {
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
