#![allow(clippy::unwrap_used)]

use super::*;
use crate::keys::fixtures;
use crate::server::certificates::{Store, fallback};
use crate::server::tls::ServerTls;
use crate::snapshot::{Certificates, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

fn configs() -> ClientConfigs {
    ClientConfigs::new(&Settings::default()).unwrap()
}

fn server(pair: KeyPair) -> Arc<ServerConfig> {
    let names = [("*".into(), 0), ("x".into(), 0)].into();
    let certificates = Certificates { pairs: vec![vec![pair]], names, ..Certificates::default() };
    let store = Store::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap();
    ServerTls::new(store.live(), &Settings::default()).unwrap().config(true, None).unwrap()
}

fn meet(way: &ClientTls, host: &str, server: &Arc<ServerConfig>) -> Result<ServerConnection, rustls::Error> {
    fixtures::handshake(&way.config, way.name(host).unwrap(), server).map(|(_, server)| server)
}

fn verified(authority: &[u8]) -> UpstreamTls {
    UpstreamTls { verify: true, authorities: vec![authority.to_vec()], ..UpstreamTls::default() }
}

#[test]
fn anyone_is_believed_by_default() {
    let way = configs().get(&UpstreamTls::default()).unwrap();
    for pair in [fixtures::leaf(&["a.test"]), fixtures::rsa("b.test"), fixtures::version_1()] {
        let met = meet(&way, "up.test:8443", &server(pair)).unwrap();
        assert_eq!(met.server_name(), Some("up.test"));
        assert_eq!(met.alpn_protocol(), None);
    }
}

#[test]
fn verification_is_asked_for() {
    let (configs, pair) = (configs(), fixtures::self_signed_authority("up.test"));
    let server = server(pair.clone());
    meet(&configs.get(&verified(&pair.chain[0])).unwrap(), "up.test:8443", &server).unwrap();
    let stranger = fixtures::self_signed_authority("up.test");
    assert!(meet(&configs.get(&verified(&stranger.chain[0])).unwrap(), "up.test", &server).is_err());
    assert!(meet(&configs.get(&verified(&pair.chain[0])).unwrap(), "other.test", &server).is_err());
    assert!(meet(&configs.get(&verified(&pair.chain[0])).unwrap(), "127.0.0.1:9", &server).is_err());
}

#[test]
fn the_signature_of_the_handshake_is_always_checked() {
    let certificate = fixtures::leaf(&["up.test"]).chain[0].clone();
    let signer = keys::certified_der(&fixtures::leaf(&["up.test"]).chain, &fixtures::leaf(&["x"]).key);
    assert!(signer.is_err(), "a pair that does not match is not made by us");
    let stolen = CertifiedKey::new(vec![certificate.into()], foreign_key());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = ServerConfig::builder_with_provider(crypto::provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(stolen.clone())));
        let way = configs().get(&UpstreamTls::default()).unwrap();
        let error = meet(&way, "up.test", &Arc::new(config)).unwrap_err();
        assert!(error.to_string().contains("BadSignature"), "{error}");
    }
}

fn foreign_key() -> Arc<dyn rustls::sign::SigningKey> {
    let pair = fixtures::leaf(&["thief.test"]);
    keys::certified_der(&pair.chain, &pair.key).unwrap().key
}

#[test]
fn tls_12_works_with_any_certificate() {
    for pair in [fixtures::leaf(&["a.test"]), fixtures::rsa("b.test"), fixtures::version_1()] {
        let pair = keys::certified_der(&pair.chain, &pair.key).unwrap();
        let config = ServerConfig::builder_with_provider(crypto::provider())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        meet(&configs().get(&UpstreamTls::default()).unwrap(), "up.test", &Arc::new(config)).unwrap();
    }
}

