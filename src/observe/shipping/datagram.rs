//! Lines in datagrams, over a network or to the system's log.

use super::wire::within;
use crate::outbox::Server;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::{UdpSocket, UnixDatagram, lookup_host};

/// Longest time for the system's log to take a line.
const LOCAL: Duration = Duration::from_secs(10);

/// Who takes them.
pub(super) enum Taker {
    Server(Server),
    Local(PathBuf),
}

/// Sends datagrams.
pub(super) struct Datagrams {
    to: Taker,
    open: Option<Socket>,
}

enum Socket {
    Udp(UdpSocket),
    Local(UnixDatagram),
}

// === impl Taker ===

impl Taker {
    async fn open(&self) -> io::Result<Socket> {
        match self {
            Self::Server(server) => within(server.timeout, udp(server)).await.map(Socket::Udp),
            Self::Local(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(Socket::Local(socket))
            }
        }
    }

    fn limit(&self) -> Duration {
        match self {
            Self::Server(server) => server.timeout,
            Self::Local(_) => LOCAL,
        }
    }
}

async fn udp(to: &Server) -> io::Result<UdpSocket> {
    let mut last = io::ErrorKind::NotFound.into();
    for address in lookup_host((&*to.host, to.port)).await? {
        let any = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(any).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

// === impl Datagrams ===

impl Datagrams {
    pub(super) fn new(to: Taker) -> Self {
        Self { to, open: None }
    }

    /// Sends one. A socket that tells of an earlier failure is replaced.
    ///
    /// # Errors
    /// When there is nobody to send to, or the system does not send it.
    pub(super) async fn send(&mut self, text: &[u8]) -> io::Result<()> {
        if let Some(socket) = self.open.take()
            && self.send_over(socket, text).await.is_ok()
        {
            return Ok(());
        }
        let socket = self.to.open().await?;
        self.send_over(socket, text).await
    }

    async fn send_over(&mut self, socket: Socket, text: &[u8]) -> io::Result<()> {
        within(self.to.limit(), socket.send(text)).await?;
        self.open = Some(socket);
        Ok(())
    }
}

// === impl Socket ===

impl Socket {
    async fn send(&self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(text).await,
            Self::Local(socket) => socket.send(text).await,
        }
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::net::UnixDatagram as Listener;

    #[test]
    fn a_system_log_that_began_anew_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut log = Datagrams::new(Taker::Local(path.clone()));
        runtime.block_on(async {
            assert!(log.send(b"nobody").await.is_err());
            for text in ["one", "two"] {
                let listener = Listener::bind(&path).unwrap();
                log.send(text.as_bytes()).await.unwrap();
                let mut buffer = [0; 16];
                let read = listener.recv(&mut buffer).unwrap();
                assert_eq!(&buffer[..read], text.as_bytes());
                std::fs::remove_file(&path).unwrap();
            }
        });
    }
}
