//! TLS toward clients: one rustls configuration per kind of listener, and per server name that wants certificates of its
//! clients.
//!
//! Not here: which certificate is shown (`certificates/`), handshakes (`handshake.rs`) and their time limit.

use super::certificates::{Live, Resolver};
use crate::crypto;
use crate::settings::{Settings, TlsVersions};
use crate::snapshot::ClientAuth;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// What all TLS listeners of a process share: the live certificates, and the keys of session tickets, so that a client
/// may resume at any worker and any listener.
#[derive(Debug)]
pub struct ServerTls {
    certificates: Live,
    versions: TlsVersions,
    /// `None` lets nobody resume.
    tickets: Option<Arc<dyn ProducesTickets>>,
}

// === impl ServerTls ===

impl ServerTls {
    /// Begins with fresh ticket keys. They are replaced every six hours; a ticket holds for twelve at most.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new(certificates: Live, settings: &Settings) -> Result<Self, rustls::Error> {
        let tickets = settings.tls_tickets.then(Ticketer::new).transpose()?;
        Ok(Self { certificates, versions: settings.tls_versions, tickets })
    }

    /// The configuration of listeners with or without HTTP/2, for all clients or for those with a certificate.
    ///
    /// The server's order of cipher suites holds (see [`crypto::provider`]), and a handshake leaves one ticket, not
    /// two: both make handshakes cheaper. Sessions are not stored here; the ticket has all.
    ///
    /// # Errors
    /// If an authority cannot be used.
    pub fn config(&self, http2: bool, auth: Option<&ClientAuth>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(crypto::provider()).with_protocol_versions(&versions(self.versions))?;
        let builder = match auth {
            None => builder.with_no_client_auth(),
            Some(auth) => builder.with_client_cert_verifier(verifier(auth)?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Resolver(Arc::clone(&self.certificates))));
        config.ignore_client_order = true;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = usize::from(self.tickets.is_some());
        if let Some(tickets) = &self.tickets {
            config.ticketer = ticketer(tickets, auth)?;
        }
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Ok(Arc::new(config))
    }
}

/// A resumed session is not asked for a certificate again, so a ticket from elsewhere must not open a door that wants one.
fn ticketer(
    shared: &Arc<dyn ProducesTickets>,
    auth: Option<&ClientAuth>,
) -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    auth.map_or_else(|| Ok(Arc::clone(shared)), |_| Ticketer::new())
}

fn versions(wanted: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    match wanted {
        TlsVersions::Both => vec![&TLS13, &TLS12],
        TlsVersions::Only12 => vec![&TLS12],
        TlsVersions::Only13 => vec![&TLS13],
    }
}

fn verifier(auth: &ClientAuth) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in &auth.authorities {
        roots.add(CertificateDer::from(authority.clone()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto::provider());
    let builder = if auth.required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| rustls::Error::General(error.to_string()))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
