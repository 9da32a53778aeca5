//! Certificates for tests, made on the spot.

#![allow(clippy::unwrap_used)]

use crate::snapshot::{KeyPair, PairFiles};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair as Key,
    KeyUsagePurpose,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::sync::Arc;

/// A whole handshake in memory; the error is that of the side which gives up.
pub(crate) fn handshake(
    client: &Arc<ClientConfig>,
    name: ServerName<'static>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let mut one = Connection::from(ClientConnection::new(Arc::clone(client), name)?);
    let mut two = Connection::from(ServerConnection::new(Arc::clone(server)).unwrap());
    for _ in 0..6 {
        carry(&mut one, &mut two)?;
        carry(&mut two, &mut one)?;
    }
    let (Connection::Client(one), Connection::Server(two)) = (one, two) else { unreachable!() };
    assert!(!one.is_handshaking() && !two.is_handshaking());
    Ok((one, two))
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

/// An authority that can issue.
pub(crate) type Authority = CertifiedIssuer<'static, Key>;

/// Parameters for these subject alternative names, with `common` as CN.
pub(crate) fn params(common: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

/// A self-signed certificate, by the parameters.
pub(crate) fn self_signed(params: &CertificateParams) -> KeyPair {
    let key = Key::generate().unwrap();
    pair(vec![params.self_signed(&key).unwrap().der().to_vec()], key.serialize_der())
}

fn pair(chain: Vec<Vec<u8>>, key: Vec<u8>) -> KeyPair {
    KeyPair { chain, key, files: PairFiles::default() }
}

/// A self-signed ECDSA certificate whose time is over.
pub(crate) fn expired(names: &[&str]) -> KeyPair {
    let mut params = params(names[0], names);
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2020, 3, 31));
    self_signed(&params)
}

/// A self-signed ECDSA certificate that is no authority.
pub(crate) fn leaf(names: &[&str]) -> KeyPair {
    self_signed(&params(names[0], names))
}

/// A self-signed RSA certificate.
pub(crate) fn rsa(name: &str) -> KeyPair {
    let key = Key::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    pair(vec![params(name, &[name]).self_signed(&key).unwrap().der().to_vec()], key.serialize_der())
}

/// What `openssl req -x509` makes: one's own certificate that calls itself an authority.
pub(crate) fn self_signed_authority(name: &str) -> KeyPair {
    let mut params = params(name, &[name]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    self_signed(&params)
}

/// A root authority.
pub(crate) fn authority(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority_params(name), Key::generate().unwrap()).unwrap()
}

/// An authority below another.
pub(crate) fn intermediate(name: &str, issuer: &Authority) -> Authority {
    CertifiedIssuer::signed_by(authority_params(name), Key::generate().unwrap(), issuer).unwrap()
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A certificate for servers by an authority; `above` are the intermediates that go with it.
pub(crate) fn issued(params: &CertificateParams, issuer: &Authority, above: &[&Authority]) -> KeyPair {
    let key = Key::generate().unwrap();
    let mut params = params.clone();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut chain = vec![params.signed_by(&key, issuer).unwrap().der().to_vec()];
    chain.extend(above.iter().map(|authority| authority.der().to_vec()));
    pair(chain, key.serialize_der())
}

/// A certificate for clients by an authority.
pub(crate) fn issued_to_client(name: &str, issuer: &Authority) -> KeyPair {
    let key = Key::generate().unwrap();
    let mut params = params(name, &[]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    pair(vec![params.signed_by(&key, issuer).unwrap().der().to_vec()], key.serialize_der())
}

/// DER of an authority's certificate.
pub(crate) fn der(authority: &Authority) -> Vec<u8> {
    authority.der().to_vec()
}

/// Chain and key in one PEM text.
pub(crate) fn pem(pair: &KeyPair) -> String {
    let block =
        |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der));
    let chain: String = pair.chain.iter().map(|der| block("CERTIFICATE", der)).collect();
    chain + &block("PRIVATE KEY", &pair.key)
}

/// A certificate of X.509 version 1 with only a CN, `old.test`, issued by [`version_1_authority`]:
/// `openssl x509 -req -CA` without extensions makes such.
pub(crate) fn version_1() -> KeyPair {
    pair(vec![decode(include_str!("v1-leaf.b64"))], decode(include_str!("v1-key.b64")))
}

/// Who issued [`version_1`].
pub(crate) fn version_1_authority() -> Vec<u8> {
    decode(include_str!("v1-ca.b64"))
}

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text.split_whitespace().collect::<String>()).unwrap()
}
