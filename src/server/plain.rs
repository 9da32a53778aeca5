//! A client that forgot TLS at a listener that wants it: it is told so in words that it understands, as nginx does (its
//! status 497, which reaches the client as 400), and not by an alert.
//!
//! Not here: the time limit, which is the caller's.

use super::downstream::Refuse;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;

/// nginx's own status for a plain request to a TLS listener.
pub(super) const PLAIN_HTTP: u16 = 497;
/// How much of such a request is read, and how long, so that the answer is not lost to a reset.
const LINGER_BYTES: u64 = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// Whether the client spoke plain HTTP, and was told.
///
/// # Errors
/// When the socket fails.
pub(super) async fn is_refused(socket: &mut TcpStream, refuse: &Refuse) -> io::Result<bool> {
    let mut first = [0];
    let len = socket.peek(&mut first).await?;
    // No TLS record and no SSL 2 hello begins with a letter; every method does.
    if len == 0 || !first[0].is_ascii_alphabetic() {
        return Ok(false);
    }
    socket.write_all(&refuse(PLAIN_HTTP)).await?;
    socket.shutdown().await?;
    let mut rest = socket.take(LINGER_BYTES);
    let _ = tokio::time::timeout(LINGER_TIME, copy(&mut rest, &mut sink())).await;
    Ok(true)
}
