#![allow(clippy::unwrap_used)]

use super::*;
use crate::crypto;
use crate::keys::fixtures;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream as Client;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a record of TLS 1.3 adds to what it carries: the kind, and the tag (RFC 8446 §5.2).
const SEAL: usize = 1 + 16;
/// What comes before it.
const HEAD: usize = 5;
const STALL: Duration = Duration::from_secs(5);

type Writes = Rc<RefCell<Vec<Vec<u8>>>>;

/// A socket that remembers what each write took.
struct Logged {
    stream: DuplexStream,
    writes: Writes,
}

impl AsyncRead for Logged {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Logged {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.writes.borrow_mut().push(buf[..written].to_vec());
        Poll::Ready(Ok(written))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(cx, &joined(bufs))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Socket for Logged {}

fn joined(bufs: &[IoSlice<'_>]) -> Vec<u8> {
    bufs.iter().flat_map(|buf| buf.iter().copied()).collect()
}

/// A socket on whose way there is so much room, the other end, and what is written.
fn logged(room: usize) -> (Logged, DuplexStream, Writes) {
    let ((stream, theirs), writes) = (duplex(room), Writes::default());
    (Logged { stream, writes: Rc::clone(&writes) }, theirs, writes)
}

fn plain(room: usize) -> (Outbox<Logged>, DuplexStream, Writes) {
    let (ours, theirs, writes) = logged(room);
    (Outbox::new(ours, STALL), theirs, writes)
}

/// The same over TLS, after the handshake.
async fn secure(room: usize) -> (Outbox<TlsStream<Logged>>, Client<DuplexStream>, Writes) {
    let pair = fixtures::leaf(&["a.test"]);
    let (chain, key) = (vec![CertificateDer::from(pair.chain[0].clone())], PrivateKeyDer::try_from(pair.key).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let (server, client) = (
        ServerConfig::builder_with_provider(crypto::provider()),
        ClientConfig::builder_with_provider(crypto::provider()),
    );
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let client = client.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let acceptor = TlsAcceptor::from(Arc::new(server.with_single_cert(chain, key).unwrap()));
    let connector = TlsConnector::from(Arc::new(client.with_no_client_auth()));
    let (ours, theirs, writes) = logged(room);
    let name = ServerName::try_from("a.test").unwrap();
    let (ours, mut theirs) = tokio::try_join!(acceptor.accept(ours), connector.connect(name, theirs)).unwrap();
    let mut outbox = Outbox::new(ours, STALL);
    // Tickets are on their way still.
    put(&mut outbox, &[b"begin"]).await.unwrap();
    let mut begun = [0; 5];
    let (sent, read) = tokio::join!(sent(&mut outbox), theirs.read_exact(&mut begun));
    sent.and(read).unwrap();
    writes.borrow_mut().clear();
    (outbox, theirs, writes)
}

/// Puts these in: pieces of bodies, and what is not larger than a frame's head, as the gateway's own.
async fn put<S: Socket>(outbox: &mut Outbox<S>, parts: &[&[u8]]) -> io::Result<()> {
    for part in parts {
        poll_fn(|cx| outbox.poll_room(cx)).await?;
        match part.len() {
            0..=9 => outbox.own().extend_from_slice(part),
            _ => outbox.push(Bytes::copy_from_slice(part)),
        }
    }
    poll_fn(|cx| outbox.poll_room(cx)).await
}

async fn sent<S: Socket>(outbox: &mut Outbox<S>) -> io::Result<()> {
    poll_fn(|cx| outbox.poll_sent(cx)).await
}

fn sizes(writes: &Writes) -> Vec<usize> {
    writes.borrow().iter().map(Vec::len).collect()
}

/// What the records of a write carry.
fn records(mut bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    while let [_, _, _, high, low, ..] = *bytes {
        let len = usize::from(u16::from_be_bytes([high, low]));
        found.push(len - SEAL);
        bytes = &bytes[HEAD + len..];
    }
    found
}

#[tokio::test]
async fn small_answers_of_a_turn_leave_in_one_write() {
    let (mut outbox, mut theirs, writes) = plain(1 << 16);
    for answer in 0..4 {
        put(&mut outbox, &[&[answer; 300]]).await.unwrap();
        put(&mut outbox, &[&[answer; 9], &[answer; 1024]]).await.unwrap();
    }
    assert!(writes.borrow().is_empty());
    sent(&mut outbox).await.unwrap();
    assert_eq!(sizes(&writes), [4 * 1333]);
    let mut got = [0; 4 * 1333];
    theirs.read_exact(&mut got).await.unwrap();
    assert!((0..4).all(|answer| got[1333 * usize::from(answer)..][..1333] == [answer; 1333]));
}

#[tokio::test]
async fn over_tls_they_leave_in_one_record() {
    let (mut outbox, mut theirs, writes) = secure(1 << 16).await;
    for answer in 0..4 {
        put(&mut outbox, &[&[answer; 1333]]).await.unwrap();
    }
    sent(&mut outbox).await.unwrap();
    assert_eq!(writes.borrow().len(), 1);
    assert_eq!(records(&writes.borrow()[0]), [4 * 1333]);
    theirs.read_exact(&mut [0; 4 * 1333]).await.unwrap();
}

#[tokio::test]
async fn a_large_piece_passes_with_what_waits() {
    let (mut outbox, _theirs, writes) = plain(1 << 16);
    put(&mut outbox, &[b"head"]).await.unwrap();
    put(&mut outbox, &[&[1; 9], &[2; 20_000]]).await.unwrap();
    assert_eq!(sizes(&writes), [20_013]);
}

#[tokio::test]
async fn large_frames_become_full_records_in_one_write() {
    let (mut outbox, mut theirs, writes) = secure(1 << 20).await;
    for frame in 0..4 {
        put(&mut outbox, &[&[9; 9], &[frame; RECORD]]).await.unwrap();
    }
    assert!(writes.borrow().is_empty());
    sent(&mut outbox).await.unwrap();
    assert_eq!(writes.borrow().len(), 1);
    assert_eq!(records(&writes.borrow()[0]), [RECORD, RECORD, RECORD, RECORD, 4 * 9]);
    let mut got = vec![0; 4 * (9 + RECORD)];
    theirs.read_exact(&mut got).await.unwrap();
    assert!((0..4).all(|frame| got[(9 + RECORD) * usize::from(frame) + 9..][..RECORD] == [frame; RECORD]));
}

/// How much is taken that nobody reads, when pieces of this size are offered, one in each turn.
async fn taken<S: Socket>(outbox: &mut Outbox<S>, size: usize) -> usize {
    let (piece, mut taken) = (vec![7; size], 0);
    poll_fn(|cx| {
        while let Poll::Ready(result) = outbox.poll_room(cx) {
            result.unwrap();
            outbox.push(Bytes::copy_from_slice(&piece));
            taken += size;
            let _ = outbox.poll_sent(cx).map(Result::unwrap);
        }
        Poll::Ready(taken)
    })
    .await
}

#[tokio::test]
async fn what_nobody_reads_is_soon_not_taken_any_more_and_arrives_in_the_end() {
    for size in [10, 1000, 16_384] {
        let (mut outbox, mut theirs, _) = secure(1 << 14).await;
        let taken = taken(&mut outbox, size).await;
        assert!((1 << 14..8 * RECORD).contains(&taken), "{taken}");
        let mut got = vec![0; taken];
        let (sent, read) = tokio::join!(sent(&mut outbox), theirs.read_exact(&mut got));
        sent.and(read).unwrap();
        assert!(got == vec![7; taken], "{size}");
    }
}

/// Seconds until a client is given up that reads nothing, and makes small things be written.
async fn patience<S: Socket>(mut outbox: Outbox<S>) -> u64 {
    let start = Instant::now();
    put(&mut outbox, &[&[0; 9000]]).await.unwrap();
    loop {
        if let Ok(sent) = tokio::time::timeout(Duration::from_secs(1), sent(&mut outbox)).await {
            assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
            return start.elapsed().as_secs();
        }
        put(&mut outbox, &[b"pong"]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up_though_it_keeps_us_busy() {
    let (outbox, _theirs, _) = plain(4096);
    assert_eq!(patience(outbox).await, STALL.as_secs());
    let (outbox, _theirs, _) = secure(4096).await;
    assert_eq!(patience(outbox).await, STALL.as_secs());
    let ((mut outbox, _theirs, _), start) = (plain(4096), Instant::now());
    assert_eq!(put(&mut outbox, &[&[0; 16_384][..]; 20]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), STALL.as_secs());
}

/// How many bytes arrive at one who reads a little every four seconds, and in how many seconds.
async fn slowly<S: Socket>(mut outbox: Outbox<S>, mut raw: DuplexStream) -> (usize, u64) {
    let start = Instant::now();
    let reading = async {
        let mut total = 0;
        loop {
            tokio::time::sleep(Duration::from_secs(4)).await;
            match raw.read(&mut [0; 4000]).await.unwrap() {
                0 => return (total, start.elapsed().as_secs()),
                some => total += some,
            }
        }
    };
    let sending = async move {
        put(&mut outbox, &[&[0; 10_000][..]; 10]).await.unwrap();
        sent(&mut outbox).await.unwrap();
    };
    tokio::join!(sending, reading).1
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_everything() {
    let (outbox, theirs, _) = plain(4096);
    let (bytes, seconds) = slowly(outbox, theirs).await;
    assert!(bytes == 100_000 && seconds > 10 * STALL.as_secs(), "{bytes} in {seconds}");
    let (outbox, theirs, _) = secure(4096).await;
    let (bytes, seconds) = slowly(outbox, theirs.into_inner().0).await;
    assert!(bytes == 100_000 + 7 * (HEAD + SEAL) && seconds > 10 * STALL.as_secs(), "{bytes} in {seconds}");
}

#[tokio::test]
async fn the_end_comes_after_all_that_waits() {
    let (mut outbox, mut theirs, _) = secure(1 << 16).await;
    put(&mut outbox, &[b"last words"]).await.unwrap();
    poll_fn(|cx| outbox.poll_shutdown(cx)).await.unwrap();
    let mut got = String::new();
    theirs.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "last words");
}

#[tokio::test]
async fn what_comes_behind_a_piece_that_waits_leaves_behind_it() {
    for step in [1, 5000, 70_000] {
        let (mut outbox, mut theirs, _) = plain(step);
        outbox.own().extend_from_slice(b"head");
        outbox.push(Bytes::from(vec![b'x'; 20_000]));
        outbox.own().extend_from_slice(b"pong");
        outbox.own().extend_from_slice(b"more");
        assert!(outbox.is_full());
        let mut got = vec![0; 20_012];
        let (sent, read) = tokio::join!(sent(&mut outbox), theirs.read_exact(&mut got));
        sent.and(read).unwrap();
        assert!(got == [b"head", &[b'x'; 20_000][..], b"pongmore"].concat(), "{step}");
        outbox.rest();
        assert_eq!((outbox.len(), outbox.own().capacity()), (0, 0));
    }
}
