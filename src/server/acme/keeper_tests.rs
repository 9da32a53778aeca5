#![allow(clippy::unwrap_used)]

use super::*;
use crate::acme::{Challenges, Domains, KeyKind};
use crate::keys::fixtures;
use crate::server::certificates::{Store, fallback};
use crate::settings::Settings;
use crate::snapshot::{Certificates, KeyPair};
use crate::upstream::tls::ClientConfigs;
use std::path::Path;
use tokio::sync::mpsc;

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1/directory";

fn plan(domains: &[&str], agreed: bool) -> Arc<Plan> {
    let directory = if agreed { NOWHERE } else { "https://acme-v02.api.letsencrypt.org/directory" };
    Arc::new(Plan {
        directory: directory.into(),
        email: "a@b.test".into(),
        agreed,
        external: None,
        key: KeyKind::P256,
        renew_before: Duration::ZERO,
        backoff: Duration::from_secs(300),
        domains: Domains::new(domains.iter().copied(), false),
        challenges: Challenges::default(),
    })
}

/// A keeper beside the certificates of a configuration, and where it hears of names.
fn keeper(folder: &Path, configured: &[(&str, KeyPair)]) -> (Keeper, mpsc::Receiver<Box<str>>) {
    let names = configured.iter().enumerate().map(|(slot, (name, _))| ((*name).into(), slot)).collect();
    let pairs = configured.iter().map(|(_, pair)| vec![pair.clone()]).collect();
    let settings = Settings::default();
    let certificates = Certificates { pairs, names, ..Certificates::default() };
    let store = Store::new(&certificates, fallback(&settings).unwrap()).unwrap();
    let configs = Arc::new(ClientConfigs::new(&settings).unwrap());
    let place = Place { certificates: store.live(), obtained: store.obtained(), configs, folder: folder.to_owned() };
    let (tell, asked) = mpsc::channel(4);
    (Keeper::new(place, tell), asked)
}

fn attend(keeper: &mut Keeper, name: &str, now: SystemTime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(keeper.attend(name, now));
}

fn kept(root: &Path, names: &[&str]) {
    for name in names {
        Folder::open(root, NOWHERE).keep_pair(name, fixtures::pem(&fixtures::leaf(&[name])));
    }
}

/// The names that something is to be done for.
fn waiting(keeper: &Keeper) -> Vec<&str> {
    keeper.names.iter().filter(|(_, known)| known.next.is_some()).map(|(name, _)| &**name).collect()
}

#[test]
fn what_is_kept_is_shown_at_once_if_it_is_still_wanted() {
    let root = tempfile::tempdir().unwrap();
    kept(root.path(), &["a.test", "x.wild.test", "gone.test"]);
    let (mut keeper, _asked) = keeper(root.path(), &[]);
    keeper.adopt(Some(plan(&["a.test", "*.wild.test", "new.test"], true)), SystemTime::now());
    let shown = |name| keeper.place.obtained.find(name).is_some();
    assert!(shown("a.test") && shown("x.wild.test") && !shown("gone.test") && !shown("new.test"));
    assert_eq!(waiting(&keeper), ["a.test", "new.test", "x.wild.test"]);
    keeper.adopt(None, SystemTime::now());
    assert!(keeper.place.obtained.find("a.test").is_none() && keeper.next().is_none());
}

#[test]
fn nothing_is_ordered_where_the_terms_are_not_accepted() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, mut asked) = keeper(root.path(), &[]);
    keeper.adopt(Some(plan(&["a.test", "*.wild.test"], false)), SystemTime::now());
    assert!(keeper.next().is_none());
    assert!(keeper.place.obtained.find("x.wild.test").is_none() && asked.try_recv().is_err());
}

#[test]
fn a_name_of_the_configuration_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, _asked) = keeper(root.path(), &[("a.test", fixtures::leaf(&["a.test"]))]);
    let now = SystemTime::now();
    keeper.adopt(Some(plan(&["a.test"], true)), now);
    attend(&mut keeper, "a.test", now);
    let known = &keeper.names["a.test"];
    assert_eq!((known.failures, known.next), (0, Some(now + LATER)));
}

#[test]
fn what_fails_rests_and_a_name_that_was_asked_for_waits_to_be_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, mut asked) = keeper(root.path(), &[]);
    let now = SystemTime::now();
    keeper.adopt(Some(plan(&["a.test", "*.wild.test"], true)), now);
    assert!(keeper.place.obtained.find("X.wild.test").is_none());
    keeper.take_up(asked.try_recv().unwrap(), now);
    keeper.take_up("other.test".into(), now);
    assert_eq!(waiting(&keeper), ["a.test", "x.wild.test"]);
    for name in ["a.test", "x.wild.test"] {
        attend(&mut keeper, name, now);
    }
    assert_eq!(waiting(&keeper), ["a.test"]);
    assert!(keeper.names["a.test"].next > Some(now + Duration::from_secs(299)));
    keeper.take_up("x.wild.test".into(), now);
    assert!(keeper.names["x.wild.test"].next > Some(now + Duration::from_secs(299)), "it rests all the same");
}

#[test]
fn a_reload_ends_a_rest_only_with_another_account() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, _asked) = keeper(root.path(), &[]);
    let now = SystemTime::now();
    keeper.adopt(Some(plan(&["a.test"], true)), now);
    attend(&mut keeper, "a.test", now);
    keeper.adopt(Some(plan(&["a.test", "b.test"], true)), now);
    assert_eq!(keeper.names["a.test"].failures, 1);
    let other = Plan { email: "other@b.test".into(), ..(*plan(&["a.test"], true)).clone() };
    keeper.adopt(Some(Arc::new(other)), now);
    assert_eq!((keeper.names["a.test"].failures, keeper.names["a.test"].next), (0, Some(now)));
}

#[test]
fn strangers_cannot_make_it_know_or_order_without_end() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, _asked) = keeper(root.path(), &[]);
    let now = SystemTime::now();
    keeper.adopt(Some(plan(&["*.wild.test"], true)), now);
    for number in 0..MOST_NAMES + 5 {
        keeper.take_up(format!("n{number}.wild.test").into(), now);
    }
    assert_eq!(keeper.names.len(), MOST_NAMES);
    assert_eq!((0..MOST_ORDERS + 5).filter(|_| keeper.may_order(now)).count(), MOST_ORDERS);
    assert!(keeper.may_order(now + HOUR * 2));
}

#[test]
fn what_another_process_ordered_is_taken_from_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let (mut keeper, _asked) = keeper(root.path(), &[]);
    let now = SystemTime::now();
    keeper.adopt(Some(plan(&["a.test"], true)), now);
    kept(root.path(), &["a.test"]);
    attend(&mut keeper, "a.test", now);
    assert!(keeper.place.obtained.find("a.test").is_some());
    assert_eq!((keeper.names["a.test"].failures, keeper.orders.len()), (0, 0));
}
