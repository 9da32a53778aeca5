//! New connections to upstreams: TCP, and TLS where the service wants it.

use super::http1::stream::Stream;
use super::pool::Key;
use super::tls::{ClientConfigs, ClientTls, TlsError};
use crate::keys::KeyError;
use crate::settings::Settings;
use crate::snapshot::{Snapshot, UpstreamTls};
use http::HeaderValue;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a connection leads and how it is protected.
#[derive(Debug)]
pub struct Link {
    /// Which idle connections would do as well.
    pub key: Key,
    /// For TLS: the way to speak it, and the Host that names the other side.
    tls: Option<(Arc<ClientTls>, HeaderValue)>,
}

/// How a worker reaches upstreams. A copy for each worker; what is costly to build is shared.
#[derive(Clone, Debug)]
pub struct Links {
    configs: Arc<ClientConfigs>,
    known: RefCell<HashMap<usize, Way, foldhash::fast::RandomState>>,
    /// For keys of connections. A stranger may choose the Host, and whoever found two of the same hash would get a connection
    /// that was made for another: so it is keyed, and one that was made to withstand that (SipHash).
    hasher: RandomState,
    /// Longest head of an answer.
    pub response_head: usize,
}

/// A service's way to speak TLS, found once. While it is there, nothing else has the address that is its key.
#[derive(Clone, Debug)]
struct Way {
    of: Weak<UpstreamTls>,
    found: Result<Arc<ClientTls>, TlsError>,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// It took too long.
    Timeout,
    /// The system says no.
    Io(io::Error),
    /// TLS cannot be set up for this service.
    Tls(TlsError),
}

// === impl Links ===

impl Links {
    /// Reads what settings name.
    ///
    /// # Errors
    /// When the client certificate of the settings cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, KeyError> {
        let configs = Arc::new(ClientConfigs::new(settings)?);
        let (known, hasher) = (RefCell::default(), RandomState::new());
        Ok(Self { configs, known, hasher, response_head: settings.response_head })
    }

    /// How TLS is spoken.
    #[must_use]
    pub fn configs(&self) -> &Arc<ClientConfigs> {
        &self.configs
    }

    /// Where a connection to this address leads, for a service and a Host.
    ///
    /// # Errors
    /// When TLS cannot be set up for the service.
    pub fn link(
        &self,
        address: SocketAddr,
        tls: Option<&Arc<UpstreamTls>>,
        host: &HeaderValue,
    ) -> Result<Link, ConnectError> {
        let Some(wanted) = tls else { return Ok(Link { key: Key { address, tls: 0 }, tls: None }) };
        let way = self.way(wanted)?;
        let key = Key { address, tls: self.hasher.hash_one((way.id, host.as_bytes())).max(1) };
        Ok(Link { key, tls: Some((way, host.clone())) })
    }

    /// Takes up a snapshot: services that speak TLS as some did before go on with their way, and so with their
    /// connections. What belongs to no snapshot any more is forgotten.
    pub fn adopt(&self, snapshot: &Snapshot) {
        let mut known = self.known.borrow_mut();
        known.retain(|_, way| way.of.strong_count() > 0 && way.found.is_ok());
        let before: HashMap<_, _> = known.values().filter_map(|way| Some((way.of.upgrade()?, way.clone()))).collect();
        for wanted in snapshot.services.iter().filter_map(|service| service.tls.as_ref()) {
            if let Some(way) = before.get(wanted) {
                let way = Way { of: Arc::downgrade(wanted), found: way.found.clone() };
                known.entry(Arc::as_ptr(wanted).addr()).or_insert(way);
            }
        }
    }

    fn way(&self, wanted: &Arc<UpstreamTls>) -> Result<Arc<ClientTls>, ConnectError> {
        let mut known = self.known.borrow_mut();
        let make = || Way { of: Arc::downgrade(wanted), found: self.configs.get(wanted) };
        let way = known.entry(Arc::as_ptr(wanted).addr()).or_insert_with(make);
        way.found.clone().map_err(ConnectError::Tls)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When it cannot be opened in time.
    pub async fn connect(&self, link: &Link, limit: Duration) -> Result<Stream, ConnectError> {
        tokio::time::timeout(limit, open(link)).await.unwrap_or(Err(ConnectError::Timeout))
    }
}

async fn open(link: &Link) -> Result<Stream, ConnectError> {
    let socket = TcpStream::connect(link.key.address).await?;
    socket.set_nodelay(true)?;
    let Some((way, host)) = &link.tls else { return Ok(Stream::Plain(socket)) };
    let name = way.name(host.to_str().unwrap_or_default()).map_err(ConnectError::Tls)?;
    let connector = TlsConnector::from(way.config.clone());
    Ok(Stream::Tls(Box::new(connector.connect(name, socket).await?)))
}

// === impl ConnectError ===

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("it took too long"),
            Self::Io(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {}
