//! New TLS 1.3 connections, one after another on each of some tasks, each with one request. A handshake that is not of the
//! kind asked for is an error: each task's first cannot be resumed and counts for nothing.

use crate::{LIMIT, Seen, Target, tls, together};
use rustls::HandshakeKind;
use rustls::client::Resumption;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const TASKS: usize = 16;
const REQUEST: &[u8] = b"GET /rest/v1/1k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// `full`: with a certificate and X25519; `hybrid`: with X25519MLKEM768 where the server knows it; `resumed`: with a ticket
/// of the connection before.
pub(crate) async fn run(target: &Target, kind: &str) -> Seen {
    let resumed = kind == "resumed";
    together(TASKS, |_| {
        let mut client = tls::client(target, kind == "hybrid");
        if resumed {
            // Each task's own: it never lacks a ticket, and never has a choice.
            client.resumption = Resumption::default();
        }
        work(target.clone(), TlsConnector::from(Arc::new(client)), resumed)
    })
    .await
}

async fn work(target: Target, client: TlsConnector, resumed: bool) -> Seen {
    let mut seen = Seen::default();
    let mut first = true;
    while Instant::now() < target.end {
        let start = Instant::now();
        let got = tokio::time::timeout(LIMIT, connect(&target, &client)).await;
        let wanted = if resumed && !first { HandshakeKind::Resumed } else { HandshakeKind::Full };
        match got {
            Ok(Ok(kind)) if kind == wanted && first => {}
            Ok(Ok(kind)) if kind == wanted => seen.times.push(start.elapsed()),
            _ => seen.errors += 1,
        }
        first = false;
    }
    seen
}

/// One connection, from its handshake to the end of an answer.
async fn connect(target: &Target, client: &TlsConnector) -> io::Result<HandshakeKind> {
    let mut stream = tls::connect(target, client).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::with_capacity(4096);
    let ended = stream.read_to_end(&mut answer).await;
    let whole = answer.starts_with(b"HTTP/1.1 200") && answer.len() > 1024;
    if !whole {
        return Err(ended.err().unwrap_or_else(|| io::ErrorKind::InvalidData.into()));
    }
    stream.get_ref().1.handshake_kind().ok_or_else(|| io::ErrorKind::InvalidData.into())
}
