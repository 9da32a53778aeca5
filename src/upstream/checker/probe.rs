//! One check of one address.

use super::question::{self, Read};
use crate::health::checks::{Active, Kind};
use crate::health::standing::Outcome;
use crate::snapshot::UpstreamTls;
use crate::upstream::tls::{ClientConfigs, ClientTls, TlsError};
use http::HeaderValue;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How checks speak TLS.
pub(super) struct Way {
    tls: Arc<ClientTls>,
    sni: Option<Box<str>>,
}

// === impl Way ===

impl Way {
    /// As an upstream wants it.
    ///
    /// # Errors
    /// When there is nobody to trust, or a certificate cannot be used.
    pub(super) fn new(active: &Active, tls: &UpstreamTls, configs: &ClientConfigs) -> Result<Self, TlsError> {
        Ok(Self { tls: configs.get(tls)?, sni: active.sni.clone() })
    }
}

/// Asks one address, within the limit.
pub(super) async fn ask(active: &Active, way: Option<&Way>, address: SocketAddr, host: &HeaderValue) -> Outcome {
    match timeout(active.timeout, attempt(active, way, address, host)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "a check failed");
            Outcome::Broken
        }
        Err(_) => Outcome::Timeout,
    }
}

async fn attempt(active: &Active, way: Option<&Way>, address: SocketAddr, host: &HeaderValue) -> io::Result<Outcome> {
    let socket = TcpStream::connect(address).await?;
    match (active.kind, way) {
        (Kind::Tcp, _) => Ok(Outcome::Connected),
        (Kind::Http | Kind::Https, None) => answer(socket, active, host).await,
        (Kind::Http | Kind::Https, Some(way)) => {
            let name = way.sni.as_deref().unwrap_or(host.to_str().unwrap_or_default());
            let name = way.tls.name(name).map_err(io::Error::other)?;
            let socket = TlsConnector::from(way.tls.config.clone()).connect(name, socket).await?;
            answer(socket, active, host).await
        }
    }
}

/// Asks for the page, and reads as much as tells its status.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    active: &Active,
    host: &HeaderValue,
) -> io::Result<Outcome> {
    socket.write_all(&question::text(active, host)).await?;
    socket.flush().await?;
    let mut bytes = Vec::new();
    loop {
        match question::read(&bytes) {
            Read::Status(status) => return Ok(Outcome::Status(status)),
            Read::Nonsense => return Ok(Outcome::Nonsense),
            Read::More => {}
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