#[test]
fn equal_ways_are_one_and_others_are_not() {
    let configs = configs();
    let off = configs.get(&UpstreamTls::default()).unwrap();
    let same = configs.get(&UpstreamTls { depth: Some(3), authorities: vec![vec![1]], ..UpstreamTls::default() });
    assert_eq!(same.unwrap().id, off.id, "what only verification uses makes no difference without it");
    let authority = fixtures::self_signed_authority("up.test").chain[0].clone();
    let on = configs.get(&verified(&authority)).unwrap();
    assert_ne!(on.id, off.id);
    assert!(Arc::ptr_eq(&on, &configs.get(&UpstreamTls { depth: Some(1), ..verified(&authority) }).unwrap()));
    assert_ne!(configs.get(&UpstreamTls { depth: Some(2), ..verified(&authority) }).unwrap().id, on.id);
}

#[test]
fn an_id_is_never_given_twice() {
    let configs = configs();
    let first = configs.get(&UpstreamTls::default()).unwrap().id;
    assert_ne!(configs.get(&UpstreamTls::default()).unwrap().id, first, "the first was dropped, and forgotten");
}

#[test]
fn names() {
    let configs = configs();
    let off = configs.get(&UpstreamTls::default()).unwrap();
    let text = |host: &str| off.name(host).unwrap().to_str().into_owned();
    assert_eq!(text("up.test:8443"), "up.test");
    assert_eq!(text("my_service"), "my_service");
    assert_eq!(text("up.test."), "up.test");
    assert_eq!(text("10.0.0.1:443"), "10.0.0.1");
    assert_eq!(text("[::1]:443"), "::1");
    assert_eq!(text("::1"), "::1");
    let server = server(fixtures::leaf(&["a.test"]));
    for host in ["10.0.0.1", "[::1]:443", "a b", "", "-.test:1", "é.test"] {
        assert_eq!(meet(&off, host, &server).unwrap().server_name(), None, "{host}");
    }
    let on = configs.get(&verified(&fixtures::leaf(&["a.test"]).chain[0])).unwrap();
    assert_eq!(on.name("a b").unwrap_err().to_string(), "no certificate can be valid for `a b`");
}

#[test]
fn a_client_certificate_is_shown() {
    let (own, common) = (fixtures::leaf(&["client.test"]), fixtures::leaf(&["gateway.test"]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.pem");
    std::fs::write(&path, fixtures::pem(&common)).unwrap();
    let settings = Settings { client_ssl: Some((path.clone().into(), path.into())), ..Settings::default() };
    let configs = ClientConfigs::new(&settings).unwrap();
    let server = asking(&[&own, &common]);
    let shown = |client| {
        let way = configs.get(&UpstreamTls { client, ..UpstreamTls::default() }).unwrap();
        meet(&way, "up.test", &server).unwrap().peer_certificates().map(|chain| chain[0].to_vec())
    };
    assert_eq!(shown(Some((own.chain.clone(), own.key.clone()))), Some(own.chain[0].clone()));
    assert_eq!(shown(None), Some(common.chain[0].clone()));
}

/// A server that wants to see one of these.
fn asking(trusted: &[&KeyPair]) -> Arc<ServerConfig> {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.chain[0].clone().into()).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto::provider()).build().unwrap();
    let pair = fixtures::leaf(&["up.test"]);
    let config = ServerConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![pair.chain[0].clone().into()], pair.key.try_into().unwrap());
    Arc::new(config.unwrap())
}

#[test]
fn files_of_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pair) = (folder.path().join("ca.pem"), fixtures::self_signed_authority("up.test"));
    let settings = Settings { trusted_certificates: vec![path.clone().into()], ..Settings::default() };
    let wanted = UpstreamTls { verify: true, ..UpstreamTls::default() };
    let error = ClientConfigs::new(&settings).unwrap().get(&wanted).unwrap_err();
    assert!(error.to_string().contains("ca.pem: No such file"), "{error}");
    std::fs::write(&path, fixtures::pem(&pair)).unwrap();
    let way = ClientConfigs::new(&settings).unwrap().get(&wanted).unwrap();
    meet(&way, "up.test", &server(pair)).unwrap();
}
