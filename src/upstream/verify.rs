//! Is an upstream the one we mean? Two answers: anyone is (`tls_verify` off, as Kong's default), or its certificate
//! says so by a chain to an authority that we trust.
//!
//! Not here: which of the two, and which authorities (`tls.rs`).
//!
//! Chains are checked by webpki. What OpenSSL, and so Kong, accepts beside them, and private networks really use:
//! * a certificate issued directly by a *configured* authority although it calls itself an authority (what
//!   `openssl req -x509` makes, then given as its own CA) or is of X.509 version 1 (`openssl x509 -req`);
//! * a name that stands in the subject's CN only, if the certificate has no DNS names.

use crate::crypto;
use crate::keys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use webpki::{EndEntityCert, InvalidNameContext, KeyUsage, RawPublicKeyEntity, VerifiedPath, anchor_from_trusted_cert};
use x509_parser::prelude::{ASN1Time, GeneralName, X509Certificate, X509Version};

/// Authorities.
#[derive(Debug)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// Those that may vouch directly, in spite of webpki: configured ones, never the system's.
    configured: Vec<CertificateDer<'static>>,
}

/// Believes any certificate; the handshake must still be signed by its key.
#[derive(Debug)]
pub struct Anyone;

/// Believes what leads to an authority.
#[derive(Debug)]
pub struct Chained {
    /// The authorities.
    pub trust: Arc<Trust>,
    /// Most intermediate certificates between leaf and authority, as OpenSSL counts `verify_depth`.
    pub depth: usize,
}

/// A reason that rustls has no word for.
#[derive(Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More intermediate certificates than `tls_verify_depth`.
    Depth(usize),
    /// What webpki says.
    Chain(webpki::Error),
    /// Cannot be read.
    Unreadable(String),
}

// === impl Trust ===

impl Trust {
    /// Authorities that the configuration names.
    ///
    /// # Errors
    /// With the first that is no certificate.
    pub fn configured(certificates: Vec<CertificateDer<'static>>) -> Result<Self, webpki::Error> {
        let anchors = certificates.iter().map(anchor).collect::<Result<_, _>>()?;
        Ok(Self { anchors, configured: certificates })
    }

    /// The system's, beside configured ones. Those that cannot be used are left out: a system's store may hold such.
    #[must_use]
    pub fn with_system(mut self, certificates: &[CertificateDer<'static>]) -> Self {
        self.anchors.extend(certificates.iter().filter_map(|certificate| anchor(certificate).ok()));
        self
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Whether a configured authority issued the leaf itself (or is the leaf), and both are valid now.
    fn vouches(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> bool {
        let Ok(parsed) = keys::parse(leaf) else { return false };
        let issued = |authority: &CertificateDer<'_>| authority == leaf || issued_by(&parsed, authority, now);
        valid(&parsed, now) && serves(&parsed) && self.configured.iter().any(issued)
    }
}

fn anchor(certificate: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, webpki::Error> {
    anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned())
}

fn issued_by(leaf: &X509Certificate<'_>, authority: &CertificateDer<'_>, now: UnixTime) -> bool {
    let Ok(authority) = keys::parse(authority) else { return false };
    authority.subject().as_raw() == leaf.issuer().as_raw()
        && may_issue(&authority)
        && valid(&authority, now)
        && signed_by(leaf, &authority)
}

/// An authority without name constraints, which only webpki would weigh.
fn may_issue(authority: &X509Certificate<'_>) -> bool {
    let old_root = authority.version() == X509Version::V1 && authority.subject() == authority.issuer();
    let keys = authority.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    let unconstrained = authority.name_constraints().is_ok_and(|constraints| constraints.is_none());
    (authority.is_ca() || old_root) && keys && unconstrained
}

/// Whether a certificate may be a server's: no extended key usage at all, or that of servers.
fn serves(leaf: &X509Certificate<'_>) -> bool {
    let usage = leaf.extended_key_usage();
    usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.any || usage.value.server_auth))
}

fn valid(certificate: &X509Certificate<'_>, now: UnixTime) -> bool {
    let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
    now.is_some_and(|now| certificate.validity().is_valid_at(now))
}

/// Tries every algorithm that we know: the key decides which can succeed.
fn signed_by(leaf: &X509Certificate<'_>, authority: &X509Certificate<'_>) -> bool {
    let key = keys::public_key(authority);
    let (message, signature) = (leaf.tbs_certificate.as_ref(), &leaf.signature_value.data);
    RawPublicKeyEntity::try_from(&key)
        .is_ok_and(|key| algorithms().all.iter().any(|way| key.verify_signature(*way, message, signature).is_ok()))
}

// === impl Chained ===

impl Chained {
    fn chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let short = |path: &VerifiedPath<'_>| self.short(path);
        let outcome = EndEntityCert::try_from(leaf).and_then(|leaf| {
            let (known, anchors) = (algorithms().all, &self.trust.anchors);
            leaf.verify_for_usage(known, anchors, intermediates, now, KeyUsage::server_auth(), None, Some(&short))
                .map(drop)
        });
        match outcome {
            Err(webpki::Error::CaUsedAsEndEntity | webpki::Error::UnsupportedCertVersion)
                if self.trust.vouches(leaf, now) =>
            {
                Ok(())
            }
            Err(webpki::Error::MaximumPathDepthExceeded) => Err(refused(Refusal::Depth(self.depth))),
            outcome => outcome.map_err(translate),
        }
    }

