#![allow(clippy::unwrap_used)]

use super::probe::{Way, ask};
use crate::health::checks::{Active, Kind, Limits};
use crate::health::standing::Outcome;
use http::HeaderValue;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn active(kind: Kind) -> Active {
    Active {
        kind,
        timeout: Duration::from_millis(300),
        concurrency: 1,
        path: "/".into(),
        sni: None,
        verify: true,
        headers: Vec::new(),
        healthy_every: Duration::ZERO,
        unhealthy_every: Duration::ZERO,
        limits: Limits::default(),
    }
}

/// Answers one connection so; `None` says nothing and keeps it.
async fn server(answer: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut some = [0; 512];
        let _ = socket.read(&mut some).await;
        match answer {
            Some(bytes) => socket.write_all(bytes).await.unwrap(),
            None => std::future::pending().await,
        }
    });
    address
}

async fn outcome(kind: Kind, answer: Option<&'static [u8]>) -> Outcome {
    let address = server(answer).await;
    ask(&active(kind), None::<&Way>, address, &HeaderValue::from_static("t")).await
}

#[tokio::test]
async fn what_comes_of_asking() {
    assert_eq!(outcome(Kind::Http, Some(b"HTTP/1.1 204 No Content\r\n\r\n")).await, Outcome::Status(204));
    assert_eq!(outcome(Kind::Http, Some(b"220 mail\r\n")).await, Outcome::Nonsense);
    assert_eq!(outcome(Kind::Http, Some(b"")).await, Outcome::Broken);
    assert_eq!(outcome(Kind::Http, None).await, Outcome::Timeout);
    assert_eq!(outcome(Kind::Tcp, None).await, Outcome::Connected);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = ask(&active(Kind::Tcp), None::<&Way>, gone, &HeaderValue::from_static("t")).await;
    assert_eq!(refused, Outcome::Broken);
}
