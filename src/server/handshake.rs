//! One TLS handshake at a listener: with the listener's own configuration, or with that of the server name asked for.

use super::tls::ServerTls;
use crate::keys::{self, KeyError};
use crate::plugin::record::Handshake;
use crate::settings::{ClientVerify, Listen};
use crate::snapshot::ClientAuth;
use crate::sni::Names;
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use rustls::server::Acceptor;
use rustls::{CipherSuite, ProtocolVersion, ServerConfig};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

/// TLS of one listener. Cheap to clone.
#[derive(Clone)]
pub struct DoorTls {
    own: TlsAcceptor,
    auth: Option<Arc<ClientAuth>>,
    http2: bool,
    /// Names that want certificates of their clients. A reload stores others.
    names: Arc<ArcSwap<Names<Guarded>>>,
}

/// Names that are to take the place of a listener's.
pub struct Guards(Arc<Names<Guarded>>);

/// A server name that lets in clients with a certificate.
#[derive(Clone)]
struct Guarded {
    config: Arc<ServerConfig>,
    auth: Arc<ClientAuth>,
}

/// What a handshake established.
pub struct Met {
    /// The encrypted connection.
    pub stream: TlsStream<TcpStream>,
    /// Whom the door lets in.
    pub auth: Option<Arc<ClientAuth>>,
}

/// Why a listener's TLS cannot be set up.
#[derive(Debug)]
pub enum TlsError {
    /// The file of authorities.
    Authorities(KeyError),
    /// The configuration.
    Config(rustls::Error),
}

// === impl DoorTls ===

impl DoorTls {
    /// Sets up a listener that speaks TLS, with the names that guard themselves.
    ///
    /// # Errors
    /// If authorities cannot be read or used.
    pub fn new(listen: &Listen, tls: &ServerTls, names: &Names<Arc<ClientAuth>>) -> Result<Self, TlsError> {
        let auth = listener_auth(listen).map_err(TlsError::Authorities)?;
        let own = TlsAcceptor::from(tls.config(listen.http2, auth.as_deref()).map_err(TlsError::Config)?);
        let door = Self { own, auth, http2: listen.http2, names: Arc::default() };
        door.guard(door.guards(tls, names)?);
        Ok(door)
    }

    /// The names of another configuration, ready for [`guard`](Self::guard). One that lets in the same clients as some did
    /// before goes on with their sessions.
    ///
    /// # Errors
    /// If authorities cannot be used.
    pub fn guards(&self, tls: &ServerTls, names: &Names<Arc<ClientAuth>>) -> Result<Guards, TlsError> {
        let before = self.names.load();
        let guarded = names.try_map(|auth| {
            if let Some(same) = before.values().find(|guarded| guarded.auth == *auth) {
                return Ok(same.clone());
            }
            let config = tls.config(self.http2, Some(auth)).map_err(TlsError::Config)?;
            Ok(Guarded { config, auth: Arc::clone(auth) })
        });
        guarded.map(|names| Guards(Arc::new(names)))
    }

    /// Lets clients in by these names from the next handshake on, at every copy of this door.
    pub fn guard(&self, Guards(names): Guards) {
        self.names.store(names);
    }

    /// Greets a client.
    ///
    /// # Errors
    /// What went wrong, after the client was told by an alert.
    pub async fn accept(&self, socket: TcpStream) -> io::Result<Met> {
        if self.names.load().is_empty() {
            return Ok(Met { stream: self.own.accept(socket).await?, auth: self.auth.clone() });
        }
        let start = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
        let (config, auth) = self.rule(start.client_hello().server_name());
        Ok(Met { stream: start.into_stream(config).await?, auth })
    }

    /// The configuration for a name, and whom it lets in.
    fn rule(&self, name: Option<&str>) -> (Arc<ServerConfig>, Option<Arc<ClientAuth>>) {
        let names = self.names.load();
        match name.and_then(|name| names.find(name)) {
            Some(guarded) => (Arc::clone(&guarded.config), Some(Arc::clone(&guarded.auth))),
            None => (Arc::clone(self.own.config()), self.auth.clone()),
        }
    }
}

fn listener_auth(listen: &Listen) -> Result<Option<Arc<ClientAuth>>, KeyError> {
    let Some(path) = &listen.client_ca else { return Ok(None) };
    let authorities = keys::certificates(path)?.into_iter().map(|der| der.to_vec()).collect();
    Ok(Some(Arc::new(ClientAuth { authorities, required: listen.client_verify == ClientVerify::Required })))
}

// === impl Met ===

impl Met {
    /// The client's certificate as `Client-Cert` carries it (RFC 9440 §2.2), if it showed one.
    #[must_use]
    pub fn client_cert(&self) -> Option<HeaderValue> {
        let leaf = self.stream.get_ref().1.peer_certificates()?.first()?;
        HeaderValue::try_from(format!(":{}:", STANDARD.encode(leaf))).ok()
    }

    /// What log records tell of it.
    #[must_use]
    pub fn handshake(&self) -> Option<Handshake> {
        let connection = self.stream.get_ref().1;
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "TLSv1.2",
        };
        let cipher = openssl(connection.negotiated_cipher_suite()?.suite());
        Some(Handshake { version, cipher, verified: connection.peer_certificates().is_some() })
    }
}

/// What OpenSSL calls a cipher suite.
fn openssl(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        other => other.as_str().unwrap_or_default(),
    }
}

// === impl TlsError ===

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorities(error) => write!(f, "client_ca: {error}"),
            Self::Config(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
