//! Connections that ask once and stay, for what a server keeps of each. Says `ready` when all of them have had their answer.

use crate::{LIMIT, Seen, Target, tls};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const REQUEST: &[u8] = b"GET /rest/v1/1k HTTP/1.1\r\nHost: localhost\r\n\r\n";

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

pub(crate) async fn run(target: &Target, mode: &str, count: usize) -> Seen {
    let mut seen = Seen::default();
    let mut kept = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        match tokio::time::timeout(LIMIT, connection(target, mode)).await {
            Ok(Ok(stream)) => {
                seen.times.push(start.elapsed());
                kept.push(stream);
            }
            _ => seen.errors += 1,
        }
    }
    println!("ready");
    tokio::time::sleep_until(target.end.into()).await;
    seen
}

async fn connection(target: &Target, mode: &str) -> io::Result<Box<dyn Stream>> {
    let mut stream: Box<dyn Stream> = if mode == "tls" {
        Box::new(tls::connect(target, &TlsConnector::from(Arc::new(tls::client(target, false)))).await?)
    } else {
        Box::new(tls::dial(target).await?)
    };
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::with_capacity(4096);
    while !whole(&answer) {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(stream)
}

/// Whether a head and 1 KiB behind it are there.
fn whole(answer: &[u8]) -> bool {
    answer.windows(4).position(|four| four == b"\r\n\r\n").is_some_and(|end| answer.len() >= end + 4 + 1024)
}
