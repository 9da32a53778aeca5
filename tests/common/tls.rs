//! A TLS client of rustls toward a gateway whose certificate it knows, and what they agreed on.

use super::{Gateway, LIMIT, gateway};
use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A certificate for `gw.test`, and where its files are.
pub(crate) struct Certificate {
    pub(crate) path: PathBuf,
    pub(crate) key: PathBuf,
    der: CertificateDer<'static>,
    _folder: TempDir,
}

/// A connection after its handshake.
pub(crate) type Connected = StreamOwned<ClientConnection, TcpStream>;

// === impl Certificate ===

impl Certificate {
    /// ECDSA P-256, signed by itself.
    pub(crate) fn new() -> Self {
        Self::of_kind(IsCa::NoCa)
    }

    /// One that signs others.
    pub(crate) fn authority() -> Self {
        Self::of_kind(IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn of_kind(kind: IsCa) -> Self {
        let (made, mut params) =
            (KeyPair::generate().unwrap(), CertificateParams::new(["gw.test".to_owned()]).unwrap());
        params.is_ca = kind;
        let der = params.self_signed(&made).unwrap().der().clone();
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&path, pem("CERTIFICATE", &der)).unwrap();
        std::fs::write(&key, pem("PRIVATE KEY", &made.serialize_der())).unwrap();
        Self { path, key, der, _folder: folder }
    }

    /// A gateway that shows it.
    pub(crate) fn shown_by(&self, builder: gateway::Builder) -> gateway::Builder {
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        builder.set("KONG_SSL_CERT", &text(&self.path)).set("KONG_SSL_CERT_KEY", &text(&self.key))
    }

    /// A client that believes this certificate and no other, with these algorithms.
    pub(crate) fn client(&self, provider: CryptoProvider) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let known = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        known.unwrap().with_root_certificates(roots).with_no_client_auth()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

/// All that rustls knows, changed.
pub(crate) fn algorithms(change: impl FnOnce(&mut CryptoProvider)) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    change(&mut provider);
    provider
}

/// Connects, and shakes hands.
pub(crate) fn connect(gateway: &Gateway, client: &Arc<ClientConfig>) -> std::io::Result<Connected> {
    let mut socket = TcpStream::connect(("127.0.0.1", gateway.port()))?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.set_write_timeout(Some(LIMIT))?;
    let mut session = ClientConnection::new(client.clone(), ServerName::try_from("gw.test").unwrap()).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}

/// Sends a request, and reads to the end, by which a ticket has come too.
pub(crate) fn get(mut stream: Connected) -> (ClientConnection, String) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (stream.conn, answer)
}

/// The group of the key exchange.
pub(crate) fn group(connection: &ClientConnection) -> NamedGroup {
    connection.negotiated_key_exchange_group().unwrap().name()
}
