//! An upstream whose behaviour on the wire is the test's to write.

use super::{Head, Peer};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A listening upstream. Each connection is served by its own thread; no more are taken once this is dropped.
pub(crate) struct Upstream {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

// === impl Upstream ===

impl Upstream {
    /// Calls `serve` with each connection and its number, from 0. An error that it returns ends the connection.
    pub(crate) fn start(serve: impl Fn(&mut Peer, usize) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", serve)
    }

    /// The same at a given address.
    pub(crate) fn start_at(
        address: &str,
        serve: impl Fn(&mut Peer, usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::new(AtomicUsize::new(0)),
            stopped: Arc::new(AtomicBool::new(false)),
        };
        let (connections, stopped) = (upstream.connections.clone(), upstream.stopped.clone());
        std::thread::spawn(move || accept(&listener, &connections, &stopped, &Arc::new(serve)));
        upstream
    }

    /// Answers every request with these bytes, after reading its body. The connection stays open.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |peer, _| {
            loop {
                let head = peer.head()?;
                peer.body(&head)?;
                peer.send(&answer)?;
            }
        })
    }

    /// Answers every request with its method, target and body, as text.
    pub(crate) fn echo() -> Self {
        Self::start(|peer, _| {
            loop {
                let head = peer.head()?;
                let body = peer.body(&head)?;
                peer.send(echo_answer(&head, &body))?;
            }
        })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it took so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag and drops the listener.
        let _ = std::net::TcpStream::connect(self.address);
    }
}

fn accept<F>(listener: &TcpListener, connections: &AtomicUsize, stopped: &AtomicBool, serve: &Arc<F>)
where
    F: Fn(&mut Peer, usize) -> io::Result<()> + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(mut peer) = stream.and_then(Peer::new) else { continue };
        let number = connections.fetch_add(1, Ordering::SeqCst);
        let serve = serve.clone();
        std::thread::spawn(move || serve(&mut peer, number));
    }
}

fn echo_answer(head: &Head, body: &[u8]) -> Vec<u8> {
    let (method, target) = head.line.split_once(' ').unwrap_or_default();
    let target = target.split(' ').next().unwrap_or_default();
    let text = format!("{method} {target} {}", String::from_utf8_lossy(body));
    let length = text.len();
    let text = if method == "HEAD" { String::new() } else { text };
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{text}").into_bytes()
}
