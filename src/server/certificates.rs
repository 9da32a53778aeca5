//! Which certificate a listener shows: chosen by the name that the client asks for (`kong/operations.md` §2, TLS).
//!
//! Not here: files' contents (`keys`), and the rest of the TLS configuration (`tls.rs`).

use crate::keys::{self, KeyError};
use crate::settings::Settings;
use crate::snapshot::{Certificates, KeyPair};
use arc_swap::ArcSwap;
use rustls::SignatureAlgorithm;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// One certificate, or two or more of different key types for the same names; RSA last.
pub type Shown = Arc<[Arc<CertifiedKey>]>;

/// The certificates in force; a reload stores new ones, and the next handshake shows them.
pub type Live = Arc<ArcSwap<CertTable>>;

/// Certificates by name.
#[derive(Debug)]
pub struct CertTable {
    exact: HashMap<Box<str>, Shown>,
    /// `*.parent`, keyed `.parent`.
    parents: HashMap<Box<str>, Shown>,
    /// `prefix.*`, keyed `prefix.`.
    prefixes: HashMap<Box<str>, Shown>,
    /// The SNI `*`.
    any: Option<Shown>,
    /// For all other names, and for clients that name none.
    fallback: Shown,
}

/// A certificate that cannot be used, with the names it was to serve.
#[derive(Debug)]
pub struct CertError {
    /// Its SNIs; may be none.
    pub names: Vec<String>,
    /// Why.
    pub source: KeyError,
}

/// Chooses for rustls.
#[derive(Debug)]
pub struct Resolver(pub Live);

/// The certificates for names that nothing else serves: those of `ssl_cert`, else one made now for `localhost`
/// (ECDSA P-256, signed by itself).
///
/// # Errors
/// If a file is missing, malformed, or its key is another's.
pub fn fallback(settings: &Settings) -> Result<Shown, KeyError> {
    if settings.ssl_cert.is_empty() {
        return Ok(shown(vec![generate()?]));
    }
    let pairs = settings.ssl_cert.iter().zip(&settings.ssl_cert_key);
    if settings.ssl_cert.len() != settings.ssl_cert_key.len() {
        return Err(KeyError::Unpaired(settings.ssl_cert.len(), settings.ssl_cert_key.len()));
    }
    let read = |(cert, key): (&PathBuf, &PathBuf)| keys::certified(keys::certificates(cert)?, keys::private_key(key)?);
    pairs.map(read).collect::<Result<_, _>>().map(shown)
}

fn generate() -> Result<CertifiedKey, KeyError> {
    let fail = |error: rcgen::Error| KeyError::BadKey(error.to_string());
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = rcgen::CertificateParams::new(names).map_err(fail)?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let certificate = params.self_signed(&key).map_err(fail)?;
    keys::certified_der(&[certificate.der().to_vec()], &key.serialize_der())
}

/// RSA last: what both sides can do with another key is cheaper.
fn shown(mut pairs: Vec<CertifiedKey>) -> Shown {
    pairs.sort_by_key(|pair| pair.key.algorithm() == SignatureAlgorithm::RSA);
    pairs.into_iter().map(Arc::new).collect()
}

// === impl CertTable ===

impl CertTable {
    /// Makes the certificates of a snapshot ready.
    ///
    /// # Errors
    /// At the first that cannot be used.
    pub fn new(certificates: &Certificates, fallback: Shown) -> Result<Self, CertError> {
        let mut table =
            Self { exact: HashMap::new(), parents: HashMap::new(), prefixes: HashMap::new(), any: None, fallback };
        let ready: Vec<Shown> = (0..certificates.pairs.len())
            .map(|index| load(&certificates.pairs[index]).map_err(|source| name_it(certificates, index, source)))
            .collect::<Result<_, _>>()?;
        for (name, &index) in &certificates.names {
            if let Some(shown) = ready.get(index) {
                table.insert(name, shown);
            }
        }
        Ok(table)
    }

    fn insert(&mut self, name: &str, shown: &Shown) {
        let (name, shown) = (normal(name), Arc::clone(shown));
        if name == "*" {
            self.any = Some(shown);
        } else if let Some(parent) = name.strip_prefix('*') {
            self.parents.insert(parent.into(), shown);
        } else if let Some(prefix) = name.strip_suffix('*') {
            self.prefixes.insert(prefix.into(), shown);
        } else {
            self.exact.insert(name.into(), shown);
        }
    }

    /// What to show to a client that asks for `sni`: the exact name, then `*.parent`, `prefix.*` (each stands for one
    /// label), the SNI `*`, and last the fallback. Names are compared as DNS does (RFC 6066 §3), without regard to case
    /// or a dot at the end; Kong 2.8 minds the case.
    #[must_use]
    pub fn find(&self, sni: Option<&str>) -> &Shown {
        sni.and_then(|sni| self.named(sni)).or(self.any.as_ref().filter(|_| sni.is_some())).unwrap_or(&self.fallback)
    }

