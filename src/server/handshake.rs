//! How a connection to a TLS listener begins: with a handshake, or with a client that forgot TLS and is told so in words
//! that it understands, as nginx does (its status 497, which reaches the client as 400).
//!
//! Not here: the time limit, which is the caller's and covers all of it.

use super::downstream::Refuse;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// nginx's own status for a plain request to a TLS listener.
pub(super) const PLAIN_HTTP: u16 = 497;
/// How much of such a request is read, and how long, so that the answer is not lost to a reset.
const LINGER_BYTES: u64 = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// Shakes hands; `None` after a client that spoke plain HTTP was told.
///
/// # Errors
/// Whatever ends the handshake; the client was sent its alert.
pub(super) async fn accept(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    refuse: &Refuse,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    if is_plain(&socket).await? {
        return tell(socket, &refuse(PLAIN_HTTP)).await.map(|()| None);
    }
    acceptor.accept(socket).await.map(Some)
}

/// No TLS record and no SSL 2 hello begins with a letter; every method does.
async fn is_plain(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let len = socket.peek(&mut first).await?;
    Ok(len == 1 && first[0].is_ascii_alphabetic())
}

async fn tell(mut socket: TcpStream, words: &[u8]) -> io::Result<()> {
    socket.write_all(words).await?;
    socket.shutdown().await?;
    let mut rest = socket.take(LINGER_BYTES);
    let _ = tokio::time::timeout(LINGER_TIME, copy(&mut rest, &mut sink())).await;
    Ok(())
}