    fn short(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        let fits = path.intermediate_certificates().count() <= self.depth;
        fits.then_some(()).ok_or(webpki::Error::MaximumPathDepthExceeded)
    }
}

/// Whether the certificate is for this name.
fn named(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    let outcome = EndEntityCert::try_from(leaf).and_then(|leaf| leaf.verify_is_valid_for_subject_name(name));
    match outcome {
        Err(_) if common_name(leaf, &name.to_str()) => Ok(()),
        Err(webpki::Error::UnsupportedCertVersion) => {
            Err(translate(webpki::Error::CertNotValidForName(InvalidNameContext {
                expected: name.to_owned(),
                presented: Vec::new(),
            })))
        }
        outcome => outcome.map_err(translate),
    }
}

/// `X509_check_host`: the CN counts only where there is no DNS name.
fn common_name(leaf: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(leaf) = keys::parse(leaf) else { return false };
    let Ok(alternatives) = leaf.subject_alternative_name() else { return false };
    let dns = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(_));
    if alternatives.is_some_and(|names| names.value.general_names.iter().any(dns)) {
        return false;
    }
    leaf.subject().iter_common_name().any(|common| common.as_str().is_ok_and(|common| covers(common, name)))
}

/// Equal without regard to case, or `*.` before all but the first label; a wildcard stands for a whole label, and
/// covers nothing directly below the root.
fn covers(pattern: &str, name: &str) -> bool {
    if let Some(parent) = pattern.strip_prefix("*.") {
        let rest = name.split_once('.').map(|(_, rest)| rest);
        return parent.contains('.') && rest.is_some_and(|rest| rest.eq_ignore_ascii_case(parent));
    }
    pattern.eq_ignore_ascii_case(name)
}

impl ServerCertVerifier for Chained {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chain(leaf, intermediates, now)?;
        named(leaf, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed_12(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed_13(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

// === impl Anyone ===

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed_12(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed_13(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

// === handshake signatures ===

fn algorithms() -> WebPkiSupportedAlgorithms {
    crypto::provider().signature_verification_algorithms
}

/// By the bare key, for rustls' own function refuses certificates of version 1. As there, all of a scheme's algorithms
/// are tried: in TLS 1.2 a scheme does not say the curve (RFC 5246 §7.4.1.4.1).
fn signed_12(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let key = key_of(leaf)?;
    let key = RawPublicKeyEntity::try_from(&key).map_err(translate)?;
    let algorithms = algorithms();
    let mut ways = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme).flat_map(|(_, ways)| *ways);
    if ways.any(|way| key.verify_signature(*way, message, signed.signature()).is_ok()) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}

fn signed_13(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature_with_raw_key(message, &key_of(leaf)?, signed, &algorithms())
}

fn key_of(leaf: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    keys::parse(leaf).map(|leaf| keys::public_key(&leaf)).map_err(|reason| refused(Refusal::Unreadable(reason)))
}

// === errors ===

/// rustls' words where it has them.
fn translate(error: webpki::Error) -> Error {
    match error {
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        webpki::Error::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after }.into(),
        webpki::Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }.into()
        }
        webpki::Error::CertNotValidForName(InvalidNameContext { expected, presented }) => {
            CertificateError::NotValidForNameContext { expected, presented }.into()
        }
        error => refused(Refusal::Chain(error)),
    }
}

fn refused(refusal: Refusal) -> Error {
    CertificateError::Other(OtherError(Arc::new(refusal))).into()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth(depth) => {
                write!(
                    f,
                    "more than {depth} intermediate certificates in the chain, the most that tls_verify_depth allows"
                )
            }
            Self::Chain(webpki::Error::CaUsedAsEndEntity) => {
                f.write_str("the certificate is an authority's own, and not itself among the trusted ones")
            }
            Self::Chain(webpki::Error::UnsupportedCertVersion) => {
                f.write_str("a certificate of X.509 version 1 must be issued directly by a configured authority")
            }
            Self::Chain(error) => error.fmt(f),
            Self::Unreadable(reason) => write!(f, "the certificate cannot be read: {reason}"),
        }
    }
}

/// As displayed: rustls shows errors of others by their `Debug`.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
