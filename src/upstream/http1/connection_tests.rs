#![allow(clippy::unwrap_used)]

use super::*;
use crate::crypto;
use crate::keys::fixtures;
use crate::settings::Settings;
use crate::snapshot::UpstreamTls;
use crate::upstream::http1::early::relayed;
use crate::upstream::pool::Limits;
use crate::upstream::tls::ClientConfigs;
use http_body_util::Full;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const PATIENCE: Duration = Duration::from_secs(5);

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// Both ends of a connection with TLS.
async fn greeted() -> (Stream, TlsStream<TcpStream>) {
    let pair_of_keys = fixtures::leaf(&["up.test"]);
    let key = PrivateKeyDer::try_from(pair_of_keys.key.clone()).unwrap();
    let chain = pair_of_keys.chain.iter().cloned().map(CertificateDer::from).collect();
    let server = ServerConfig::builder_with_provider(crypto::provider()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let way = ClientConfigs::new(&Settings::default()).unwrap().get(&UpstreamTls::default()).unwrap();
    let (near, far) = pair().await;
    let near = TlsConnector::from(way.config.clone()).connect(way.name("up.test").unwrap(), near);
    let (near, far) = tokio::join!(near, TlsAcceptor::from(Arc::new(server)).accept(far));
    (Stream::Tls(Box::new(near.unwrap())), far.unwrap())
}

fn connection(stream: Stream) -> Box<Connection> {
    let key = Key { address: ([127, 0, 0, 1], 1).into(), tls: 0 };
    let limits = Limits { per_key: 1, uses: usize::MAX, idle: PATIENCE };
    let home = Rc::new(Pool::new(limits, std::time::Instant::now()));
    Connection::fresh(stream, key, ROOM, Shared::default(), Rc::default(), home)
}

/// Sends requests with small bodies until one of them waits for the upstream.
async fn fill(connection: &mut Connection) {
    loop {
        let mut body = Full::new(Bytes::from_static(&[b'x'; 10_000]));
        connection.begin(&Request::new(()), |_| {}, &body, PATIENCE);
        let sent = poll_fn(|cx| Poll::Ready(connection.poll_send(cx, &mut body).map(Result::unwrap))).await;
        if sent.is_pending() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_tls_holds_back_is_not_sent() {
    let (near, mut far) = greeted().await;
    let mut connection = connection(near);
    assert!(!connection.is_closed());
    fill(&mut connection).await;
    assert!(connection.queue.is_empty(), "TLS has taken it all");
    assert!(!connection.is_sent() && !connection.is_drained());
    let reads = async {
        let mut room = vec![0; MOST_ROOM];
        while far.read(&mut room).await.unwrap() > 0 {}
    };
    let sent = poll_fn(|cx| connection.poll_send(cx, &mut Full::<Bytes>::default()));
    tokio::select! {
        sent = sent => sent.unwrap(),
        () = reads => unreachable!("it stays open"),
    }
    assert!(connection.is_sent() && connection.is_drained());
}

#[tokio::test]
async fn an_upstream_that_takes_no_more_from_tls_is_given_up() {
    let (near, mut far) = greeted().await;
    let mut connection = connection(near);
    fill(&mut connection).await;
    let home = Rc::clone(connection.home.as_ref().unwrap());
    let all = async {
        // Its answer is over already.
        let _answer = relayed(connection, Full::<Bytes>::default(), Duration::from_millis(50));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut room = vec![0; MOST_ROOM];
        while let Ok(1..) = far.read(&mut room).await {}
    };
    tokio::time::timeout(PATIENCE, LocalSet::new().run_until(all)).await.expect("it is open still");
    assert!(home.is_empty());
}

#[tokio::test]
async fn what_is_given_up_is_sent_as_far_as_it_goes() {
    let (near, _far) = greeted().await;
    let mut connection = connection(near);
    fill(&mut connection).await;
    connection.abandon();
    assert!(connection.is_sent());
}

#[tokio::test]
async fn who_is_idle_holds_no_room() {
    let (near, mut far) = pair().await;
    let mut connection = connection(Stream::Plain(near));
    far.write_all(b"abc").await.unwrap();
    // A read of all that is asked for does not tell whether there is more.
    assert_eq!(poll_fn(|cx| connection.poll_read(cx, ROOM, 3)).await.unwrap(), 3);
    connection.buf.clear();
    assert!(!connection.stream.is_quiet(&mut Context::from_waker(Waker::noop())));
    assert!(!connection.is_closed());
    assert_eq!(connection.buf.capacity(), 0);
    far.write_all(b"d").await.unwrap();
    poll_fn(|cx| if connection.stream.is_quiet(cx) { Poll::Pending } else { Poll::Ready(()) }).await;
    assert!(connection.is_closed());
}
