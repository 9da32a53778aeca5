//! A TLS client of rustls toward a gateway whose authority it knows, and what they agreed on; and an upstream over TLS.

use super::pki::Pki;
use super::{Gateway, LIMIT, gateway};
use base64::Engine as _;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate for `gw.test` (ECDSA P-256), its key, and who signed it.
pub(crate) struct Certificate {
    pki: Pki,
    cert: PathBuf,
    key: PathBuf,
}

/// A connection after its handshake.
pub(crate) type Connected = StreamOwned<ClientConnection, TcpStream>;

/// The same on an upstream's side.
pub(crate) type Served = StreamOwned<ServerConnection, TcpStream>;

// === impl Certificate ===

impl Certificate {
    /// A new one, of a new authority.
    pub(crate) fn new() -> Self {
        let pki = Pki::new("ours");
        let (cert, key) = pki.write("gw", &pki.server("gw.test", 1));
        Self { pki, cert, key }
    }

    /// A gateway that shows it.
    pub(crate) fn shown_by(&self, builder: gateway::Builder) -> gateway::Builder {
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        builder.set("KONG_SSL_CERT", &text(&self.cert)).set("KONG_SSL_CERT_KEY", &text(&self.key))
    }

    /// The same with the texts themselves in the settings, the key in base64.
    pub(crate) fn inlined(&self, builder: gateway::Builder) -> gateway::Builder {
        let text = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        let key = base64::engine::general_purpose::STANDARD.encode(text(&self.key));
        builder.set("KONG_SSL_CERT", &text(&self.cert)).set("KONG_SSL_CERT_KEY", &key)
    }

    /// A configuration with nothing but a certificate of the same authority, for a name that asks clients for one, too.
    pub(crate) fn guarding(&self, name: &str) -> String {
        let file = |path: &Path| format!("'{{vault://file{}}}'", path.display());
        let (cert, key) = self.pki.write("guarded", &self.pki.server(name, 2));
        let (cert, key, ca) = (file(&cert), file(&key), file(&self.pki.path("ca.pem")));
        format!(
            "_format_version: \"2.1\"\ncertificates:\n- cert: {cert}\n  key: {key}\n  snis:\n  - name: {name}\n    \
             client_ca: {ca}\n"
        )
    }

    /// A client that believes its authority and no other, with these algorithms.
    pub(crate) fn client(&self, provider: CryptoProvider) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.pki.path("ca.pem")).unwrap()).unwrap();
        let known = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        known.unwrap().with_root_certificates(roots).with_no_client_auth()
    }
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

/// An upstream with a certificate for this name: serves each connection, and its number, from 0, on a thread of its own,
/// after its handshake; where it listens. It ends with the test's process.
pub(crate) fn upstream(
    pki: &Pki,
    name: &str,
    serve: impl Fn(Served, usize) -> std::io::Result<()> + Send + Sync + 'static,
) -> u16 {
    let (pair, serve) = (pki.server(name, 7), Arc::new(serve));
    let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let known = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let known = known.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(known.with_single_cert(vec![cert], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let (config, serve) = (config.clone(), serve.clone());
            std::thread::spawn(move || greeted(socket?, config).and_then(|stream| serve(stream, number)));
        }
    });
    port
}

fn greeted(mut socket: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<Served> {
    socket.set_read_timeout(Some(LIMIT))?;
    let mut session = ServerConnection::new(config).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}