    fn named(&self, sni: &str) -> Option<&Shown> {
        if sni.ends_with('.') || sni.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.lower(&normal(sni));
        }
        self.lower(sni)
    }

    fn lower(&self, sni: &str) -> Option<&Shown> {
        let parent = || sni.find('.').and_then(|dot| self.parents.get(&sni[dot..]));
        let prefix = || sni.rfind('.').and_then(|dot| self.prefixes.get(&sni[..=dot]));
        self.exact.get(sni).or_else(parent).or_else(prefix)
    }
}

fn load(pairs: &[KeyPair]) -> Result<Shown, KeyError> {
    let ready: Vec<CertifiedKey> =
        pairs.iter().map(|pair| keys::certified_der(&pair.chain, &pair.key)).collect::<Result<_, _>>()?;
    if ready.is_empty() { Err(KeyError::BadCertificate("there is none".to_owned())) } else { Ok(shown(ready)) }
}

fn name_it(certificates: &Certificates, index: usize, source: KeyError) -> CertError {
    let mine = certificates.names.iter().filter(|(_, at)| **at == index);
    let mut names: Vec<String> = mine.map(|(name, _)| name.to_string()).collect();
    names.sort();
    CertError { names, source }
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

// === impl Resolver ===

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.0.load();
        let shown = table.find(hello.server_name());
        let [only] = &**shown else {
            let usable = |pair: &&Arc<CertifiedKey>| pair.key.choose_scheme(hello.signature_schemes()).is_some();
            return shown.iter().find(usable).or(shown.last()).cloned();
        };
        Some(Arc::clone(only))
    }
}

// === impl CertError ===

impl fmt::Display for CertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.as_slice() {
            [] => write!(f, "a certificate without SNIs cannot be used: {}", self.source),
            names => write!(f, "the certificate for {} cannot be used: {}", names.join(", "), self.source),
        }
    }
}

impl std::error::Error for CertError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys::fixtures;

    fn table(names: &[&str]) -> (CertTable, Vec<Vec<u8>>) {
        let pairs: Vec<Vec<KeyPair>> = names.iter().map(|_| vec![fixtures::leaf(&["x.test"])]).collect();
        let leaves = pairs.iter().map(|pair| pair[0].chain[0].clone()).collect();
        let names = names.iter().enumerate().map(|(index, name)| ((*name).into(), index)).collect();
        let certificates = Certificates { pairs, names };
        (CertTable::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap(), leaves)
    }

    #[test]
    fn names_in_kongs_order() {
        let names = ["exact.test", "*.wild.test", "pre.*", "exact.wild.test", "pre.exact"];
        let (table, leaves) = table(&names);
        let find = |sni: &str| {
            let leaf = table.find(Some(sni))[0].cert[0].to_vec();
            leaves.iter().position(|known| *known == leaf).map(|index| names[index])
        };
        for (sni, want) in [
            ("exact.test", Some("exact.test")),
            ("EXACT.Test", Some("exact.test")),
            ("exact.test.", Some("exact.test")),
            ("a.wild.test", Some("*.wild.test")),
            ("exact.wild.test", Some("exact.wild.test")),
            ("a.b.wild.test", None),
            ("wild.test", None),
            ("pre.org", Some("pre.*")),
            ("pre.exact", Some("pre.exact")),
            ("pre.wild.test", Some("*.wild.test")),
            ("pre.co.uk", None),
            ("pre", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(find(sni), want, "{sni}");
        }
    }

    #[test]
    fn a_star_takes_any_name_but_not_none() {
        let (table, leaves) = table(&["*"]);
        assert_eq!(table.find(Some("whatever.test"))[0].cert[0].to_vec(), leaves[0]);
        assert_ne!(table.find(None)[0].cert[0].to_vec(), leaves[0]);
    }

    #[test]
    fn an_unusable_certificate_is_named() {
        let mut pair = fixtures::leaf(&["a.test"]);
        pair.key = fixtures::leaf(&["b.test"]).key;
        let names = [("b.test".into(), 0), ("a.test".into(), 0)].into_iter().collect();
        let certificates = Certificates { pairs: vec![vec![pair]], names };
        let error = CertTable::new(&certificates, fallback(&Settings::default()).unwrap()).unwrap_err();
        let text = "the certificate for a.test, b.test cannot be used: certificate does not match key";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn files_come_before_a_made_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, pair) = (folder.path().join("both.pem"), fixtures::leaf(&["file.test"]));
        std::fs::write(&path, fixtures::pem(&pair)).unwrap();
        let mut settings = Settings { ssl_cert: vec![path.clone()], ssl_cert_key: vec![path], ..Settings::default() };
        assert_eq!(fallback(&settings).unwrap()[0].cert[0].to_vec(), pair.chain[0]);
        settings.ssl_cert_key.clear();
        assert!(fallback(&settings).unwrap_err().to_string().contains("1 times while ssl_cert_key was specified 0"));
        settings.ssl_cert_key = vec![folder.path().join("missing.pem")];
        assert!(fallback(&settings).unwrap_err().to_string().contains("missing.pem: No such file"));
    }
}
