//! Messages through tunnels. The upstream sends back the very bytes that it gets; no server in between looks at them.

use crate::{LIMIT, Seen, Target, tls, together};
use std::io;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TASKS: usize = 32;
const HEADERS: &str = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

pub(crate) async fn run(target: &Target, path: &str, bytes: usize) -> Seen {
    together(TASKS, |_| work(target.clone(), path.to_owned(), bytes)).await
}

async fn work(target: Target, path: String, bytes: usize) -> Seen {
    let mut seen = Seen::default();
    let Ok(Ok(mut stream)) = tokio::time::timeout(LIMIT, open(&target, &path)).await else {
        seen.errors += 1;
        return seen;
    };
    let mut message = vec![b'm'; bytes];
    while Instant::now() < target.end {
        let start = Instant::now();
        match tokio::time::timeout(LIMIT, exchange(&mut stream, &mut message)).await {
            Ok(Ok(())) => seen.times.push(start.elapsed()),
            _ => {
                seen.errors += 1;
                return seen;
            }
        }
    }
    seen
}

/// A tunnel, once the server has changed its protocol.
async fn open(target: &Target, path: &str) -> io::Result<TcpStream> {
    let mut stream = tls::dial(target).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{HEADERS}\r\n").as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101 ") { Ok(stream) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn exchange(stream: &mut TcpStream, message: &mut [u8]) -> io::Result<()> {
    stream.write_all(message).await?;
    stream.read_exact(message).await.map(drop)
}
