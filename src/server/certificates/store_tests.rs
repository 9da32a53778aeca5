#![allow(clippy::unwrap_used)]

use super::*;
use crate::keys::fixtures;

fn store(pairs: Vec<KeyPair>, names: &[(&str, usize)]) -> Arc<Store> {
    let names = names.iter().map(|(name, slot)| ((*name).into(), *slot)).collect();
    let pairs = pairs.into_iter().map(|pair| vec![pair]).collect();
    let certificates = Certificates { pairs, names, ..Certificates::default() };
    Arc::new(Store::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap())
}

fn from_files(names: &[&str]) -> KeyPair {
    let files = PairFiles { cert: Some("cert.pem".into()), key: Some("key.pem".into()) };
    KeyPair { files, ..fixtures::leaf(names) }
}

/// The first certificate that a client may see.
fn shown_for(store: &Store, sni: Option<&str>) -> Vec<u8> {
    store.live.load().choose(sni, |shown| shown.first().cloned()).unwrap().cert[0].to_vec()
}

fn leaf(store: &Store, sni: &str) -> Vec<u8> {
    shown_for(store, Some(sni))
}

/// Both files of a pair, as PEM.
fn contents(pair: &KeyPair) -> Vec<Vec<u8>> {
    vec![fixtures::pem(pair).into(), fixtures::pem(pair).into()]
}

#[test]
fn a_star_takes_any_name_but_not_none() {
    let pair = fixtures::leaf(&["x.test"]);
    let store = store(vec![pair.clone()], &[("*", 0)]);
    assert_eq!(leaf(&store, "whatever.test"), pair.chain[0]);
    assert_ne!(shown_for(&store, None), pair.chain[0]);
}

#[test]
fn an_unusable_certificate_is_named() {
    let mut pair = fixtures::leaf(&["a.test"]);
    pair.key = fixtures::leaf(&["b.test"]).key;
    let names = [("b.test".into(), 0), ("a.test".into(), 0)].into_iter().collect();
    let certificates = Certificates { pairs: vec![vec![pair]], names, ..Certificates::default() };
    let error = Store::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap_err();
    let text = "the certificate for a.test, b.test cannot be used: certificate does not match key";
    assert_eq!(error.to_string(), text);
}

#[test]
fn files_come_before_a_made_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pair) = (folder.path().join("both.pem"), fixtures::leaf(&["file.test"]));
    std::fs::write(&path, fixtures::pem(&pair)).unwrap();
    let mut settings =
        Settings { ssl_cert: vec![path.clone().into()], ssl_cert_key: vec![path.into()], ..Settings::default() };
    assert_eq!(fallback(&settings).unwrap()[0].pair.cert[0].to_vec(), pair.chain[0]);
    settings.ssl_cert_key.clear();
    assert!(fallback(&settings).unwrap_err().to_string().contains("1 times while ssl_cert_key was specified 0"));
    settings.ssl_cert_key = vec![folder.path().join("missing.pem").into()];
    assert!(fallback(&settings).unwrap_err().to_string().contains("missing.pem: No such file"));
}

#[test]
fn a_renewed_pair_is_shown_and_the_others_stay() {
    let other = fixtures::leaf(&["b.test"]);
    let store = store(vec![from_files(&["a.test"]), other.clone()], &[("a.test", 0), ("b.test", 1)]);
    let [file] = &store.files()[..] else { panic!("one pair is in files") };
    assert_eq!(file.paths.len(), 2);
    let new = fixtures::leaf(&["a.test"]);
    (file.take)(&contents(&new)).unwrap();
    assert_eq!(leaf(&store, "a.test"), new.chain[0]);
    assert_eq!(leaf(&store, "b.test"), other.chain[0]);
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let store = store(vec![from_files(&["a.test"])], &[("a.test", 0)]);
    let (before, take) = (leaf(&store, "a.test"), store.files()[0].take.clone());
    let (one, two) = (contents(&fixtures::leaf(&["a.test"])), contents(&fixtures::leaf(&["a.test"])));
    let mixed = vec![one[0].clone(), two[1].clone()];
    assert_eq!(take(&mixed).unwrap_err(), "certificate does not match key");
    assert!(take(&[Vec::new(), one[1].clone()]).unwrap_err().contains("no certificate"));
    assert!(take(&[one[0].clone(), b"garbage".to_vec()]).unwrap_err().contains("no private key"));
    let old = contents(&fixtures::expired(&["a.test"]));
    assert!(take(&old).unwrap_err().starts_with("it expired on "), "{:?}", take(&old));
    assert_eq!(leaf(&store, "a.test"), before);
}

#[test]
fn a_key_in_no_file_must_still_fit() {
    let pair = from_files(&["a.test"]);
    let files = PairFiles { key: None, ..pair.files.clone() };
    let store = store(vec![KeyPair { files, ..pair.clone() }], &[("a.test", 0)]);
    let [file] = &store.files()[..] else { panic!("one pair is in files") };
    assert_eq!(file.paths.len(), 1);
    (file.take)(&contents(&pair)[..1]).unwrap();
    let other = contents(&fixtures::leaf(&["a.test"]));
    assert_eq!((file.take)(&other[..1]).unwrap_err(), "certificate does not match key");
}
