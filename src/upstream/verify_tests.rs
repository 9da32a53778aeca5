#![allow(clippy::unwrap_used)]

use super::*;
use crate::keys::fixtures::{self, Authority};
use crate::snapshot::KeyPair;
use std::time::Duration;

/// Within the validity of all fixtures.
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));

fn check_at(authorities: &[Vec<u8>], depth: usize, pair: &KeyPair, name: &str, now: UnixTime) -> Result<(), String> {
    let certificates = authorities.iter().cloned().map(CertificateDer::from).collect();
    let verifier = Chained { trust: Arc::new(Trust::configured(certificates).unwrap()), depth };
    let chain: Vec<CertificateDer<'_>> = pair.chain.iter().cloned().map(CertificateDer::from).collect();
    let name = ServerName::try_from(name).unwrap();
    let outcome = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now);
    outcome.map(drop).map_err(|error| error.to_string())
}

fn check(authorities: &[Vec<u8>], pair: &KeyPair, name: &str) -> Result<(), String> {
    check_at(authorities, 1, pair, name, NOW)
}

fn root() -> Authority {
    fixtures::authority("Root")
}

fn refused_with(outcome: Result<(), String>, part: &str) {
    let text = outcome.unwrap_err();
    assert!(text.contains(part), "{text}");
}

#[test]
fn a_chain_to_an_authority() {
    let (root, other) = (root(), fixtures::authority("Root"));
    let pair = fixtures::issued(&fixtures::params("x", &["up.test", "127.0.0.1"]), &root, &[]);
    check(&[fixtures::der(&root)], &pair, "up.test").unwrap();
    check(&[fixtures::der(&root)], &pair, "UP.test").unwrap();
    check(&[fixtures::der(&root)], &pair, "127.0.0.1").unwrap();
    check(&[fixtures::der(&other), fixtures::der(&root)], &pair, "up.test").unwrap();
    refused_with(check(&[fixtures::der(&other)], &pair, "up.test"), "");
    refused_with(check(&[], &pair, "up.test"), "UnknownIssuer");
    refused_with(check(&[fixtures::der(&root)], &pair, "down.test"), "not valid for name \"down.test\"");
    refused_with(check(&[fixtures::der(&root)], &pair, "127.0.0.2"), "not valid for name");
}

#[test]
fn depth_counts_intermediates() {
    let root = root();
    let (one, params) = (fixtures::intermediate("One", &root), fixtures::params("x", &["up.test"]));
    let two = fixtures::intermediate("Two", &one);
    let trusted = [fixtures::der(&root)];
    let (short, long) = (fixtures::issued(&params, &one, &[&one]), fixtures::issued(&params, &two, &[&two, &one]));
    let at = |depth, pair| check_at(&trusted, depth, pair, "up.test", NOW);
    at(1, &short).unwrap();
    refused_with(at(0, &short), "more than 0 intermediate certificates");
    at(2, &long).unwrap();
    refused_with(at(1, &long), "more than 1 intermediate certificates");
    refused_with(check(&trusted, &fixtures::issued(&params, &one, &[]), "up.test"), "UnknownIssuer");
}

#[test]
fn times() {
    let (root, mut params) = (root(), fixtures::params("x", &["up.test"]));
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let pair = fixtures::issued(&params, &root, &[]);
    let at = |seconds| {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        check_at(&[fixtures::der(&root)], 1, &pair, "up.test", now)
    };
    at(1_590_000_000).unwrap();
    refused_with(at(1_500_000_000), "not valid yet");
    refused_with(at(1_700_000_000), "expired");
}

#[test]
fn ones_own_certificate_given_as_authority() {
    for pair in [fixtures::leaf(&["up.test"]), fixtures::self_signed_authority("up.test")] {
        check(&[pair.chain[0].clone()], &pair, "up.test").unwrap();
        refused_with(check(&[pair.chain[0].clone()], &pair, "x.test"), "not valid for name");
        refused_with(check(&[fixtures::der(&root())], &pair, "up.test"), "");
    }
}

#[test]
fn an_authority_given_as_server_must_be_vouched_for() {
    let (root, name) = (root(), "up.test");
    let mut params = fixtures::params(name, &[name]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let direct = fixtures::issued(&params, &root, &[]);
    check(&[fixtures::der(&root)], &direct, name).unwrap();
    let one = fixtures::intermediate("One", &root);
    let far = fixtures::issued(&params, &one, &[&one]);
    refused_with(check(&[fixtures::der(&root)], &far, name), "an authority's own");
    let same_name = fixtures::authority("Root");
    refused_with(check(&[fixtures::der(&same_name)], &direct, name), "an authority's own");
    let late = UnixTime::since_unix_epoch(Duration::from_secs(u64::from(u32::MAX) * 30));
    assert!(check_at(&[fixtures::der(&root)], 1, &direct, name, late).is_err(), "expired");
}

#[test]
fn the_systems_authorities_never_vouch_directly() {
    let pair = fixtures::self_signed_authority("up.test");
    let chain = [CertificateDer::from(pair.chain[0].clone())];
    let trust = Trust::configured(Vec::new()).unwrap().with_system(&chain);
    let verifier = Chained { trust: Arc::new(trust), depth: 1 };
    let name = ServerName::try_from("up.test").unwrap();
    assert!(verifier.verify_server_cert(&chain[0], &[], &name, &[], NOW).is_err());
}

#[test]
fn a_leaf_for_clients_only_is_refused() {
    let mut params = fixtures::params("up.test", &["up.test"]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let pair = fixtures::self_signed(&params);
    assert!(check(&[pair.chain[0].clone()], &pair, "up.test").is_err());
}

#[test]
fn version_1_by_a_configured_authority() {
    let (pair, authority) = (fixtures::version_1(), fixtures::version_1_authority());
    check(std::slice::from_ref(&authority), &pair, "old.test").unwrap();
    refused_with(check(std::slice::from_ref(&authority), &pair, "new.test"), "not valid for name");
    refused_with(check(&[fixtures::der(&root())], &pair, "old.test"), "version 1");
    let mut broken = pair;
    let last = broken.chain[0].len() - 1;
    broken.chain[0][last] ^= 1;
    refused_with(check(&[authority], &broken, "old.test"), "version 1");
}

#[test]
fn a_common_name_counts_where_no_dns_name_is() {
    let root = root();
    let trusted = [fixtures::der(&root)];
    let issue = |common: &str, names: &[&str]| fixtures::issued(&fixtures::params(common, names), &root, &[]);
    check(&trusted, &issue("up.test", &[]), "Up.test").unwrap();
    check(&trusted, &issue("up.test", &["10.0.0.1"]), "up.test").unwrap();
    check(&trusted, &issue("*.up.test", &[]), "a.up.test").unwrap();
    check(&trusted, &issue("10.0.0.1", &[]), "10.0.0.1").unwrap();
    for (common, names, name) in [
        ("up.test", &["other.test"][..], "up.test"),
        ("*.up.test", &[], "up.test"),
        ("*.up.test", &[], "a.b.up.test"),
        ("*.test", &[], "up.test"),
        ("*", &[], "up.test"),
        ("up.test.", &[], "up.tes"),
    ] {
        refused_with(check(&trusted, &issue(common, names), name), "not valid for name");
    }
}
