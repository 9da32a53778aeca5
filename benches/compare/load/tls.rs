//! TLS as the loads speak it.

use crate::Target;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup, RootCertStore};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts the target, knows no ticket, and takes X25519 (with `hybrid` X25519MLKEM768, too).
pub(crate) fn client(target: &Target, hybrid: bool) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(target.certificate.clone()).unwrap();
    let mut provider = aws_lc_rs::default_provider();
    let wanted = |group| group == NamedGroup::X25519 || hybrid && group == NamedGroup::X25519MLKEM768;
    provider.kx_groups.retain(|group| wanted(group.name()));
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.resumption = Resumption::disabled();
    client
}

pub(crate) async fn dial(target: &Target) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(("127.0.0.1", target.port)).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

pub(crate) async fn connect(target: &Target, client: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    client.connect(ServerName::try_from("localhost").unwrap(), dial(target).await?).await
}
