//! Plain HTTP at a TLS listener: the client is told in HTTP, as nginx tells it, since no HTTP client understands an alert.

use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most bytes of a request that are read before the connection is closed: what is left unread would make the kernel reset
/// the connection, and take the answer from the client.
const MOST: u64 = 1024 * 1024;

/// Whether a client begins with an HTTP method. A TLS record begins with no letter.
pub(super) async fn is_http(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(socket.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase())
}

/// Says where to go instead, and hangs up.
pub(super) async fn refuse(mut socket: TcpStream, local: SocketAddr, now: SystemTime) -> io::Result<()> {
    socket.write_all(answer(local, now).as_bytes()).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut socket.take(MOST), &mut tokio::io::sink()).await.map(|_| ())
}

fn answer(local: SocketAddr, now: SystemTime) -> String {
    let body = format!("this port ({}) speaks HTTPS: ask for https:// instead of http://\n", local.port());
    format!(
        "HTTP/1.1 400 Bad Request\r\ndate: {}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        httpdate::fmt_http_date(now),
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_whole() {
        let text = answer(([127, 0, 0, 1], 8443).into(), SystemTime::UNIX_EPOCH);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())));
        assert!(body.starts_with("this port (8443) speaks HTTPS"));
    }
}
