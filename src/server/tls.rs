//! TLS toward clients: one rustls configuration per kind of listener.
//!
//! Not here: which certificate is shown (`certificates.rs`), handshakes and their time limit (the accept loop). After a
//! handshake `ServerConnection::server_name()` has the SNI, in lower case.

use super::certificates::{Live, Resolver};
use crate::crypto;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use std::sync::Arc;

/// What all TLS listeners of a process share: the live certificates, and the keys of session tickets, so that a client
/// may resume at any worker and any listener.
#[derive(Debug)]
pub struct ServerTls {
    certificates: Live,
    tickets: Arc<dyn ProducesTickets>,
}

// === impl ServerTls ===

impl ServerTls {
    /// Begins with fresh ticket keys. They are replaced every six hours; a ticket holds for twelve at most.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new(certificates: Live) -> Result<Self, rustls::Error> {
        Ok(Self { certificates, tickets: Ticketer::new()? })
    }

    /// The configuration of listeners with or without HTTP/2.
    ///
    /// The server's order of cipher suites holds (see [`crypto::provider`]), and a handshake leaves one ticket, not
    /// two: both make handshakes cheaper. Sessions are not stored here; the ticket has all.
    ///
    /// # Errors
    /// If the provider lacks what TLS 1.2 and 1.3 need; it does not.
    pub fn config(&self, http2: bool) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(crypto::provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(Arc::clone(&self.certificates))));
        config.ignore_client_order = true;
        config.send_tls13_tickets = 1;
        config.ticketer = Arc::clone(&self.tickets);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
