//! Connections to those who take lines over a network.

use crate::outbox::{Server, Tcp};
use crate::upstream::tls::ClientTls;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

/// A socket, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How TLS is spoken, where it is.
pub(super) type Tls = Option<Arc<ClientTls>>;

/// Opens a connection.
///
/// # Errors
/// When it cannot be opened in time.
pub(super) async fn connect(to: &Tcp, tls: &Tls) -> io::Result<Box<dyn Stream>> {
    let Server { host, port, timeout } = &to.server;
    within(*timeout, async {
        let socket = TcpStream::connect((&**host, *port)).await?;
        socket.set_nodelay(true)?;
        let (Some(tls), Some(name)) = (tls, &to.tls) else { return Ok(Box::new(socket) as Box<dyn Stream>) };
        let name = tls.name(name).map_err(io::Error::other)?;
        let socket = TlsConnector::from(tls.config.clone()).connect(name, socket).await?;
        Ok(Box::new(socket) as Box<dyn Stream>)
    })
    .await
}

/// Work within a limit.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A connection that lines are written to.
pub(super) struct Lines {
    to: Tcp,
    tls: Tls,
    open: Option<(Box<dyn Stream>, Instant)>,
}

// === impl Lines ===

impl Lines {
    pub(super) fn new(to: Tcp, tls: Tls) -> Self {
        Self { to, tls, open: None }
    }

    /// Writes text.
    ///
    /// # Errors
    /// When it was not taken in time; the next attempt is over another connection.
    pub(super) async fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let mut stream = match self.idle().await {
            Some(stream) => stream,
            None => connect(&self.to, &self.tls).await?,
        };
        let write = async {
            stream.write_all(text).await?;
            stream.flush().await
        };
        within(self.to.server.timeout, write).await?;
        self.open = Some((stream, Instant::now()));
        Ok(())
    }

    /// The connection of the last time, if it can still be used.
    async fn idle(&mut self) -> Option<Box<dyn Stream>> {
        let (mut stream, since) = self.open.take()?;
        (since.elapsed() < self.to.keepalive && is_open(&mut stream).await).then_some(stream)
    }

    /// Says that no more will come.
    pub(super) async fn end(&mut self) {
        if let Some((mut stream, _)) = self.open.take() {
            let _ = within(self.to.server.timeout, stream.shutdown()).await;
        }
    }
}

/// Whether the other side has not hung up. What it says is passed over.
async fn is_open(stream: &mut Box<dyn Stream>) -> bool {
    let mut some = [0; 256];
    // Once a read would wait, all is well.
    while let Ok(read) = timeout(Duration::ZERO, stream.read(&mut some)).await {
        if read.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}
