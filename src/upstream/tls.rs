//! TLS toward upstreams: one rustls configuration for each different way of speaking it, shared by all workers.
//!
//! Not here: what makes a certificate good (`verify.rs`), connecting, and pooling.

use super::verify::{Anyone, Chained, Trust};
use crate::crypto;
use crate::keys::{self, KeyError};
use crate::settings::Settings;
use crate::settings::pem::Pem;
use crate::snapshot::UpstreamTls;
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Most intermediate certificates where `tls_verify_depth` is not set (nginx's `proxy_ssl_verify_depth`).
pub const DEPTH: u8 = 1;

/// One way of speaking TLS to upstreams.
#[derive(Debug)]
pub struct ClientTls {
    /// Different for different ways, within a process; equal ways have one number, over reloads as well. A pool must
    /// have it in its keys, for a connection that nobody verified must not serve those who ask for it (Kong's does).
    pub id: u64,
    /// For the handshake.
    pub config: Arc<ClientConfig>,
    verify: bool,
}

/// Makes [`ClientTls`], once for each different [`UpstreamTls`].
#[derive(Debug)]
pub struct ClientConfigs {
    client: Option<CertifiedKey>,
    trusted: Vec<Pem>,
    defaults: OnceLock<Result<Arc<Trust>, TlsError>>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    last: u64,
    ways: HashMap<UpstreamTls, Weak<ClientTls>>,
}

/// Why a service's TLS cannot be set up.
#[derive(Clone, Debug)]
pub enum TlsError {
    /// Its certificate, its key, or a file of authorities.
    Key(Arc<KeyError>),
    /// An authority that is no certificate.
    Authority(webpki::Error),
    /// There is nobody to trust; what the system said, if anything.
    NoRoots(String),
    /// What rustls says.
    Rustls(rustls::Error),
    /// The Host value cannot be in a certificate, and verification is on.
    Name(Box<str>),
}

// === impl ClientConfigs ===

impl ClientConfigs {
    /// Reads the files of `client_ssl_cert`; those of `lua_ssl_trusted_certificate` only when a service needs them.
    ///
    /// # Errors
    /// If the client certificate cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, KeyError> {
        let read = |(cert, key): &(Pem, Pem)| keys::certified(keys::chain(cert)?, keys::key(key)?);
        Ok(Self {
            client: settings.client_ssl.as_ref().map(read).transpose()?,
            trusted: settings.trusted_certificates.clone(),
            defaults: OnceLock::new(),
            known: Mutex::default(),
        })
    }

    /// The way to speak TLS with a service. For when a snapshot is taken up: it hashes certificates, takes a lock, and
    /// the first call that needs them reads the system's authorities.
    ///
    /// # Errors
    /// If there is nobody to trust, or a certificate or key cannot be used. Only that service is concerned.
    pub fn get(&self, wanted: &UpstreamTls) -> Result<Arc<ClientTls>, TlsError> {
        let wanted = normal(wanted);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = known.ways.get(&wanted).and_then(Weak::upgrade) {
            return Ok(way);
        }
        let config = Arc::new(self.build(&wanted)?);
        known.last += 1;
        let way = Arc::new(ClientTls { id: known.last, config, verify: wanted.verify });
        known.ways.retain(|_, way| way.strong_count() > 0);
        known.ways.insert(wanted, Arc::downgrade(&way));
        Ok(way)
    }

    /// No ALPN: upstreams get HTTP/1.1 as from nginx, and some refuse what they do not know.
    fn build(&self, wanted: &UpstreamTls) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(crypto::provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Rustls)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(wanted)?);
        let own = wanted.client.as_ref().map(|(chain, key)| keys::certified_der(chain, key)).transpose();
        Ok(match own.map_err(TlsError::from)?.or_else(|| self.client.clone()) {
            Some(pair) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair))),
            None => builder.with_no_client_auth(),
        })
    }

    fn verifier(&self, wanted: &UpstreamTls) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if !wanted.verify {
            return Ok(Arc::new(Anyone));
        }
        let depth = usize::from(wanted.depth.unwrap_or(DEPTH));
        Ok(Arc::new(Chained { trust: self.trust(&wanted.authorities)?, depth }))
    }

    fn trust(&self, authorities: &[Vec<u8>]) -> Result<Arc<Trust>, TlsError> {
        if authorities.is_empty() {
            return self.defaults.get_or_init(|| defaults(&self.trusted).map(Arc::new)).clone();
        }
        let authorities = authorities.iter().cloned().map(CertificateDer::from).collect();
        Trust::configured(authorities).map(Arc::new).map_err(TlsError::Authority)
    }
}

/// What makes no difference is left out, so that equal ways are one.
fn normal(wanted: &UpstreamTls) -> UpstreamTls {
    if wanted.verify {
        return UpstreamTls { depth: Some(wanted.depth.unwrap_or(DEPTH)), ..wanted.clone() };
    }
    UpstreamTls { client: wanted.client.clone(), ..UpstreamTls::default() }
}

/// The authorities of the settings: files, and the system's for `system` or where nothing is set.
fn defaults(authorities: &[Pem]) -> Result<Trust, TlsError> {
    let system = |pem: &&Pem| pem.file().is_some_and(|path| path.as_os_str() == "system");
    let mut configured = Vec::new();
    for pem in authorities.iter().filter(|pem| !system(pem)) {
        configured.extend(keys::chain(pem)?);
    }
    let trust = Trust::configured(configured).map_err(TlsError::Authority)?;
    let trust =
        if authorities.is_empty() || authorities.iter().any(|pem| system(&pem)) { with_system(trust)? } else { trust };
    if trust.is_empty() { Err(TlsError::NoRoots(String::new())) } else { Ok(trust) }
}

fn with_system(trust: Trust) -> Result<Trust, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() && trust.is_empty() {
        let reason = found.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(TlsError::NoRoots(reason));
    }
    Ok(trust.with_system(&found.certs))
}

// === impl ClientTls ===

impl ClientTls {
    /// The name for a handshake, from the value of the Host header that the upstream gets, whose port is left out. It is
    /// sent as SNI and sought in the certificate. An address is not sent (RFC 6066 §3), and neither is what could not be
    /// a name at all.
    ///
    /// # Errors
    /// If verification is on and the value could not be in any certificate.
    pub fn name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let host = without_port(host);
        match ServerName::try_from(host) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) if self.verify => Err(TlsError::Name(host.into())),
            Err(_) => Ok(ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED))),
        }
    }
}

/// `name:port`, `address:port`, `[v6]:port`, or any of them without port; v6 also without brackets.
fn without_port(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

// === impl TlsError ===

impl From<KeyError> for TlsError {
    fn from(error: KeyError) -> Self {
        Self::Key(Arc::new(error))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Authority(error) => write!(f, "an authority's certificate cannot be used: {error}"),
            Self::NoRoots(reason) => {
                f.write_str("no authority to verify upstreams with: install ca-certificates, or set ca_certificates ")?;
                f.write_str("of the service or lua_ssl_trusted_certificate")?;
                if reason.is_empty() { Ok(()) } else { write!(f, " ({reason})") }
            }
            Self::Rustls(error) => error.fmt(f),
            Self::Name(name) => write!(f, "no certificate can be valid for `{name}`"),
        }
    }
}

impl std::error::Error for TlsError {}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
