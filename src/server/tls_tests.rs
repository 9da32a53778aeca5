#![allow(clippy::unwrap_used)]

use super::*;
use crate::keys::fixtures;
use crate::server::certificates::{Store, fallback};
use crate::settings::Settings;
use crate::snapshot::{Certificates, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, NamedGroup, ProtocolVersion,
    ServerConnection, SignatureScheme,
};

/// A client that says which signatures it knows and believes all certificates.
#[derive(Debug)]
struct Trusting(Vec<SignatureScheme>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

const ALL: [SignatureScheme; 2] = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256];

fn client(provider: CryptoProvider, schemes: &[SignatureScheme]) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(schemes.to_vec())))
        .with_no_client_auth()
}

fn connect(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, sni: &str) -> (ClientConnection, ServerConnection) {
    fixtures::handshake(client, ServerName::try_from(sni.to_owned()).unwrap(), server).unwrap()
}

fn live(pairs: Vec<KeyPair>) -> Live {
    let names = [("both.test".into(), 0)].into_iter().collect();
    let certificates = Certificates { pairs: vec![pairs], names, ..Certificates::default() };
    Store::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap().live()
}

fn leaf(connection: &ClientConnection) -> Vec<u8> {
    connection.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn the_handshake_is_the_cheap_and_strong_one() {
    let server = ServerTls::new(live(vec![fixtures::leaf(&["both.test"])]), &Settings::default())
        .unwrap()
        .config(true, None)
        .unwrap();
    let mut offered = client(aws_lc_rs::default_provider(), &ALL);
    offered.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let offered = Arc::new(offered);
    let (one, two) = connect(&offered, &server, "BOTH.test");
    assert_eq!(one.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(one.negotiated_cipher_suite().unwrap().suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
    assert_eq!(one.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
    assert_eq!(one.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(two.server_name(), Some("both.test"));
    assert_eq!(one.tls13_tickets_received(), 1);
    assert_eq!(one.handshake_kind(), Some(HandshakeKind::Full));
    let (again, _) = connect(&offered, &server, "BOTH.test");
    assert_eq!(again.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn tickets_hold_at_every_listener() {
    let tls = ServerTls::new(live(vec![fixtures::leaf(&["both.test"])]), &Settings::default()).unwrap();
    let offered = Arc::new(client(aws_lc_rs::default_provider(), &ALL));
    connect(&offered, &tls.config(true, None).unwrap(), "both.test");
    let (again, _) = connect(&offered, &tls.config(false, None).unwrap(), "both.test");
    assert_eq!(again.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn without_http2_only_http1_is_offered() {
    let server = ServerTls::new(live(vec![fixtures::leaf(&["both.test"])]), &Settings::default())
        .unwrap()
        .config(false, None)
        .unwrap();
    let mut offered = client(aws_lc_rs::default_provider(), &ALL);
    offered.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert_eq!(connect(&Arc::new(offered), &server, "x.test").0.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn tls_12_still_works_and_resumes() {
    let server = ServerTls::new(live(vec![fixtures::rsa("both.test")]), &Settings::default())
        .unwrap()
        .config(true, None)
        .unwrap();
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_none());
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(ALL.to_vec())))
        .with_no_client_auth();
    let config = Arc::new(config);
    let (one, _) = connect(&config, &server, "both.test");
    assert_eq!(one.negotiated_cipher_suite().unwrap().suite(), CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
    assert_eq!(connect(&config, &server, "both.test").0.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn of_two_keys_the_one_that_the_client_knows() {
    let pairs = vec![fixtures::rsa("both.test"), fixtures::leaf(&["both.test"])];
    let (rsa, ecdsa) = (pairs[0].chain[0].clone(), pairs[1].chain[0].clone());
    let server = ServerTls::new(live(pairs), &Settings::default()).unwrap().config(true, None).unwrap();
    for (schemes, want) in [(&ALL[..], &ecdsa), (&ALL[..1], &rsa), (&ALL[1..], &ecdsa)] {
        let config = Arc::new(client(aws_lc_rs::default_provider(), schemes));
        assert_eq!(leaf(&connect(&config, &server, "both.test").0), *want, "{schemes:?}");
    }
}

#[test]
fn a_reload_shows_at_the_next_handshake() {
    let live = live(vec![fixtures::leaf(&["both.test"])]);
    let server = ServerTls::new(Arc::clone(&live), &Settings::default()).unwrap().config(true, None).unwrap();
    let fresh = || Arc::new(client(aws_lc_rs::default_provider(), &ALL));
    let before = leaf(&connect(&fresh(), &server, "both.test").0);
    live.store(self::live(vec![fixtures::leaf(&["both.test"])]).load_full());
    assert_ne!(leaf(&connect(&fresh(), &server, "both.test").0), before);
}

/// A client that shows a certificate, if it has one.
fn showing(pair: Option<&KeyPair>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(ALL.to_vec())));
    Arc::new(match pair {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = pair.chain.iter().cloned().map(CertificateDer::from).collect();
            builder.with_client_auth_cert(chain, PrivateKeyDer::try_from(pair.key.clone()).unwrap()).unwrap()
        }
    })
}

#[test]
fn clients_show_a_certificate_of_the_authority() {
    let (authority, stranger) = (fixtures::authority("ours"), fixtures::authority("another"));
    let (good, bad) = (fixtures::issued_to_client("good", &authority), fixtures::issued_to_client("bad", &stranger));
    let tls = ServerTls::new(live(vec![fixtures::leaf(&["both.test"])]), &Settings::default()).unwrap();
    let name = || ServerName::try_from("both.test").unwrap();
    for required in [true, false] {
        let auth = ClientAuth { authorities: vec![fixtures::der(&authority)], required };
        let server = tls.config(true, Some(&auth)).unwrap();
        let meet = |pair| fixtures::handshake(&showing(pair), name(), &server);
        let (_, two) = meet(Some(&good)).unwrap();
        assert_eq!(two.peer_certificates().unwrap()[0].to_vec(), good.chain[0]);
        assert!(meet(Some(&bad)).is_err());
        assert_eq!(meet(None).is_ok(), !required);
    }
}

#[test]
fn a_ticket_from_elsewhere_opens_no_guarded_door() {
    let authority = fixtures::authority("ours");
    let auth = ClientAuth { authorities: vec![fixtures::der(&authority)], required: true };
    let tls = ServerTls::new(live(vec![fixtures::leaf(&["both.test"])]), &Settings::default()).unwrap();
    let client = showing(None);
    connect(&client, &tls.config(true, None).unwrap(), "both.test");
    let name = ServerName::try_from("both.test").unwrap();
    assert!(fixtures::handshake(&client, name, &tls.config(true, Some(&auth)).unwrap()).is_err());
}
